"""One target, many inputs: what gets out, how long each takes, how much memory all of them."""

import contextlib
import logging
import resource
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from kmlp.errors import KmlpError
from tests.fuzz.mutation import Seeds, mutated

SEED = 25
"""Of the tests' inputs, and of all where no other is said."""
_MOST_SECONDS = 20.0
"""CPU seconds that one input may take: far beyond what any does, to end what has no end."""
_ROOM = 3 * 2**30
"""Bytes of addresses beyond those in use: a size that a header only claims does not fit in."""
MOST_RESIDENT = 2**31
"""Bytes that a target may hold at once: those of a picture's 64 million pixels, some times over."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is read, and of what its inputs are made.

    Attributes:
        name: also the beginning of the file's name, with its suffix.
        seeds: gives what is valid, from which inputs are made.
        read: reads a file; what it may raise is in `refused`.
        mutate: makes an input of the seeds.
        wrap: what stands round the content and would else refuse nearly every input before it is
            looked at, as checksums do; half of the inputs are changed inside of it, the others with
            it.
        refused: the ways to refuse that its documentation names.
        is_long: takes a quarter of a second of CPU or more in the tests.
        is_slow: takes 1.5 s or more.
    """

    name: str
    seeds: Callable[[], Seeds]
    read: Callable[[Path], object]
    mutate: Callable[[Random, Seeds], bytes] = mutated
    wrap: Callable[[bytes], bytes] | None = None
    refused: tuple[type[Exception], ...] = (KmlpError,)
    is_long: bool = False
    is_slow: bool = False

    def inputs(self, count: int, seed: int = SEED) -> Iterator[bytes]:
        """The same ones whenever they are asked for; more of them begin with the fewer."""
        rng, seeds = Random(f"{seed} {self.name}"), self.seeds()
        wrap = self.wrap
        wrapped = seeds if wrap is None else [wrap(seed) for seed in seeds]
        for _ in range(count):
            if wrap is None or rng.random() < 0.5:
                yield self.mutate(rng, wrapped)
            else:
                yield wrap(self.mutate(rng, seeds))


@dataclass
class Outcome:
    """What came of a target's inputs.

    Attributes:
        read, refused: how many.
        slowest: CPU seconds of the slowest.
        broken: number and content of each input that broke the contract, and how, told once for
            each place in the code.
    """

    read: int = 0
    refused: int = 0
    slowest: float = 0.0
    broken: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return self.read + self.refused


class TooLong(BaseException):
    """Not an `Exception`: what is read catches those, and says that the file is to blame."""


def fuzz(target: Target, count: int, folder: Path, seed: int = SEED) -> Outcome:
    """Reads so many inputs; each lies in the folder while it is read, the last one stays."""
    path = folder / target.name
    outcome = Outcome()
    with _quiet(), _limited():
        for number, content in enumerate(target.inputs(count, seed)):
            path.write_bytes(content)
            began = time.process_time()
            fault = _fault_of(target, path, outcome)
            outcome.slowest = max(outcome.slowest, time.process_time() - began)
            if fault:
                outcome.broken.setdefault(fault, (number, content))
    return outcome


def _fault_of(target: Target, path: Path, outcome: Outcome) -> str:
    """How the contract was broken; empty where it held."""
    signal.setitimer(signal.ITIMER_PROF, _MOST_SECONDS)
    try:
        target.read(path)
        outcome.read += 1
    except target.refused as error:
        outcome.refused += 1
        if _is_for_want_of_memory(error):
            return f"took memory before it refused: {_described(error)}"
        if not str(error).strip():
            return f"refused without a word: {_described(error)}"
    except (Exception, TooLong) as error:
        return _described(error)
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # polars's
            raise
        return _described(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return ""


def _is_for_want_of_memory(error: BaseException | None) -> bool:
    """Whether what refused was the machine, and not a check."""
    while error is not None:
        if isinstance(error, MemoryError) and not isinstance(error, KmlpError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _described(error: BaseException) -> str:
    """The error by its kind and by the last places in kmlp's own code: each is told once."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "/kmlp/" in f.filename or "/tuning/" in f.filename] or frames
    last = own[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno} ({last.name})"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What is told of odd files, is told thousands of times; a warning that gets out is a fault."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    finally:
        logging.disable(logging.NOTSET)


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Little memory beyond what is in use, and an end to what has none."""

    def stop(*_: object) -> None:
        raise TooLong(f"more than {_MOST_SECONDS:g} s of CPU")

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGPROF, stop)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + _ROOM, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGPROF, before)
