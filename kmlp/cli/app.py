"""The application that every command joins, and what commands share: how they print."""

import importlib
import os
import sys
from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

if TYPE_CHECKING:
    from rich.console import Console

app = cyclopts.App(
    name="kmlp",
    help="Which MLP, which regularizer, and how sure are you?",
    help_format="markdown",
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,  # main says how to go on
)

Json = Annotated[bool, Parameter(negative="", help="print JSON only")]


def print_json(value: object) -> None:
    import json

    print(json.dumps(value, indent=1))


def console() -> "Console":
    from rich.console import Console

    # Outside a terminal rich assumes 80 columns and would fold tables that nobody sees folded.
    return Console() if sys.stdout.isatty() else Console(width=160)


def import_backend_quietly() -> None:
    """Keras and the backend that it trains on."""
    _import_quietly("keras")


def import_tensorflow_quietly() -> None:
    """What SavedModels need, whatever trains."""
    _import_quietly("tensorflow")


def _import_quietly(module: str) -> None:
    """TensorFlow writes notes on CUDA and oneDNN to stderr as it loads; its errors still raise."""
    sys.stderr.flush()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        importlib.import_module(module)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)
