"""Images: every kind of pixel by its own range, and nothing but the PNG or JPEG that is named."""

import io
import os
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from kmlp.data.arrays.images import MOST_PIXELS, read_image
from kmlp.deploy.inputs import count_inputs, read_inputs
from kmlp.errors import DataError

SHAPE = (4, 6)
X = np.random.default_rng(0).integers(0, 256, (3, *SHAPE), dtype=np.uint8)


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png(
    depth: int, colour: int, row: bytes, *chunks: bytes, size: tuple[int, int] = (4, 1)
) -> bytes:
    """A PNG of one row, from its own bits; colour as in the format: 0 grey, 2 RGB, 3 palette."""
    header = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" + row))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + b"".join(chunks) + pixels + chunk(b"IEND", b"")


def saved(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


PALETTE = chunk(b"PLTE", bytes([10] * 3 + [20] * 3 + [30] * 3 + [40] * 3))
# Row by row: what the file says, and what of it is grey; None is transparent.
PIXELS = {
    "1 bit": (png(1, 0, b"\x50"), [0, 255, 0, 255]),
    "1 bit, white transparent": (png(1, 0, b"\x50", chunk(b"tRNS", b"\0\1")), [0, None, 0, None]),
    "2 bits": (png(2, 0, b"\x1b"), [0, 85, 170, 255]),
    "2 bits, 2 transparent": (png(2, 0, b"\x1b", chunk(b"tRNS", b"\0\2")), [0, 85, None, 255]),
    "4 bits, 10 transparent": (
        png(4, 0, b"\x05\xaf", chunk(b"tRNS", b"\0\x0a")),
        [0, 85, None, 255],
    ),
    "8 bits, 80 transparent": (
        png(8, 0, b"\x00\x50\xa0\xff", chunk(b"tRNS", b"\0\x50")),
        [0, None, 160, 255],
    ),
    "16 bits": (png(16, 0, b"\x00\x07\x50\x12\xa0\xff\xff\xff"), [0, 80, 160, 255]),
    "16 bits, one transparent": (
        png(16, 0, b"\x00\x00\x50\x12\xa0\xff\xff\xff", chunk(b"tRNS", b"\x50\x12")),
        [0, None, 160, 255],
    ),
    "grey and alpha": (png(8, 4, b"\x00\xff\x50\0\xa0\xff\xff\0"), [0, None, 160, None]),
    "16 bits of grey and alpha": (
        png(16, 4, b"\x00\0\xff\xff\x50\0\0\0\xa0\0\xff\xff\xff\xff\0\0"),
        [0, None, 160, None],
    ),
    "RGB": (png(8, 2, bytes([90] * 3 + [0] * 3 + [255] * 3 + [7] * 3)), [90, 0, 255, 7]),
    "RGB, one transparent": (
        png(8, 2, bytes([1, 2, 3] + [200] * 9), chunk(b"tRNS", bytes([0, 1, 0, 2, 0, 3]))),
        [None, 200, 200, 200],
    ),
    "16 bits of RGB": (png(16, 2, bytes([100, 0] * 12)), [100] * 4),
    "palette": (png(8, 3, bytes([0, 1, 2, 3]), PALETTE), [10, 20, 30, 40]),
    "palette of 2 bits": (png(2, 3, b"\x1b", PALETTE), [10, 20, 30, 40]),
    "palette, two transparent": (
        png(8, 3, bytes([0, 1, 2, 3]), PALETTE, chunk(b"tRNS", bytes([0, 255, 0]))),
        [None, 20, None, 40],
    ),
}


@pytest.mark.parametrize("case", PIXELS)
def test_pixels_are_read_by_their_own_range_and_the_transparent_are_ground(tmp_path, case):
    """Ground is 0 to the network, whichever way the image is drawn."""
    content, grey = PIXELS[case]
    path = tmp_path / "a.png"
    path.write_bytes(content)
    light = [0 if value is None else value for value in grey]
    np.testing.assert_array_equal(read_image(path, (1, 4)), [light])
    dark = [0 if value is None else 255 - value for value in grey]
    np.testing.assert_array_equal(read_image(path, (1, 4), dark_on_light=True), [dark])


def test_what_is_half_transparent_is_half_ground(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(8, 4, b"\xc8\x80" * 4))
    np.testing.assert_array_equal(read_image(path, (1, 4)), 100)
    np.testing.assert_array_equal(read_image(path, (1, 4), dark_on_light=True), 255 - 227)


@pytest.mark.parametrize(
    ("mode", "colour", "grey"), [("CMYK", (0, 0, 0, 155), 100), ("L", 100, 100)]
)
def test_a_jpeg_is_grey_whatever_its_colours(tmp_path, mode, colour, grey):
    path = tmp_path / "a.jpeg"
    path.write_bytes(saved(Image.new(mode, (6, 4), colour), "JPEG"))
    np.testing.assert_allclose(read_image(path, SHAPE), grey, atol=1)


def test_of_a_photo_with_previews_the_photo_is_read(tmp_path):
    """What many phones write as .jpg."""
    path = tmp_path / "a.jpg"
    photo, preview = Image.new("L", (6, 4), 200), Image.new("L", (6, 4), 50)
    path.write_bytes(saved(photo, "MPO", save_all=True, append_images=[preview]))
    np.testing.assert_allclose(read_image(path, SHAPE), 200, atol=1)


def with_scans(extra: int) -> bytes:
    """A progressive JPEG whose last scan is repeated; each costs a pass over all pixels."""
    content = saved(Image.new("L", (16, 16), 9), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * extra + content[-2:]


STAR = Image.fromarray(X[0])
LARGE = chunk(b"IHDR", struct.pack(">IIBBBBB", 13_000, 13_000, 8, 3, 0, 0, 0))
HOSTILE = {
    "eps.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "it is no PNG, whatever its name: it is PostScript"),
    "tiff.png": (
        saved(STAR, "TIFF"),
        "it is no PNG, whatever its name: it is TIFF; save it as PNG",
    ),
    "jpeg.png": (
        saved(STAR, "JPEG"),
        "it is no PNG, whatever its name: it is JPEG; save it as PNG",
    ),
    "png.jpg": (saved(STAR, "PNG"), "it is no JPEG, whatever its name: it is PNG; save it as JPEG"),
    "bmp.jpg": (saved(STAR, "BMP"), "it is no JPEG, whatever its name: it is BMP; save it as JPEG"),
    "gif.jpeg": (
        saved(STAR, "GIF"),
        "it is no JPEG, whatever its name: it is GIF; save it as JPEG",
    ),
    "text.png": (b"hello", "it is no PNG, whatever its name: it begins with 0x68656c6c6f; save it"),
    "empty.png": (b"", "the file is empty"),
    "cut.png": (saved(STAR, "PNG")[:-2], "the checksum of its chunk 'IEND' is wrong; copy or save"),
    "short.png": (saved(STAR, "PNG")[:-12], "it is cut short; copy or save it again"),
    "cut.jpg": (saved(Image.new("L", (99, 99)), "JPEG")[:-60], "copy or save it again"),
    "header.jpg": (b"\xff\xd8\xff\xd9", "its header is no JPEG header; save it again"),
    "checksum.png": (
        saved(STAR, "PNG").replace(b"IEND\xaeB`\x82", b"IEND\xaeB`\x83"),
        "the checksum of its chunk 'IEND' is wrong; copy or save it again",
    ),
    # Checksums that hold, of pixels that are not there.
    "few.png": (png(8, 0, b"", size=(40, 40)), "copy or save it again"),
    "palette.png": (
        saved(STAR, "PNG")[:8] + LARGE + PALETTE + saved(STAR, "PNG")[33:],
        "it has 13,000 x 13,000 pixels, at most 64,000,000 are read; shrink it first",
    ),
    "giant.png": (
        png(8, 0, b"", size=(2**31 - 1, 2**31 - 1)),
        "it has more than 64,000,000 pixels; shr",
    ),
    "flat.png": (png(8, 0, b"", size=(0, 5)), "cannot be read as an image: "),
    "text-bomb.png": (
        png(8, 0, bytes(4), chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**21)))),
        "its header is not read: Decompressed data too large for PngImagePlugin.MAX_TEXT_CHUNK",
    ),
    "moving.png": (
        saved(STAR, "PNG", save_all=True, append_images=[Image.fromarray(x) for x in X[1:]]),
        "it is an animation of 3 frames; save the one that is meant",
    ),
    "key.png": (
        png(16, 2, bytes(24), chunk(b"tRNS", bytes(6))),
        "its transparent colour has 16 bits; save it with an alpha channel",
    ),
    "scans.jpg": (with_scans(200), "scans, at most 100 are read; save it again"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_image_is_named_with_what_was_found(tmp_path, name):
    content, message = HOSTILE[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        list(read_inputs(path, SHAPE))
    assert str(caught.value).startswith(f"{path}: cannot be read as an image: ")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("start", [b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""), b"\xff\xd8\xff\xd9"])
def test_no_other_reader_of_pillows_is_asked(tmp_path, monkeypatch, start):
    """One that opens anything is offered nothing, even where the named one gives up."""
    asked = []
    monkeypatch.setattr(Image, "ID", [*Image.ID, "ANY"])
    monkeypatch.setitem(Image.OPEN, "ANY", (lambda file, name: asked.append(file) or STAR, None))
    path = tmp_path / ("a.png" if start[1:4] == b"PNG" else "a.jpg")
    path.write_bytes(start)
    with pytest.raises(DataError, match=r"its header is no (PNG|JPEG) header; save it again"):
        read_image(path, SHAPE)
    assert asked == []


def test_a_picture_of_the_usual_scans_is_read(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(with_scans(0))
    np.testing.assert_allclose(read_image(path, SHAPE), 9, atol=1)


def test_the_largest_image_is_a_photo_not_a_bomb():
    assert 8192 * 6144 < MOST_PIXELS < 10_000**2


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_a_device_that_is_named_as_an_image_is_refused(tmp_path, name):
    (tmp_path / name).symlink_to(os.devnull)
    with pytest.raises(
        DataError, match=rf"{name}: cannot be read as an image: it is a pipe or a d"
    ):
        list(read_inputs(tmp_path / name, SHAPE))


# Folders


def write_folder(folder) -> None:
    for name, x in zip("abc", X, strict=True):
        Image.fromarray(x).save(folder / f"{name}.png")


def test_what_is_left_out_of_a_folder_is_told_in_one_line(tmp_path, caplog):
    write_folder(tmp_path)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "d.psd").write_bytes(saved(STAR, "GIF"))
    (tmp_path / "more.png").mkdir()
    (tmp_path / "z").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    assert count_inputs(tmp_path) == 3
    (batch,) = read_inputs(tmp_path, SHAPE)
    assert batch.names == ["a.png", "b.png", "c.png"]
    assert caplog.messages == [
        f"{tmp_path}: 5 of 8 entries are no PNG, JPEG, BMP, GIF, WebP or TIFF files and were "
        "left out: d.psd, more.png/, notes.txt and 2 more"
    ]


def test_a_folder_of_images_alone_is_read_without_a_word(tmp_path, caplog):
    write_folder(tmp_path)
    (batch,) = read_inputs(tmp_path, SHAPE)
    np.testing.assert_array_equal(batch.x, X)
    assert caplog.messages == []


def test_a_folder_of_folders_says_what_it_holds(tmp_path):
    (tmp_path / "cats").mkdir()
    (tmp_path / "dogs").mkdir()
    with pytest.raises(DataError, match=r"holds no PNG, .* or TIFF files; it holds cats/, dogs/$"):
        count_inputs(tmp_path)


def test_what_pillow_warns_of_is_told_with_the_files_name(tmp_path, caplog):
    """A photo whose list of previews is broken is the photo; the warning does not get lost."""
    path = tmp_path / "a.jpg"
    photo = Image.new("L", (6, 4), 200)
    content = bytearray(saved(photo, "MPO", save_all=True, append_images=[photo]))
    content[content.index(b"MPF\0") + 4 + 8] ^= 0xFF
    path.write_bytes(content)
    np.testing.assert_allclose(read_image(path, SHAPE), 200, atol=1)
    assert [m.split(": ")[0] for m in caplog.messages] == [str(path)]
