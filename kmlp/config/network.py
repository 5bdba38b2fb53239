"""What to build."""

from dataclasses import dataclass

from kmlp.config import fields
from kmlp.config.base import Config
from kmlp.data.dataset import DataSpec
from kmlp.errors import ConfigError

SCALINGS = ("auto", "none", "unit", "standard", "robust")
ACTIVATIONS = ("relu", "elu", "selu", "leaky_relu", "tanh", "gelu", "sigmoid")


INITIALIZERS = (
    "auto",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
)


@dataclass(frozen=True, kw_only=True)
class MLPConfig(Config):
    """The network: which layers, how wide, how regularized.

    Attributes:
        hidden_units: units of each hidden layer; `()` is a linear model, that is logistic or
            linear regression.
        activation: relu, elu, selu, leaky_relu, tanh, gelu or sigmoid.
        kernel_initializer: "auto" is He normal before relu, leaky_relu, elu and gelu, LeCun
            normal before selu, Glorot uniform else; or one of Keras's for all layers.
        input_scaling: "none"; "unit" divides `uint8` by 255; "standard" subtracts the mean of
            the member's own training rows and divides by their standard deviation; "robust" does
            so with their median and interquartile range, for tables; "auto" is "unit" for
            `uint8` and "standard" for other inputs.
        normalization: "none", "batch" or "layer", before each activation.
        dropout, input_dropout: fraction of the hidden units, of the inputs, dropped (Keras's
            meaning, not the retention probability of Srivastava et al. 2014).
        drop_connect: fraction of the hidden layers' weights and biases dropped.
        drop_connect_mask: one mask a "batch" or an "example".
        drop_connect_inference: by "mean" weights or by the paper's matched "moments".
        l1, l2: factors of the sum over all kernels, the output layer's included, of |w| and
            w^2; biases are not penalized.
        penalty_reduction: "sum", as Keras does, or "mean", the textbook's 1/n over the n
            weights of all kernels.
        max_norm: bound of the norm of every hidden unit's incoming weights; None is no bound.
        missing_indicators: of tables, whether each number that may be missing brings a feature
            that says so.
        max_one_hot: a column of up to so many categories becomes one feature a category, a
            column of more an embedding.
        embedding_dim: width of an embedding.
        max_categories: so many of a column's categories are told apart, those with most of the
            member's own training rows; the others together are "other".
        min_category_count: a category with fewer of these rows is "other", too.

    Raises:
        ConfigError: a value is out of range.

    Example:
        >>> MLPConfig(hidden_units=(128, 64), dropout=0.2).dropout
        0.2
    """

    hidden_units: tuple[int, ...] = (128, 64)
    activation: str = "relu"
    kernel_initializer: str = "auto"
    input_scaling: str = "auto"
    normalization: str = "none"
    dropout: float = 0.0
    input_dropout: float = 0.0
    drop_connect: float = 0.0
    drop_connect_mask: str = "batch"
    drop_connect_inference: str = "mean"
    l1: float = 0.0
    l2: float = 0.0
    penalty_reduction: str = "sum"
    max_norm: float | None = None
    missing_indicators: bool = True
    max_one_hot: int = 8
    embedding_dim: int = 8
    max_categories: int = 1000
    min_category_count: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden_units", fields.positive_ints(self, "hidden_units"))
        fields.check_choice(self, "activation", ACTIVATIONS)
        fields.check_choice(self, "kernel_initializer", INITIALIZERS)
        fields.check_choice(self, "input_scaling", SCALINGS)
        fields.check_choice(self, "normalization", ("none", "batch", "layer"))
        fields.check_choice(self, "drop_connect_mask", ("batch", "example"))
        fields.check_choice(self, "drop_connect_inference", ("mean", "moments"))
        fields.check_choice(self, "penalty_reduction", ("sum", "mean"))
        fields.check_rate(self, "dropout", "input_dropout", "drop_connect")
        fields.check_non_negative(self, "l1", "l2")
        fields.check_positive_or_none(self, "max_norm")
        fields.check_truth(self, "missing_indicators")
        fields.check_whole(self, "max_one_hot", 0)
        for name in ("embedding_dim", "max_categories", "min_category_count"):
            fields.check_whole(self, name, 1)
        for name in ("dropout", "drop_connect", "max_norm"):
            if getattr(self, name) and not self.hidden_units:
                raise ConfigError(
                    f"{name} acts on hidden layers, of which there are none. Received: "
                    f"hidden_units=(), {name}={getattr(self, name)!r}. Leave it out."
                )
        if self.drop_connect_inference == "moments" and self.normalization != "none":
            raise ConfigError(
                "drop_connect_inference='moments' averages the activation over the layer's own "
                "outputs, which a normalization would change. Received: normalization="
                f"{self.normalization!r}. Use drop_connect_inference='mean'."
            )
        fields.as_floats(self)


def resolved_scaling(input_scaling: str, spec: DataSpec) -> str:
    """What `input_scaling` means for these data: "none", "unit", "standard" or "robust".

    Raises:
        ConfigError: "unit" for inputs that are no `uint8`, "robust" for what is no table.
    """
    images = spec.input_dtype == "uint8"
    if input_scaling == "auto":
        return "unit" if images else "standard"
    if input_scaling == "unit" and not images:
        raise ConfigError(
            "input_scaling='unit' divides uint8 values by 255. Received: inputs of "
            f"{spec.input_dtype}. Use 'standard' or 'none'."
        )
    if input_scaling == "robust" and not spec.columns:
        raise ConfigError(
            "input_scaling='robust' takes the median and the interquartile range of a table's "
            "columns. Received: inputs without columns. Use 'standard', or load a table."
        )
    return input_scaling
