"""Files in, examples out: the same pixels whatever the format, a batch in memory at a time."""

import gzip
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from kmlp.data.arrays.idx import idx_bytes
from kmlp.deploy.inputs import count_inputs, read_inputs
from kmlp.errors import DataError

SHAPE = (4, 6)
X = np.random.default_rng(0).integers(0, 256, (7, *SHAPE), dtype=np.uint8)


def read(path, **options) -> tuple[list[str], np.ndarray]:
    batches = list(read_inputs(path, SHAPE, **options))
    assert count_inputs(path) == sum(len(b.names) for b in batches)
    return [n for b in batches for n in b.names], np.concatenate([b.x for b in batches])


def write_idx(path, x) -> None:
    path.write_bytes(idx_bytes(x))


WRITERS = {
    "x.npy": np.save,
    "x.npz": lambda path, x: np.savez(path, x=x, y=np.zeros(len(x))),
    "only.npz": lambda path, x: np.savez_compressed(path, images=x),
    "t10k-images-idx3-ubyte": write_idx,
    "t10k-images-idx3-ubyte.gz": lambda path, x: path.write_bytes(gzip.compress(idx_bytes(x))),
}


@pytest.mark.parametrize("name", WRITERS)
def test_arrays_come_back_in_batches_numbered_by_row(tmp_path, monkeypatch, name):
    monkeypatch.setattr("kmlp.deploy.inputs._BATCH", 3)
    WRITERS[name](tmp_path / name, X)
    names, x = read(tmp_path / name)
    assert names == list("0123456")
    np.testing.assert_array_equal(x, X)
    assert [len(b.x) for b in read_inputs(tmp_path / name, SHAPE)] == [3, 3, 1]


@pytest.mark.long
@pytest.mark.parametrize("name", ["x.npy", "only.npz", "t10k-images-idx3-ubyte.gz"])
def test_memory_holds_a_batch_not_the_file(tmp_path, name):
    """20 MB of examples, read with less than 4."""
    WRITERS[name](tmp_path / name, np.zeros((25_600, 28, 28), np.uint8))
    tracemalloc.start()
    try:
        assert sum(len(b.x) for b in read_inputs(tmp_path / name, (28, 28))) == 25_600
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4e6


def test_a_folder_is_read_by_name_and_other_files_are_passed_over(tmp_path):
    for name, image in (("b.png", X[1]), ("a.png", X[0]), ("C.PNG", X[2])):
        Image.fromarray(image).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    names, x = read(tmp_path)
    assert names == ["C.PNG", "a.png", "b.png"]
    np.testing.assert_array_equal(x, X[[2, 0, 1]])


def test_an_image_of_any_size_is_resized(tmp_path):
    """Black to the left and white to the right, 300 rows and 90 columns of them."""
    Image.fromarray(np.repeat([[0, 255]], 45, axis=1).astype("u1").repeat(300, axis=0)).save(
        tmp_path / "big.png"
    )
    _, x = read(tmp_path / "big.png")
    assert x.shape == (1, *SHAPE)
    assert x[..., :2].max() < 30
    assert x[..., 4:].min() > 225


def test_a_jpeg_is_read(tmp_path):
    Image.fromarray(np.full(SHAPE, 120, np.uint8)).save(tmp_path / "flat.jpg")
    _, x = read(tmp_path / "flat.jpg")
    np.testing.assert_allclose(x, 120, atol=1)


def test_dark_on_light_inverts_images_and_arrays(tmp_path):
    Image.fromarray(X[0]).save(tmp_path / "a.png")
    np.save(tmp_path / "x.npy", X)
    np.testing.assert_array_equal(read(tmp_path / "a.png", dark_on_light=True)[1][0], 255 - X[0])
    np.testing.assert_array_equal(read(tmp_path / "x.npy", dark_on_light=True)[1], 255 - X)


@pytest.mark.parametrize("dark_on_light", [False, True])
def test_what_is_transparent_is_ground(tmp_path, dark_on_light):
    """Ground is 0 to the network, whichever way the image is drawn."""
    clear = np.zeros((*SHAPE, 4), np.uint8)
    clear[..., 0] = 77
    Image.fromarray(clear).save(tmp_path / "clear.png")
    np.testing.assert_array_equal(read(tmp_path / "clear.png", dark_on_light=dark_on_light)[1], 0)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp"])
def test_images_come_in_the_shape_that_the_model_takes(tmp_path, suffix):
    coloured = np.random.default_rng(1).integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
    Image.fromarray(coloured).save(tmp_path / f"a.{suffix}", lossless=True)
    Image.fromarray(X[0]).save(tmp_path / f"b.{suffix}", lossless=True)
    (batch,) = read_inputs(tmp_path, (*SHAPE, 3))
    np.testing.assert_array_equal(batch.x, [coloured, np.dstack([X[0]] * 3)])
    (grey,) = read_inputs(tmp_path, (*SHAPE, 1))
    assert grey.x.shape == (2, *SHAPE, 1)
    np.testing.assert_array_equal(grey.x[1, ..., 0], X[0])
    with pytest.raises(DataError, match="takes no images but examples of shape"):
        next(read_inputs(tmp_path, (*SHAPE, 4)))


def test_16_bits_a_pixel_are_scaled_not_clipped(tmp_path):
    Image.fromarray(X[0].astype(np.uint16) * 257).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read(tmp_path / "deep.png")[1][0], X[0])


def test_a_photo_is_turned_as_its_camera_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(X[0]).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(read(tmp_path / "turned.png")[1][0], X[0, ::-1, ::-1])


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("none.npy", lambda p: None, "none.npy: no such file or folder"),
        ("none.png", lambda p: None, "none.png: no such file or folder"),
        ("a.png", lambda p: p.write_bytes(b"no"), "a.png: cannot be read as an image"),
        ("empty", lambda p: p.mkdir(), "empty: holds no PNG, JPEG, BMP, GIF, WebP or TIFF files"),
        ("a.txt", lambda p: p.write_text("hello"), "neither .npy nor .npz nor an image .PNG, "),
        ("a.npy", lambda p: np.save(p, np.array(3)), "holds a single number, not examples"),
        ("a.npy", lambda p: p.write_bytes(b"no"), "a.npy: cannot be read: "),
        ("a.npz", lambda p: p.write_bytes(b"no"), "File is not a zip file; copy or save it again"),
        ("a.npz", lambda p: np.savez(p, a=X, b=X), "name the inputs x; it holds a, b"),
        ("a.npy", lambda p: np.save(p, np.asfortranarray(X)), r"np.ascontiguousarray\(x\)"),
        (
            "a.npy",
            lambda p: np.save(p, np.array([{}]), allow_pickle=True),
            "it holds Python objects, not numbers",
        ),
        ("cut", lambda p: p.write_bytes(idx_bytes(X)[:-1]), "it is too short: its header claims"),
        (
            "cut",
            lambda p: p.write_bytes(idx_bytes(X)[:9]),
            "the file ends in its header, after 9 of 16",
        ),
        (
            "a.gz",
            lambda p: p.write_bytes(gzip.compress(idx_bytes(X))[:-20]),
            "a.gz: cannot be read: ",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path, name, write, message):
    write(tmp_path / name)
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))


def test_images_for_a_model_of_features_are_refused(tmp_path):
    Image.fromarray(X[0]).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"takes no images but examples of shape \(30,\)"):
        list(read_inputs(tmp_path / "a.png", (30,)))


def test_only_pixels_are_inverted(tmp_path):
    np.save(tmp_path / "x.npy", X / 255)
    with pytest.raises(DataError, match=r"inverts uint8 pixels\. Received: float64"):
        list(read_inputs(tmp_path / "x.npy", SHAPE, dark_on_light=True))
