"""Tables in files that are no CSV: Parquet, Arrow, JSON lines, ARFF, and the arrays of an NPZ."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from kmlp.data.reading.unpacked import Content, reading
from kmlp.errors import DataError

ARRAY_NAMES = ("x_train", "y_train", "x_test", "y_test", "x", "y")
_MOST_BYTES = 2**36


def read_parquet(path: Path) -> pl.DataFrame:
    """The columns of a Parquet file."""
    return scan_parquet(path).collect()


def scan_parquet(path: Path) -> pl.LazyFrame:
    """The same, of which only what is asked for is read."""
    with Content(path):  # refuses folders and pipes, which polars would take for several files
        return pl.scan_parquet(path, use_statistics=False, hive_partitioning=False, glob=False)


def read_arrow(path: Path) -> pl.DataFrame:
    """The columns of an Arrow IPC file (Feather is one) or stream."""
    if _is_arrow_file(path):
        return pl.read_ipc(path)
    return pl.read_ipc_stream(path)


def scan_arrow(path: Path) -> pl.LazyFrame | None:
    """The same of a file, of which only what is asked for is read; None of a stream."""
    return pl.scan_ipc(path) if _is_arrow_file(path) else None


def _is_arrow_file(path: Path) -> bool:
    with Content(path), open(path, "rb") as file:
        return file.read(6) == b"ARROW1"


def read_json_lines(path: Path) -> pl.DataFrame:
    """One object a line, compressed or not; its keys are columns, in order of appearance."""
    with Content(path) as content:
        text = b"".join(content.pieces())
    try:
        return pl.read_ndjson(io.BytesIO(text), infer_schema_length=None)
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise ValueError(_bad_line(text) or str(error)) from error


def read_arff(path: Path) -> pl.DataFrame:
    """An ARFF file, by scipy: numbers, nominal values in the order declared, dates."""
    from scipy.io import arff

    with Content(path) as content:
        text = b"".join(content.pieces()).decode()
    try:
        rows, meta = arff.loadarff(io.StringIO(text))
    except NotImplementedError as error:
        raise ValueError(f"{error}; of text, scipy reads nominal attributes only") from error
    return pl.DataFrame([_arff_column(rows[name], name, meta) for name in meta.names()])


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an NPZ file: `x` and `y`, or `x_train`, `y_train`, `x_test` and `y_test`.

    Raises:
        DataError: it is damaged, or holds other names.
    """
    path = Path(path)
    with reading(path, "as NPZ"), Content(path), zipfile.ZipFile(path) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        known = {name: members.get(name) or members.get(name.upper()) for name in ARRAY_NAMES}
        found = {name: info for name, info in known.items() if info is not None}
        if not ({"x", "y"} <= set(found) or {"x_train", "y_train"} <= set(found)):
            held = ", ".join(sorted(members)[:20]) or "nothing"
            raise DataError(
                f"{path}: holds {held}. Name the arrays x and y, or x_train, y_train, x_test and "
                "y_test: np.savez(file, x=x, y=y)."
            )
        return {name: _array(archive, info) for name, info in found.items()}


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    if info.file_size > _MOST_BYTES:
        raise ValueError(f"{info.filename} claims {info.file_size} bytes")
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        if version not in read:
            raise ValueError(f"{info.filename} is of npy version {version}; save it again")
        shape, fortran, dtype = read[version](file)
        if dtype.hasobject:
            raise ValueError(f"{info.filename} holds Python objects; convert it to numbers or str")
        count = int(np.prod(shape, dtype=object))
        content = file.read()  # to the end, where zipfile compares the checksum
    if len(content) != count * dtype.itemsize:
        raise ValueError(f"{info.filename} holds {len(content)} bytes for shape {shape}")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")


def _arff_column(values: np.ndarray, name: str, meta: Any) -> pl.Series:
    kind, declared = meta[name]
    if kind == "nominal":
        words = [None if v == b"?" else v.decode() for v in values.tolist()]
        return pl.Series(name, words, dtype=pl.Enum(list(dict.fromkeys(declared))))
    if kind == "date":
        return pl.Series(name, values.astype("datetime64[us]"))
    return pl.Series(name, values.astype(np.float64)).fill_nan(None)


def _bad_line(text: bytes) -> str:
    for number, line in enumerate(text.split(b"\n"), start=1):
        try:
            if line.strip() and not isinstance(json.loads(line), dict):
                return f'line {number} is no object such as {{"age": 3}}'
        except (ValueError, RecursionError) as error:
            return f"line {number} is no JSON ({error})"
    return ""
