"""Where people read: text goes to the terminal as it is written, whatever it is called."""

import codecs
import errno
import io
import os
import sys
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from kmlp.text import visible

_HANDLER = "kmlp"
_STAND_INS = str.maketrans(
    {
        "–": "-",
        "−": "-",
        "•": "*",
        "·": ".",
        "…": "...",
        "±": "+/-",
        "²": "^2",
        "÷": "/",
        "↑": "^",
        "↓": "v",
        "✓": "ok",
        "✗": "wrong",
        "\xa0": " ",
        **dict.fromkeys("─━╸╺", "-"),
        **dict.fromkeys("│┃", "|"),
        **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼", "+"),
    }
)


class PlainConsole(Console):
    """A console that takes no text for a command: neither `[red]` nor the terminal's own escapes.

    Example:
        >>> PlainConsole(color_system=None).print("[red]x[/red] \\x1b[31m")
        [red]x[/red] \\x1b[31m
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Text of a table's cell or of a line, with escapes that are read, not obeyed."""
        return super().render_str(visible(text, keep="\n"), **options)

    def on_broken_pipe(self) -> None:
        """As any other stream: `main` knows what to do."""
        raise


def prepare_streams() -> None:
    """Makes the standard streams take any text, in any encoding, and be there at all.

    What an encoding lacks becomes a stand-in in ASCII, or an escape. A stream that was closed is
    the null device: else the next file that is opened, a ledger say, would become that stream.
    """
    for descriptor, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
        if getattr(sys, name) is None:
            stream = open(descriptor, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
    codecs.register_error(_HANDLER, _stand_in)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_HANDLER)


def finish_streams() -> None:
    """Writes what is buffered, so that a reader who is gone is noticed while it can be handled."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


def silence(stream: TextIO) -> None:
    """What is still buffered goes nowhere: the end of the process would try once more."""
    try:
        descriptor = stream.fileno()
    except OSError:
        return  # a stream in memory, as tests have it
    _to_nowhere(descriptor)


def go_on_unread() -> None:
    """From now on what is printed goes nowhere once its reader, as `head`, has left: for commands
    whose printing is not their work, and whose work takes long. A terminal is always read."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        try:
            descriptor = stream.fileno()
        except OSError:
            continue  # a stream in memory, as tests have it
        if not stream.isatty():
            stream.flush()
            file: Any = _Unread(descriptor, "w", closefd=False)
            # As Python writes where it is told not to wait: PYTHONUNBUFFERED, `python -u`.
            at_once = stream.write_through
            how = {name: getattr(stream, name) for name in ("encoding", "errors", "line_buffering")}
            text = io.TextIOWrapper(
                file if at_once else io.BufferedWriter(file), **how, write_through=at_once
            )
            setattr(sys, name, text)


class _Unread(io.FileIO):
    """A file that takes what is written whether or not anybody reads it."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            _to_nowhere(self.fileno())
            return super().write(data)


def _to_nowhere(descriptor: int) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)


def is_broken_pipe(error: BaseException) -> bool:
    """Whether whoever read the output, as `head` does, has had enough."""
    return isinstance(error, OSError) and error.errno == errno.EPIPE


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    found = error.object[error.start : error.end].translate(_STAND_INS)
    # A stand-in for one letter may stand beside another that has none.
    return found.encode("ascii", "backslashreplace").decode(), error.end
