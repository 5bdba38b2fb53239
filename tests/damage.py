"""Bits flipped in the files of a run folder that kmlp reads back, one at a time.

    python -m tests.damage FOLDER study|search

Prints one JSON line for each flip: what came of reading, and after some of them, chosen evenly,
what the same command came to. Without TensorFlow: see `tests.faults`.
"""

import json
import logging
import random
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kmlp.errors import KmlpError
from kmlp.study.loading import load_study
from tests import faults

Read = Callable[[Path], dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """A folder whose files are damaged.

    Attributes:
        folder: undamaged; flips are made in a copy.
        read: its results.
        work: the command that made it.
        ended: what `read` gives once that has come to its end.
        flips: how many by file.
    """

    folder: Path
    read: Read
    work: Callable[[Path], None]
    ended: dict[str, Any]
    flips: dict[str, int]


def study_cases(folder: Path) -> Iterator[Case]:
    """A finished study, and one whose process was killed in the last epoch of its second stack."""
    whole, killed = folder / "whole", folder / "killed"
    faults.study(whole)
    ended = read_study(whole)
    member, other = (ended["members"][i]["id"] for i in (0, -1))
    flips = {"ledger.sqlite": 800, "study.toml": 150, "environment.json": 150, "results.json": 5}
    arrays = {f"arrays/{member}.npz": 250, "arrays/test_labels.npz": 200}
    yield Case(whole, read_study, faults.study, ended, flips | arrays)
    faults.POISON.update(epoch=faults.NUM_EPOCHS, member=other)
    assert faults.in_a_process(killed, faults.die, 0)[0] == -9
    faults.POISON.clear()
    (note,) = killed.glob("checkpoints/*/members.json")
    last = max(note.parent.glob("*.checkpoint"))
    left = {str(path.relative_to(killed)): 20 for path in (note, last)}
    flips = {"ledger.sqlite": 100, **left}
    yield Case(killed, read_study, faults.study, ended, flips)


def search_cases(folder: Path) -> Iterator[Case]:
    """A finished search, and one that a study followed."""
    flips = {"ledger.sqlite": 200, "search.toml": 60, "environment.json": 40, "results.json": 2}
    yield search_case(folder / "search", flips)
    flips = {"followup.json": 20, "study/results.json": 2, "study/ledger.sqlite": 20}
    yield search_case(folder / "followed", flips, then_study=2)


def search_case(folder: Path, flips: dict[str, int], **settings: Any) -> Case:
    from tests.search_faults import searching

    work = searching("random", **settings)
    work(folder)
    return Case(folder, read_search, work, read_search(folder), flips)


def read_study(run: Path) -> dict[str, Any]:
    return load_study(run).results


def read_search(run: Path) -> dict[str, Any]:
    """All but what the search took, of which damage may take a part."""
    from tuning import load_search

    return {k: v for k, v in load_search(run).results.items() if k != "budget"}


def flip(case: Case, name: str, count: int, every: int) -> Iterator[dict[str, str]]:
    """Flips bits of one file, one after the other; of an SQLite file where it holds anything."""
    run = case.folder.with_name("run")
    shutil.copytree(case.folder, run)
    content, before = (run / name).read_bytes(), case.read(run)
    rng = random.Random(name)
    places = [i for i, byte in enumerate(content) if byte or "sqlite" not in name]
    for number in range(count):
        place, changed = rng.choice(places), bytearray(content)
        changed[place] ^= 1 << rng.randrange(8)
        (run / name).write_bytes(changed)
        found = {"file": name, "place": str(place), "read": outcome(case.read, run, before)}
        if number % every == 0:
            case.work(run)
            found["again"] = outcome(case.read, run, case.ended)
            shutil.rmtree(run)
            shutil.copytree(case.folder, run)
        (run / name).write_bytes(content)
        yield found
    shutil.rmtree(run)


def outcome(read: Read, run: Path, expected: dict[str, Any]) -> str:
    """ "same", "refused", "fewer" where members are missing, or what must never be."""
    try:
        results = read(run)
    except KmlpError as error:
        return "refused" if len(str(error).splitlines()) == 1 else f"not one line: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if results == expected:
        return "same"
    known = [m for m in expected.get("members", ()) if m not in results["members"]]
    left = [m for m in results.get("members", ()) if m not in expected["members"]]
    return "fewer" if known and not left else "other numbers"


def main(folder: Path, what: str) -> None:
    for case in {"study": study_cases, "search": search_cases}[what](folder):
        for name, count in case.flips.items():
            for found in flip(case, name, count, every=max(count // 3, 2)):
                print(json.dumps(found), flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    # What is left out or made anew is said, hundreds of times.
    logging.disable(logging.WARNING)
    main(Path(sys.argv[1]), sys.argv[2])
