"""Who waits is told that programs are compiled."""

import threading
from collections.abc import Sequence

from kmlp.data.dataset import DataSpec
from kmlp.engine.member import Member
from kmlp.engine.planning.width import filled
from kmlp.engine.programs.kept import PROGRAMS
from kmlp.engine.signature import Signature
from kmlp.engine.stack import Stack
from kmlp.engine.trainer import OnCompile


class Compiling:
    """Counts the programs that stacks need and that this process does not have yet.

    Args:
        stacks: that are about to train.
        spec: the data's shapes and classes.
        on_compile: who is told.
    """

    def __init__(
        self, stacks: Sequence[Sequence[Member]], spec: DataSpec, on_compile: OnCompile | None
    ) -> None:
        self._lock, self._on_compile = threading.Lock(), on_compile
        needed = {_key(Signature.of_all(s), *_sizes(s, spec)) for s in stacks if s}
        self._missing = {key for key in needed if not PROGRAMS.places(key[0], key[1], spec, key[2])}
        self._total = len(self._missing)

    def tell(self, stack: Stack) -> None:
        """This stack is about to train."""
        key = _key(stack.signature, len(stack.members), stack.program.group)
        with self._lock:
            is_new = key in self._missing
            self._missing.discard(key)
            number = self._total - len(self._missing)
        if is_new and self._on_compile:
            self._on_compile(number, self._total)


def _sizes(members: Sequence[Member], spec: DataSpec) -> tuple[int, int]:
    slots, group = filled(members, spec)
    return len(slots), group


def _key(signature: Signature, num_members: int, group: int) -> tuple[Signature, int, int]:
    return signature, num_members, group
