"""What compiling and training cost, in seconds of one core.

Measured on a Xeon with AVX-512 (benchmarks/README.md). Only their ratio decides anything, and of
that only the order of magnitude: the results of members are the same, whatever is planned.
"""

from collections.abc import Sequence

from kmlp.config.settings import switched_on
from kmlp.config.tables.encoding import encoded_width
from kmlp.config.tables.widths import hidden_shapes, num_products, subnetworks
from kmlp.data.dataset import DataSpec
from kmlp.engine.member import Member
from kmlp.engine.planning.width import representative
from kmlp.nn.topology import num_kernel_weights

# A program: whatever it is, more for batch normalization, which compiles a step twice, and for
# each place that draws.
_PROGRAM, _NORMALIZED, _DRAW, _GRADIENT_NOISE = 2.2, 2.0, 0.4, 1.5
# Products; the update and the penalty of a weight, and random numbers, for each step.
_FLOPS, _WEIGHT, _MASK, _NORMAL = 60e9, 3e-9, 3e-9, 8e-9
# Epochs until early stopping.
_USUAL_EPOCHS = 40
# What only some members ask for is computed while one in their group does.
_SHARE = 0.5


def compile_seconds(member: Member) -> float:
    """Of the programs of members like this one, traced and compiled once."""
    num_layers = len(member.model.hidden_units)
    seconds = _PROGRAM + _NORMALIZED * (member.model.normalization == "batch")
    for record in switched_on(member.model, member.train):
        if record.draws:
            places = num_layers if record.draws.place in ("units", "weights") else 1
            is_noise = record.draws.place == "gradients"
            seconds += _GRADIENT_NOISE if is_noise else _DRAW * places
    return seconds


def epoch_seconds(member: Member, spec: DataSpec, num_rows: int) -> float:
    """Of one member's epoch over so many rows."""
    size = member.train.batch_size
    batch = num_rows if isinstance(size, str) else min(size, num_rows)
    num_steps = -(-num_rows // batch)
    num_weights = num_kernel_weights(member.model, spec)
    products = 6 * num_products(member.model, spec) * batch / _FLOPS
    needs = sum(bool(r.switch) for r in switched_on(member.model, member.train))
    update = _WEIGHT * num_weights * (1 + needs / 4)
    return num_steps * (products + update + _draw_seconds(member, spec, batch))


def merged(kinds: Sequence[list[Member]], spec: DataSpec, num_rows: int) -> list[list[Member]]:
    """Members by kind, of which those are put together whose one program saves more compiling
    than its steps cost them.

    Args:
        kinds: members that need the same; all of one family.
        spec: the data's shapes and classes.
        num_rows: that each trains on.
    """
    found: list[list[Member]] = []
    for members in kinds:
        gains = [_gain(other, members, spec, num_rows) for other in found]
        if gains and max(gains) > 0:
            found[gains.index(max(gains))] += members
        else:
            found.append(list(members))
    return found


def _gain(some: list[Member], others: list[Member], spec: DataSpec, num_rows: int) -> float:
    """Seconds that one program for both saves."""
    each, both = (some, others), representative([*some, *others])
    saved = sum(compile_seconds(representative(m)) for m in each) - compile_seconds(both)
    together = epoch_seconds(both, spec, num_rows)
    more = sum(
        len(m) * _num_epochs(m[0]) * (together - epoch_seconds(representative(m), spec, num_rows))
        for m in each
    )
    return saved - _SHARE * more


def _num_epochs(member: Member) -> int:
    most = member.train.max_epochs
    return min(most, _USUAL_EPOCHS) if member.train.early_stopping else most


def _draw_seconds(member: Member, spec: DataSpec, batch: int) -> float:
    """Of all that one step draws."""
    model = member.model
    inputs, units = encoded_width(model, spec), sum(n for _, n in hidden_shapes(model, spec))
    units *= subnetworks(model)
    num_weights = num_kernel_weights(model, spec)
    masks = batch if model.drop_connect_mask == "example" else 1
    sizes = {
        "inputs": batch * inputs,
        "units": batch * units,
        "weights": masks * num_weights,
        "gradients": num_weights,
        # What is drawn is two numbers; what is mixed counts.
        "batch": batch * inputs,
    }
    drawn = [r.draws for r in switched_on(model, member.train) if r.draws]
    return sum(sizes[d.place] * (_MASK if d.kind == "mask" else _NORMAL) for d in drawn)
