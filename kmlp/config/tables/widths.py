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


def subnetworks(config: MLPConfig) -> int:
    """How many networks one has in it; 1 of a plain one."""
    return 1 if config.weight_sharing == "none" else config.num_subnetworks


def has_own_outputs(config: MLPConfig) -> bool:
    """Whether each sub-network has an output layer of its own."""
    return config.weight_sharing in ("tabm", "tabm_mini")


def kernel_shapes(config: MLPConfig, spec: DataSpec) -> list[Shape]:
    """Inputs and units of each dense layer, in their order; output layers of sub-networks' own have
    their inputs one after the other."""
    *hidden, (inputs, units) = layer_shapes(config, spec)
    heads = subnetworks(config) if has_own_outputs(config) else 1
    return [*hidden, (heads * inputs, units)]


def layer_shapes(config: MLPConfig, spec: DataSpec) -> list[Shape]:
    """Inputs and units of each dense layer of one network, or of one sub-network."""
    inputs, path = encoded_width(config, spec), config.residual_units
    if path is None:
        return list(pairwise((inputs, *config.hidden_units, output_units(config, spec))))
    blocks = [shape for units in config.hidden_units for shape in ((path, units), (units, path))]
    return [(inputs, path), *blocks, (path, output_units(config, spec))]


def output_units(config: MLPConfig, spec: DataSpec) -> int:
    """Units of the output layer, of which two may give one output."""
    return 2 if spec.task == "binary" and config.class_outputs else spec.num_outputs


def hidden_shapes(config: MLPConfig, spec: DataSpec) -> list[Shape]:
    """Those of the layers of `hidden_units`, which DropConnect masks."""
    shapes = layer_shapes(config, spec)[:-1]
    return shapes if config.residual_units is None else shapes[1::2]


def num_products(config: MLPConfig, spec: DataSpec) -> int:
    """Multiplications of weights that one row takes: each sub-network's own."""
    return subnetworks(config) * sum(n * units for n, units in layer_shapes(config, spec))


def num_factors(config: MLPConfig, spec: DataSpec) -> int:
    """Factors of sub-networks, which scale what enters and what leaves kernels that they share."""
    kind, layers = config.weight_sharing, layer_shapes(config, spec)
    if kind == "none":
        return 0
    scaled = {"batch_ensemble": layers, "tabm": layers[:-1], "tabm_mini": []}[kind]
    inputs = layers[0][0] + sum(n for n, _ in scaled[1:])
    return subnetworks(config) * (inputs + sum(units for _, units in scaled))


def num_biases(config: MLPConfig, spec: DataSpec) -> int:
    """Biases of all layers; those of a layer that has factors are each sub-network's own."""
    *hidden, output = [units for _, units in layer_shapes(config, spec)]
    own = 1 if config.weight_sharing == "tabm_mini" else subnetworks(config)
    return own * sum(hidden) + subnetworks(config) * output


def num_trained(config: MLPConfig, spec: DataSpec) -> int:
    """Trained weights of a network: kernels, biases, embeddings, gains and offsets, factors of
    features, of activations and of sub-networks."""
    path, hidden = config.residual_units, config.hidden_units
    activated = hidden if path is None else (*hidden, path)
    normalized = hidden if path is None else (path,) * (len(hidden) + 1)
    return (
        sum(inputs * units for inputs, units in kernel_shapes(config, spec))
        + num_biases(config, spec)
        + num_factors(config, spec)
        + num_embedding_weights(config, spec)
        + (0 if config.normalization == "none" else 2 * sum(normalized))
        + config.parametric_activation * sum(activated)
        + config.learned_scale * encoded_width(config, spec)
    )
