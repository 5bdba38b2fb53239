"""What a stack's parts take in bytes: what a step computes, weights, predictions, a checkpoint."""

import math

from kmlp.config.settings import switched_on
from kmlp.config.tables.encoding import encoded_width, num_embedding_weights, num_waves
from kmlp.config.tables.widths import hidden_shapes, layer_shapes, num_factors, subnetworks
from kmlp.data.dataset import Dataset
from kmlp.engine.compiled import EVALUATION_BATCH
from kmlp.engine.member import Member
from kmlp.engine.planning.evaluation import evaluation_rows, row_width
from kmlp.nn.steps.member_step import num_slots as num_slots_of
from kmlp.nn.topology import num_kernel_weights

_FLOAT = 4


def data_bytes(data: Dataset) -> int:
    """The arrays on the device."""
    arrays = (data.x_train, data.y_train, data.x_test, data.y_test)
    weight = 0 if data.rows.weight is None else data.rows.weight.nbytes
    return sum(a.nbytes for a in arrays) + weight


def step_bytes(member: Member, data: Dataset) -> int:
    """What one member's training step computes on the way, for one batch."""
    model, train, spec = member.model, member.train, data.spec
    num_rows, width = num_train(member, data), encoded_width(model, spec)
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


def num_draws(member: Member) -> int:
    """Places of a program that draw."""
    num_layers = len(member.model.hidden_units)
    return sum(num_layers if p in ("units", "weights") else 1 for p in _places(member))


def _num_dropped(member: Member, data: Dataset) -> int:
    """Weights and biases of the hidden layers, which DropConnect masks."""
    return sum((a + 1) * b for a, b in hidden_shapes(member.model, data.spec))


def evaluation_bytes(member: Member, num_members: int, data: Dataset) -> int:
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


def prediction_bytes(num_members: int, data: Dataset) -> int:
    """The predictions of all rows, and one member's scores in float64."""
    num_rows, num_classes = len(data.y_train) + len(data.y_test), max(data.spec.num_classes, 1)
    scores = 8 * _FLOAT * len(data.y_train) * num_classes
    return num_members * _FLOAT * num_rows * num_classes + scores


def saving_bytes(member: Member, num_members: int, data: Dataset) -> int:
    """A checkpoint: weights, slots and the best epoch's weights, as arrays and as a file's content,
    whose buffer grows by eighths."""
    saved = weight_bytes(member, num_members, data) * (2 + num_slots_of(member.train))
    return math.ceil(2.2 * saved)


def weight_bytes(member: Member, num_members: int, data: Dataset) -> int:
    return num_members * _FLOAT * _num_weights(member, data)


def _num_weights(member: Member, data: Dataset) -> int:
    """Of all kernels, of the embeddings, and sub-networks' factors: the rest is small."""
    model, spec = member.model, data.spec
    own = num_embedding_weights(model, spec) + num_factors(model, spec)
    return num_kernel_weights(model, spec) + own


def num_train(member: Member, data: Dataset) -> int:
    """Rows that a member trains on, at most."""
    if member.counts:
        return member.counts[0]
    usable = len(data.y_train) - round(member.calibration_fraction * len(data.y_train))
    return usable - round(member.validation_fraction * usable)
