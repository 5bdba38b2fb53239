"""The compiled programs of this process: a stack finds those of an earlier one."""

import contextlib
import gc
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path

import keras

from kmlp.data.dataset import DataSpec
from kmlp.engine.compiled import Program
from kmlp.engine.programs import disk
from kmlp.engine.signature import Signature
from kmlp.machine import give_memory_back
from kmlp.nn import backend

# Each takes tens of MB; running stacks hold theirs anyway.
KEPT_PROGRAMS = 16
# Compiled in a place and not kept: of more, all are forgotten, those that are kept with them.
MOST_DROPPED = 8
_Key = tuple[Signature, int, int, DataSpec, str]


class Programs:
    """The last programs by what they are compiled for, whatever thread asks.

    Args:
        build: makes one of what it is compiled for.
        forget: lets go of what is compiled for a place, if the backend can.

    Attributes:
        folder: where the backend keeps them for the next process, if it does.
        num_kept, most_dropped: how many are kept, and how many others stay compiled in a place
            until it is emptied.
    """

    def __init__(
        self,
        build: Callable[[Signature, int, DataSpec, int | None], Program] = Program,
        forget: Callable[[int], bool] = backend.forget_programs,
    ) -> None:
        self.folder: Path | None = None
        self.num_kept, self.most_dropped = KEPT_PROGRAMS, MOST_DROPPED
        self._build, self._forget = build, forget
        self._was_asked = False
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, Program] = OrderedDict()
        # How many were compiled in each place and are not kept; and how many now use the places.
        self._dropped, self._num_users = Counter[int](), 0

    def get(
        self, signature: Signature, num_members: int, spec: DataSpec, group: int | None = None
    ) -> Program:
        """The program of a signature and a size, of which `group` members train at a time."""
        key = _key(signature, num_members, spec, group)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = self._build(signature, num_members, spec, group)
            self._kept.move_to_end(key)
            if len(self._kept) > self.num_kept:
                self._dropped.update(tuple(self._kept.popitem(last=False)[1].places))
            return self._kept[key]

    def places(
        self, signature: Signature, num_members: int, spec: DataSpec, group: int | None = None
    ) -> frozenset[int]:
        """Where a program is there already; nothing is built."""
        with self._lock:
            kept = self._kept.get(_key(signature, num_members, spec, group))
            return frozenset(kept.places) if kept else frozenset()

    def keep_on_disk(self) -> None:
        """From now on, unless the user wants otherwise; nothing is changed the second time. It
        must be said before the backend looks for its devices."""
        with self._lock:
            if not self._was_asked:
                # Flags make other programs: the folder is named by them, too.
                backend.set_flags()
                self._was_asked, folder = True, disk.prepare()
                self.folder = folder if folder and backend.keep_programs(folder) else None

    @contextlib.contextmanager
    def compiling(self, program: Program, place: int) -> Iterator[None]:
        """What runs inside is compiled first, if this place has not done so yet.

        One place after the other where programs are kept on the disk: the next one finds it there.
        """
        if place in program.places:
            yield
            return
        with program.lock if self.folder else contextlib.nullcontext():
            yield
        program.places.add(place)

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """Who trains inside uses places, and each of them for one stack at a time."""
        with self._lock:
            self._num_users += 1
        try:
            yield
        finally:
            with self._lock:
                self._num_users -= 1

    def forget_dropped(self, place: int) -> None:
        """Empties a place in which nothing runs now, once it holds `most_dropped` programs that are
        not kept.

        Those that are kept are compiled once more there, or found on the disk, if they are asked
        for again. Nothing is forgotten while others use the same places.
        """
        with self._lock:
            if self._num_users > 1 or self._dropped[place] < self.most_dropped:
                return
            # A program is in a circle with what is compiled of it.
            gc.collect()
            if self._forget(place):
                for program in self._kept.values():
                    program.places.discard(place)
            give_memory_back()
            self._dropped[place] = 0

    def have_trained(self) -> bool:
        """Whether one has been compiled."""
        with self._lock:
            return any(program.places for program in self._kept.values())

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Forgets them; stacks that train keep theirs."""
        with self._lock:
            for program in self._kept.values():
                self._dropped.update(tuple(program.places))
            self._kept.clear()


def _key(signature: Signature, num_members: int, spec: DataSpec, group: int | None) -> _Key:
    return signature, num_members, group or num_members, spec, keras.config.floatx()


PROGRAMS = Programs()
"""Of the process, not of a study or its trainer: a second study of the same networks, or a search's
next trial, trains at once where the first one had to compile."""
