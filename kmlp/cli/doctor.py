"""`kmlp doctor`: what is on this machine, and whether it computes what it should."""

import dataclasses
import sys

from kmlp.cli.app import Json, app, console, print_json


@app.command
def doctor(*, json: Json = False) -> None:
    """Check the installation, the device, the memory and the data; train a little and compare.

    Exits with 1 if something fails.

    For example:

        kmlp doctor
    """
    from kmlp.cli.diagnosis import examine

    checks = list(examine())
    if json:
        print_json([dataclasses.asdict(check) for check in checks])
    else:
        from rich.table import Table

        table = Table(box=None, pad_edge=False, show_header=False)
        for column in ("status", "name", "found"):
            table.add_column(column, overflow="fold")
        for check in checks:
            table.add_row(check.status, check.name, check.found)
            if check.advice:
                table.add_row("", "", f"-> {check.advice}")
        console().print(table)
    if any(check.status == "fails" for check in checks):
        sys.exit(1)
