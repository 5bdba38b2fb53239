"""A study whose process dies, or whose disk is full, at each write in turn.

    python -m tests.faults FOLDER kill|full

Everything is the program's own but the arithmetic: a trainer that needs no TensorFlow, so that a
process can be forked and killed hundreds of times in seconds. Prints one JSON line for each
fault: where it struck, and what came of it.
"""

import json
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import kmlp.study.study
from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.engine.member import Member
from kmlp.errors import KmlpError
from kmlp.study.loading import load_study
from kmlp.study.run_folder import RunFolder
from kmlp.testing import LinearTrainer

NUM_EPOCHS, STACK_SIZE, NUM_SEEDS = 3, 2, 2
VARIANTS = ("none", "dropout")
# A member and the epoch in which it ends the process.
POISON: dict[str, object] = {}
Strike = Callable[[str, str | None], None]
NEEDED = len(VARIANTS) * NUM_SEEDS * NUM_EPOCHS


def poisoned(members: Sequence[Member], epoch: int) -> None:
    """Ends the process at the member and the epoch that are named."""
    if epoch == POISON.get("epoch") and any(m.id == POISON["member"] for m in members):
        os.kill(os.getpid(), signal.SIGKILL)


TRAINER = LinearTrainer(width=STACK_SIZE, before_told=poisoned)


def study(run: Path) -> None:
    """The study."""
    x, y = np.arange(60, dtype=np.float32).reshape(30, 2), np.arange(30) % 3
    config = StudyConfig(
        dataset="made-up",
        variants=VARIANTS,
        num_seeds=NUM_SEEDS,
        model=MLPConfig(hidden_units=(2,)),
        train=TrainConfig(max_epochs=NUM_EPOCHS),
    )
    data = Dataset.from_arrays(x, y, x, y, name="made-up")
    kmlp.study.study.run_study(config, run, data, trainer=TRAINER)


def inject(strike: Strike, count: int) -> None:
    """Calls `strike` instead of the `count`-th write, rename, removal or database change."""
    calls = 0

    def point(what: str, path: str | None = None) -> None:
        nonlocal calls
        calls += 1
        if calls == count:
            strike(what, path)

    def before(function: Callable, what: str) -> Callable:
        def call(*arguments, **options):
            point(what, str(arguments[0]))
            return function(*arguments, **options)

        return call

    def flush(descriptor: int) -> None:
        # A killed process loses nothing that it has written: flushing would only cost time.
        point("fsync")

    class Connection(sqlite3.Connection):
        def execute(self, *arguments):
            if not arguments[0].startswith("SELECT"):
                point("statement")
            return super().execute(*arguments)

        def executemany(self, *arguments):
            point("statement")
            return super().executemany(*arguments)

        def executescript(self, *arguments):
            point("statement")
            return super().executescript(*arguments)

        def trace(self, statement: str) -> None:
            if strike is die and statement == "COMMIT":
                point("commit")

    def connect(*arguments, **options) -> Connection:
        connection = sqlite3_connect(*arguments, factory=Connection, **options)
        connection.set_trace_callback(connection.trace)
        return connection

    sqlite3_connect = sqlite3.connect
    sqlite3.connect = connect
    os.fsync, os.replace = flush, before(os.replace, "replace")
    os.mkdir = before(os.mkdir, "mkdir")
    if strike is die:
        os.unlink, os.rmdir = before(os.unlink, "unlink"), before(os.rmdir, "rmdir")


def die(what: str, path: str | None) -> None:
    print(what, file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def disk_is_full(what: str, path: str | None) -> None:
    print(what, file=sys.stderr, flush=True)
    if what == "statement":
        raise sqlite3.OperationalError("database or disk is full")
    raise OSError(28, "No space left on device", path)


def in_a_process(
    run: Path, strike: Strike, count: int, work: Callable[[Path], None] = study
) -> tuple[int, str]:
    """Runs the study, or other work, in a fork; its exit code and what it wrote to stderr."""
    log = run.with_suffix(".log")
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        try:
            inject(strike, count)
            work(run)
        except (KmlpError, OSError) as error:
            print(error, file=sys.stderr, flush=True)
            os._exit(1)
        except BaseException as error:
            print(f"not said in one line: {error!r}", file=sys.stderr, flush=True)
            os._exit(2)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), log.read_text()


def is_whole(run: Path) -> bool:
    """Whether what is recorded loads, as `kmlp show` loads it."""
    if not (run / "study.toml").exists():
        return True
    members = load_study(run).results["members"]
    return not RunFolder(run).damaged([m["id"] for m in members])


def same(run: Path, reference: Path) -> bool:
    """Whether two folders hold the same results, arrays and nothing left over."""
    if (run / "results.json").read_bytes() != (reference / "results.json").read_bytes():
        return False
    mine, theirs = RunFolder(run), RunFolder(reference)
    names = [{str(p.relative_to(r)) for p in r.rglob("*")} for r in (run, reference)]
    return names[0] == names[1] and all(
        array.tobytes() == theirs.arrays(id)[name].tobytes()
        for id in theirs.records()
        for name, array in mine.arrays(id).items()
    )


def main(folder: Path, strike: Strike) -> None:
    assert in_a_process(folder / "reference", strike, 0) == (0, "")
    count, code = 0, -1
    while True:
        count += 1
        run = folder / str(count)
        code, said = in_a_process(run, strike, count)
        if not said:
            break
        whole = is_whole(run)
        again, _ = in_a_process(run, strike, 0)
        print(
            json.dumps(
                {
                    "code": code,
                    "said": said,
                    "whole": whole,
                    "again": again,
                    "same": same(run, folder / "reference"),
                    "trained": RunFolder(run).stacks.num_epochs_logged(),
                }
            )
        )
        shutil.rmtree(run)


if __name__ == "__main__":
    main(Path(sys.argv[1]), {"kill": die, "full": disk_is_full}[sys.argv[2]])
