"""How much memory a study takes: a bound before training, by arithmetic, and what there is.

The bound is of the growth of the process over a started backend with the data set loaded. It is
meant to lie between what is measured and 1.5 times that; `benchmarks/memory.py` holds it there.
"""

import bisect
import copy
import functools
import math
from collections import Counter
from collections.abc import Sequence

from kmlp.config.tables.encoding import num_knots
from kmlp.data.dataset import Dataset
from kmlp.engine.member import Member
from kmlp.engine.planning.sizes import (
    data_bytes,
    evaluation_bytes,
    num_draws,
    num_train,
    prediction_bytes,
    saving_bytes,
    step_bytes,
    weight_bytes,
)
from kmlp.engine.planning.width import can_shrink, group_size, num_slots, representative
from kmlp.engine.programs.kept import KEPT_PROGRAMS, PROGRAMS
from kmlp.engine.signature import Signature
from kmlp.engine.trainer import Need
from kmlp.errors import MemoryLimitError
from kmlp.machine import available_memory, in_words
from kmlp.nn.steps.member_step import num_slots as num_slots_of
from kmlp.nn.topology import follows_rows

# Measured, see benchmarks/README.md: what is there once; for each program in each place, more if
# it normalizes, and for each place of it that draws; of a program that is not kept, what stays;
# for each stack that trains at once; and while what draws is compiled.
_BASE = 100_000_000
_PROGRAM = 20_000_000
_NORMALIZED = 25_000_000
_DRAW_KEPT = 16_000_000
_SHARE_LEFT = 0.6
_STACK = 100_000_000
_DRAW = 40_000_000
# Measured of 20 networks of 600-600: what mixes rows has a second loss; averages are copied more
# often than other slots; a plain network beside the stack finds initial weights by rows.
_MIXED, _AVERAGE_COPIES, _BY_ROWS = 30_000_000, 4, 60_000_000
# Of what is free, what a study may take: the estimate is none to the byte, others want some too.
_SHARE = 0.8
_FLOAT, _INDEX = 4, 4


class Room:
    """The memory that a study may take, and what fits into it.

    What this process holds already, the started backend and compiled programs, is not charged
    again.

    Args:
        data: what is trained on.
        at_once: how many stacks train at once, if they fit.
        device_memory: bytes of the accelerator that trains, of several of each; the process's own
            where omitted.
        is_copied: whether each stack that trains at once has the data by itself: on accelerators
            of its own, each with its memory, and on what JAX takes for several CPUs.

    Raises:
        MemoryLimitError: the data alone do not fit.
    """

    def __init__(
        self,
        data: Dataset,
        at_once: int,
        device_memory: int | None = None,
        *,
        is_copied: bool = False,
    ) -> None:
        self.data, self.at_once, self.num_rows = data, at_once, len(data.y_train)
        self.is_accelerator = device_memory is not None
        # Whether what trains at once shares no memory but the host's; and of data, what a stack
        # more takes where it does.
        self._apart = self.is_accelerator and is_copied
        self._copy = data_bytes(data) if is_copied and not self.is_accelerator else 0
        self.host_limit = math.floor(_SHARE * available_memory())
        self.limit = math.floor(_SHARE * device_memory) if device_memory else self.host_limit
        self._base = 0 if PROGRAMS.have_trained() else _BASE
        self._for_programs = 0
        self.free = self.limit - data_bytes(data) - self._base
        least = 0 if PROGRAMS.have_trained() else _PROGRAM
        if self.free < least:
            raise MemoryLimitError(
                f"the data set takes {in_words(self.limit - self.free + least)} of memory in "
                f"training; {in_words(self.limit)} may be taken. Train on fewer rows, or on a "
                "machine with more memory."
            )

    def reserving(self, stacks: Sequence[Sequence[Member]]) -> "Room":
        """The same, but that stacks leave room for the programs of all these too."""
        room = copy.copy(self)
        room._for_programs += self._program_bytes(stacks, self.at_once)
        return room

    def width(self, member: Member) -> int:
        """How many members like this one fit into a stack, beside as many others as fit at all.

        Raises:
            MemoryLimitError: not even one alone.
        """
        program = self._program_bytes([[member]], 1)
        alone, free = self.stack_bytes(member, 1), self.free - program
        if alone > free:
            left = f"{in_words(max(free, 0))} of {in_words(self.limit)}"
            raise _too_large(member, alone, f"{left} are left beside the data and its program")
        free = max(alone, min(free, self.free - self._for_programs))
        each = self.stack_bytes(member, 2) - alone
        num = 1 if self._apart else min(self.at_once, (free + self._copy) // (alone + self._copy))
        share = (free - (num - 1) * self._copy) // num
        # More is taken where slots stand for nobody, so the straight line is but an upper bound;
        # halving finds the rest, for of small networks millions fit.
        more = range(2, 2 + (share - alone) // each)
        fit = functools.partial(self.stack_bytes, member)
        width = 1 + bisect.bisect_right(more, share, key=fit)
        return min(width, self._host_width(member)) if self.is_accelerator else width

    def fits(self, stack: Sequence[Member]) -> bool:
        """Whether a stack fits, one at a time."""
        member = representative(stack)
        alone = self.stack_bytes(member, len(stack)) + self._program_bytes([stack], 1)
        host = self.is_accelerator and self.host_bytes(member, len(stack)) > self.host_limit
        return alone <= self.free and not host

    def stack_bytes(self, member: Member, num_members: int) -> int:
        """A stack of members like this one while it trains, is saved, or is evaluated."""
        data = self.data
        k = num_slots(member, data.spec, num_members)
        group = group_size(member, data.spec, num_members)
        slots = num_slots_of(member.train)
        # With their slots before, in and after an epoch; and the model's own, the gradients, the
        # best epoch's, and what is on its way. It is not given back for a checkpoint to take.
        averaged = _AVERAGE_COPIES * (member.train.ema_momentum > 0)
        state = weight_bytes(member, k, data) * (3 * (1 + slots) + 5 + averaged)
        if follows_rows(member.model):
            state += _BY_ROWS
        # The split, and an epoch's order here and on the device.
        rows = k * _INDEX * len(data.y_train) * 3
        # Of quantile scaling, on the device and on their way there.
        tables = 3 * k * _FLOAT * num_knots(member.model, data.spec)
        evaluation = evaluation_bytes(member, k, data)
        if not self.is_accelerator:
            state += saving_bytes(member, k, data)
            evaluation += prediction_bytes(k, data)
        return _STACK + state + rows + tables + max(group * step_bytes(member, data), evaluation)

    def host_bytes(self, member: Member, num_members: int) -> int:
        """What a stack on an accelerator takes of the host's memory."""
        return max(
            saving_bytes(member, num_members, self.data), prediction_bytes(num_members, self.data)
        )

    def need(self, stacks: Sequence[Sequence[Member]]) -> Need:
        """What these stacks take, as many at once as fit.

        Raises:
            MemoryLimitError: they do not fit even one at a time.
        """
        for at_once in range(max(1, min(self.at_once, len(stacks))), 0, -1):
            need = self._need(stacks, at_once)
            if need.total <= self.limit and (at_once == 1 or self._host_holds(stacks, at_once)):
                return need
        raise MemoryLimitError(
            f"training takes {in_words(need.total)} of memory, one stack at a time: "
            f"{in_words(need.data)} for the data, {in_words(need.programs)} for compiled programs, "
            f"{in_words(need.stacks)} for the stack; {in_words(self.limit)} may be taken. "
            "Compare fewer signatures at once, or train on a machine with more memory."
        )

    def _need(self, stacks: Sequence[Sequence[Member]], at_once: int) -> Need:
        sizes = sorted((self.stack_bytes(representative(s), len(s)) for s in stacks), reverse=True)
        return Need(
            data=data_bytes(self.data) + (at_once - 1) * self._copy,
            programs=self._base + self._program_bytes(stacks, at_once),
            stacks=sum(sizes[: 1 if self._apart else at_once]),
            num_stacks=len(stacks),
            at_once=at_once,
            widest=max(map(len, stacks), default=0),
            where=f" on each of {at_once} devices" if self._apart and at_once > 1 else "",
        )

    def _host_holds(self, stacks: Sequence[Sequence[Member]], at_once: int) -> bool:
        """Whether the host has room for what so many stacks on accelerators take of its memory."""
        if not self._apart:
            return True
        sizes = sorted(self.host_bytes(representative(s), len(s)) for s in stacks)
        return sum(sizes[-at_once:]) <= self.host_limit

    def _program_bytes(self, stacks: Sequence[Sequence[Member]], at_once: int) -> int:
        """What is compiled for these stacks and not there yet, in each place that trains; where
        these share no memory, in one."""
        spec = self.data.spec
        first: dict[tuple, Member] = {}
        counts: Counter[tuple] = Counter()
        for stack in stacks:
            member = representative(stack)
            key = (Signature.of_all(stack), num_slots(member, spec, len(stack)))
            first.setdefault((*key, group_size(member, spec, len(stack))), member)
            counts[(*key, group_size(member, spec, len(stack)))] += 1
        sizes: list[int] = []
        on_the_way = 0
        for (signature, k, group), count in counts.items():
            member = first[signature, k, group]
            size = _PROGRAM + _DRAW_KEPT * num_draws(member)
            size += _NORMALIZED * (member.model.normalization != "none")
            size += _MIXED * (member.train.mixup > 0)
            num_new = self._num_new(signature, k, count, at_once, group)
            if num_new:
                on_the_way = max(on_the_way, _DRAW * num_draws(member))
            sizes += [size] * num_new
            if group == k and can_shrink(member, spec, num_train(member, self.data)):
                # A stack whose members stop is halved, or more, to any size. It is not what
                # predicts in the end, which is a third of a program.
                smaller = (
                    self._num_new(signature, j, count, at_once) for j in range(1, k // 2 + 1)
                )
                num_smaller = min(count * (k.bit_length() - 1), sum(smaller))
                sizes += [2 * size // 3] * num_smaller
        sizes.sort(reverse=True)
        # Of one that is not kept some stays: XLA forgets it later, on some devices never.
        kept, dropped = sum(sizes[:KEPT_PROGRAMS]), sum(sizes[KEPT_PROGRAMS:])
        return kept + math.ceil(_SHARE_LEFT * dropped) + on_the_way

    def _num_new(
        self,
        signature: Signature,
        num_members: int,
        count: int,
        at_once: int,
        group: int | None = None,
    ) -> int:
        """In how many more places a program is compiled for so many stacks."""
        there = PROGRAMS.places(signature, num_members, self.data.spec, group)
        num_new = min(count, sum(place not in there for place in range(at_once)))
        return min(num_new, 1) if self._apart else num_new

    def _host_width(self, member: Member) -> int:
        alone = self.host_bytes(member, 1)
        if alone > self.host_limit:
            raise _too_large(member, alone, f"{in_words(self.host_limit)} may be taken")
        share = max(alone, self.host_limit // (self.at_once if self._apart else 1))
        return 1 + (share - alone) // (self.host_bytes(member, 2) - alone)


def _too_large(member: Member, alone: int, left: str) -> MemoryLimitError:
    return MemoryLimitError(
        f"one network of {member.model.hidden_units} units takes {in_words(alone)} of memory in "
        f"training; {left}. {_advice(member)}"
    )


def _advice(member: Member) -> str:
    if member.train.batch_size == "full":
        return 'Write a smaller batch_size than "full".'
    if member.model.drop_connect and member.model.drop_connect_mask == "example":
        return 'Write drop_connect_mask = "batch", or a smaller batch_size.'
    return "Write fewer hidden_units, or train on a machine with more memory."
