"""The application that every command joins, and what commands share: how they print."""

import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import cyclopts
from cyclopts import Parameter

from kmlp.machine import import_quietly, package_version

if TYPE_CHECKING:
    from rich.console import Console

_BESIDE = ("keras", "tensorflow", "jax", "numpy", "keras-tuner")


def versions(version_of: Callable[[str], str | None] = package_version) -> str:
    """kmlp's version, and a line each for Python and what computes; nothing of it is loaded.

    What is not installed has no line.
    """
    found: dict[str, str | None] = {"kmlp": version_of("kmlp")}
    found["Python"] = platform.python_version()
    found.update((name, version_of(name)) for name in _BESIDE)
    return "\n".join(f"{name} {version}" for name, version in found.items() if version)


app = cyclopts.App(
    name="kmlp",
    version=versions,
    version_format="plaintext",  # Markdown would fold the lines into one
    help="Which MLP, which regularizer, and how sure are you?",
    help_format="markdown",
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,  # main says how to go on
)

Json = Annotated[bool, Parameter(negative="", help="print JSON only")]
HideValues = Annotated[
    bool,
    Parameter(
        negative="",
        help="of a table: leave categories and ranges out of report and model card; the run "
        "folder, the graph and its manifest need them, and hold them",
    ),
]

ClusterName = Annotated[
    str | None,
    Parameter(
        name="--cluster",
        help="train on the nodes of a Ray cluster: ray for the one at hand, or its HOST:PORT",
    ),
]
Storage = Annotated[
    str | None,
    Parameter(
        name="--storage",
        help="with --cluster: a folder that every node sees, or an address as s3://bucket/runs, "
        "for checkpoints",
    ),
]

Open = Annotated[
    bool, Parameter(name="--open", negative="", help="show the page in a browser when it is there")
]


def default(words: str) -> Callable[[Any], str]:
    """What the help says of an option that is left out."""
    return lambda _: words


def print_json(value: object) -> None:
    import json

    print(json.dumps(value, indent=1))


def open_page(page: Path) -> None:
    """Shows a page in the machine's browser; one that would take the terminal is none."""
    import webbrowser

    has_screen = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    is_shown = sys.platform != "linux" or has_screen
    if not (is_shown and webbrowser.open(page.resolve().as_uri())):
        print(f"no browser is known here; the page is {page}", file=sys.stderr)


def console() -> "Console":
    from kmlp.terminal import PlainConsole

    # Outside a terminal rich assumes 80 columns and would fold tables that nobody sees folded.
    is_told = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal()
    return PlainConsole() if is_told else PlainConsole(width=160)


def import_backend_quietly() -> None:
    """Keras and the backend that it trains on."""
    import_quietly("keras")


def import_tensorflow_quietly() -> None:
    """What SavedModels need, whatever trains."""
    import_quietly("tensorflow")
