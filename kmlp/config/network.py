"""What to build."""

from dataclasses import dataclass
from typing import Any

from kmlp.config import fields
from kmlp.config.base import Config
from kmlp.config.network_checks import (
    ACTIVATIONS,
    SHAPED_INITIALIZERS,
    WEIGHT_SHARING,
    check_network,
)
from kmlp.config.records import NOT_OFF, Draws, choice, described


def _of_columns(default: Any, **known: Any) -> Any:
    """A field that says something of a table's columns only: told where it is another value."""
    known = {"held": "stack", "off": default, "of_columns": True, "since": "0.2.0", **known}
    return described(default, **known)


def _part(default: Any, *others: Any, **known: Any) -> Any:
    """A part of the layout that all members of a stack have, or none of them; later than 0.1.0."""
    known = {"off": default, "search": choice(default, *others), **known}
    return described(default, held="stack", since="0.2.0", **known)


_HIDDEN = (("hidden_units", NOT_OFF),)
_PERIODIC = (("number_embedding", ("periodic",)),)
# What networks that share their kernels can have.
_SHARED = (
    *(("normalization", ("none", "layer")), ("bias_initializer", ("zeros", "normal"))),
    *(("drop_connect", (0.0,)), ("max_norm", (0.0,))),
)


def _of_normalization(default: float, kinds: tuple[str, ...]) -> Any:
    needs = (("normalization", kinds),)
    return described(default, held="stack", off=default, needs=needs, since="0.2.0")


def _initial(default: Any, **known: Any) -> Any:
    """How weights begin: each member's own."""
    return described(default, off=default, since="0.2.0", **known)


@dataclass(frozen=True, kw_only=True)
class MLPConfig(Config):
    """The network: which layers, how wide, how regularized.

    Attributes:
        hidden_units: units of each hidden layer; `()` is a linear model, that is logistic or
            linear regression.
        residual_units: width of the path to which residual blocks add, one for each of
            `hidden_units`, the width inside of it (the ResNet of Gorishniy et al. 2021, with
            normalization="batch"); None is a plain network.
        residual_dropout: fraction of the units dropped that a residual block adds.
        activation: relu, elu, selu, leaky_relu, tanh, gelu, sigmoid, silu or mish.
        parametric_activation: whether each hidden unit mixes its activation with the identity,
            x + alpha (activation(x) - x), by a trained alpha, 1 at first.
        parametrization: "standard"; or "ntk", where a layer's inputs are divided by the square
            root of their number and its weights are as large: N(0, 1) at first.
        kernel_initializer: "auto" is LeCun normal before selu, Glorot uniform before tanh,
            sigmoid and the output, He normal before all others, and N(0, 1) under "ntk"; or one
            of Keras's for all layers; "normal" and "truncated_normal" have a stddev of
            `kernel_stddev`; "fan_in_uniform" is uniform within 1 / sqrt(inputs), as PyTorch's
            linear layers begin; "unit_variance" is normal, divided so that each unit's sum has a
            stddev of 1 over the training rows.
        bias_initializer: "zeros"; "normal" with a stddev of `bias_stddev`; "fan_in_uniform" as of
            kernels, by the inputs of the bias's layer; "hull", by which each unit's sum is 0 at
            a random point between five training rows.
        output_initializer: "zeros" for kernel and bias of the output layer; "auto" is as above.
        input_scaling: "none"; "unit" divides `uint8` by 255; "standard" subtracts the mean of
            the member's own training rows and divides by their standard deviation; "robust" does
            so with their median and interquartile range, "quantile" maps their quantiles to a
            normal distribution's, both for tables; "auto" is "unit" for `uint8` and "standard"
            for other inputs.
        input_clip: c of x / sqrt(1 + (x / c)^2), which holds scaled inputs within (-c, c)
            smoothly; None leaves them alone.
        learned_scale: whether each feature has a trained factor, 1 at first, before the first
            dense layer.
        normalization: "none", "batch" or "layer", before each activation.
        normalization_momentum: of what "batch" predicts with: the moving mean and variance keep
            so much of themselves at each step.
        normalization_epsilon: added to the variance.
        dropout, input_dropout: fraction of the hidden units, of the inputs, dropped (Keras's
            meaning, not the retention probability of Srivastava et al. 2014).
        layer_dropout: the rates of each hidden layer, in place of the one of `dropout`.
        dropout_scaling: "training" divides what is kept by 1 - rate, as Keras does; "inference"
            multiplies all that is not dropped any more by 1 - rate, as Srivastava et al. 2014 do,
            so that bounds of norms and learning rates mean what they do there.
        drop_connect: fraction of the hidden layers' weights and biases dropped.
        drop_connect_mask: one mask a "batch" or an "example".
        drop_connect_inference: by "mean" weights or by the paper's matched "moments".
        input_noise: stddev, at most 1, of the Gaussian noise on the scaled inputs in training.
        l1, l2: factors of the sum over all kernels, the output layer's included, of |w| and
            w^2; biases are not penalized.
        penalty_reduction: "sum", as Keras does, or "mean", the textbook's 1/n over the n
            weights of all kernels.
        max_norm: bound of the norm of every hidden unit's incoming weights; None is no bound.
        output_max_norm: whether it bounds the output layer's, too.
        class_outputs: whether each of two classes has an output of its own, as each of more has;
            their difference is what one output would say.
        clamped_predictions: of regressions, whether predictions stay within the range of the
            member's own training targets.
        missing_indicators: of tables, whether each number that may be missing brings a feature
            that says so.
        max_one_hot: a column of up to so many categories becomes one feature a category, a
            column of more an embedding.
        scaled_one_hot: whether these features are scaled and clipped as numbers are; a column of
            two categories is then one feature, 1 and -1.
        embedding_dim, embedding_stddev: width of an embedding, and the standard deviation of its
            values at first; None is 1 / sqrt(embedding_dim).
        number_embedding: what becomes of each number of a table: "none"; "periodic", beside it
            trained mixtures of trained waves of the scaled number; "piecewise_linear", in its
            place how far it fills each bin between quantiles of the training rows.
        number_embedding_dim: features of a number under "periodic", itself included.
        num_frequencies, frequency_stddev: waves of a number under "periodic", and the standard
            deviation of their frequencies at first.
        num_bins: of a number under "piecewise_linear".
        weight_sharing: "none"; or many networks in one that share their kernels and average their
            predictions: "batch_ensemble" (Wen et al. 2020), "tabm" or "tabm_mini" (Gorishniy et al.
            2025), which differ in what is each network's own.
        num_subnetworks: how many there are in one.
        max_categories: so many of a column's categories are told apart, those with most of the
            member's own training rows; the others together are "other".
        min_category_count: a category with fewer of these rows is "other", too.

    Raises:
        ConfigError: a value is out of range.

    Example:
        >>> MLPConfig(hidden_units=(128, 64), dropout=0.2).dropout
        0.2
    """

    hidden_units: tuple[int, ...] = described(
        (128, 64), title="units by hidden layer", held="stack", off=()
    )
    residual_units: int | None = _part(None, search=choice(0, 64, 128, 256), needs=_HIDDEN)
    activation: str = described(
        "relu",
        held="stack",
        needs=_HIDDEN,
        search=choice(*ACTIVATIONS, preset=("relu", "gelu", "elu")),
    )
    parametric_activation: bool = _part(False, True, needs=_HIDDEN)
    parametrization: str = _part("standard", "ntk")
    kernel_initializer: str = described("auto", search=choice(*SHAPED_INITIALIZERS))
    kernel_stddev: float = _initial(
        0.05, needs=(("kernel_initializer", ("normal", "truncated_normal")),)
    )
    bias_initializer: str = _initial("zeros", search=choice("zeros", "normal", "hull"))
    bias_stddev: float = _initial(1.0, needs=(("bias_initializer", ("normal",)),))
    output_initializer: str = _initial("auto", search=choice("auto", "zeros"))
    input_scaling: str = described(
        "auto",
        held="stack",
        off="none",
        variants={"input_norm": "standard"},
        search=choice("unit", "standard", "none", "robust", "quantile"),
    )
    input_clip: float | None = _part(None, search=choice(0.0, 3.0))
    learned_scale: bool = _part(False, True)
    normalization: str = described(
        "none",
        held="stack",
        off="none",
        needs=_HIDDEN,
        variants={"batch_norm": "batch", "layer_norm": "layer"},
        search=choice("none", "batch", "layer", preset=True),
    )
    normalization_momentum: float = _of_normalization(0.99, ("batch",))
    normalization_epsilon: float = _of_normalization(1e-3, NOT_OFF)
    dropout: float = described(
        0.0,
        title="dropout rate",
        held="layer",
        off=0.0,
        switch="dropout",
        needs=_HIDDEN,
        draws=Draws(kind="mask", place="units", key=0),
        strength=0.2,
        pilot=(0.1, 0.2, 0.3, 0.4, 0.5),
        search=choice(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, preset=True),
    )
    layer_dropout: tuple[float, ...] = described(
        (),
        title="dropout rates by layer",
        held="layer",
        off=(),
        switch="dropout",
        needs=_HIDDEN,
        draws=Draws(kind="mask", place="units", key=0),
        since="0.2.0",
    )
    dropout_scaling: str = described(
        "training",
        held="stack",
        off="training",
        acts_with=("dropout", "layer_dropout", "residual_dropout", "input_dropout"),
        since="0.2.0",
    )
    residual_dropout: float = described(
        0.0,
        title="residual dropout rate",
        held="layer",
        off=0.0,
        switch="residual_dropout",
        needs=(("residual_units", NOT_OFF),),
        draws=Draws(kind="mask", place="units", key=4),
        search=choice(0.0, 0.1, 0.2),
        since="0.2.0",
    )
    input_dropout: float = described(
        0.0,
        title="input dropout rate",
        held="layer",
        off=0.0,
        switch="input_dropout",
        # Dropout's key: its layers count from 1, the inputs are 0.
        draws=Draws(kind="mask", place="inputs", key=0),
        search=choice(0.0, 0.1, 0.2, preset=True),
    )
    drop_connect: float = described(
        0.0,
        title="DropConnect rate",
        held="layer",
        off=0.0,
        switch="drop_connect",
        needs=_HIDDEN,
        draws=Draws(kind="mask", place="weights", key=1),
        strength=0.2,
        pilot=(0.1, 0.2, 0.3, 0.4, 0.5),
        search=choice(0.0, 0.1, 0.2, 0.3, 0.5),
    )
    drop_connect_mask: str = described(
        "batch",
        held="stack",
        needs=(("drop_connect", NOT_OFF),),
        search=choice("batch", "example"),
    )
    drop_connect_inference: str = described(
        "mean",
        held="stack",
        needs=(("drop_connect", NOT_OFF),),
        search=choice(
            "mean",
            "moments",
            when=(("normalization", ("none",)), ("parametric_activation", (False,))),
        ),
    )
    input_noise: float = described(
        0.0,
        unit="stddev",
        held="layer",
        off=0.0,
        switch="input_noise",
        draws=Draws(kind="normal", place="inputs", key=3),
        strength=0.1,
        pilot=(0.02, 0.05, 0.1, 0.2, 0.5),
        search=choice(0.0, 0.05, 0.1, 0.2),
        since="0.2.0",
    )
    l1: float = described(
        0.0,
        title="L1 factor",
        held="step",
        off=0.0,
        switch="penalty",
        strength=1e-5,
        pilot=(1e-6, 3e-6, 1e-5, 3e-5, 1e-4),
        search=choice(0.0, 1e-6, 1e-5, 1e-4),
    )
    l2: float = described(
        0.0,
        title="L2 factor",
        held="step",
        off=0.0,
        switch="penalty",
        strength=5e-4,
        pilot=(1e-5, 3e-5, 1e-4, 3e-4, 1e-3),
        search=choice(0.0, 1e-6, 1e-5, 1e-4, 3e-4, 1e-3, preset=True),
    )
    penalty_reduction: str = described("sum", acts_with=("l1", "l2"))
    max_norm: float | None = described(
        None,
        title="largest norm",
        held="step",
        off=None,
        switch="max_norm",
        needs=_HIDDEN,
        strength=3.0,
        pilot=(4.0, 3.0, 2.0, 1.5, 1.0),
        search=choice(0.0, 1.0, 2.0, 3.0, 4.0),
    )
    output_max_norm: bool = _part(False, True, needs=(("max_norm", NOT_OFF),))
    class_outputs: bool = described(
        False, held="stack", off=False, classes_only=True, since="0.2.0"
    )
    clamped_predictions: bool = _part(False, True, numbers_only=True)
    missing_indicators: bool = _of_columns(True)
    max_one_hot: int = _of_columns(8)
    scaled_one_hot: bool = _of_columns(False)
    embedding_dim: int = _of_columns(8)
    embedding_stddev: float | None = _of_columns(None)
    number_embedding: str = _of_columns("none")
    number_embedding_dim: int = _of_columns(4, needs=_PERIODIC)
    num_frequencies: int = _of_columns(16, needs=_PERIODIC)
    frequency_stddev: float = _of_columns(0.1, needs=_PERIODIC)
    num_bins: int = _of_columns(48, needs=(("number_embedding", ("piecewise_linear",)),))
    max_categories: int = _of_columns(1000)
    min_category_count: int = _of_columns(1)
    weight_sharing: str = _part(
        *WEIGHT_SHARING, needs=_HIDDEN, search=choice(*WEIGHT_SHARING, when=_SHARED)
    )
    num_subnetworks: int = described(
        32,
        title="sub-networks",
        held="stack",
        needs=(("weight_sharing", NOT_OFF),),
        search=choice(32, 4, 8, 16),
        since="0.2.0",
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden_units", fields.positive_ints(self, "hidden_units"))
        object.__setattr__(self, "layer_dropout", fields.rates(self, "layer_dropout"))
        check_network(self)
        fields.as_floats(self)
