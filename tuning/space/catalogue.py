"""What can be searched: a sensible range of every field of the configs, and when it counts.

`None` cannot stand beside numbers in KerasTuner, so 0 stands for "no bound" of `max_norm` and
`clipnorm`, and "none" for no `class_weight`. Zeros that switch something off are values of a
choice: a logarithmic range has no zero.
"""

from typing import Any

from kmlp.config import ACTIVATIONS, INITIALIZERS
from kmlp.data import DataSpec
from tuning.space.columns import column_parameters
from tuning.space.parameter import NOT_ZERO, Condition, Parameter

MAX_LAYERS = 3
_ADAPTIVE = ("adam", "adamw", "rmsprop")
_SGD: Condition = ("optimizer", ("sgd",))
_CONSTANT: Condition = ("learning_rate_schedule", ("constant",))
_PLATEAU: Condition = ("reduce_on_plateau", (True,))

DEFAULT: dict[str, tuple[Any, ...] | None] = {
    "num_layers": None,
    "units_1": None,
    "units_2": None,
    "units_3": None,
    "activation": ("relu", "gelu", "elu"),
    "normalization": None,
    "dropout": None,
    "input_dropout": None,
    "l2": None,
    "learning_rate": None,
    "sgd_learning_rate": None,
    "momentum": None,
    "learning_rate_schedule": None,
    "batch_size": None,
    "label_smoothing": None,
}
"""What is searched unless said otherwise, and over which values where not over all.

It is what pays most often for an MLP.

The optimizer stays, by default Adam, which needs the least tuning; where it is SGD, its own
rate and momentum are searched. "all" adds the other optimizers and regularizers.
"""


def catalogue(spec: DataSpec) -> dict[str, Parameter]:
    """Every parameter there is for these data, parents before what depends on them."""
    listed = [*_network(spec), *column_parameters(spec), *_training()]
    if spec.task != "regression":
        listed += [
            _choice("class_weight", "none", "balanced"),
            _choice("label_smoothing", 0.0, 0.05, 0.1, 0.2),
        ]
    return {p.name: p for p in listed}


def _network(spec: DataSpec) -> list[Parameter]:
    scalings = ("unit", "standard") if spec.input_dtype == "uint8" else ("standard", "none")
    robust = ("robust",) * bool(spec.columns)
    dropped: Condition = ("drop_connect", NOT_ZERO)
    return [
        _choice("num_layers", 1, 2, 3, default=2),
        _choice("units_1", 64, 128, 256, 512, default=128),
        _choice("units_2", 32, 64, 128, 256, default=64, when=[("num_layers", (2, 3))]),
        _choice("units_3", 32, 64, 128, when=[("num_layers", (3,))]),
        _choice("activation", *ACTIVATIONS),
        _choice("kernel_initializer", *INITIALIZERS),
        _choice("input_scaling", *scalings, *robust),
        _choice("normalization", "none", "batch", "layer"),
        _choice("dropout", 0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
        _choice("input_dropout", 0.0, 0.1, 0.2),
        _choice("drop_connect", 0.0, 0.1, 0.2, 0.3, 0.5),
        _choice("drop_connect_mask", "batch", "example", when=[dropped]),
        _choice(
            "drop_connect_inference",
            "mean",
            "moments",
            when=[dropped, ("normalization", ("none",))],
        ),
        _choice("l1", 0.0, 1e-6, 1e-5, 1e-4),
        _choice("l2", 0.0, 1e-6, 1e-5, 1e-4, 3e-4, 1e-3),
        _choice("max_norm", 0.0, 1.0, 2.0, 3.0, 4.0),
    ]


def _training() -> list[Parameter]:
    noisy: Condition = ("gradient_noise", NOT_ZERO)
    moving: Condition = ("momentum", NOT_ZERO)
    return [
        # AdamW is Adam with weight decay, which is a parameter of its own.
        _choice("optimizer", "adam", "rmsprop", "sgd"),
        _log("learning_rate", 1e-4, 1e-2, default=1e-3, when=[("optimizer", _ADAPTIVE)]),
        _log("sgd_learning_rate", 1e-3, 0.5, default=0.1, when=[_SGD]),
        _choice("momentum", 0.0, 0.5, 0.9, 0.95, 0.99, when=[_SGD]),
        _bool("nesterov", when=[_SGD, moving]),
        _choice("weight_decay", 0.0, 1e-4, 1e-3, 1e-2, 1e-1),
        _choice("clipnorm", 0.0, 0.1, 1.0, 10.0),
        _choice("learning_rate_schedule", "constant", "cosine", "step"),
        _bool("reduce_on_plateau", when=[_CONSTANT]),
        _choice("plateau_factor", 0.1, 0.3, 0.5, when=[_CONSTANT, _PLATEAU]),
        _choice("plateau_patience", 2, 3, 4, when=[_CONSTANT, _PLATEAU]),
        _choice("gradient_noise", 0.0, 0.001, 0.01, 0.03, 0.1),
        _choice("gradient_noise_decay", 0.0, 0.55, when=[noisy]),
        _choice("batch_size", 64, 128, 256, 512, default=128),
    ]


def _choice(name: str, *values: Any, default: Any = None, when: Any = ()) -> Parameter:
    return Parameter(
        name=name, kind="choice", values=values, default=default, conditions=tuple(when)
    )


def _bool(name: str, *, when: Any = ()) -> Parameter:
    return Parameter(name=name, kind="bool", default=False, conditions=tuple(when))


def _log(name: str, low: float, high: float, *, default: float, when: Any = ()) -> Parameter:
    return Parameter(
        name=name,
        kind="float",
        min=low,
        max=high,
        sampling="log",
        default=default,
        conditions=tuple(when),
    )
