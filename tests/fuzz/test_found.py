"""What fuzzing found, each mended: an input that once got through, and what is said of it now."""

import sys
from pathlib import Path

import pytest

from kmlp.errors import KmlpError
from tests.fuzz.harness import Target, fuzz
from tests.fuzz.targets import TARGETS

FOUND = Path(__file__).parent / "found"
SAID = {
    # polars allocates what is claimed, and aborts the process where that fails.
    "claims-2-exabytes.arrow": ("x.arrow", "it claims "),
    "claims-2-gigabytes.arrow": ("x.arrow", "bytes, packed into "),
    "claims-2-exabytes.parquet": ("x.parquet", "it claims "),
    # Read whole it had the 24 rows of its row groups, in batches the 17 of its notes.
    "rows.parquet": ("x.parquet", "it claims 17 rows, and has 24"),
    # pyarrow's, valid: the data of a column without values stands at 0, which was read as notes.
    "no-rows-of-pyarrow.parquet": ("x.parquet", "the table has no rows"),
    # All that a packed file's header claimed was taken before the first byte was unpacked.
    "claims-idx3-ubyte.gz": ("x-idx3-ubyte.gz", "cannot be read: "),
    # Tables of a search whose `values` are no list ended in a TypeError.
    "values-of-layers.search.toml": ("search.toml", "hidden_units is narrowed by values"),
    "values.search.toml": ("search.toml", "is narrowed by values"),
    # Of two variants that are tables one had no name: a KeyError.
    "nameless.study.toml": ("study.toml", "a variant table needs a name"),
    # Eight times its range is beyond float32: NumPy's warning got out.
    "overflow.npz": ("x.npz", "of which float32 keeps too few digits"),
    # Lists in lists without end.
    "nested.importance.json": ("importance.json", "not the importance of columns"),
    # Ranges in steps are listed: these filled the memory.
    "endless.search.toml": ("search.toml", "at most 1,000,000 values; take a larger step"),
    "steps.search.toml": ("search.toml", "at most 1,000,000 values; take a larger step"),
}


def _target(name: str, content: bytes) -> Target:
    """The target with one input."""
    target = next(t for t in TARGETS if t.name == name)
    one = lambda rng, seeds: content  # noqa: E731
    return Target(
        name=name, seeds=lambda: [content], read=target.read, mutate=one, refused=target.refused
    )


@pytest.mark.skipif(sys.platform != "linux", reason="limits its memory as Linux does")
@pytest.mark.parametrize("name", SAID)
def test_what_once_got_through_is_refused_in_words(name, tmp_path):
    content = (FOUND / name).read_bytes()
    target = _target(SAID[name][0], content)
    assert not fuzz(target, 1, tmp_path).broken
    with pytest.raises(KmlpError, match=SAID[name][1]):
        target.read(tmp_path / target.name)


@pytest.mark.skipif(sys.platform != "linux", reason="limits its memory as Linux does")
def test_a_cell_of_many_digits_is_seen_to_be_no_number_at_once(tmp_path):
    """The time that it took grew with the square of its length: the harness ends that."""
    content = b"a,b\n1," + b"9" * 60_000 + b"x\n2,y\n"
    found = fuzz(_target("x.csv", content), 1, tmp_path)
    assert not found.broken
    assert found.read == 1
