"""`kmlp data`: which data sets are at hand."""

from kmlp.cli.app import Json, app, console, print_json


@app.command
def data(*, json: Json = False) -> None:
    """List the data sets: where each may lie and its state.

    For example:

        KMLP_DATA=~/sets kmlp data
    """
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
