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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from kmlp.errors import RunFolderError
from kmlp.files import folders_in, sweep
from kmlp.study.run_folder import RunFolder
from kmlp.study.run_folder.integrity import AGAIN, Row, Rows, Table
from kmlp.study.run_folder.records import read_object
from kmlp.study.tensorboard import EVENTS_FILE, EVENTS_FOLDER
from tuning.space.parameter import Values

COMMONEST_SHARE = "commonest_share"
"""In `environment.json`: the share of the training rows that are of their commonest class."""

_TRIALS, _SEEDS = re.compile(r"trial-[0-9]{4,}"), re.compile(r"seed-[0-9]+(-fold-[0-9]+)?")


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
    values: Values
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

    @classmethod
    def read(cls, text: str) -> Self:
        """The trial of a row.

        Raises:
            ValueError: it is none.
        """
        trial = cls(**read_object(text, cls))
        counts = (trial.number, trial.batch)
        places = (trial.epochs, trial.bracket, trial.round, trial.resumed_from)
        if (
            any(type(n) is not int or n < 0 for n in counts)
            or any(type(n) not in (int, type(None)) for n in places)
            or not (trial.resumed_from is None or 0 <= trial.resumed_from < trial.number)
            or not isinstance(trial.values, dict)
            or trial.status not in ("running", "done", "failed", "given_up")
            or type(trial.score) not in (float, type(None))
            or (trial.status == "done") != (trial.score is not None)
        ):
            raise ValueError("not the record of a trial")
        return trial


def _is_trial(number: int, record: str) -> bool:
    try:
        return Trial.read(record).number == number
    except ValueError:
        return False


_TRIAL = Table("trial", {"number": int, "record": str}, "number", is_sound=_is_trial)
# Of work, between two writes of trials.
_CLOCK = Table("clock", {"seconds": float})


class SearchFolder(RunFolder):
    """A run folder of a search."""

    kind = "search"
    _TABLES = (*RunFolder._TABLES, _TRIAL, _CLOCK)
    _READ_BACK = (*RunFolder._READ_BACK, "search.toml", "followup.json")

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        if (self.path / "study.toml").exists():
            raise RunFolderError(f"{self.path} holds a study. Name another folder with --out.")
        with super().writing():
            rows = self._ledger.rows(_TRIAL)
            if [number for number, _ in rows] != list(range(len(rows))):
                with self._ledger.connect() as connection:
                    connection.execute("DELETE FROM trial")
                    connection.executemany(_TRIAL.insert, _reopened(rows))
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
        """All trials, in the order of drawing.

        Raises:
            RunFolderError: one of them is missing or not what was written.
        """
        trials = [Trial.read(record) for _, record in self._ledger.rows(_TRIAL)]
        for number, trial in enumerate(trials):
            if trial.number != number:
                raise RunFolderError(f"{self._ledger.path}: trial {number} is missing. {AGAIN}")
        return trials

    def write_trials(self, trials: Sequence[Trial]) -> None:
        """Adds or replaces trials, all or none, and notes the time since the last call."""
        passed, self._clock = time.monotonic() - self._clock, time.monotonic()
        with self._ledger.connect() as connection:
            connection.executemany(_TRIAL.insert, map(_row, trials))
            connection.execute(_CLOCK.insert, (passed,))

    def seconds(self) -> float:
        """How long the search has worked; what a kill lost since the last trial is not known."""
        return sum(seconds for (seconds,) in self._ledger.rows(_CLOCK))

    def _after_loss(self, rows: Rows) -> Rows:
        return {**rows, _TRIAL: _reopened(rows[_TRIAL])}


def _reopened(rows: Sequence[Row]) -> list[Row]:
    """Trials to go on with after rows were lost: those up to the last batch that is known to be
    whole, running again.

    What is drawn follows from the seed and the scores, and scores from the members: those that
    are recorded are not trained again, and the search becomes what it was.
    """
    trials = [Trial.read(record) for _, record in sorted(rows)]
    known = [t for number, t in enumerate(trials) if t.number == number]
    kept = [t for t in known if t.batch < known[-1].batch]
    again = [dataclasses.replace(t, status="running", score=None, message=None) for t in kept]
    return [_row(trial) for trial in again]


def _row(trial: Trial) -> Row:
    return trial.number, json.dumps(dataclasses.asdict(trial))
