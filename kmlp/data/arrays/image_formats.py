"""Image formats: what a file begins with, and what is checked of it before anything is decoded."""

import mmap
import re
import struct
import zlib
from typing import IO, TYPE_CHECKING

from kmlp.data.arrays.streams import CHUNK

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".webp": "WebP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
"""Suffixes, and the one format that a file of that name is opened as."""

IMAGES = "PNG, JPEG, BMP, GIF, WebP or TIFF"

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
# Tags of TIFF: how many bits a value has, whether 0 is white, whether values have a sign.
_BITS, _PHOTOMETRIC, _SAMPLES = 258, 262, 339


def checked_depth(file: IO[bytes], kind: str) -> int:
    """Bits a value of an image that is what its name says, and whole as far as its format tells.

    Raises:
        ValueError: it is of another kind, damaged, or made to take time.
    """
    _check_signature(file, kind)
    if kind == "PNG":
        return _checked_png_depth(file)
    return _checked_jpeg_depth(file) if kind == "JPEG" else 8


def check_frames(image: "PILImage", kind: str) -> None:
    """Refuses several pictures in one file; of a JPEG the first is the photo, the others previews.

    Raises:
        ValueError: how many there are.
    """
    if kind != "JPEG" and (frames := getattr(image, "n_frames", 1)) > 1:
        what = "has {} pages" if kind == "TIFF" else "is an animation of {} frames"
        raise ValueError(f"it {what.format(frames)}; save the one that is meant")


def check_values(image: "PILImage", kind: str) -> None:
    """Refuses values that are no pixels from 0 to 2^8 - 1 or 2^16 - 1, or not read as such.

    Raises:
        ValueError: what they are, and what to do.
    """
    if image.mode == "F" or (image.mode == "I" and kind != "PNG"):
        raise ValueError("its values are no pixels of 8 or 16 bits; save it as a PNG")
    if kind != "TIFF":
        return
    tags = image.tag_v2  # type: ignore[attr-defined]
    bits, signs = (tags.get(tag, (1,)) for tag in (_BITS, _SAMPLES))
    is_turned = image.mode.startswith("I") and tags.get(_PHOTOMETRIC) == 0
    if set(bits) - {1, 2, 4, 8, 16} or set(signs) - {1} or is_turned:
        raise ValueError(
            f"it has values of {'/'.join(map(str, bits))} bits that are not read; save it as a PNG"
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
