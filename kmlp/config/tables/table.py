"""What a table's columns are to a study or a search: the `[data]` of their files."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kmlp.config import fields
from kmlp.config.base import Config
from kmlp.data import Dataset, load_dataset
from kmlp.data.columns import KINDS
from kmlp.data.loading import has_own_test_rows
from kmlp.data.rows.options import OPTIONS, RowOptions
from kmlp.data.sampling import FOLDS, TEST_SHARE
from kmlp.errors import ConfigError, DataError
from kmlp.text import shown

OF_ROWS = (*OPTIONS, "validation")
"""Fields that say which rows go where, and what they weigh."""


@dataclass(frozen=True, kw_only=True)
class DataConfig(Config):
    """How a table is read and parted.

    Attributes:
        target: the column to predict.
        test: the share of rows that test, a column that marks them, a file, or "cv": none is set
            aside, and each row is held out in its fold. None leaves it to the number of rows: "cv"
            of fewer than 2,000, else a fifth; a study writes out which.
        columns: kinds that are said, "number", "category", "boolean" or "date", by column.
        drop: columns that are not used.
        group_on, time_on, stratify_on, fold_on: columns by which rows are parted, and no inputs:
            see `RowOptions`.
        weight_on: the column that says how much a row counts, and no input.
        validation: rows that validate whatever the seed: a column that marks them, or a file.

    Raises:
        ConfigError: a value is of another type or out of range.

    Example:
        >>> DataConfig(target="status", columns={"zip": "category"}, test="cv").test
        'cv'
    """

    target: str | None = None
    test: float | str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    group_on: str | None = None
    time_on: str | None = None
    stratify_on: str | None = None
    fold_on: str | None = None
    weight_on: str | None = None
    validation: str | None = None

    def __post_init__(self) -> None:
        if self.target is not None and (not isinstance(self.target, str) or not self.target):
            raise ConfigError(fields.wanted(self, "target", "a column's name"))
        self._check_test()
        self._check_columns()
        listed = (self.drop,) if isinstance(self.drop, str) else self.drop
        if not isinstance(listed, list | tuple) or not all(isinstance(n, str) for n in listed):
            raise ConfigError(fields.wanted(self, "drop", "a list of columns"))
        object.__setattr__(self, "drop", tuple(listed))
        self._check_rows()

    def _check_rows(self) -> None:
        for name in OF_ROWS:
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value):
                what = "a column or a file" if name == "validation" else "a column's name"
                raise ConfigError(fields.wanted(self, name, what))
        try:
            RowOptions(**self.of_rows)
        except DataError as error:
            raise ConfigError(str(error)) from error

    @property
    def of_rows(self) -> dict[str, Any]:
        """What is said of rows, by `load_dataset`'s arguments."""
        return {name: getattr(self, name) for name in OF_ROWS}

    def _check_test(self) -> None:
        test = self.test
        is_share = isinstance(test, int | float) and fields.is_number(test) and 0 < test < 1
        if test is not None and not is_share and (not isinstance(test, str) or not test):
            what = f'a share between 0 and 1, a column, a file or "{FOLDS}"'
            raise ConfigError(fields.wanted(self, "test", what))

    def _check_columns(self) -> None:
        if not isinstance(self.columns, Mapping):
            raise ConfigError(fields.wanted(self, "columns", "a table of kinds by column"))
        for name, kind in self.columns.items():
            if kind not in KINDS:
                raise ConfigError(
                    f"a column is one of {', '.join(KINDS)}. Received: "
                    f"columns.{shown(name)}={shown(kind)}."
                )
        object.__setattr__(self, "columns", dict(self.columns))


def read_data(value: Any) -> DataConfig | None:
    """A config's `data`: None, a table or a `DataConfig`."""
    if value is None or isinstance(value, DataConfig):
        return value
    return DataConfig.from_dict(value)


def setting_aside(dataset: str, data: DataConfig | None) -> DataConfig | None:
    """A config's `data`, with a fifth set aside where nothing says which rows test."""
    if not _is_open(dataset, data):
        return data
    return replace(data or DataConfig(), test=TEST_SHARE)


def _is_open(dataset: str, data: DataConfig | None) -> bool:
    return (data is None or data.test is None) and not has_own_test_rows(dataset)


def apart_from_test(old: DataConfig | None, new: DataConfig | None) -> tuple[dict, dict]:
    """Both as tables to be compared; `test` only where both say it: else the data's hash tells."""
    tables = [(data or DataConfig()).to_dict() for data in (old, new)]
    if any(table["test"] is None for table in tables):
        tables = [{k: v for k, v in table.items() if k != "test"} for table in tables]
    return tables[0], tables[1]


def load_configured(
    dataset: str, data: DataConfig | None, *, sets_aside: bool
) -> tuple[Dataset, DataConfig | None]:
    """The data set that a config names, and its `data` with what tests written out.

    Args:
        dataset: the config's.
        data: the config's.
        sets_aside: whether rows must be set aside to test: a fifth of them where nothing is said.

    Raises:
        DataError: it cannot be loaded.
    """
    if sets_aside:
        data = setting_aside(dataset, data)
    is_open, how = _is_open(dataset, data), data or DataConfig()
    loaded = load_dataset(
        dataset,
        target=how.target,
        test=how.test,
        columns=how.columns,
        drop=how.drop,
        **how.of_rows,
    )
    if is_open:
        data = replace(how, test=TEST_SHARE if loaded.has_test_rows else FOLDS)
    return loaded, data
