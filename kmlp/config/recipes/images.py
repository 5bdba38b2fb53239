"""Recipes for images as rows of pixels. docs/recipes.md says part by part what is the authors'."""

from kmlp.config.recipes.recipe import Part, Recipe

_UPDATES = 1_000_000
# Of 60,000 rows in batches of 100.
_STEPS_AN_EPOCH = 600
_HALF_LIFE = 10_000

SRIVASTAVA = Recipe(
    name="srivastava",
    source="Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html, appendix B.1",
    frame={
        "hidden_units": [1024] * 3,
        "activation": "relu",
        "kernel_initializer": "lecun_normal",
        "optimizer": "sgd",
        "momentum": 0.95,
        "batch_size": 100,
        "max_epochs": -(-_UPDATES // _STEPS_AN_EPOCH),
        "early_stopping": False,
    },
    parts=(
        Part(
            name="dropout",
            title="dropout",
            sets={"dropout": 0.5, "input_dropout": 0.2, "dropout_scaling": "inference"},
        ),
        Part(
            name="max_norm",
            title="max-norm",
            sets={"max_norm": 2.0, "output_max_norm": True},
        ),
        # What bounded weights allow; without a bound take the part "max_norm" away as well.
        Part(
            name="large_rate",
            title="its large learning rate",
            sets={"learning_rate": 1.0},
            instead={"learning_rate": 0.01},
        ),
        Part(
            name="schedule",
            title="its schedule",
            sets={
                "learning_rate_schedule": "inverse",
                "decay_rate": 1 / (1 + _UPDATES / _HALF_LIFE),
            },
        ),
        Part(
            name="rising_momentum",
            title="the rising momentum",
            sets={"momentum_warm_up": 0.1, "initial_momentum": 0.5},
        ),
    ),
)

# Chosen on validation rows of Fashion-MNIST: benchmarks/README.md tells the way to it. Some parts
# came together, so what each adds is not known.
IMAGE_MLP = Recipe(
    name="image_mlp",
    source="kmlp's own: benchmarks/README.md, Strong networks for images",
    frame={
        "hidden_units": [1024, 512, 256],
        "learning_rate": 1.5e-3,
        "batch_size": 256,
        "max_epochs": 40,
        "early_stopping": False,
    },
    parts=(
        Part(
            name="normalization",
            title="batch normalization",
            sets={"normalization": "batch"},
        ),
        Part(name="activation", title="its activation", sets={"activation": "gelu"}),
        Part(name="dropout", title="dropout", sets={"dropout": 0.25, "input_dropout": 0.1}),
        Part(name="mixup", title="mixup", sets={"mixup": 0.2}),
        Part(
            name="schedule",
            title="its schedule",
            sets={"learning_rate_schedule": "cosine", "warm_up": 0.05},
        ),
    ),
)
