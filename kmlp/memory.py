"""How much memory a study takes: a bound before training, by arithmetic, and what there is.

The bound is of the growth of the process over a started backend with the data set loaded. It is
meant to lie between what is measured and 1.5 times that; `benchmarks/memory.py` holds it there.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from kmlp.data.dataset import Dataset
from kmlp.errors import MemoryLimitError
from kmlp.member import Member
from kmlp.model import num_kernel_weights
from kmlp.optimizers import update_rule
from kmlp.program import KEPT_PROGRAMS
from kmlp.structure import Structure

# Rows that are evaluated at once: as many as `EVALUATION_BYTES` hold, within these bounds.
EVALUATION_BYTES = 8_000_000
EVALUATION_ROWS = (128, 2000)
# Measured, see benchmarks/README.md: what is there once, for the first program, for each program
# beyond it while it is kept, for each stack that trains at once, and for each place that draws.
_BASE = 150_000_000
_PROGRAM = 40_000_000
_STACK = 110_000_000
_DRAW = 50_000_000
# Of what is free, what a study may take: the estimate is none to the byte, others want some too.
_SHARE = 0.8
_FLOAT, _INDEX = 4, 4


@dataclass(frozen=True)
class Need:
    """What a study takes, in bytes.

    Attributes:
        data: the data set on the device.
        programs: what is compiled.
        stacks: the largest stacks that train at once, their results included.
        num_stacks, at_once, widest: number of stacks, how many of them at once, and the most
            members in one.
    """

    data: int
    programs: int
    stacks: int
    num_stacks: int
    at_once: int
    widest: int

    @property
    def total(self) -> int:
        return self.data + self.programs + self.stacks

    def __str__(self) -> str:
        plural = "s" if self.num_stacks != 1 else ""
        return (
            f"Memory: at most {in_words(self.total)} for {self.num_stacks} stack{plural} of up to "
            f"{self.widest} networks, {self.at_once} at once."
        )


class Room:
    """The memory that a study may take, and what fits into it.

    Args:
        data: what is trained on.
        at_once: how many stacks the device trains at once, if they fit.
        device_memory: bytes of the accelerator that trains; the process's own where omitted.

    Raises:
        MemoryLimitError: the data alone do not fit.
    """

    def __init__(self, data: Dataset, at_once: int, device_memory: int | None = None) -> None:
        self.data, self.at_once = data, at_once
        self.is_accelerator = device_memory is not None
        there_is = available() if device_memory is None else device_memory
        self.limit = math.floor(_SHARE * there_is)
        self.free = self.limit - data_bytes(data) - _BASE - _PROGRAM
        if self.free < 0:
            raise MemoryLimitError(
                f"the data set takes {in_words(self.limit - self.free)} of memory in training; "
                f"{in_words(self.limit)} may be taken. Train on fewer rows, or on a machine with "
                "more memory."
            )

    def width(self, member: Member) -> int:
        """How many members like this one fit into a stack, beside as many others as fit at all.

        Raises:
            MemoryLimitError: not even one alone.
        """
        alone = self.stack_bytes(member, 1)
        if alone > self.free:
            raise MemoryLimitError(
                f"one network of {member.model.hidden_units} units takes {in_words(alone)} of "
                f"memory in training; {in_words(self.free)} of {in_words(self.limit)} are left "
                f"beside the data. {_advice(member)}"
            )
        each = self.stack_bytes(member, 2) - alone
        share = self.free // min(self.at_once, self.free // alone)
        return 1 + (share - alone) // each

    def stack_bytes(self, member: Member, num_members: int) -> int:
        """A stack of members like this one while it trains, or is evaluated."""
        k, data = num_members, self.data
        weights = k * _FLOAT * num_kernel_weights(member.model, data.spec)
        rule = update_rule(member.train.optimizer, momentum=member.train.momentum > 0)
        # With their slots before, in and after an epoch; and the model's own, the gradients, the
        # best epoch's, and what is on its way.
        state = weights * (3 * (1 + rule.num_slots) + 5)
        # The split, and an epoch's order here and on the device.
        rows = k * _INDEX * len(data.y_train) * 3
        largest = max(k * _step_bytes(member, data), _evaluation_bytes(k, data))
        return _STACK + state + rows + largest

    def need(self, stacks: Sequence[Sequence[Member]]) -> Need:
        """What these stacks take, as many at once as fit."""
        sizes = sorted((self.stack_bytes(s[0], len(s)) for s in stacks), reverse=True)
        at_once = self.fitting(sizes)
        num_draws = max((_num_draws(s[0]) for s in stacks), default=0)
        kinds = {(Structure.of(s[0]), len(s)) for s in stacks}
        return Need(
            data=data_bytes(self.data),
            programs=_BASE + _PROGRAM * min(len(kinds), KEPT_PROGRAMS) + _DRAW * num_draws,
            stacks=sum(sizes[:at_once]),
            num_stacks=len(stacks),
            at_once=at_once,
            widest=max(map(len, stacks), default=0),
        )

    def fitting(self, sizes: Sequence[int]) -> int:
        """How many stacks train at once: all that are largest must fit together."""
        largest = sorted(sizes, reverse=True)[: self.at_once]
        return max(1, sum(total <= self.free for total in itertools.accumulate(largest)))


def data_bytes(data: Dataset) -> int:
    """The arrays on the device."""
    return sum(a.nbytes for a in (data.x_train, data.y_train, data.x_test, data.y_test))


def evaluation_rows(num_members: int, num_features: int) -> int:
    """How many rows are evaluated at once, so that the inputs of all members stay small."""
    least, most = EVALUATION_ROWS
    return min(max(EVALUATION_BYTES // (_FLOAT * num_members * num_features), least), most)


def available() -> int:
    """Bytes that this process may still take: what the machine has, within its cgroup's limit."""
    return min([psutil.virtual_memory().available, *_left_in_cgroups(Path("/"))])


def in_words(num_bytes: float) -> str:
    """GiB from 1 on, else MiB."""
    gib = num_bytes / 2**30
    return f"{gib:.1f} GiB" if gib >= 1 else f"{num_bytes / 2**20:.0f} MiB"


def _step_bytes(member: Member, data: Dataset) -> int:
    """What one member's training step computes on the way, for one batch."""
    model, train, spec = member.model, member.train, data.spec
    num_rows = len(data.y_train) - round(member.validation_fraction * len(data.y_train))
    batch = num_rows if isinstance(train.batch_size, str) else min(train.batch_size, num_rows)
    # Raw and cast inputs.
    total = batch * spec.num_features * (data.x_train.itemsize + _FLOAT)
    # Each unit's activation and its gradient; what normalizes keeps more, and what draws most.
    copies = 2 + 6 * (model.dropout > 0) + 2 * (model.normalization != "none")
    total += batch * _FLOAT * copies * (sum(model.hidden_units) + spec.num_outputs)
    if model.input_dropout:
        total += batch * spec.num_features * 6 * _FLOAT
    if model.drop_connect:
        masks = batch if model.drop_connect_mask == "example" else 1
        # Words drawn, on the way to a mask; the masked weights, and the gradients of both.
        total += masks * _num_dropped(member, data) * 16 * _FLOAT
    if train.gradient_noise:
        # Words drawn, and on the way to normal values.
        total += 5 * _FLOAT * num_kernel_weights(model, spec)
    return total


def _num_draws(member: Member) -> int:
    """Places of a program that draw."""
    model, num_layers = member.model, len(member.model.hidden_units)
    of_layers = (model.dropout > 0) + (model.drop_connect > 0)
    return num_layers * of_layers + (model.input_dropout > 0) + (member.train.gradient_noise > 0)


def _num_dropped(member: Member, data: Dataset) -> int:
    """Weights and biases of the hidden layers, which DropConnect masks."""
    sizes = [data.spec.num_features, *member.model.hidden_units]
    return sum((a + 1) * b for a, b in itertools.pairwise(sizes))


def _evaluation_bytes(num_members: int, data: Dataset) -> int:
    """The predictions of all rows, the inputs of some, and one member's scores in float64."""
    spec, k = data.spec, num_members
    num_rows = len(data.y_train) + len(data.y_test)
    inputs = evaluation_rows(k, spec.num_features) * k * spec.num_features
    scores = 8 * _FLOAT * len(data.y_train) * max(spec.num_classes, 1)
    predictions = k * _FLOAT * num_rows * max(spec.num_classes, 1)
    return predictions + scores + inputs * (data.x_train.itemsize + 2 * _FLOAT)


def _left_in_cgroups(root: Path) -> list[int]:
    """What each cgroup of this process, and each around it, may still take."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            mount, limit, usage = "sys/fs/cgroup", "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            mount, limit, usage = (
                "sys/fs/cgroup/memory",
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
            )
        else:
            continue
        folder = root / mount / path.lstrip("/")
        # A container often sees its own cgroup as the root.
        for place in {folder, *folder.parents, root / mount} - set((root / mount).parents):
            found += _left(place, limit, usage)
    return found


def _left(folder: Path, limit: str, usage: str) -> list[int]:
    try:
        most, used = (folder / limit).read_text().strip(), int((folder / usage).read_text())
        # Files that are cached give way.
        cached = dict(
            line.split() for line in (folder / "memory.stat").read_text().splitlines()
        ).get("inactive_file", 0)
    except (OSError, ValueError):
        return []
    return [] if most == "max" else [max(0, int(most) - used + int(cached))]


def _advice(member: Member) -> str:
    if member.train.batch_size == "full":
        return 'Write a smaller batch_size than "full".'
    if member.model.drop_connect and member.model.drop_connect_mask == "example":
        return 'Write drop_connect_mask = "batch", or a smaller batch_size.'
    return "Write fewer hidden_units, or train on a machine with more memory."
