"""How often the test rows of a run folder were read: who adds seeds after a verdict has looked.

A run that ends writes down with how many seeds of each variant it read the test rows, and on which
day. Nothing is written where nothing was added since. What `kmlp show` and `kmlp report` tell of a
study that is still training is not counted.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from kmlp.errors import RunFolderError
from kmlp.study.run_folder.folder import READINGS, RunFolder
from kmlp.study.run_folder.records import read_object


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one run read of the test rows.

    Attributes:
        date: the day, as 2026-05-01, in UTC.
        metric: that the study was decided by.
        baseline: that variants were compared with.
        num_seeds: finished, by variant.
    """

    date: str
    metric: str
    baseline: str
    num_seeds: Mapping[str, int]

    def is_like(self, other: "Reading") -> bool:
        """Whether the same was read, on whatever day."""
        return {**vars(self), "date": ""} == {**vars(other), "date": ""}


def readings_in(folder: RunFolder) -> tuple[Reading, ...]:
    """All of a folder, the first one first; none of one that an earlier release made.

    Raises:
        RunFolderError: they are damaged.
    """
    text = folder.kept_text(READINGS)
    if text is None:
        return ()
    try:
        listed = json.loads(text)
        return tuple(Reading(**read_object(json.dumps(each), Reading)) for each in listed)
    except (ValueError, TypeError, RecursionError) as error:
        raise RunFolderError(
            f"{folder.path / READINGS}: not what kmlp writes there: {error}. Restore it from a "
            "copy, or name another folder with --out."
        ) from error


def note_reading(
    folder: RunFolder, metric: str, baseline: str, num_seeds: Mapping[str, int]
) -> None:
    """Adds that the test rows were read just now, of a folder being written."""
    kept = readings_in(folder)
    today = datetime.now(UTC).date().isoformat()
    now = Reading(date=today, metric=metric, baseline=baseline, num_seeds=dict(num_seeds))
    is_new = not kept or not kept[-1].is_like(now)
    if is_new or _is_behind(folder):
        folder.write_json(READINGS, [vars(r) for r in (*kept, *[now] * is_new)])


def _is_behind(folder: RunFolder) -> bool:
    """Whether a process died when the ledger had the last reading, and the file not yet."""
    path = folder.path / READINGS
    return not path.is_file() or path.read_text(encoding="utf-8") != folder.kept_text(READINGS)
