"""How long a study still takes, from what its epochs took so far, variant by variant."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence


class Pace:
    """Seconds by epoch and variant, as the stacks' threads tell of them; who calls holds a lock.

    A stack's first epoch is left out: its program is compiled in it. How long that takes is known
    of those that were, and counts for those that still are to be.

    Args:
        clock: gives seconds.
        thread: tells the stacks apart that train at the same time: each has a thread of its own.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        thread: Callable[[], int] = threading.get_ident,
    ) -> None:
        self._clock, self._thread = clock, thread
        self.start({}, ())

    def start(self, variant_of: Mapping[str, str], done: Collection[str]) -> None:
        """The members by id, and those of them that need no training."""
        self._variant_of, self._missing = variant_of, variant_of.keys() - set(done)
        self._seconds: dict[str, float] = defaultdict(float)
        self._epochs = Counter[str]()
        self._epoch: dict[str, int] = {}
        self._ended: dict[str, int] = {}
        self._last: dict[int, tuple[float, frozenset[str]]] = {}
        self._threads: set[int] = set()
        self._num_to_compile = 0
        self._compiling: dict[int, float] = {}
        self._compiled: list[float] = []

    def compiling(self, number: int, total: int) -> None:
        """One of so many programs, from 1, is compiled before its stack's first epoch."""
        self._num_to_compile = total - number
        self._compiling[self._thread()] = self._clock()

    def epoch(self, ids: Sequence[str], epoch: int) -> None:
        """One epoch of one stack, by those of its members that trained in it."""
        now, thread = self._clock(), self._thread()
        self._threads.add(thread)
        if (begun := self._compiling.pop(thread, None)) is not None:
            self._compiled.append(now - begun)
        if thread in self._last:
            before, last = self._last[thread]
            for id in ids:
                self._seconds[self._variant_of[id]] += (now - before) / len(ids)
                self._epochs[self._variant_of[id]] += 1
            for id in last.difference(ids):
                self._ended.setdefault(id, self._epoch[id])
        self._last[thread] = now, frozenset(ids)
        self._epoch |= dict.fromkeys(ids, epoch)

    def finished(self, epochs: Mapping[str, int]) -> None:
        """One stack is done: the epochs that its members took."""
        self._last.pop(self._thread(), None)
        self._ended |= epochs

    def seconds_left(self) -> float | None:
        """None until a network has stopped and an epoch was timed."""
        if not self._ended or not self._epochs:
            return None
        total = sum(map(self._seconds_of, self._missing - self._ended.keys()))
        return (total + self._seconds_to_compile()) / len(self._threads)

    def _seconds_to_compile(self) -> float:
        """What programs still take by the mean of those before; 0 where none was compiled yet."""
        if not self._compiled:
            return 0.0
        usual, now = sum(self._compiled) / len(self._compiled), self._clock()
        begun = sum(max(usual - (now - since), 0.0) for since in self._compiling.values())
        return self._num_to_compile * usual + begun

    def _seconds_of(self, id: str) -> float:
        """What one that trains, or waits, still takes of a thread."""
        variant = self._variant_of[id]
        known = [variant] if self._epochs[variant] else [*self._epochs]
        pace = sum(self._seconds[v] for v in known) / sum(self._epochs[v] for v in known)
        usual = self._usual_epochs(variant)
        return pace * (max(usual - self._epoch[id], 1.0) if id in self._epoch else usual)

    def _usual_epochs(self, variant: str) -> float:
        """The mean of the variant's, or of all while none of its own has stopped."""
        own = [n for id, n in self._ended.items() if self._variant_of[id] == variant]
        found = own or [*self._ended.values()]
        return sum(found) / len(found)
