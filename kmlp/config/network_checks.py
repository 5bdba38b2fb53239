"""What the fields of a network may be, each alone, together, and beside the data."""

from typing import Any

from kmlp.config import fields
from kmlp.data.dataset import DataSpec
from kmlp.errors import ConfigError

ACTIVATIONS = ("relu", "elu", "selu", "leaky_relu", "tanh", "gelu", "sigmoid", "silu", "mish")
NUMBER_EMBEDDINGS = ("none", "periodic", "piecewise_linear")
WEIGHT_SHARING = ("none", "batch_ensemble", "tabm", "tabm_mini")
SHAPED_INITIALIZERS = (
    "auto",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
)
INITIALIZERS = (
    *SHAPED_INITIALIZERS,
    *("normal", "truncated_normal", "fan_in_uniform", "zeros", "unit_variance"),
)
_CHOICES = {
    "activation": ACTIVATIONS,
    "parametrization": ("standard", "ntk"),
    "kernel_initializer": INITIALIZERS,
    "bias_initializer": ("zeros", "normal", "fan_in_uniform", "hull"),
    "output_initializer": ("auto", "zeros"),
    "input_scaling": ("auto", "none", "unit", "standard", "robust", "quantile"),
    "normalization": ("none", "batch", "layer"),
    "dropout_scaling": ("training", "inference"),
    "drop_connect_mask": ("batch", "example"),
    "drop_connect_inference": ("mean", "moments"),
    "penalty_reduction": ("sum", "mean"),
    "number_embedding": NUMBER_EMBEDDINGS,
    "weight_sharing": WEIGHT_SHARING,
}
_TRUTHS = (
    *("learned_scale", "parametric_activation", "output_max_norm"),
    *("class_outputs", "clamped_predictions"),
    *("missing_indicators", "scaled_one_hot"),
)
_LEAST = {
    "max_one_hot": 0,
    **dict.fromkeys(
        ("embedding_dim", "max_categories", "min_category_count", "num_frequencies"), 1
    ),
    **dict.fromkeys(("number_embedding_dim", "num_bins", "num_subnetworks"), 2),
}
# Of networks that share their kernels, what is refused, and why.
_NOT_SHARED: dict[str, tuple[tuple[Any, ...], str]] = {
    "normalization": (
        ("batch",),
        "batch statistics would be of all sub-networks together. Use normalization='layer'",
    ),
    "drop_connect": ((), "it would mask what all sub-networks share. Use dropout"),
    "max_norm": (
        (),
        "it bounds kernels, which each sub-network scales by factors of its own. Use l2",
    ),
    "kernel_initializer": (
        ("unit_variance",),
        "a unit's sum has another spread in each sub-network. Use 'auto'",
    ),
    "bias_initializer": (("hull",), "a unit's sum differs by sub-network. Use 'normal'"),
}
_OF_TABLES = {
    "robust": "takes the median and the interquartile range",
    "quantile": "takes the quantiles",
}
# What acts on hidden layers, and needs some.
_OF_HIDDEN = ("dropout", "layer_dropout", "drop_connect", "max_norm", "residual_units")


def check_network(config: Any) -> None:
    """Refuses values of an `MLPConfig` that make no network.

    Raises:
        ConfigError: what is wrong, and what to write instead.
    """
    for name, choices in _CHOICES.items():
        fields.check_choice(config, name, choices)
    fields.check_rate(config, "dropout", "residual_dropout", "input_dropout", "drop_connect")
    fields.check_rate(config, "normalization_momentum")
    fields.check_non_negative(config, "input_noise", "l1", "l2")
    if config.input_noise > 1:  # Keras's layer takes no more
        raise ConfigError(
            fields.wanted(config, "input_noise", "at most 1")
            + " It is in units of the scaled inputs: standardized ones have a stddev of 1."
        )
    fields.check_positive_or_none(config, "max_norm", "input_clip", "embedding_stddev")
    fields.check_positive(config, "frequency_stddev", "kernel_stddev", "bias_stddev")
    fields.check_positive(config, "normalization_epsilon")
    fields.check_truth(config, *_TRUTHS)
    for name, least in _LEAST.items():
        fields.check_whole(config, name, least)
    if config.residual_units is not None:
        fields.check_whole(config, "residual_units", 1)
    _check_layers(config)
    _check_together(config)
    if config.weight_sharing != "none":
        _check_shared(config)


def _check_layers(config: Any) -> None:
    """Refuses what needs hidden layers that are not there."""
    for name in _OF_HIDDEN:
        if getattr(config, name) and not config.hidden_units:
            raise ConfigError(
                f"{name} acts on hidden layers, of which there are none. Received: "
                f"hidden_units=(), {name}={getattr(config, name)!r}. Leave it out; "
                "a linear network takes none,l1,l2 as variants."
            )
    rates = config.layer_dropout
    if rates and len(rates) != len(config.hidden_units):
        raise ConfigError(
            f"layer_dropout has a rate for each hidden layer. Received: {len(rates)} rates, "
            f"hidden_units={config.hidden_units}. Write {len(config.hidden_units)} of them."
        )
    if rates and config.dropout:
        raise ConfigError(
            f"dropout is one rate for all hidden layers, layer_dropout one for each. Received: "
            f"dropout={config.dropout}, layer_dropout={rates}. Leave one of them out."
        )
    if config.residual_dropout and config.residual_units is None:
        raise ConfigError(
            "residual_dropout acts on residual blocks, of which there are none. Received: "
            f"residual_dropout={config.residual_dropout}. Set residual_units, or leave it out."
        )


def _check_together(config: Any) -> None:
    """Refuses what contradicts each other."""
    if config.scaled_one_hot and config.input_scaling == "quantile":
        raise ConfigError(
            "scaled_one_hot scales categories by a center and a spread, which "
            "input_scaling='quantile' has not. Use input_scaling='robust', or leave "
            "scaled_one_hot out."
        )
    if config.normalization == "layer" and config.normalization_momentum != (
        type(config).normalization_momentum
    ):
        raise ConfigError(
            "normalization_momentum is of the moving statistics of normalization='batch'; "
            "normalization='layer' has none. Leave it out."
        )
    if config.drop_connect_inference != "moments":
        return
    if config.normalization != "none":
        raise ConfigError(
            "drop_connect_inference='moments' averages the activation over the layer's own "
            "outputs, which a normalization would change. Received: normalization="
            f"{config.normalization!r}. Use drop_connect_inference='mean'."
        )
    if config.parametric_activation:
        raise ConfigError(
            "drop_connect_inference='moments' averages a fixed activation. Received: "
            "parametric_activation=True. Use drop_connect_inference='mean'."
        )


def _check_shared(config: Any) -> None:
    """Refuses what networks that share their kernels cannot have."""
    kind = f"weight_sharing={config.weight_sharing!r}"
    if not config.hidden_units:
        raise ConfigError(
            f"weight_sharing shares hidden layers, of which there are none. Received: {kind}, "
            "hidden_units=(). Leave it out."
        )
    for name, (values, why) in _NOT_SHARED.items():
        value = getattr(config, name)
        if value in values or (not values and value):
            raise ConfigError(f"{name} does not go with {kind}: {why}. Received: {name}={value!r}.")


def usual_scaling(input_dtype: str) -> str:
    """What `input_scaling="auto"` is for inputs of a type."""
    return "unit" if input_dtype == "uint8" else "standard"


def resolved_scaling(input_scaling: str, spec: DataSpec) -> str:
    """What `input_scaling` means for these data: any of its values but "auto".

    Raises:
        ConfigError: "unit" for inputs that are no `uint8`, "robust" or "quantile" for what is no
            table.
    """
    images = spec.input_dtype == "uint8"
    if input_scaling == "auto":
        return usual_scaling(spec.input_dtype)
    if input_scaling == "unit" and not images:
        raise ConfigError(
            "input_scaling='unit' divides uint8 values by 255. Received: inputs of "
            f"{spec.input_dtype}. Use 'standard' or 'none'."
        )
    if input_scaling in _OF_TABLES and not spec.columns:
        raise ConfigError(
            f"input_scaling={input_scaling!r} {_OF_TABLES[input_scaling]} of a table's columns. "
            "Received: inputs without columns. Use 'standard', or load a table."
        )
    return input_scaling
