"""Frames of any library into polars, without a copy where that is possible.

pandas is read column by column through NumPy: so it is never imported here, and pyarrow is not
needed. Whatever else offers the Arrow stream is taken as it is.
"""

import datetime
import decimal
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from kmlp.errors import DataError

_ACCEPTED = "a pandas, polars or pyarrow frame, or a mapping of names to columns"
_REMEDIES = {
    "Binary": "decode it to str",
    "List": "make one column of each element",
    "Array": "make one column of each element",
    "Struct": "make one column of each field",
    "Duration": "turn it into a number, such as .dt.total_seconds()",
    "Time": "turn it into a number, such as hours",
}


def as_frame(data: Any) -> pl.DataFrame:
    """Columns of strings, numbers, truth values, dates and categories, whatever they came in.

    Args:
        data: a pandas, polars or pyarrow frame, anything that offers the Arrow stream, a
            structured array, or a mapping of names to columns.

    Returns:
        Floating-point NaN is null; moments are in microseconds without a zone, in UTC where
        they had one; categories are `pl.Enum`, in their order.

    Raises:
        DataError: it is no frame, or which column cannot be converted, and what to do.

    Example:
        >>> as_frame({"age": np.array([1.0, np.nan]), "sex": ["f", None]}).rows()
        [(1.0, 'f'), (None, None)]
    """
    if isinstance(data, pl.LazyFrame):
        data = data.collect()
    if isinstance(data, pl.DataFrame):
        return _frame(data.get_columns())
    if _is_pandas(data):
        return _frame([_pandas_column(str(c), data.iloc[:, i]) for i, c in enumerate(data.columns)])
    if isinstance(data, np.ndarray) and data.dtype.names:
        data = {name: data[name] for name in data.dtype.names}
    if isinstance(data, Mapping):
        return _frame([_column(str(name), values) for name, values in data.items()])
    if hasattr(data, "__arrow_c_stream__"):
        return _frame(_from_arrow(data).get_columns())
    raise DataError(f"a table must be {_ACCEPTED}. Received: {type(data).__name__}{_advice(data)}.")


def _advice(data: Any) -> str:
    if isinstance(data, np.ndarray):
        return f" of shape {data.shape}; for arrays write Dataset.from_arrays"
    if hasattr(data, "toarray"):
        return "; write .toarray() and name the columns"
    return ""


def _is_pandas(data: Any) -> bool:
    return type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "iloc")


def _from_arrow(data: Any) -> pl.DataFrame:
    try:
        return pl.DataFrame(data)
    except Exception as error:
        raise DataError(f"the frame's Arrow stream cannot be read: {error}.") from error


def _frame(columns: list[pl.Series]) -> pl.DataFrame:
    names = [column.name for column in columns]
    twice = (
        sorted({name for name in names if names.count(name) > 1})
        if len(set(names)) < len(names)
        else []
    )
    if twice:
        raise DataError(f"several columns are called {twice[0]!r}; rename all but one of them.")
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        listed = ", ".join(f"{c.name}: {len(c)}" for c in columns[:10])
        raise DataError(f"columns must be equally long. Received: {listed}.")
    return pl.DataFrame([_plain(column) for column in columns])


def _plain(column: pl.Series) -> pl.Series:
    """A column of one of the few kinds that the rest knows."""
    kind = column.dtype
    if kind.is_float():
        column = column.cast(pl.Float32) if kind not in (pl.Float32, pl.Float64) else column
        return column.fill_nan(None) if column.is_nan().any() else column
    if kind == pl.Null:
        return column.cast(pl.String)
    if kind == pl.Categorical:
        return _enum_of(column.cast(pl.String))
    if kind == pl.Datetime:
        if kind.time_zone is not None:  # type: ignore[attr-defined]
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return column.cast(pl.Datetime("us"))
    if kind == pl.Object:
        return _from_objects(column.name, column.to_list())
    if kind.is_numeric() or kind in (pl.Boolean, pl.String, pl.Date) or kind == pl.Enum:
        return column
    remedy = _REMEDIES.get(str(kind.base_type()), "convert it to numbers, strings or dates")
    raise DataError(f"column {column.name!r} is of type {kind}, which no column may be; {remedy}.")


def _enum_of(words: pl.Series) -> pl.Series:
    return words.cast(pl.Enum(words.drop_nulls().unique().sort()))


def _pandas_column(name: str, values: Any) -> pl.Series:
    kind = values.dtype
    if hasattr(kind, "categories") and hasattr(values, "cat"):
        words = [_word(v) for v in kind.categories.tolist()]
        codes = np.asarray(values.cat.codes)
        return _enum(name, codes, words)
    if isinstance(kind, np.dtype) and kind.kind in "biufM":
        return _from_numpy(name, values.to_numpy())
    if getattr(kind, "kind", "") == "M":  # with a time zone
        return _from_numpy(name, values.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    plain = getattr(kind, "numpy_dtype", None)
    if getattr(kind, "kind", "") in "biuf" and isinstance(plain, np.dtype):
        filled = values.to_numpy(dtype=plain, na_value=plain.type(0))
        return _set_missing(_from_numpy(name, filled), values.isna().to_numpy())
    return _from_objects(name, values.tolist())


def _enum(name: str, codes: np.ndarray, words: list[str]) -> pl.Series:
    if len(set(words)) < len(words):
        raise DataError(f"column {name!r} has categories that are written alike; rename them.")
    chosen = pl.Series(words, dtype=pl.String)
    indices = pl.Series(np.where(codes < 0, 0, codes).astype(np.uint32))
    column = chosen.gather(indices).alias(name) if words else pl.Series(name, [None] * len(codes))
    return _set_missing(column, codes < 0).cast(pl.Enum(words))


def _column(name: str, values: Any) -> pl.Series:
    if isinstance(values, pl.Series):
        return values.alias(name)
    if _is_pandas(values):
        return _pandas_column(name, values)
    if isinstance(values, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(values)
        return _set_missing(_column(name, values.filled().data), mask)
    if hasattr(values, "__arrow_c_stream__") or hasattr(values, "__arrow_c_array__"):
        return pl.Series(name, values)
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise DataError(f"column {name!r} must be (n,). Received: shape {values.shape}.")
        return _from_numpy(name, values)
    if isinstance(values, str | bytes | Mapping) or not hasattr(values, "__iter__"):
        raise DataError(f"column {name!r} must be a sequence. Received: {type(values).__name__}.")
    return _from_objects(name, list(values))


def _from_numpy(name: str, values: np.ndarray) -> pl.Series:
    if values.dtype.kind in "biuf" and values.dtype.itemsize <= 8:
        return pl.Series(name, values)
    if values.dtype.kind == "M":
        return pl.Series(name, values.astype("datetime64[us]"))
    return _from_objects(name, values.tolist())


def _set_missing(column: pl.Series, mask: np.ndarray) -> pl.Series:
    return column.set(pl.Series(mask), None) if mask.any() else column


def _from_objects(name: str, values: list[Any]) -> pl.Series:
    """Python objects: all of one kind, or numbers among strings, which become strings."""
    values = [None if _is_missing(value) else value for value in values]
    kinds = {type(value) for value in values if value is not None}
    if all(issubclass(kind, bool | np.bool_) for kind in kinds):
        return pl.Series(name, values, dtype=pl.Boolean if kinds else pl.String)
    if all(issubclass(kind, numbers.Real | decimal.Decimal | np.bool_) for kind in kinds):
        return _from_numbers(name, values)
    if all(issubclass(kind, datetime.date) for kind in kinds):
        return _from_dates(name, values, kinds)
    if all(issubclass(kind, str | numbers.Real | decimal.Decimal) for kind in kinds):
        return pl.Series(name, [_word(v) for v in values], dtype=pl.String)
    row, value = next(
        (i, v)
        for i, v in enumerate(values)
        if v is not None and not isinstance(v, str | numbers.Real | decimal.Decimal)
    )
    advice = "decode it" if isinstance(value, bytes) else "convert the column, or drop it"
    raise DataError(
        f"column {name!r} holds {type(value).__name__} in row {row} ({str(value)[:40]!r}); it must "
        f"be of numbers, strings, truth values or dates alone: {advice}."
    )


def _from_numbers(name: str, values: list[Any]) -> pl.Series:
    whole = all(v is None or isinstance(v, numbers.Integral | np.bool_) for v in values)
    if whole and all(v is None or -(2**63) <= int(v) < 2**63 for v in values):
        return pl.Series(name, [None if v is None else int(v) for v in values], dtype=pl.Int64)
    try:
        return pl.Series(name, [None if v is None else float(v) for v in values], dtype=pl.Float64)
    except OverflowError as error:
        raise DataError(f"column {name!r} holds a number beyond 1e308; scale it.") from error


def _from_dates(name: str, values: list[Any], kinds: set[type]) -> pl.Series:
    if not any(issubclass(kind, datetime.datetime) for kind in kinds):
        return pl.Series(name, values, dtype=pl.Date)
    return pl.Series(name, [_moment(v) for v in values], dtype=pl.Datetime("us"))


def _moment(value: datetime.date | None) -> datetime.datetime | None:
    if value is None or isinstance(value, datetime.datetime):
        if value is not None and value.tzinfo is not None:
            value = value.astimezone(datetime.UTC).replace(tzinfo=None)
        return value
    return datetime.datetime(value.year, value.month, value.day)


def _is_missing(value: Any) -> bool:
    if value is None or value is np.ma.masked:
        return True
    if type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(value != value)


def _word(value: Any) -> Any:
    """A value as the word of a category: 1.0 is written 1."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
