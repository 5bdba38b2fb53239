"""Image files as grey pixels: opened only as what their names say, and bounded before decoding."""

import contextlib
import logging
import mmap
import re
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from kmlp.data.streams import CHUNK, one_line, open_regular, reading
from kmlp.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

logger = logging.getLogger(__name__)

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
MOST_PIXELS = 64_000_000
_MOST_SCANS = 100
_PNG = b"\x89PNG\r\n\x1a\n"
# Not stuffed, no restart, no filling; the JPEG's own start has no size and is passed over.
_MARKER = re.compile(rb"\xff[\x02-\xcf\xd9-\xfe]")
_SCAN, _END = b"\xff\xda", b"\xff\xd9"
_SIGNATURES = {
    _PNG: "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"RIFF": "WebP",
    b"%!PS": "PostScript",
    b"%PDF": "PDF",
}


def is_image(path: Path) -> bool:
    """Whether it is an image by its name."""
    return path.suffix.lower() in FORMATS


def image_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """The images in a folder, sorted by name, and whatever else lies there.

    Raises:
        DataError: the folder cannot be read, or holds no images.
    """
    with reading(folder):
        entries = sorted(folder.iterdir())
    images = [path for path in entries if is_image(path) and path.is_file()]
    others = [path for path in entries if not (is_image(path) and path.is_file())]
    if not images:
        found = f"; it holds {_listed(others)}" if others else ""
        raise DataError(f"{folder}: holds no PNG or JPEG files{found}")
    return images, others


def tell_left_out(folder: Path, num_images: int, others: Sequence[Path]) -> None:
    """Logs in one line what of a folder is not read."""
    if others:
        logger.warning(
            "%s: %d of %d entries are not PNG or JPEG files and were left out: %s",
            folder,
            len(others),
            num_images + len(others),
            _listed(others),
        )


def read_image(path: Path, shape: tuple[int, ...], *, dark_on_light: bool = False) -> np.ndarray:
    """Reads a PNG or JPEG file as `uint8` grey pixels, resized to `shape`.

    Args:
        path: the file; its suffix says what it is, and it must be that.
        shape: height and width.
        dark_on_light: whether it shows dark strokes on light ground; it is inverted then.

    Raises:
        DataError: the file and what is wrong with it.
    """
    kind, ground = FORMATS[path.suffix.lower()], 255 if dark_on_light else 0
    with reading(path, "as an image"), open_regular(path) as file, _telling(path):
        _check_signature(file, kind)
        depth = _checked_png_depth(file) if kind == "PNG" else _checked_jpeg_depth(file)
        pixels = _resized(_decoded(file, kind, depth, ground), shape)
    return 255 - pixels if dark_on_light else pixels


@contextlib.contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Logs what Pillow warns of with the name of the file."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield
    for warning in told:
        logger.warning("%s: %s", path, warning.message)


def _listed(paths: Sequence[Path], most: int = 3) -> str:
    names = [f"{path.name}/" if path.is_dir() else path.name for path in paths[:most]]
    return one_line(", ".join(names)) + (
        f" and {len(paths) - most} more" if len(paths) > most else ""
    )


def _check_signature(file: IO[bytes], wanted: str) -> None:
    """Refuses a file that is of another kind than its name says."""
    start = file.read(len(_PNG))
    if not start:
        raise ValueError("the file is empty")
    found = next((kind for magic, kind in _SIGNATURES.items() if start.startswith(magic)), None)
    if found != wanted:
        what = f"it is {found}" if found else f"it begins with 0x{start.hex()}"
        raise ValueError(f"it is no {wanted}, whatever its name: {what}; save it as {wanted}")


def _checked_jpeg_depth(file: IO[bytes]) -> int:
    """Bits a value of a JPEG, once it has no more scans than a picture needs; each takes time."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        scans, found = 0, _MARKER.search(content)
        while found and found[0] != _END:
            scans += found[0] == _SCAN
            size = int.from_bytes(content[found.end() : found.end() + 2], "big")
            found = _MARKER.search(content, found.end() + size)
    if scans > _MOST_SCANS:
        raise ValueError(f"it has {scans} scans, at most {_MOST_SCANS} are read; save it again")
    return 8


def _checked_png_depth(file: IO[bytes]) -> int:
    """Bits a value of a PNG, once each chunk has its checksum; Pillow skips those of pixels."""
    header = kind = _check_chunk(file)
    while kind != b"IEND":
        kind = _check_chunk(file)
    file.seek(len(_PNG) + 16)
    return file.read(1)[0] if header == b"IHDR" else 8


def _check_chunk(file: IO[bytes]) -> bytes:
    """The kind of the next chunk, which is whole."""
    head = file.read(8)
    if len(head) < 8:
        raise ValueError("it is cut short; copy or save it again")
    size, kind = struct.unpack(">I4s", head)
    checksum = zlib.crc32(kind)
    while size and (piece := file.read(min(size, CHUNK))):
        checksum, size = zlib.crc32(piece, checksum), size - len(piece)
    if file.read(4) != struct.pack(">I", checksum):
        name = kind.decode("ascii", "replace")
        raise ValueError(f"the checksum of its chunk {name!r} is wrong; copy or save it again")
    return kind


def _decoded(file: IO[bytes], kind: str, depth: int, ground: int) -> "PILImage":
    """In 8 bits of grey, upright."""
    from PIL import ImageOps

    with _opened(file, kind) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise ValueError(
                f"it has {width:,} x {height:,} pixels, at most {MOST_PIXELS:,} are read; "
                "shrink it first"
            )
        # A JPEG of several pictures is a photo with its previews; the first is the photo.
        if kind == "PNG" and (frames := getattr(image, "n_frames", 1)) > 1:
            raise ValueError(f"it is an animation of {frames} frames; save the one that is meant")
        if kind == "PNG":
            _scale_key(image, depth)
        ImageOps.exif_transpose(image, in_place=True)
        return _grey(image, ground)


def _opened(file: IO[bytes], kind: str) -> "PILImage":
    from PIL import Image, UnidentifiedImageError

    file.seek(0)
    try:
        return Image.open(file, formats=[kind])
    except UnidentifiedImageError as error:
        raise ValueError(f"its header is no {kind} header; save it again") from error
    except Image.DecompressionBombError as error:
        raise ValueError(f"it has more than {MOST_PIXELS:,} pixels; shrink it first") from error
    except ValueError as error:
        raise ValueError(f"its header is not read: {error}; save it again") from error


def _resized(grey: "PILImage", shape: tuple[int, ...]) -> np.ndarray:
    from PIL import Image

    small = grey.resize((shape[1], shape[0]), Image.Resampling.LANCZOS)
    return np.asarray(small, np.uint8)


def _grey(image: "PILImage", ground: int) -> "PILImage":
    """In 8 bits of grey; what is transparent shows the ground."""
    from PIL import Image

    if image.mode.startswith("I"):
        return Image.fromarray(_of_16_bits(image, ground))
    if not image.has_transparency_data:
        return image.convert("L")
    coloured = image.convert("RGBA")
    backdrop = Image.new("L", image.size, ground)
    return Image.composite(coloured.convert("L"), backdrop, coloured.getchannel("A"))


def _of_16_bits(image: "PILImage", ground: int) -> np.ndarray:
    """Scaled by their own range, where `convert` would clip at 255."""
    values = np.asarray(image)
    pixels = (values >> 8).astype(np.uint8)
    pixels[values == image.info.get("transparency", -1)] = ground
    return pixels


def _scale_key(image: "PILImage", depth: int) -> None:
    """Brings a PNG's transparent colour from the file's bit depth to that of Pillow's pixels."""
    key = image.info.get("transparency")
    if image.mode == "L" and key is not None:
        image.info["transparency"] = key * 255 // (2**depth - 1)
    if image.mode == "RGB" and key is not None and depth == 16:
        raise ValueError("its transparent colour has 16 bits; save it with an alpha channel")
