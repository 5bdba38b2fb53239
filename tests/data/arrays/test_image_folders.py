"""A folder with a folder of images a class is a data set, or is refused with what to do."""

import io

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from kmlp.data import load_dataset
from kmlp.data.arrays import image_folders
from kmlp.data.arrays.images import read_pixels
from kmlp.errors import DataError

rng = np.random.default_rng(0)
GREY = rng.integers(0, 256, (10, 3, 5), dtype=np.uint8)
COLOURED = rng.integers(0, 256, (10, 3, 5, 3), dtype=np.uint8)


def write(folder, images, suffix=".png", **options) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{i:02}{suffix}", **options)


def rows(data) -> np.ndarray:
    """All images, the training ones first, in an order of their own."""
    images = np.concatenate([data.x_train, data.x_test])
    return images[np.lexsort(images.reshape(len(images), -1).T)]


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".PNG"])
@pytest.mark.parametrize("images", [GREY, COLOURED], ids=["grey", "coloured"])
def test_every_format_gives_its_pixels(tmp_path, images, suffix):
    write(tmp_path / "a", images[:5], suffix, lossless=True)
    write(tmp_path / "b", images[5:], suffix, lossless=True)
    data = load_dataset(tmp_path, test=0.2)
    wanted = images[np.lexsort(images.reshape(10, -1).T)]
    np.testing.assert_array_equal(rows(data), wanted)
    assert (data.spec.input_dtype, data.spec.class_names) == ("uint8", ("a", "b"))
    assert (data.provenance.source, data.provenance.location) == ("folder", str(tmp_path))
    assert (len(data.x_train), len(data.x_test)) == (8, 2)
    assert data.y_test.tolist() == [0, 1]


def test_a_jpeg_of_grey_is_grey_whatever_its_channels(tmp_path):
    write(tmp_path / "a", np.full((5, 8, 8, 3), 77, np.uint8), ".jpg")
    write(tmp_path / "b", np.full((5, 8, 8), 99, np.uint8), ".jpeg")
    data = load_dataset(tmp_path)
    assert data.spec.input_shape == (8, 8)
    assert set(np.unique(data.x_train)) == {77, 99}


def test_grey_images_among_coloured_ones_get_three_channels(tmp_path):
    write(tmp_path / "train" / "a", GREY[:5])
    write(tmp_path / "train" / "b", GREY[5:])
    write(tmp_path / "test" / "a", COLOURED[:1])
    data = load_dataset(tmp_path)
    np.testing.assert_array_equal(data.x_train[:5], np.repeat(GREY[:5, ..., None], 3, axis=3))
    np.testing.assert_array_equal(data.x_test, COLOURED[:1])
    write(tmp_path / "train" / "b", COLOURED[:1], ".bmp")
    assert load_dataset(tmp_path).x_train.shape == (11, 3, 5, 3)


def test_images_that_test_may_be_set_apart(tmp_path, caplog):
    for part, images in (("Train", GREY), ("Testing", GREY[:4])):
        write(tmp_path / part / "9", images[::2])
        write(tmp_path / part / "10", images[1::2])
    write(tmp_path / "val" / "9", GREY)
    data = load_dataset(tmp_path)
    assert data.spec.class_names == ("9", "10")
    assert (data.y_train.tolist(), data.y_test.tolist()) == ([0] * 5 + [1] * 5, [0, 0, 1, 1])
    assert "1 of 3 entries are no" in caplog.text
    assert "val/" in caplog.text
    assert "4 of 4 test rows stand in the training rows, too" in data.warnings[-1]
    with pytest.raises(DataError, match="has test images of its own"):
        load_dataset(tmp_path, test=0.2)


def test_the_share_of_images_that_test_is_said(tmp_path):
    write(tmp_path / "a", GREY[:5])
    write(tmp_path / "b", GREY[5:])
    assert len(load_dataset(tmp_path, test=0.4).x_test) == 4
    with pytest.raises(DataError, match="test of arrays and images is a share"):
        load_dataset(tmp_path, test="a")
    with pytest.raises(DataError, match="target is of tables"):
        load_dataset(tmp_path, target="a")


def test_classes_may_be_called_train_and_test(tmp_path):
    write(tmp_path / "train", GREY[:5])
    write(tmp_path / "bus", GREY[5:])
    assert load_dataset(tmp_path).spec.class_names == ("bus", "train")


def test_images_of_several_sizes_are_refused_before_one_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(image_folders, "read_pixels", lambda path: pytest.fail(f"decoded {path}"))
    write(tmp_path / "a", GREY[:2])
    write(tmp_path / "b", GREY[:2])
    write(tmp_path / "b", [np.zeros((4, 5), np.uint8)], ".bmp")
    with pytest.raises(DataError) as caught:
        load_dataset(tmp_path)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / 'b' / '00.bmp'}: is 4 x 5 pixels high and wide, ")
    assert f"{tmp_path / 'a' / '00.png'} is 3 x 5" in said
    assert said.endswith("Image.open(path).resize((5, 3)).save(path)")


def test_images_beyond_the_memory_are_refused_before_one_is_decoded(tmp_path, monkeypatch):
    write(tmp_path / "a", GREY)
    write(tmp_path / "b", GREY)
    monkeypatch.setattr(image_folders, "available_memory", lambda: 2 * 20 * 15 - 1)
    with pytest.raises(DataError, match=r"20 images of 3 x 5 pixels take .* Shrink them first"):
        load_dataset(tmp_path)


def _folders(path, *names):
    for name in names:
        write(path / name, GREY[:2])
    return path


REFUSED = {
    "nothing": (lambda path: None, "is no data set: it holds neither a folder of images a class"),
    "no folders": (
        lambda path: write(path, GREY),
        r"its three companions\. Put the images of each class into a folder of their own\.$",
    ),
    "an empty class": (
        lambda path: (_folders(path, "a", "b") / "c").mkdir(),
        r"c: holds no PNG, .* files\. Each folder in .* is a class: fill it, or take it away",
    ),
    "no test set": (
        lambda path: _folders(path, "train/a", "train/b", "val/a"),
        r"holds train/, val/: train/ and test/ are wanted, each with a folder a class",
    ),
    "one class": (lambda path: write(path / "a", GREY), "at least two classes are needed"),
    "an unknown class": (
        lambda path: _folders(path, "train/a", "train/b", "test/c"),
        "y_train holds no example of class c",
    ),
    "another kind": (
        lambda path: (_folders(path, "a", "b") / "b" / "0.gif").write_bytes(b"BM" + bytes(60)),
        r"0.gif: cannot be read as an image: it is no GIF, whatever its name: it is BMP",
    ),
    "cut short": (
        lambda path: (_folders(path, "a", "b") / "b" / "0.bmp").write_bytes(
            saved(GREY[0], "BMP")[:-9]
        ),
        r"0.bmp: cannot be read as an image: image file is truncated",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_such_folder_is_named(tmp_path, case):
    make, message = REFUSED[case]
    make(tmp_path)
    with pytest.raises(DataError, match=message):
        load_dataset(tmp_path)


def test_what_tools_leave_behind_is_no_class(tmp_path):
    _folders(tmp_path, "a", "b", ".ipynb_checkpoints", "__MACOSX")
    (tmp_path / "a" / "notes.txt").write_text("seen")
    assert load_dataset(tmp_path).spec.class_names == ("a", "b")


def saved(image: np.ndarray, kind: str, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **options)
    return file.getvalue()


def _tiff(image: np.ndarray, **tags) -> bytes:
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        info[int(tag[1:])] = value
    return saved(image, "TIFF", tiffinfo=info)


_MORE = [Image.fromarray(x) for x in GREY[:3]]
HOSTILE = {
    "an animation.gif": (
        saved(GREY[3], "GIF", save_all=True, append_images=_MORE),
        "it is an animation of 4 frames",
    ),
    "an animation.webp": (
        saved(COLOURED[3], "WEBP", save_all=True, append_images=_MORE, lossless=True),
        "it is an animation of 4 frames",
    ),
    "pages.tif": (
        saved(GREY[3], "TIFF", save_all=True, append_images=_MORE),
        "it has 4 pages; save the one that is meant",
    ),
    "numbers.tif": (saved(GREY[0].astype(np.float32), "TIFF"), "no pixels of 8 or 16 bits"),
    "long.tif": (saved(GREY[0].astype(np.int32), "TIFF"), "no pixels of 8 or 16 bits"),
    "signed.tif": (_tiff(GREY[0], t339=2), "values of 8 bits that are not read"),
    "cut.gif": (saved(GREY[0], "GIF")[:40], "cannot be read as an image"),
    "cut.webp": (saved(GREY[0], "WEBP")[:60], "cannot be read as an image"),
    "riff.webp": (b"RIFF\x24\0\0\0WAVEfmt " + bytes(30), "its header is no WebP header"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_image_that_is_not_one_picture_of_pixels_is_named(tmp_path, name):
    content, message = HOSTILE[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_pixels(tmp_path / name)


def test_sixteen_bits_are_read_by_their_own_range(tmp_path):
    deep = GREY[0].astype(np.uint16) * 257
    Image.fromarray(deep).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.tif"), GREY[0])


def test_what_is_transparent_is_black(tmp_path):
    image = np.dstack([COLOURED[0], np.full((3, 5), 255, np.uint8)])
    image[0, 0, 3] = 0
    Image.fromarray(image).save(tmp_path / "a.png")
    pixels = read_pixels(tmp_path / "a.png")
    assert pixels[0, 0].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(pixels[1:], COLOURED[0, 1:])


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".webp", ".png"])
def test_a_photo_is_upright(tmp_path, suffix):
    image = Image.fromarray(COLOURED[0])
    exif = image.getexif()
    exif[0x0112] = 6  # its camera was turned by a quarter
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(3):
            image.save(tmp_path / name / f"{i}{suffix}", exif=exif)
    assert load_dataset(tmp_path).spec.input_shape == (5, 3, 3)
