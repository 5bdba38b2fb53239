"""How wide the layers of a network are, and how many weights it has; no Keras here."""

from itertools import pairwise

from kmlp.config.network import MLPConfig
from kmlp.config.tables.encoding import encoded_width, num_embedding_weights
from kmlp.data.dataset import DataSpec

Shape = tuple[int, int]


def num_kernels(config: MLPConfig) -> int:
    """Dense layers of a network, the output layer included."""
    num_hidden = len(config.hidden_units)
    return num_hidden + 1 if config.residual_units is None else 2 * num_hidden + 2


def kernel_shapes(config: MLPConfig, spec: DataSpec) -> list[Shape]:
    """Inputs and units of each dense layer, in their order."""
    inputs, path = encoded_width(config, spec), config.residual_units
    if path is None:
        return list(pairwise((inputs, *config.hidden_units, spec.num_outputs)))
    blocks = [shape for units in config.hidden_units for shape in ((path, units), (units, path))]
    return [(inputs, path), *blocks, (path, spec.num_outputs)]


def hidden_shapes(config: MLPConfig, spec: DataSpec) -> list[Shape]:
    """Those of the layers of `hidden_units`, which DropConnect masks."""
    shapes = kernel_shapes(config, spec)[:-1]
    return shapes if config.residual_units is None else shapes[1::2]


def num_trained(config: MLPConfig, spec: DataSpec) -> int:
    """Trained weights of a network: kernels, biases, embeddings, gains and offsets, factors of
    features and of activations."""
    path, hidden = config.residual_units, config.hidden_units
    activated = hidden if path is None else (*hidden, path)
    normalized = hidden if path is None else (path,) * (len(hidden) + 1)
    return (
        sum((inputs + 1) * units for inputs, units in kernel_shapes(config, spec))
        + num_embedding_weights(config, spec)
        + (0 if config.normalization == "none" else 2 * sum(normalized))
        + config.parametric_activation * sum(activated)
        + config.learned_scale * encoded_width(config, spec)
    )
