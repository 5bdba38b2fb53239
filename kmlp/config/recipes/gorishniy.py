"""The tabular ResNet and TabM, part by part; docs/recipes.md says what is the authors'."""

from kmlp.config.recipes.recipe import Part, Recipe

_FRAME = {
    "max_one_hot": 1000,
    "optimizer": "adamw",
    "epsilon": 1e-8,
    "batch_size": 256,
    "monitor": "val_accuracy",
    "max_epochs": 1000,
    "early_stopping": True,
    "patience": 16,
    "min_delta": 0.0,
    "restore_best_weights": True,
}
_OF_REGRESSION = {"monitor": "val_mse"}
_QUANTILES = Part(
    name="quantile_scaling",
    title="quantile scaling",
    sets={"input_scaling": "quantile"},
    instead={"input_scaling": "standard"},
    acts_on="number",
)
_INITIAL_VALUES = Part(
    name="initial_values",
    title="its initial values",
    sets={"kernel_initializer": "fan_in_uniform", "bias_initializer": "fan_in_uniform"},
)

RESNET = Recipe(
    name="resnet",
    source="the ResNet of Gorishniy et al. 2021, https://arxiv.org/abs/2106.11959",
    frame={
        "hidden_units": [384, 384],
        "learning_rate": 3e-4,
        **_FRAME,
    },
    of_regression=_OF_REGRESSION,
    parts=(
        _QUANTILES,
        Part(name="residual_blocks", title="residual blocks", sets={"residual_units": 192}),
        Part(
            name="batch_norm",
            title="batch normalization",
            sets={
                "normalization": "batch",
                "normalization_momentum": 0.9,
                "normalization_epsilon": 1e-5,
            },
        ),
        _INITIAL_VALUES,
        Part(name="dropout", title="dropout", sets={"dropout": 0.3}),
        Part(name="weight_decay", title="weight decay", sets={"weight_decay": 1e-5}),
    ),
)
TABM = Recipe(
    name="tabm",
    source="TabM of Gorishniy et al. 2025, https://arxiv.org/abs/2410.24210",
    frame={
        "hidden_units": [512] * 3,
        "learning_rate": 0.002,
        **_FRAME,
    },
    of_regression=_OF_REGRESSION,
    parts=(
        Part(
            name="weight_sharing",
            title="weight sharing",
            sets={"weight_sharing": "tabm"},
        ),
        _QUANTILES,
        _INITIAL_VALUES,
        Part(name="dropout", title="dropout", sets={"dropout": 0.1}),
        Part(
            name="weight_decay",
            title="weight decay",
            sets={"weight_decay": 3e-4, "bias_decay_factor": 0.0},
        ),
    ),
)
