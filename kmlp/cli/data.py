"""`kmlp data`: which data sets are at hand; what a table's columns are."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from kmlp.cli.app import Json, app, console, print_json
from kmlp.cli.schema import OfTable, as_test, option_of, schema_table
from kmlp.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import rich.table

    from kmlp.data import Dataset
    from kmlp.data.preparation import Prepared
    from kmlp.data.tables import Table


@app.command
def data(
    name: Annotated[
        str | None,
        Parameter(
            help="a table, a folder of images a class, or a data set by its name; none for the "
            "data sets at hand"
        ),
    ] = None,
    /,
    *,
    of: OfTable | None = None,
    json: Json = False,
) -> None:
    """Show what a table's columns are and what becomes of them, before anything trains.

    With --test also what to look at once rows are parted: those that stand in both sets, and
    categories that only test rows have. Of images: their sizes and how many each class has.
    Without a name: list the data sets, where each may lie and its state.

    For example:

        kmlp data churn.csv --target status --columns zip=category --drop id

        kmlp data photos/

        KMLP_DATA=~/sets kmlp data
    """
    if name is not None:
        show_data(name, of or OfTable(), json=json)
        return
    if of and of.said:
        words = ", ".join(map(option_of, of.said))
        raise ConfigError(f"{words}: of which data? kmlp data FILE {words} ...")
    _list_sets(json=json)


def show_data(name: str, of: OfTable, *, json: bool) -> None:
    """Prints what a file's columns are and what becomes of them; of images, what there are."""
    table, target = _find_table(name, of)
    if table is None or _is_image_table(table, of):
        _show_images(name, of, json=json)
    else:
        _show_schema(name, table, target, of, json=json)


def _find_table(name: str, of: OfTable) -> tuple["Table | None", str | None]:
    """The table of a file or a name, and its target where it has a usual one."""
    from kmlp.data.loading import is_table_name
    from kmlp.data.preparation import read_for
    from kmlp.data.reading.shipped import SHIPPED, shipped_table
    from kmlp.data.tables import Table

    if name in SHIPPED and (usual := SHIPPED[name].target):
        return Table(shipped_table(name), name), of.target or usual
    if not os.path.isdir(name) and is_table_name(name):
        return read_for(name, of.said.get("columns")), of.target
    return None, None


def _is_image_table(table: "Table", of: OfTable) -> bool:
    """Whether a table is read as images, as Kaggle lays out MNIST."""
    from kmlp.data.preparation import is_images

    return is_images(table, of.target, of.said.get("columns"), of.said.get("drop", ()))


def _show_schema(name: str, table: "Table", target: str | None, of: OfTable, *, json: bool) -> None:
    from kmlp.data.inference import infer_schema
    from kmlp.data.inference.cautions import of_repeated_rows
    from kmlp.data.preparation import of_shuffling, prepare
    from kmlp.data.rows.options import NO_OPTIONS, RowOptions

    how = {key: value for key, value in of.said.items() if key in ("columns", "drop")}
    parted: list[str] = []
    num_rows = table.height
    if of.test is None and not of.of_rows:
        schema = infer_schema(table, target, **how)
        told = (*of_repeated_rows(table), *of_shuffling(table, schema.target.name, NO_OPTIONS))
        schema = replace(schema, warnings=(*schema.warnings, *told))
    else:
        test = None if of.test is None else as_test(of.test)
        prepared = prepare(table, target, test=test, options=RowOptions(**of.of_rows), **how)
        assert prepared.schema
        schema, parted = prepared.schema, _parted(prepared)
        num_rows = len(prepared.arrays[1])
    if json:
        about = {"file": name, "sha256": table.sha256, "num_rows": table.height}
        said = {"parted_by": parted, "num_training_rows": num_rows} if parted else {}
        print_json({**about, "found": list(table.found), **schema.to_dict(), **said})
        return
    out = console()
    rows = f"{table.height:,} rows, {len(table.columns)} columns"
    counted = f"; of the {num_rows:,} training rows:" if num_rows < table.height else ""
    out.print(f"{name}: {rows}, {schema.task} of {schema.target.name!r}{counted}")
    out.print(schema_table(schema))
    _print_lists(
        {
            "Read as": table.found,
            "Which rows test": parted,
            "Decided (say otherwise with --columns NAME=KIND)": schema.notes,
            "Look at": schema.warnings,
        }
    )


def _parted(prepared: "Prepared") -> list[str]:
    """How rows are parted, in words; the rows that validate as a study's usual share has them."""
    from kmlp.config import StudyConfig
    from kmlp.data.rows.telling import validation_note

    rows, of_folds = prepared.rows, not len(prepared.arrays[3])
    folds = ["no row is set aside: each is held out in its fold"] if of_folds else []
    if rows is None:
        return folds
    note = validation_note(rows, StudyConfig.validation_fraction)
    return [*folds, *rows.notes, *([note] if note else [])]


def _show_images(name: str, of: OfTable, *, json: bool) -> None:
    """What a set of images or arrays holds: their shape, and how many of each class."""
    import numpy as np

    from kmlp.data import load_dataset

    data = load_dataset(name, download=False, **of.said)
    classes = data.spec.class_names
    train, test = (np.bincount(y, minlength=len(classes)) for y in _classes(data))
    if json:
        about = {"name": data.name, **vars(data.provenance), **data.spec.to_dict()}
        counts = {
            c: {"train": int(a), "test": int(b)}
            for c, a, b in zip(classes, train, test, strict=True)
        }
        sizes = {"num_train": len(data.y_train), "num_test": len(data.y_test)}
        print_json({**about, **sizes, "classes": counts, "warnings": list(data.warnings)})
        return
    shape = " x ".join(map(str, data.spec.input_shape))
    out = console()
    out.print(f"{name}: {data.sizes} of {shape} {data.spec.input_dtype}, {data.spec.task}")
    if classes:
        parts = {"training": train, "test": test} if data.has_test_rows else {"rows": train}
        out.print(_class_table(classes, parts))
    _print_lists({"Look at": data.warnings})


def _classes(data: "Dataset") -> tuple["np.ndarray", "np.ndarray"]:
    """The classes of both sets; none of a regression."""
    y = (data.y_train, data.y_test)
    return y if data.spec.class_names else (y[0][:0].astype(int), y[1][:0].astype(int))


def _class_table(names: Sequence[str], parts: Mapping[str, "np.ndarray"]) -> "rich.table.Table":
    from rich.table import Table
    from rich.text import Text

    from kmlp.text import visible

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("class", overflow="fold")
    for heading in parts:
        table.add_column(heading, justify="right", no_wrap=True)
    for name, *counts in zip(names, *parts.values(), strict=True):
        table.add_row(Text(visible(name)), *(f"{count:,}" for count in counts))
    return table


def _print_lists(lists: Mapping[str, Sequence[str]]) -> None:
    out = console()
    for heading, lines in lists.items():
        if lines:
            out.print(f"\n{heading}:")
            for line in lines:
                out.print(f"• {line}")


def _list_sets(*, json: bool) -> None:
    from kmlp.data.sources import survey

    rows = [
        {"dataset": name, "place": place, "path": path, "state": state}
        for name, place, path, state in survey()
    ]
    if json:
        print_json(rows)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("dataset", "place", "state", "path"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(row["dataset"], row["place"], row["state"], row["path"])
    console().print(table)
    print(
        "\nThe first full set from the top is used; else it is downloaded, else the sample serves."
    )
