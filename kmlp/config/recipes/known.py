"""The recipes that are known by name. docs/recipes.md says part by part what is the authors'."""

from typing import Any

from kmlp.config.recipes.recipe import Part, Recipe
from kmlp.errors import ConfigError
from kmlp.text import did_you_mean, shown

_WIDTH = 256
# Without "ntk" a hidden layer's weights are 1 / sqrt(256) as large, and so is the rate at which they
# move; what else is trained keeps its own.
_SHRINK = _WIDTH**-0.5
_HOLZMUELLER = "Holzmüller et al. 2024, https://arxiv.org/abs/2407.04491"


def _best_epoch(epochs: int) -> dict[str, Any]:
    """All epochs are trained, and the best one's weights kept."""
    stopping = {"early_stopping": True, "patience": epochs, "min_delta": 0.0}
    return {"max_epochs": epochs, "restore_best_weights": True, "keep_last_best": True, **stopping}


_REALMLP_S = Recipe(
    name="realmlp_s",
    source=f"RealMLP-TD-S of {_HOLZMUELLER}",
    frame={
        "hidden_units": [_WIDTH] * 3,
        "optimizer": "adam",
        "learning_rate": 0.04,
        "epsilon": 1e-8,
        "batch_size": 256,
        "monitor": "val_accuracy",
        "max_one_hot": 1000,
        **_best_epoch(256),
    },
    of_regression={"learning_rate": 0.07, "monitor": "val_mse"},
    parts=(
        Part(
            name="robust_scaling",
            title="robust scaling",
            sets={"input_scaling": "robust"},
            instead={"input_scaling": "standard"},
        ),
        Part(name="smooth_clip", title="smooth clipping", sets={"input_clip": 3.0}),
        Part(name="scaled_one_hot", title="scaled categories", sets={"scaled_one_hot": True}),
        Part(
            name="learned_scale",
            title="the learned scale",
            sets={"learned_scale": True, "scale_rate_factor": 6.0},
        ),
        Part(
            name="ntk",
            title="the neural-tangent parametrization",
            sets={"parametrization": "ntk"},
            instead={
                "learning_rate": 0.04 * _SHRINK,
                "bias_rate_factor": 0.1 / _SHRINK,
                "scale_rate_factor": 6.0 / _SHRINK,
            },
            instead_of_regression={"learning_rate": 0.07 * _SHRINK},
        ),
        Part(
            name="bias_rate",
            title="the smaller rate of biases",
            sets={"bias_rate_factor": 0.1},
        ),
        Part(
            name="activation",
            title="its activation",
            sets={"activation": "selu"},
            of_regression={"activation": "mish"},
            instead={"activation": "relu"},
        ),
        Part(name="schedule", title="its schedule", sets={"learning_rate_schedule": "coslog4"}),
        Part(name="beta_2", title="the smaller beta_2", sets={"beta_2": 0.95}),
        Part(
            name="label_smoothing",
            title="label smoothing",
            sets={"label_smoothing": 0.1},
            classes_only=True,
        ),
    ),
)
RECIPES: dict[str, Recipe] = {r.name: r for r in (_REALMLP_S,)}


def recipe_of_name(name: Any) -> Recipe:
    """The recipe of a name.

    Raises:
        ConfigError: there is none; the message lists all.
    """
    if not isinstance(name, str) or name not in RECIPES:
        hint = did_you_mean(name, RECIPES) or f" There are: {', '.join(RECIPES)}."
        raise ConfigError(f"there is no recipe {shown(name)}.{hint}")
    return RECIPES[name]
