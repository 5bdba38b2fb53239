"""Tables in files that are no CSV: Parquet, Arrow, JSON lines, ARFF."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from kmlp.data.reading import arrow_claims, parquet_claims
from kmlp.data.reading.unpacked import Content


def read_parquet(path: Path) -> pl.DataFrame:
    """The columns of a Parquet file."""
    return scan_parquet(path).collect()


def scan_parquet(path: Path) -> pl.LazyFrame:
    """The same, of which only what is asked for is read."""
    with Content(path):  # refuses folders and pipes, which polars would take for several files
        parquet_claims.check_claims(path)
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
        start = file.read(len(arrow_claims.MAGIC))
    arrow_claims.check_claims(path)
    return start == arrow_claims.MAGIC


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
