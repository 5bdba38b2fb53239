"""What each regularizer does, as a formula: of every field that regularizes, as it is implemented.

The same stands in docs/regularizers.md, at more length.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kmlp.config.settings import RECORDS
from kmlp.report.paper.document import Formula, Part


@dataclass(frozen=True)
class Rule:
    """How one field acts.

    Attributes:
        title: in words.
        symbol: of its value; "" of what is no number.
        parts: a sentence or two with formulas.
    """

    title: str
    symbol: str
    parts: tuple[Part, ...]


_DROPPED = Formula(
    'h\'_j = m_j h_j \\/ (1 - q), quad m_j ~ upright("Bernoulli")(1 - q)',
    r"h'_j = m_j h_j / (1 - q),\ m_j \sim \mathrm{Bernoulli}(1 - q)",
)
_RULES: dict[str, Rule] = {
    "dropout": Rule(
        "Dropout",
        "q",
        ("drops hidden units in training, anew for every row: ", _DROPPED, "."),
    ),
    "layer_dropout": Rule(
        "Dropout by layer",
        "",
        ("drops hidden units as dropout does, with a probability of each layer's own.",),
    ),
    "residual_dropout": Rule(
        "Residual dropout",
        "q",
        (
            "drops what a residual block adds as dropout drops units, with probability ",
            Formula("q", "q"),
            ".",
        ),
    ),
    "input_dropout": Rule(
        "Input dropout",
        "q",
        (
            "drops scaled inputs in training as dropout drops units, with probability ",
            Formula("q", "q"),
            ".",
        ),
    ),
    "drop_connect": Rule(
        "DropConnect",
        "q",
        (
            "drops weights and biases of hidden layers in training: ",
            Formula(
                "z_j = (sum_i m_(i j) w_(i j) v_i + m_(0 j) b_j) \\/ (1 - q), "
                'quad m ~ upright("Bernoulli")(1 - q)',
                r"z_j = (\sum_i m_{ij} w_{ij} v_i + m_{0j} b_j) / (1 - q),"
                r"\ m \sim \mathrm{Bernoulli}(1 - q)",
            ),
            ".",
        ),
    ),
    "input_noise": Rule(
        "Input noise",
        "s",
        (
            "adds noise to the scaled inputs in training: ",
            Formula("v_i + cal(N)(0, s^2)", r"v_i + \mathcal{N}(0, s^2)"),
            ".",
        ),
    ),
    "l1": Rule(
        "L1",
        "λ",
        (
            "adds ",
            Formula("lambda_1 sum abs(w)", r"\lambda_1 \sum |w|"),
            " over all kernels to what is minimized; biases are not penalized.",
        ),
    ),
    "l2": Rule(
        "L2",
        "λ",
        (
            "adds ",
            Formula("lambda_2 sum w^2", r"\lambda_2 \sum w^2"),
            " over all kernels, with the gradient ",
            Formula("2 lambda_2 w", r"2 \lambda_2 w"),
            ".",
        ),
    ),
    "max_norm": Rule(
        "Max-norm",
        "c",
        (
            "brings each hidden unit's incoming weights back to a bounded norm after every step: ",
            Formula(
                "w_j <- w_j min(norm(w_j), c) \\/ norm(w_j)",
                r"w_j \leftarrow w_j \min(\lVert w_j \rVert, c) / \lVert w_j \rVert",
            ),
            ".",
        ),
    ),
    "weight_decay": Rule(
        "Weight decay",
        "λ",
        (
            "takes ",
            Formula("eta_t lambda w", r"\eta_t \lambda w"),
            " away from every weight in every step, apart from the gradient.",
        ),
    ),
    "label_smoothing": Rule(
        "Label smoothing",
        "s",
        (
            "spreads a part of each target over all classes: ",
            Formula("(1 - s) bb(1)[c = y] + s \\/ C", r"(1 - s)\,\mathbf{1}[c = y] + s / C"),
            ".",
        ),
    ),
    "mixup": Rule(
        "Mixup",
        "α",
        (
            "mixes each row with another one of its batch, ",
            Formula("lambda v_i + (1 - lambda) v_j", r"\lambda v_i + (1 - \lambda) v_j"),
            ", and their losses alike, with ",
            Formula("lambda", r"\lambda"),
            " the larger share of a draw a batch from ",
            Formula('upright("Beta")(alpha, alpha)', r"\mathrm{Beta}(\alpha, \alpha)"),
            ".",
        ),
    ),
    "weight_sharing": Rule(
        "Weight sharing",
        "",
        (
            "makes many sub-networks of one, with factors and biases of each one's own around "
            "kernels that all share, ",
            Formula(
                "z_i = s_i dot.o W (r_i dot.o v_i) + b_i",
                r"z_i = s_i \odot W (r_i \odot v_i) + b_i",
            ),
            "; the mean of their losses is minimized, the mean of what they say is the prediction.",
        ),
    ),
    "ema_momentum": Rule(
        "Averaged weights",
        "m",
        (
            "evaluates and keeps the moving average of the weights, ",
            Formula(
                "overline(w) <- m overline(w) + (1 - m) w",
                r"\bar w \leftarrow m \bar w + (1 - m) w",
            ),
            ", while training goes on with ",
            Formula("w", "w"),
            ".",
        ),
    ),
    "gradient_noise": Rule(
        "Gradient noise",
        "s₀",
        (
            "adds ",
            Formula("cal(N)(0, s_t^2)", r"\mathcal{N}(0, s_t^2)"),
            " to every gradient in step ",
            Formula("t", "t"),
            ", ",
            Formula("s_t = s_0 (1 + t)^(-gamma \\/ 2)", r"s_t = s_0 (1 + t)^{-\gamma / 2}"),
            ".",
        ),
    ),
    "input_scaling": Rule(
        "Standardized inputs",
        "",
        (
            "subtracts each input's mean over the network's own training rows and divides by its "
            "standard deviation.",
        ),
    ),
    "early_stopping": Rule(
        "No early stopping", "", ("trains all epochs and keeps the weights of the last.",)
    ),
}
_NORMALIZED = Formula(
    "z' = gamma (z - mu) \\/ sqrt(sigma^2 + 10^(-3)) + beta",
    r"z' = \gamma (z - \mu) / \sqrt{\sigma^2 + 10^{-3}} + \beta",
)
_NORMALIZATION: dict[str, Rule] = {
    "batch": Rule(
        "Batch normalization",
        "",
        (
            "turns what enters an activation into ",
            _NORMALIZED,
            ", with the moments of the batch in training and their moving averages afterwards.",
        ),
    ),
    "layer": Rule(
        "Layer normalization",
        "",
        (
            "takes the moments of ",
            _NORMALIZED,
            " over the units of a layer, row by row, in training and afterwards alike.",
        ),
    ),
}


def rules_of(values: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, tuple[Rule, str]]:
    """The rules that a network follows, by a name each, with the value of each in words.

    Args:
        values: the fields of its config.
        base: those of the baseline: what is no regularizer by itself, as the inputs' scaling,
            counts only where it is another.
    """
    found = {}
    for name, rule in _RULES.items():
        if name in values and _counts(name, values, base):
            found[name] = (rule, f"{rule.symbol} = {values[name]:g}" if rule.symbol else "")
    kind = values.get("normalization", "none")
    if kind in _NORMALIZATION:
        found[kind] = (_NORMALIZATION[kind], "")
    return found


def _counts(name: str, values: Mapping[str, Any], base: Mapping[str, Any]) -> bool:
    if name == "early_stopping":
        return not values[name]
    if name == "input_scaling":
        return values[name] == "standard" and base.get(name) != "standard"
    return RECORDS[name].is_on(values[name])
