"""The recipes that are known by name. docs/recipes.md says part by part what is the authors'."""

from typing import Any

from kmlp.config.recipes.gorishniy import RESNET, TABM
from kmlp.config.recipes.images import IMAGE_MLP, SRIVASTAVA
from kmlp.config.recipes.recipe import Part, Recipe
from kmlp.errors import ConfigError
from kmlp.text import did_you_mean, shown

_WIDTH = 256
# Without "ntk" a hidden layer's weights are 1 / sqrt(256) as large, and so is the rate at which
# they move; what else is trained keeps its own.
_SHRINK = _WIDTH**-0.5
_HOLZMUELLER = "Holzmüller et al. 2024, https://arxiv.org/abs/2407.04491"


def _best_epoch(epochs: int) -> dict[str, Any]:
    """All epochs are trained, and the best one's weights kept."""
    stopping = {"early_stopping": True, "patience": epochs, "min_delta": 0.0}
    return {"max_epochs": epochs, "restore_best_weights": True, "keep_last_best": True, **stopping}


def _realmlp_frame(**more: Any) -> dict[str, Any]:
    return {
        "hidden_units": [_WIDTH] * 3,
        "class_outputs": True,
        "optimizer": "adam",
        "learning_rate": 0.04,
        "epsilon": 1e-8,
        "batch_size": 256,
        "monitor": "val_accuracy",
        **_best_epoch(256),
        **more,
    }


_OF_NUMBERS = {"class_outputs": False, "monitor": "val_mse"}


def _without_ntk(**factors: float) -> dict[str, Any]:
    """What else follows: kernels move as fast as before, and all else, too."""
    return {name: value / _SHRINK for name, value in factors.items()}


_ROBUST = Part(
    name="robust_scaling",
    title="robust scaling",
    sets={"input_scaling": "robust"},
    instead={"input_scaling": "standard"},
)
_CLIP = Part(name="smooth_clip", title="smooth clipping", sets={"input_clip": 3.0})
_ONE_HOT = Part(
    name="scaled_one_hot",
    title="scaled categories",
    sets={"scaled_one_hot": True},
    acts_on="category",
)
_SCALE = Part(
    name="learned_scale",
    title="the learned scale",
    sets={"learned_scale": True, "scale_rate_factor": 6.0},
)
_BIAS_RATE = Part(
    name="bias_rate", title="the smaller rate of biases", sets={"bias_rate_factor": 0.1}
)
_ACTIVATION = Part(
    name="activation",
    title="its activation",
    sets={"activation": "selu"},
    of_regression={"activation": "mish"},
    instead={"activation": "relu"},
)
_SCHEDULE = Part(name="schedule", title="its schedule", sets={"learning_rate_schedule": "coslog4"})
_BETA_2 = Part(name="beta_2", title="the smaller beta_2", sets={"beta_2": 0.95})
_SMOOTHING = Part(
    name="label_smoothing",
    title="label smoothing",
    sets={"label_smoothing": 0.1},
    classes_only=True,
)

_REALMLP_S = Recipe(
    name="realmlp_s",
    source=f"RealMLP-TD-S of {_HOLZMUELLER}",
    frame=_realmlp_frame(max_one_hot=1000),
    of_regression={"learning_rate": 0.07, **_OF_NUMBERS},
    parts=(
        *(_ROBUST, _CLIP, _ONE_HOT, _SCALE),
        Part(
            name="ntk",
            title="the neural-tangent parametrization",
            sets={"parametrization": "ntk"},
            instead={
                "learning_rate": 0.04 * _SHRINK,
                **_without_ntk(bias_rate_factor=0.1, scale_rate_factor=6.0),
            },
            instead_of_regression={"learning_rate": 0.07 * _SHRINK},
        ),
        Part(
            name="initial_values",
            title="its initial biases and outputs",
            sets={"bias_initializer": "normal", "output_initializer": "zeros"},
        ),
        *(_BIAS_RATE, _ACTIVATION, _SCHEDULE, _BETA_2, _SMOOTHING),
    ),
)
_REALMLP = Recipe(
    name="realmlp",
    source=f"RealMLP-TD of {_HOLZMUELLER}",
    frame=_realmlp_frame(max_one_hot=8, embedding_dim=8, embedding_stddev=1.0),
    of_regression={"learning_rate": 0.2, **_OF_NUMBERS},
    parts=(
        *(_ROBUST, _CLIP, _ONE_HOT),
        # Their weight decay has the square of a weight's rate factor.
        Part(
            name="number_embedding",
            title="embedded numbers",
            sets={
                "number_embedding": "periodic",
                "number_rate_factor": 0.1,
                "number_decay_factor": 0.1,
            },
            acts_on="number",
        ),
        Part(name=_SCALE.name, title=_SCALE.title, sets={**_SCALE.sets, "scale_decay_factor": 6.0}),
        Part(
            name="ntk",
            title="the neural-tangent parametrization",
            sets={"parametrization": "ntk"},
            instead={
                "learning_rate": 0.04 * _SHRINK,
                **_without_ntk(
                    weight_decay=0.02,
                    bias_rate_factor=0.1,
                    scale_rate_factor=6.0,
                    activation_rate_factor=0.1,
                    number_rate_factor=0.1,
                    embedding_rate_factor=1.0,
                ),
                "scale_decay_factor": 6.0 * _SHRINK,
                "activation_decay_factor": 0.1 * _SHRINK,
                "number_decay_factor": 0.1 * _SHRINK,
                "embedding_decay_factor": _SHRINK,
            },
            instead_of_regression={"learning_rate": 0.2 * _SHRINK},
        ),
        Part(
            name="initial_values",
            title="initial values that follow from rows",
            sets={"kernel_initializer": "unit_variance", "bias_initializer": "hull"},
        ),
        _BIAS_RATE,
        _ACTIVATION,
        Part(
            name="parametric_activation",
            title="parametric activations",
            sets={
                "parametric_activation": True,
                "activation_rate_factor": 0.1,
                "activation_decay_factor": 0.1,
            },
        ),
        Part(
            name="dropout",
            title="dropout",
            sets={"dropout": 0.15, "dropout_schedule": "flat_cosine"},
        ),
        Part(
            name="weight_decay",
            title="weight decay",
            sets={
                "weight_decay": 0.02,
                "weight_decay_schedule": "flat_cosine",
                "bias_decay_factor": 0.0,
            },
        ),
        *(_SCHEDULE, _BETA_2, _SMOOTHING),
        Part(
            name="clamp",
            title="clamped predictions",
            sets={"clamped_predictions": True},
            numbers_only=True,
        ),
    ),
)
RECIPES: dict[str, Recipe] = {
    r.name: r for r in (_REALMLP_S, _REALMLP, RESNET, TABM, SRIVASTAVA, IMAGE_MLP)
}


def recipe_of_name(name: Any) -> Recipe:
    """The recipe of a name.

    Raises:
        ConfigError: there is none; the message lists all.
    """
    if not isinstance(name, str) or name not in RECIPES:
        hint = did_you_mean(name, RECIPES) or f" There are: {', '.join(RECIPES)}."
        raise ConfigError(f"there is no recipe {shown(name)}.{hint}")
    return RECIPES[name]
