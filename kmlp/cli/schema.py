"""What the command line says of a table, and how a schema looks there."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from kmlp.config.tables.table import OF_ROWS
from kmlp.errors import ConfigError
from kmlp.text import shown

if TYPE_CHECKING:
    from rich.table import Table

    from kmlp.config import DataConfig
    from kmlp.data.columns import Schema

_NARROW = 24


def schema_table(schema: "Schema") -> "Table":
    """Every raw column, the target first: its kind, gaps, values, and what becomes of it."""
    from rich.table import Table
    from rich.text import Text

    from kmlp.text import visible

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("column", overflow="fold", max_width=_NARROW)
    table.add_column("kind")
    table.add_column("missing", justify="right", no_wrap=True)
    table.add_column("values", justify="right", no_wrap=True)
    table.add_column("range", overflow="fold", max_width=_NARROW)
    table.add_column("becomes", overflow="fold")
    for column in schema.shown:
        table.add_row(
            Text(visible(column.name)),
            column.kind or "–",
            _share(column.missing),
            f"{column.distinct:,}",
            Text(visible(column.range)),
            Text(visible(column.becomes)),
        )
    return table


def _share(missing: float) -> str:
    """No gap is not written, and a few are not none."""
    if not missing:
        return ""
    return f"{missing:.1%}".replace("%", " %") if missing >= 0.001 else "< 0.1 %"


def read_kinds(text: str | None) -> dict[str, str]:
    """Kinds by column from "zip=category,when=date".

    Raises:
        ConfigError: a part that is not NAME=KIND.

    Example:
        >>> read_kinds("zip=category, when=date")
        {'zip': 'category', 'when': 'date'}
    """
    kinds = {}
    for part in _parts(text):
        name, sign, kind = part.rpartition("=")
        if not (sign and name.strip() and kind.strip()):
            raise ConfigError(
                "--columns takes NAME=KIND between commas, as zip=category. "
                f"Received: {shown(part)}."
            )
        kinds[name.strip()] = kind.strip()
    return kinds


def read_names(given: Sequence[str] | None) -> list[str]:
    """Names between commas, or said one by one."""
    return [name for text in given or () for name in _parts(text)]


def _parts(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def as_test(text: str | None) -> Any:
    """A share where it is a number, else a column, a file, or "cv".

    Example:
        >>> as_test("0.2"), as_test("held.csv")
        (0.2, 'held.csv')
    """
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


def words_of(data: "DataConfig | None") -> list[str]:
    """The same as it is said on the command line."""
    if data is None:
        return []
    kinds = ",".join(f"{name}={kind}" for name, kind in data.columns.items())
    said = (("target", data.target), ("test", data.test), ("columns", kinds), *data.of_rows.items())
    words = [f"{option_of(name)} {shlex.quote(str(value))}" for name, value in said if value]
    return words + [f"--drop {shlex.quote(name)}" for name in data.drop]


def option_of(field: str) -> str:
    """How a field is said: "group_on" is --group-on."""
    return "--" + field.replace("_", "-")


def words_said(values: Mapping[str, Any]) -> list[str]:
    """Options as they are said on the command line; of None nothing.

    Example:
        >>> words_said({"out": "a b", "sweep": ["l2=0,1", "dropout=0,0.1"], "member": None})
        ["--out 'a b'", '--sweep l2=0,1', '--sweep dropout=0,0.1']
        >>> words_said({"hide_values": True, "calibrate": False})
        ['--hide-values', '--no-calibrate']
    """
    words = []
    for name, value in values.items():
        option = option_of(name)
        if isinstance(value, bool):
            words.append(option if value else option.replace("--", "--no-", 1))
        elif value is not None:
            listed = value if isinstance(value, list) else [value]
            words += [f"{option} {shlex.quote(str(each))}" for each in listed]
    return words


def _column(what: str) -> Parameter:
    return Parameter(help=f"of a table: {what}")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class OfTable:
    """What the command line says of a table."""

    target: Annotated[str | None, Parameter(help="of a table: the column to predict")] = None
    test: Annotated[
        str | None,
        Parameter(
            help="the share of rows that test, a column that marks them, a file, or cv: no row is "
            "set aside, each is held out in its fold (in kmlp tune a fifth tests all the same, and "
            "folds score trials); where omitted 0.2, but kmlp run and study take cv of fewer than "
            "2,000 rows"
        ),
    ] = None
    columns: Annotated[
        str | None, Parameter(help="of a table: kinds, as zip=category,since=date")
    ] = None
    drop: Annotated[
        list[str] | None,
        Parameter(help="of a table: a column not to use; said again for more, or a,b", negative=""),
    ] = None
    group_on: Annotated[
        str | None, _column("rows of one value of this column are never on both sides")
    ] = None
    time_on: Annotated[
        str | None, _column("the last rows by this column test, those before them validate")
    ] = None
    stratify_on: Annotated[
        str | None, _column("every part holds each value of this column in its share")
    ] = None
    fold_on: Annotated[str | None, _column("the column that says which fold a row is in")] = None
    weight_on: Annotated[
        str | None, _column("the column that says how much a row counts, in training and scores")
    ] = None
    validation: Annotated[
        str | None, _column("rows that validate: a column that marks them, a file")
    ] = None

    @property
    def of_rows(self) -> dict[str, str]:
        """What was said of which rows go where."""
        said = {name: getattr(self, name) for name in OF_ROWS}
        return {name: value for name, value in said.items() if value is not None}

    @property
    def said(self) -> dict[str, Any]:
        """Only what was said, by the field of `DataConfig`."""
        values: dict[str, Any] = {
            "target": self.target,
            "test": as_test(self.test),
            "columns": read_kinds(self.columns),
            "drop": read_names(self.drop),
            **self.of_rows,
        }
        return {name: value for name, value in values.items() if value not in (None, {}, [])}
