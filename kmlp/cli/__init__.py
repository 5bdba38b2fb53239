"""The command line: parse, call, print. What is heavy is imported inside the commands."""

import atexit
import gc
import logging
import os
import sys
from collections.abc import Sequence

from cyclopts import CycloptsError

from kmlp.cli import (  # noqa: F401  (each adds its commands)
    ablate,
    compare,
    completion,
    data,
    doctor,
    report,
    study,
    tune,
)
from kmlp.cli.app import app
from kmlp.cli.models import exporting, listing, predicting, serving  # noqa: F401
from kmlp.errors import ForeignFileError, ForeignFolderError, KmlpError
from kmlp.terminal import finish_streams, is_broken_pipe, prepare_streams, silence
from kmlp.text import shortened, visible

_LONGEST_MESSAGE = 2000
_LONGEST_ECHO = 400  # of messages that others write, which repeat all that was typed
_SIGPIPE = 141  # what shells report of a program whose reader has left


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point of the `kmlp` command.

    Args:
        arguments: what follows `kmlp`; what the process was started with where omitted.
    """
    prepare_streams()
    if arguments is None:
        # To look for what could be freed takes long, when all goes with the process anyway.
        atexit.register(gc.freeze)
    logging.basicConfig(level=logging.WARNING, format="kmlp: %(message)s", stream=sys.stderr)
    try:
        try:
            app(arguments, exit_on_error=False, print_error=False)
        finally:
            finish_streams()
    except (KmlpError, CycloptsError, OSError) as error:
        if is_broken_pipe(error):
            silence(sys.stdout)
        else:
            # What was recorded before a full disk or a lost permission is still whole.
            print(f"kmlp: {_in_a_line(error)}", file=sys.stderr)
        sys.exit(_code_of(error))
    except KeyboardInterrupt:
        print("\nkmlp: interrupted; the same command goes on from here.", file=sys.stderr)
        # The stacks have saved themselves; what lingers in other threads must not hold the user up.
        sys.stderr.flush()
        os._exit(130)


def _in_a_line(error: Exception) -> str:
    own = isinstance(error, KmlpError)
    text = str(error) if own else " ".join(str(error).split())
    return visible(shortened(text, _LONGEST_MESSAGE if own else _LONGEST_ECHO))


def _code_of(error: Exception) -> int:
    """2 where nothing was touched because it is someone else's."""
    if is_broken_pipe(error):
        return _SIGPIPE
    return 2 if isinstance(error, ForeignFolderError | ForeignFileError) else 1
