"""Arrays are read from a member's file as NumPy reads them."""

import io
import tracemalloc

import numpy as np
import pytest

from kmlp.study.run_folder.array_files import arrays_in, npz

ARRAYS = {
    "test_log_probabilities": np.random.default_rng(0).normal(size=(7, 3)).astype("float32"),
    "fortran/kernel": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "scalar": np.array(3, "int32"),
    "empty": np.zeros((0, 4)),
    "words": np.array(["a", "länger"]),
    "täler": np.array([True, False]),
    "big-endian": np.arange(3, dtype=">i8"),
}


def saved(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize("write", [lambda arrays: npz(arrays), lambda arrays: saved(**arrays)])
def test_every_kind_of_array_is_what_numpy_reads(write):
    """Of a file that kmlp did not write, which may be compressed, too."""
    content = write(ARRAYS)
    found = arrays_in(content)
    assert list(found) == list(ARRAYS)
    with np.load(io.BytesIO(content)) as expected:
        for name in ARRAYS:
            assert found[name].dtype == expected[name].dtype
            assert found[name].flags.f_contiguous == expected[name].flags.f_contiguous
            np.testing.assert_array_equal(found[name], expected[name])


def test_an_array_in_another_version_of_the_format_is_read_too():
    """NumPy writes names of fields in it that are no Latin."""
    named = np.ones(2, [("λ", "f8")])
    with pytest.warns(UserWarning, match=r"format 3\.0"):
        content = npz({"named": named})
    np.testing.assert_array_equal(arrays_in(content)["named"], named)


def test_an_array_can_be_written_and_does_not_hold_its_file():
    content = npz({"small": np.zeros(4), "large": np.zeros(500_000)})
    tracemalloc.start()
    copy = bytes(bytearray(content))
    small = arrays_in(copy)["small"]
    del copy
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    small[0] = 1.0
    assert held < 1_000_000


def test_objects_are_not_unpickled():
    """Whoever made the file."""
    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([{}], object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        arrays_in(buffer.getvalue())["a"]
