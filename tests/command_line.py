"""`kmlp` in this process: what it prints and how it ends, without starting TensorFlow once more."""

import contextlib
import io
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from kmlp.cli import main

ENVIRONMENT = {"KMLP_OFFLINE": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def kmlp(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess:
    """The command in a folder, as `subprocess.run` would tell of it."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd or "."),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        _own_logging(),
    ):
        code = _exit_code(arguments)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def _exit_code(arguments: tuple[str, ...]) -> int:
    try:
        main(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


@contextlib.contextmanager
def _own_logging() -> Iterator[None]:
    """The command sets up what nobody has set up: here the tests have."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    try:
        yield
    finally:
        root.handlers = handlers
        root.setLevel(level)


def kmlp_process(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess:
    """The command as a shell starts it."""
    command = [sys.executable, "-m", "kmlp", *arguments]
    environment = {**os.environ, **ENVIRONMENT}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment)
