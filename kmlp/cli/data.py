"""`kmlp data`: which data sets are at hand; what a table's columns are."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from kmlp.cli.app import Json, app, console, print_json
from kmlp.errors import ConfigError


@app.command
def data(
    file: Annotated[Path | None, Parameter(help="a table; none for the data sets at hand")] = None,
    /,
    *,
    target: Annotated[str | None, Parameter(help="the column to predict")] = None,
    columns: Annotated[
        str | None, Parameter(help="kinds that are said: zip=category,when=date")
    ] = None,
    drop: Annotated[
        list[str] | None, Parameter(help="columns not to use, between commas", negative="")
    ] = None,
    json: Json = False,
) -> None:
    """Show what a table's columns are and what becomes of them, before anything trains.

    Without a file: list the data sets, where each may lie and its state.

    For example:

        kmlp data churn.csv --target status --columns zip=category --drop id

        KMLP_DATA=~/sets kmlp data
    """
    if file is not None:
        from kmlp.cli.schema import read_kinds, read_names, show_schema

        show_schema(file, target, read_kinds(columns), read_names(drop), json=json)
        return
    if target or columns or drop:
        raise ConfigError("--target, --columns and --drop are of a table: kmlp data FILE.")
    _list_sets(json=json)


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
