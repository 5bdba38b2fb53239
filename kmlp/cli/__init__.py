"""The command line: parse, call, print. What is heavy is imported inside the commands."""

import logging
import os
import sys
from collections.abc import Sequence

from kmlp.cli import (  # noqa: F401  (each adds its commands)
    data,
    doctor,
    models,
    report,
    study,
    tune,
)
from kmlp.cli.app import app
from kmlp.errors import KmlpError


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point of the `kmlp` command.

    Args:
        arguments: what follows `kmlp`; what the process was started with where omitted.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.basicConfig(level=logging.WARNING, format="kmlp: %(message)s", stream=sys.stderr)
    try:
        app(arguments)
    except (KmlpError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        # What was recorded before a full disk or a lost permission is still whole.
        print(f"kmlp: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\nkmlp: interrupted; the same command goes on from here.", file=sys.stderr)
        # The stacks have saved themselves; what lingers in other threads must not hold the user up.
        sys.stderr.flush()
        os._exit(130)
