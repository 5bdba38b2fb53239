"""TabM, part by part; docs/recipes.md says what is the authors'."""

from kmlp.config.recipes.recipe import Part, Recipe

_GORISHNIY = "Gorishniy et al. 2025, https://arxiv.org/abs/2410.24210"

TABM = Recipe(
    name="tabm",
    source=f"TabM of {_GORISHNIY}",
    frame={
        "hidden_units": [512] * 3,
        "optimizer": "adamw",
        "learning_rate": 0.002,
        "epsilon": 1e-8,
        "batch_size": 256,
        "max_one_hot": 1000,
        "max_epochs": 1000,
        "early_stopping": True,
        "patience": 16,
        "min_delta": 0.0,
        "restore_best_weights": True,
        "monitor": "val_accuracy",
    },
    of_regression={"monitor": "val_mse"},
    parts=(
        Part(
            name="weight_sharing",
            title="weight sharing",
            sets={"weight_sharing": "tabm"},
        ),
        Part(
            name="quantile_scaling",
            title="quantile scaling",
            sets={"input_scaling": "quantile"},
            instead={"input_scaling": "standard"},
            acts_on="number",
        ),
        Part(
            name="initial_values",
            title="its initial values",
            sets={"kernel_initializer": "fan_in_uniform", "bias_initializer": "fan_in_uniform"},
        ),
        Part(name="dropout", title="dropout", sets={"dropout": 0.1}),
        Part(
            name="weight_decay",
            title="weight decay",
            sets={"weight_decay": 3e-4, "bias_decay_factor": 0.0},
        ),
    ),
)
