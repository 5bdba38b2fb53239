"""The trials of a search, durable: rows beside a run folder's members.

A batch of trials is written in one transaction when it is drawn, before anything of it trains;
each trial's end in another. So a search never holds half a batch, and a trial that a kill met is
found running: its members, each recorded on its own, train on.
"""

import contextlib
import dataclasses
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kmlp.files import folders_in, sweep
from kmlp.ledger import RunFolder

_SCHEMA = """
CREATE TABLE IF NOT EXISTS trial (number INTEGER PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS clock (seconds REAL NOT NULL); -- of work, between two writes of trials
"""
EVENTS_FOLDER = "tensorboard"
# TensorBoard takes any file of such a name; a fixed one is written again, not added to.
EVENTS_FILE = "events.out.tfevents.0.kmlp"
_TRIALS, _SEEDS = re.compile(r"trial-[0-9]{4,}"), re.compile(r"seed-[0-9]+")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One trial: what was drawn, and how it ended.

    Attributes:
        number: in the order of drawing, from 0.
        batch: trials of one batch were drawn without each other's scores.
        values: of the parameters that count, by name.
        epochs: Hyperband's: trained up to this epoch; None is to the end.
        bracket, round: Hyperband's.
        resumed_from: the trial whose networks this one trains on.
        status: "running", "done", "failed" or "given_up".
        score: mean of its executions' objective, once done.
        message: why it failed.
    """

    number: int
    batch: int
    values: Mapping[str, Any]
    epochs: int | None = None
    bracket: int | None = None
    round: int | None = None
    resumed_from: int | None = None
    status: str = "running"
    score: float | None = None
    message: str | None = None

    @property
    def id(self) -> str:
        return f"{self.number:04d}"


class SearchFolder(RunFolder):
    """A run folder of a search."""

    kind = "search"

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        with super().writing():
            with self._connect() as connection:
                connection.executescript(_SCHEMA)
            self._clock = time.monotonic()
            yield

    def _sweep(self) -> None:
        super()._sweep()
        # What TensorBoard would read as well.
        trials = folders_in(self.path / EVENTS_FOLDER, _TRIALS)
        seeds = [seed for trial in trials for seed in folders_in(trial, _SEEDS)]
        for folder in (self.path / EVENTS_FOLDER, *trials, *seeds):
            sweep(folder, re.compile(re.escape(EVENTS_FILE)))

    def trials(self) -> list[Trial]:
        """All trials, in the order of drawing."""
        rows = self._select("trial", "SELECT record FROM trial ORDER BY number")
        return [Trial(**json.loads(record)) for (record,) in rows]

    def write_trials(self, trials: Sequence[Trial]) -> None:
        """Adds or replaces trials, all or none, and notes the time since the last call."""
        rows = [(t.number, json.dumps(dataclasses.asdict(t))) for t in trials]
        passed, self._clock = time.monotonic() - self._clock, time.monotonic()
        with self._connect() as connection:
            connection.executemany("INSERT OR REPLACE INTO trial VALUES (?, ?)", rows)
            connection.execute("INSERT INTO clock VALUES (?)", (passed,))

    def seconds(self) -> float:
        """How long the search has worked; what a kill lost since the last trial is not known."""
        return sum(s for (s,) in self._select("clock", "SELECT seconds FROM clock"))

    def _select(self, table: str, query: str) -> list[tuple]:
        """The rows of a table, which a folder that is only beginning does not have."""
        if not (self.path / "ledger.sqlite").exists():
            return []
        with self._connect() as connection:
            found = "SELECT name FROM sqlite_master WHERE name = ?"
            if not connection.execute(found, (table,)).fetchone():
                return []
            return connection.execute(query).fetchall()
