"""How many members train together: what a core's cache holds, and what the compiled size is."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import TypeVar

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.records import records_of
from kmlp.config.tables.widths import num_products
from kmlp.data.dataset import DataSpec
from kmlp.engine.member import Member
from kmlp.nn import backend

# Weights in training at once that a core's cache holds, with their slots and gradients.
_CACHE_PARAMETERS = 250_000
_MOST = 10
# Groups of a stack of small data.
MOST_GROUPS = 4
# Forward and backward, of a member's epoch.
_COMPACT_FROM_FLOPS = 6e9

C = TypeVar("C", MLPConfig, TrainConfig)


def cache_size(member: Member, spec: DataSpec) -> int:
    """How many members like this one train at a time on a core."""
    model, train = member.model, member.train
    if train.batch_size == "full" or (model.drop_connect and model.drop_connect_mask == "example"):
        # What one step computes fills the memory by itself: batch x in x out masks, or all rows.
        return 1
    # Sub-networks fill a core as so many networks do.
    return max(1, min(_MOST, _CACHE_PARAMETERS // num_products(model, spec)))


def group_size(member: Member, spec: DataSpec, num_members: int) -> int:
    """How many of a stack's members train at a time, if it holds so many like this one.

    It follows from what they are and from the device, never from the memory that is free: a
    stack that is resumed must be what it was.
    """
    size = cache_size(member, spec)
    in_turns = can_take_turns(member) and not _on_an_accelerator()
    return size if in_turns and num_members > size else num_members


def can_take_turns(member: Member) -> bool:
    """Whether its epoch is an XLA program: TensorFlow's own kernels, of which some know bfloat16,
    take no turns."""
    return member.train.dtype_policy == "float32" or backend.multiplies_bfloat16()


def num_slots(member: Member, spec: DataSpec, num_members: int) -> int:
    """The size that a stack of so many members is compiled for.

    Where they train in turns, groups that stand for nobody cost nothing: so stacks of 25, 31 and
    40 members are one program.
    """
    slots = group_size(member, spec, num_members)
    while slots < num_members:
        slots *= 2
    return slots


@functools.cache
def _on_an_accelerator() -> bool:
    return backend.device_memory() is not None


def filled(members: Sequence[Member], spec: DataSpec) -> tuple[list[Member], int]:
    """The members of a stack's slots, of which the last stands in where there are more, and how
    many of them train at a time."""
    member = representative(members)
    missing = num_slots(member, spec, len(members)) - len(members)
    return [*members, *[members[-1]] * missing], group_size(member, spec, len(members))


def can_shrink(member: Member, spec: DataSpec, num_rows: int) -> bool:
    """Whether a stack of such members trains on with fewer of them once half have stopped.

    Only where an epoch is long: two operations a weight and row forward, four backward.
    """
    return 6 * num_products(member.model, spec) * num_rows >= _COMPACT_FROM_FLOPS


def representative(members: Sequence[Member]) -> Member:
    """One that needs all that any of them needs, to reckon with; it is never trained."""
    model = _united([m.model for m in members])
    return dataclasses.replace(members[0], model=model, train=_united([m.train for m in members]))


def _united(configs: Sequence[C]) -> C:
    """The first, with what others switch on."""
    on = {
        name: getattr(config, name)
        for config in reversed(configs)
        for name, record in records_of(type(config)).items()
        if record.switch and record.is_on(getattr(config, name))
    }
    if on.get("layer_dropout"):  # what else draws the same masks; a config has one of them
        on["dropout"] = 0.0
    return dataclasses.replace(configs[0], **on)
