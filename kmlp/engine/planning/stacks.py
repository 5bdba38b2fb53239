"""Groups members into stacks."""

import itertools
from collections import Counter
from collections.abc import Sequence

from kmlp.config.tables.widths import num_products
from kmlp.data.dataset import DataSpec
from kmlp.engine.member import Member
from kmlp.engine.planning.costs import merged
from kmlp.engine.planning.width import (
    MOST_GROUPS,
    cache_size,
    can_shrink,
    can_take_turns,
    representative,
)
from kmlp.engine.signature import Signature
from kmlp.engine.trainer import Room
from kmlp.nn import backend

# On an accelerator: so many fill it, and a program grows with them.
_WIDEST = 128


def plan_stacks(
    members: Sequence[Member],
    spec: DataSpec,
    num_places: int | None = None,
    *,
    room: Room | None = None,
) -> list[list[Member]]:
    """Groups members into stacks.

    Of large data: those of one signature, as many as cache and memory hold, so that no step
    computes what its members do not ask for. Of small data, where compiling takes longer than
    training: few signatures, merged from several, and wide stacks.

    Args:
        members: in the order of their results.
        spec: the data's shapes and classes.
        num_places: how many stacks train at once; the device's own number where omitted.
        room: the memory there is, and the number of rows; none means enough of both.

    Returns:
        The widest networks first, that none is left to train alone at the end.

    Raises:
        MemoryLimitError: a member does not fit even alone.
    """
    num_places = backend.num_places() if num_places is None else num_places
    spread = _spread(members, spec, num_places, room)
    if room:
        # How many programs there are is known only now.
        spread = _spread(members, spec, num_places, room.reserving(spread))
    return _in_order(spread, spec, room)


def stack_size(member: Member, spec: DataSpec, room: Room | None = None) -> int:
    """How many members like this one train together: on a core, or on an accelerator.

    Wide members together would fall out of a core's cache at every step, so there the size
    follows from the number of weights of one member, but where a small stack's groups take turns;
    an accelerator's from its memory.

    Raises:
        MemoryLimitError: not even one fits.
    """
    size = cache_size(member, spec)
    if room is None:
        return size
    if room.is_accelerator:
        size = _WIDEST
    elif _is_small(member, spec, room) and can_take_turns(member):
        size *= MOST_GROUPS
    return min(size, room.width(member))


def _spread(
    members: Sequence[Member], spec: DataSpec, num_places: int, room: Room | None
) -> list[list[Member]]:
    together = _together(members, spec, room)
    stacks = [stack for group in together for stack in _even(group, spec, room)]
    rounds = -(-len(stacks) // num_places)
    if room and any(_is_small(stack[0], spec, room) for stack in stacks):
        # A size more is a program more, which takes longer than a place stands idle.
        rounds = min(rounds, 1)
    return _halved(stacks, rounds * num_places)


def _together(members: Sequence[Member], spec: DataSpec, room: Room | None) -> list[list[Member]]:
    """Members by program: of one signature, or merged where that is cheaper."""
    families: dict[Signature, dict[Signature, list[Member]]] = {}
    for member in members:
        signature = Signature.of(member)
        families.setdefault(signature.family, {}).setdefault(signature, []).append(member)
    kinds = [list(family.values()) for family in families.values()]
    if room is None:
        return [members for family in kinds for members in family]
    return [m for family in kinds for m in merged(family, spec, _num_rows(family[0][0], room))]


def _num_rows(member: Member, room: Room) -> int:
    """Rows that a member trains on, at most."""
    if member.counts:
        return max(1, member.counts[0])
    share = (1 - member.calibration_fraction) * (1 - member.validation_fraction)
    return max(1, round(room.num_rows * share))


def _is_small(member: Member, spec: DataSpec, room: Room) -> bool:
    return not can_shrink(member, spec, _num_rows(member, room))


def _even(members: list[Member], spec: DataSpec, room: Room | None) -> list[list[Member]]:
    """Members of one program in as few stacks as hold them."""
    return _split(members, -(-len(members) // stack_size(representative(members), spec, room)))


def _split(members: Sequence[Member], num_parts: int) -> list[list[Member]]:
    """Parts of sizes that differ by one at most: a size is a program to compile.

    So is what a part's members need: each gets its share of every kind. Kinds stay side by side, so
    that most of the groups that train at a time are of one.
    """
    ends = [len(members) * i // num_parts for i in range(num_parts + 1)]
    dealt = _dealt(members)
    parts = (sorted(dealt[start:end]) for start, end in itertools.pairwise(ends))
    return [[members[i] for i in part] for part in parts]


def _dealt(members: Sequence[Member]) -> list[int]:
    """Their places in an order of which any stretch holds kinds in the proportions of all."""
    totals, before = Counter(map(Signature.of, members)), Counter[Signature]()
    shares = []
    for member in members:
        kind = Signature.of(member)
        shares.append((before[kind] + 0.5) / totals[kind])
        before[kind] += 1
    return sorted(range(len(members)), key=shares.__getitem__)


def _halved(stacks: Sequence[Sequence[Member]], at_least: int) -> list[list[Member]]:
    """The largest stacks halved, again and again, until there are so many, or nothing to halve.

    So every place has as much to do: on two of them ten members take the time of six as five
    stacks of two, of five as six stacks.
    """
    spread = [list(stack) for stack in stacks]
    while len(spread) < at_least and max(map(len, spread), default=0) > 1:
        largest = max(range(len(spread)), key=lambda i: len(spread[i]))
        spread[largest : largest + 1] = _split(spread[largest], 2)
    return spread


def _in_order(
    stacks: Sequence[list[Member]], spec: DataSpec, room: Room | None
) -> list[list[Member]]:
    """The widest networks first, and of them the largest stacks. Of small data the first stack of
    each program before the second ones, so that places compile different ones at the same time."""
    before, keys = Counter[Signature](), []
    for stack in stacks:
        signature = Signature.of_all(stack)
        turn = before[signature] if room and _is_small(stack[0], spec, room) else 0
        keys.append((-num_products(stack[0].model, spec), turn, -len(stack)))
        before[signature] += 1
    return [stacks[i] for i in sorted(range(len(stacks)), key=keys.__getitem__)]
