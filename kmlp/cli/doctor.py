"""`kmlp doctor`: what is on this machine, and whether it computes what it should."""

import dataclasses
import sys
from typing import Annotated

from cyclopts import Parameter

from kmlp.cli.app import Json, app, console, print_json


@app.command
def doctor(
    *,
    clear_cache: Annotated[
        bool,
        Parameter(negative="", help="remove the compiled programs that are kept; check nothing"),
    ] = False,
    cluster: Annotated[
        str | None,
        Parameter(help="look at every node of a Ray cluster instead: ray, or its HOST:PORT"),
    ] = None,
    json: Json = False,
) -> None:
    """Check the installation, the device, the memory and the data; train a little and compare.

    Exits with 1 if something fails.

    For example:

        kmlp doctor
        kmlp doctor --clear-cache
        kmlp doctor --cluster ray
    """
    if clear_cache:
        _clear_cache(as_json=json)
        return
    from kmlp.cli.diagnosis import examine, examine_nodes

    checks = list(examine_nodes(cluster) if cluster else examine())
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


def _clear_cache(*, as_json: bool) -> None:
    from kmlp.engine.programs import disk
    from kmlp.machine import in_words

    count, num_bytes = disk.clear()
    if as_json:
        print_json({"programs": count, "bytes": num_bytes})
    else:
        print(f"Removed {count} compiled programs, {in_words(num_bytes)}.")
