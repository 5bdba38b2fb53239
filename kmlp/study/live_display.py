"""What runs, on stderr: a live table on a terminal, plain lines elsewhere."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from kmlp.terminal import PlainConsole


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far it is, as a terminal shows it.

    Attributes:
        headings: of the table.
        rows: its rows.
        left: the heading of words; numbers stand on the right.
        num_done, total: of what the bar counts.
        what: it counts, in the plural.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: str
    num_done: int
    total: int
    what: str


class LiveDisplay(ABC):
    """Collects what the stacks' threads tell and shows it; used as a context manager.

    What is told is kept under `_lock`; it is shown twice a second, or in lines that `_say` prints.

    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or PlainConsole(stderr=True, soft_wrap=True)
        self._lock = threading.Lock()
        self._live: Live | None = None
        self._started = time.monotonic()
        self._nodes: dict[str, str] = {}
        self._joined: set[str] = set()

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            # The clock must go on while an epoch lasts, so the table is made anew at each refresh.
            self._live = Live(
                get_renderable=self._render,
                console=self.console,
                refresh_per_second=2,
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live:
            self._live.stop()

    @abstractmethod
    def seconds_left(self) -> float | None:
        """How long it will take by the pace so far; None where nobody knows."""

    @property
    def left_is(self) -> str:
        """What `seconds_left` is of, in words."""
        return "left"

    @abstractmethod
    def _standing(self) -> Standing:
        """What the terminal shows now; called under the lock."""

    def nodes(self, doing: Mapping[str, str]) -> None:
        """What each node of a cluster does, by its name."""
        with self._lock:
            joined = [name for name in doing if name not in self._joined]
            self._nodes = dict(doing)
            self._joined |= doing.keys()
        for name in joined:
            self._say(f"Node {name} trains.")

    def _say(self, line: str) -> None:
        self.console.print(line, highlight=False)

    def _time(self) -> str:
        elapsed, left = clock(time.monotonic() - self._started), self.seconds_left()
        about = f", about {clock(left)} {self.left_is}" if left is not None else ""
        return f"{elapsed} so far{about}"

    def standing(self) -> tuple[Standing, str]:
        """How far it is, and the same in words."""
        with self._lock:
            now = self._standing()
            return now, f"{now.num_done} of {now.total} {now.what}, {self._time()}"

    def _render(self) -> Group:
        with self._lock:
            now = self._standing()
            table = Table(box=None, pad_edge=False, header_style="dim")
            for heading in now.headings:
                table.add_column(heading, justify="left" if heading == now.left else "right")
            for row in now.rows:
                table.add_row(*row)
            bar = ProgressBar(total=now.total or 1, completed=now.num_done, width=40)
            said = f"{now.num_done} of {now.total} {now.what}, {self._time()}"
            return Group(table, bar, said, *map(": ".join, self._nodes.items()))


def clock(seconds: float) -> str:
    """Minutes and seconds: "3:07"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
