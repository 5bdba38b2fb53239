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

from kmlp.config.settings import switched_on
from kmlp.config.tables.encoding import encoded_width, num_embedding_weights, num_knots, num_waves
from kmlp.config.tables.widths import hidden_shapes, layer_shapes, num_factors, subnetworks
from kmlp.data.dataset import Dataset
from kmlp.engine.compiled import EVALUATION_BATCH
from kmlp.engine.member import Member
from kmlp.engine.planning.evaluation import evaluation_rows, row_width
from kmlp.engine.planning.width import can_shrink, group_size, num_slots, representative
from kmlp.engine.programs.kept import KEPT_PROGRAMS, PROGRAMS
from kmlp.engine.signature import Signature
from kmlp.engine.trainer import Need
from kmlp.errors import MemoryLimitError
from kmlp.machine import available_memory, in_words
from kmlp.nn.steps.member_step import num_slots as num_slots_of
from kmlp.nn.topology import follows_rows, num_kernel_weights

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
        at_once: how many stacks the device trains at once, if they fit.
        device_memory: bytes of the accelerator that trains; the process's own where omitted.

    Raises:
        MemoryLimitError: the data alone do not fit.
    """

    def __init__(self, data: Dataset, at_once: int, device_memory: int | None = None) -> None:
        self.data, self.at_once, self.num_rows = data, at_once, len(data.y_train)
        self.is_accelerator = device_memory is not None
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
        share = free // min(self.at_once, free // alone)
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
        state = _weight_bytes(member, k, data) * (3 * (1 + slots) + 5 + averaged)
        if follows_rows(member.model):
            state += _BY_ROWS
        # The split, and an epoch's order here and on the device.
        rows = k * _INDEX * len(data.y_train) * 3
        # Of quantile scaling, on the device and on their way there.
        tables = 3 * k * _FLOAT * num_knots(member.model, data.spec)
        evaluation = _evaluation_bytes(member, k, data)
        if not self.is_accelerator:
            state += _saving_bytes(member, k, data)
            evaluation += _prediction_bytes(k, data)
        return _STACK + state + rows + tables + max(group * _step_bytes(member, data), evaluation)

    def host_bytes(self, member: Member, num_members: int) -> int:
        """What a stack on an accelerator takes of the host's memory."""
        return max(
            _saving_bytes(member, num_members, self.data), _prediction_bytes(num_members, self.data)
        )

    def need(self, stacks: Sequence[Sequence[Member]]) -> Need:
        """What these stacks take, as many at once as fit.

        Raises:
            MemoryLimitError: they do not fit even one at a time.
        """
        for at_once in range(max(1, min(self.at_once, len(stacks))), 0, -1):
            need = self._need(stacks, at_once)
            if need.total <= self.limit:
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
            data=data_bytes(self.data),
            programs=self._base + self._program_bytes(stacks, at_once),
            stacks=sum(sizes[:at_once]),
            num_stacks=len(stacks),
            at_once=at_once,
            widest=max(map(len, stacks), default=0),
        )

    def _program_bytes(self, stacks: Sequence[Sequence[Member]], at_once: int) -> int:
        """What is compiled for these stacks and not there yet, in each place that trains."""
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
            size = _PROGRAM + _DRAW_KEPT * _num_draws(member)
            size += _NORMALIZED * (member.model.normalization != "none")
            size += _MIXED * (member.train.mixup > 0)
            num_new = self._num_new(signature, k, count, at_once, group)
            if num_new:
                on_the_way = max(on_the_way, _DRAW * _num_draws(member))
            sizes += [size] * num_new
            if group == k and can_shrink(member, spec, _num_train(member, self.data)):
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
        return min(count, sum(place not in there for place in range(at_once)))

    def _host_width(self, member: Member) -> int:
        alone = self.host_bytes(member, 1)
        if alone > self.host_limit:
            raise _too_large(member, alone, f"{in_words(self.host_limit)} may be taken")
        return 1 + (self.host_limit - alone) // (self.host_bytes(member, 2) - alone)


def data_bytes(data: Dataset) -> int:
    """The arrays on the device."""
    arrays = (data.x_train, data.y_train, data.x_test, data.y_test)
    weight = 0 if data.rows.weight is None else data.rows.weight.nbytes
    return sum(a.nbytes for a in arrays) + weight


def _step_bytes(member: Member, data: Dataset) -> int:
    """What one member's training step computes on the way, for one batch."""
    model, train, spec = member.model, member.train, data.spec
    num_rows, width = _num_train(member, data), encoded_width(model, spec)
    batch = num_rows if isinstance(train.batch_size, str) else min(train.batch_size, num_rows)
    # Raw and cast inputs.
    total = batch * (spec.num_features * data.x_train.itemsize + width * _FLOAT)
    if spec.columns:
        # Numbers with gaps, without, scaled, and which there are; codes, slots, and embeddings.
        total += batch * 4 * _FLOAT * (spec.num_features + width)
        # The waves of numbers, and their gradients.
        total += batch * 3 * _FLOAT * num_waves(model, spec)
    # Each unit's activation and its gradient; what normalizes keeps more, and what draws most.
    draws = "units" in _places(member)
    copies = 2 + 6 * draws + 2 * (model.normalization != "none") + 2 * model.parametric_activation
    shapes, m = layer_shapes(model, spec), subnetworks(model)
    total += m * batch * _FLOAT * copies * sum(units for _, units in shapes)
    # What sub-networks scale, before and after a product, with gradients.
    total += (m > 1) * m * batch * _FLOAT * 2 * sum(n + units for n, units in shapes)
    total += _places(member).count("inputs") * batch * width * 6 * _FLOAT
    # Partners and mixed rows, their gradients for embeddings; and a second loss.
    total += (train.mixup > 0) * batch * (4 * width + 3 * spec.num_outputs) * _FLOAT
    if model.drop_connect:
        masks = batch if model.drop_connect_mask == "example" else 1
        # Words drawn, masks, masked weights and their gradients, as far as XLA does not fuse them.
        total += masks * _num_dropped(member, data) * 3 * _FLOAT
    if train.gradient_noise:
        # Words drawn, and on the way to normal values.
        total += 5 * _FLOAT * _num_weights(member, data)
    return total


def _places(member: Member) -> list[str]:
    """Where its fields draw: see `Draws`."""
    return [r.draws.place for r in switched_on(member.model, member.train) if r.draws]


def _num_draws(member: Member) -> int:
    """Places of a program that draw."""
    num_layers = len(member.model.hidden_units)
    return sum(num_layers if p in ("units", "weights") else 1 for p in _places(member))


def _num_dropped(member: Member, data: Dataset) -> int:
    """Weights and biases of the hidden layers, which DropConnect masks."""
    return sum((a + 1) * b for a, b in hidden_shapes(member.model, data.spec))


def _evaluation_bytes(member: Member, num_members: int, data: Dataset) -> int:
    """The inputs of the rows that are evaluated at once, and what is computed of them."""
    model, spec, k = member.model, data.spec, num_members
    widest, m = max(units for _, units in layer_shapes(model, spec)), subnetworks(model)
    at_end = evaluation_rows(k, row_width(spec, model))
    rows = min(max(at_end, EVALUATION_BATCH), max(len(data.y_train), len(data.y_test)))
    # Raw, cast and scaled; a layer's inputs, products and outputs; moments keep squares and more.
    width = encoded_width(model, spec)
    inputs = spec.num_features * data.x_train.itemsize + 2 * width * _FLOAT
    layers = 3 * _FLOAT * widest
    if model.drop_connect and model.drop_connect_inference == "moments":
        inputs, layers = inputs + _FLOAT * width, 3 * layers
    # Of sub-networks the scaled inputs, and what is scaled.
    return k * rows * (inputs + m * layers + (m > 1) * m * _FLOAT * (width + widest))


def _prediction_bytes(num_members: int, data: Dataset) -> int:
    """The predictions of all rows, and one member's scores in float64."""
    num_rows, num_classes = len(data.y_train) + len(data.y_test), max(data.spec.num_classes, 1)
    scores = 8 * _FLOAT * len(data.y_train) * num_classes
    return num_members * _FLOAT * num_rows * num_classes + scores


def _saving_bytes(member: Member, num_members: int, data: Dataset) -> int:
    """A checkpoint: weights, slots and the best epoch's weights, as arrays and as a file's content,
    whose buffer grows by eighths."""
    saved = _weight_bytes(member, num_members, data) * (2 + num_slots_of(member.train))
    return math.ceil(2.2 * saved)


def _weight_bytes(member: Member, num_members: int, data: Dataset) -> int:
    return num_members * _FLOAT * _num_weights(member, data)


def _num_weights(member: Member, data: Dataset) -> int:
    """Of all kernels, of the embeddings, and sub-networks' factors: the rest is small."""
    model, spec = member.model, data.spec
    own = num_embedding_weights(model, spec) + num_factors(model, spec)
    return num_kernel_weights(model, spec) + own


def _num_train(member: Member, data: Dataset) -> int:
    """Rows that a member trains on, at most."""
    if member.counts:
        return member.counts[0]
    usable = len(data.y_train) - round(member.calibration_fraction * len(data.y_train))
    return usable - round(member.validation_fraction * usable)


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
