"""An array in a file behind its header: believed only as far as the file holds it."""

import math

import numpy as np

from kmlp.data.arrays.streams import CHUNK, Stream
from kmlp.machine import available_memory, in_words

_MOST_DIMENSIONS = 8
_MOST = 2**63 - 1
_LITTLE = 2**24


class StoredArray:
    """An array in a stream, in row-major order, of which only the header has been read.

    It is read once, at once or some rows at a time. With its last value the stream is read to its
    end, so that checksums are compared and what follows is refused. What is wrong is a
    `ValueError`.

    Args:
        stream: at the first value.
        shape: as the header claims, `(n, ...)`.
        dtype: of the values.
        held: bytes of values in the file; None where only reading to the end will tell.

    Attributes:
        shape, dtype: of the whole array.
    """

    def __init__(
        self, stream: Stream, shape: tuple[int, ...], dtype: np.dtype, held: int | None
    ) -> None:
        check_shape(shape)
        self.shape, self.dtype, self._stream = shape, dtype, stream
        self._claimed = math.prod(shape) * dtype.itemsize
        self._num_read = 0
        if held is not None and held != self._claimed:
            raise ValueError(self._differs(held))

    def read_rows(self, count: int) -> np.ndarray:
        """The next rows, `(count, ...)`, in the machine's byte order."""
        content = self._next(self._claimed // self.shape[0] * count)
        rows = np.frombuffer(content, self.dtype).reshape(count, *self.shape[1:])
        return rows.astype(self.dtype.newbyteorder("="), copy=False)

    def read(self) -> np.ndarray:
        """The whole array, if it fits into memory."""
        self._check_memory()
        content = bytearray()  # it grows with what is there: of a packed file a claim is no size
        for start in range(0, self._claimed, CHUNK):
            content += self._next(min(CHUNK, self._claimed - start))
        return np.frombuffer(content, self.dtype).reshape(self.shape)

    def _check_memory(self) -> None:
        # The machine is asked for what it has only where that can matter: it takes milliseconds.
        if self._claimed <= _LITTLE:
            return
        free = available_memory()
        if self._claimed > free:
            raise ValueError(
                f"its header claims {self._in_words()}, of memory {in_words(free)} are free"
            )

    def _next(self, size: int) -> bytes:
        content = self._stream.read(size)
        self._num_read += len(content)
        if len(content) < size:
            raise ValueError(self._differs(self._num_read))
        if self._num_read == self._claimed and (more := len(self._stream.read(CHUNK))):
            raise ValueError(self._differs(self._num_read + more, at_least=more == CHUNK))
        return content

    def _differs(self, held: int, *, at_least: bool = False) -> str:
        """How what the file holds differs from what its header claims."""
        way = "short" if held < self._claimed else "long"
        found = f"{'at least ' if at_least else ''}{held}"
        return f"it is too {way}: its header claims {self._in_words()}, the file holds {found}"

    def _in_words(self) -> str:
        extent = " x ".join(map(str, self.shape))
        return f"{extent} {self.dtype} = {self._claimed} bytes of values"


def check_shape(shape: tuple[int, ...]) -> None:
    """Refuses what cannot be the shape of examples.

    Example:
        >>> check_shape((2, -3))
        Traceback (most recent call last):
        ...
        ValueError: its header claims the shape (2, -3); each dimension must be a number from 1 on
    """
    if not shape:
        raise ValueError("it holds a single number, not examples (n, ...)")
    if len(shape) > _MOST_DIMENSIONS:
        raise ValueError(f"its header claims {len(shape)} dimensions, at most {_MOST_DIMENSIONS}")
    # True is an int to Python, and a float is none.
    if not all(type(extent) is int and 1 <= extent <= _MOST for extent in shape):
        claimed = ", ".join(map(_shortened, shape)) + "," * (len(shape) == 1)
        raise ValueError(
            f"its header claims the shape ({claimed}); each dimension must be a number from 1 on"
        )


def _shortened(extent: object) -> str:
    """More than 20 characters are no dimension; Python refuses to write the longest integers."""
    if type(extent) is int and abs(extent) > _MOST:
        return "..."
    return str(extent)[:20]
