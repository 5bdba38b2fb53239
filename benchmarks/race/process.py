"""A side in a process of its own, which idles while the others work.

Thread counts are fixed once TensorFlow has started, and what one library leaves behind must not
slow or help another.
"""

import importlib
import json
import os
import resource
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import kmlp
from kmlp.machine import num_cores
from race.setting import Setting
from race.sides import BEFORE, SIDES

_SCRIPT = Path(__file__).resolve().parent.parent / "speed.py"
_QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # Several processes share one GPU.
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
}
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}


class SideFailed(Exception):
    """A side could not do what was asked; the message says why."""


@dataclass(frozen=True)
class Answer:
    """What one call of a side gave.

    Attributes:
        seconds: wall time from the call to the last process's answer.
        foreign_cores: CPU seconds a second that other processes, or the machine's other guests,
            took meanwhile.
        outcomes: what each process tells besides, such as the mean validation accuracy.
        peak_bytes: growth of the largest resident memory since the side's libraries and the
            data were loaded, summed over its processes.
    """

    seconds: float
    foreign_cores: float
    outcomes: list[dict[str, Any]]
    peak_bytes: int

    @property
    def cpu_seconds(self) -> float:
        """Of all its processes' threads."""
        return sum(o["cpu_seconds"] for o in self.outcomes)

    def mean(self, name: str) -> float | None:
        """A value's mean over the members of all processes; None where the side has none."""
        found = [(o[name], o["count"]) for o in self.outcomes if o.get(name) is not None]
        total = sum(count for _, count in found)
        return sum(value * count for value, count in found) / total if found else None


class Side:
    """A side's processes: one, or one a core that share its members."""

    def __init__(self, name: str, setting: Setting) -> None:
        self.info = SIDES[name]
        copies = min(num_cores(), max(setting.num_members, setting.num_seeds))
        self._processes = [
            _start(name, setting, self.info) for _ in range(copies if self.info.per_core else 1)
        ]
        try:
            self.choice = [_read(p)["choice"] for p in self._processes][-1]
        except SideFailed:
            self.close()
            raise

    @property
    def num_processes(self) -> int:
        return len(self._processes)

    def call(self, seeds: range, epochs: int) -> Answer:
        """Trains the members of some seeds.

        Raises:
            SideFailed: in one of the processes.
        """
        shares = [list(seeds[i :: len(self._processes)]) for i in range(len(self._processes))]
        busy = [(p, s) for p, s in zip(self._processes, shares, strict=True) if s]
        started, busy_before = time.perf_counter(), _busy_seconds()
        for process, share in busy:
            _pipe(process.stdin).write(json.dumps([share, epochs]) + "\n")
            _pipe(process.stdin).flush()
        outcomes = [_read(process) for process, _ in busy]
        seconds = time.perf_counter() - started
        own = sum(o["cpu_seconds"] for o in outcomes)
        foreign = max(0.0, _busy_seconds() - busy_before - own) / seconds
        return Answer(seconds, foreign, outcomes, sum(o["peak_bytes"] for o in outcomes))

    def close(self) -> None:
        for process in self._processes:
            _pipe(process.stdin).close()
            _pipe(process.stdout).close()
            process.wait()


def serve(name: str, setting: Setting) -> None:
    """A side's process: says what it chose, then reads (seeds, epochs), trains, answers."""
    # Only answers go where the judge reads: some libraries print.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        _check_origin(name)
        data = setting.load()
        module = importlib.import_module(f"race.sides.{SIDES[name].module}")
        before = _resident_bytes()
        trainer = getattr(module, SIDES[name].trainer)(setting, data)
        say({"choice": getattr(trainer, "choice", "")})
        for line in sys.stdin:
            seeds, epochs = json.loads(line)
            cpu_before = time.process_time()
            outcome = trainer.train(seeds, epochs)
            told = {
                "count": len(seeds),
                "cpu_seconds": time.process_time() - cpu_before,
                "peak_bytes": max(0, _peak_bytes() - before),
            }
            say(told | outcome)
    except Exception as error:
        traceback.print_exc()
        say({"error": f"{type(error).__name__}: {error}"})


def _check_origin(name: str) -> None:
    """A side of another checkout is that one's, whatever is installed."""
    folder, found = os.environ.get(BEFORE, ""), Path(kmlp.__file__).resolve()
    if SIDES[name].is_before and Path(folder).resolve() not in found.parents:
        raise ImportError(f"kmlp was found in {found.parent}, not in {folder}")


def _start(name: str, setting: Setting, info: Any) -> subprocess.Popen:
    env = {**os.environ, **_QUIET, **(_ONE_THREAD if info.per_core or info.one_thread else {})}
    if info.is_before:
        env["PYTHONPATH"] = env[BEFORE]
    return subprocess.Popen(
        [sys.executable, str(_SCRIPT), "--serve", name, "--setting", setting.to_json()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=env,
    )


def _read(process: subprocess.Popen) -> dict[str, Any]:
    line = _pipe(process.stdout).readline()
    if not line:
        raise SideFailed(f"its process ended with {process.wait()}")
    answer = json.loads(line)
    if "error" in answer:
        raise SideFailed(answer["error"].splitlines()[0])
    return answer


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _busy_seconds() -> float:
    """CPU seconds of all processes on all cores, and those stolen, since the machine started."""
    names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    ticks = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    found = dict(zip(names, ticks, strict=True))
    return (sum(found.values()) - found["idle"] - found["iowait"]) / os.sysconf("SC_CLK_TCK")


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
