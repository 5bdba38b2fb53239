"""Data that a study or a search is given: a data set, with the rows that it needs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from kmlp.data.dataset import ARRAYS, FRAME, Dataset
from kmlp.errors import DataError


def checked_data(data: Any) -> Dataset:
    """A data set as it is.

    Raises:
        DataError: it is something else; what to write.
    """
    if isinstance(data, Dataset):
        return data
    kind = type(data).__name__
    if isinstance(data, tuple | list) and len(data) == 4:
        raise DataError(
            f"data must be a Dataset. Received: a {kind} of four. Write "
            "data=kmlp.Dataset.from_arrays(x_train, y_train, x_test, y_test)."
        )
    raise DataError(
        f"data must be a Dataset. Received: {kind}. Make one of arrays by "
        "kmlp.Dataset.from_arrays, of a file or frame by kmlp.load_dataset and from_table."
    )


def named(data: Dataset, name: str) -> Dataset:
    """Arrays or a frame that nobody named, by the name that a config has for them, of a path its
    last part; others as they are."""
    return replace(data, name=Path(name).name or name) if data.name in (ARRAYS, FRAME) else data


def with_test_rows(data: Dataset, what: str) -> Dataset:
    """A data set of which rows are set aside.

    Args:
        data: to be checked.
        what: needs them.

    Raises:
        DataError: there are none; what to write.
    """
    if data.has_test_rows:
        return data
    raise DataError(
        f"{what} needs rows that are set aside to test, for it chooses by the others; "
        f"{data.name} has none. Write --test 0.2, or test=0.2 where the data are made."
    )
