"""The page of a study while it runs: it shows itself anew, from a file, without a server."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from kmlp.files import write_atomically
from kmlp.report.blocks import Cell, Report, Row, Table
from kmlp.report.rendering.html import to_html
from kmlp.study.live_display import LiveDisplay, Standing

logger = logging.getLogger(__name__)
EVERY_SECONDS = 2


class LivePage:
    """Writes how far something is into its folder's page; used as a context manager.

    The report takes the page's place when it is written. Nothing is written before training
    begins: until then the folder may be refused, and a page there may be another study's.

    Args:
        display: knows how far it is.
        folder: of the run.
        title: of the page.
        on_first: told of the page once it is there.
        every: seconds between two versions.
    """

    def __init__(
        self,
        display: LiveDisplay,
        folder: Path,
        title: str,
        on_first: Callable[[Path], None] = lambda page: None,
        every: float = EVERY_SECONDS,
    ) -> None:
        self._display, self._page, self._title = display, folder / "report.html", title
        self._on_first, self._every = on_first, every
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._keep_writing, daemon=True)
        self._is_there = self._has_failed = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()
        if kind is not None and self._is_there:
            self._try_to_write("It stopped before its end. The same command goes on.")

    def _keep_writing(self) -> None:
        while not self._is_over.wait(self._every):
            self._try_to_write(
                "The report takes the place of this page at the end. Where the time above stands "
                "still, the study was stopped: the same command goes on."
            )

    def _try_to_write(self, note: str) -> None:
        """A page that cannot be written ends no training; that it cannot is told once."""
        try:
            self._write(note)
        except OSError as error:
            if not self._has_failed:
                self._has_failed = True
                logger.warning("%s: the page cannot be kept up to date: %s", self._page, error)

    def _write(self, note: str) -> None:
        now, words = self._display.standing()
        if not now.total:
            return
        refresh = None if self._is_over.is_set() else EVERY_SECONDS
        write_atomically(self._page, to_html(self._report(now, words, note), refresh).encode())
        if not self._is_there:
            self._is_there = True
            self._on_first(self._page)

    def _report(self, now: Standing, words: str, note: str) -> Report:
        table = Table(
            [Cell(heading) for heading in now.headings],
            [Row([Cell(text) for text in row]) for row in now.rows],
        )
        return Report(
            kicker="In training",
            title=self._title,
            facts=f"as of {time.strftime('%H:%M:%S')}",
            verdict=[f"{words}."],
            also=[note],
            lead=[table],
        )
