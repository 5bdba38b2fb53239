"""Every option of a stack, held to Keras's own layer, loss, constraint, schedule and optimizer.

Members of one stack differ in what they may; each is trained a few dozen steps in float64 and
compared, weight by weight, with a plain Keras model trained alone. Where masks or noise are
drawn, Keras's own differ: there the member alone is the reference.
"""

import keras
import numpy as np
import pytest
from keras import ops

from kmlp.config import ACTIVATIONS
from kmlp.data import Dataset
from kmlp.engine.member import Member
from kmlp.engine.stack import Stack, build_stack, extract_member
from tests.twins import (
    assert_same_as_keras,
    assert_same_weights,
    make_member,
    train,
    train_alone_in_keras,
)

pytestmark = pytest.mark.usefixtures("float64")

ON_JAX = keras.backend.backend() == "jax"
# Numbers that float32 holds exactly, to which Keras rounds some of them.
ADAM = {"learning_rate": 2.0**-8}
SGD = {"optimizer": "sgd", "learning_rate": 2.0**-4}


@pytest.fixture
def two_classes(tiny) -> Dataset:
    """Three out of four rows of the first class."""
    first = np.arange(0, 300, 2)

    def make(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return x, (y == 2).astype(int)

    return Dataset.from_arrays(
        *make(tiny.x_train[first], tiny.y_train[first]), *make(tiny.x_test, tiny.y_test)
    )


@pytest.fixture
def numbers(tiny) -> Dataset:
    """A smooth function of the inputs, far from mean 0 and variance 1."""

    def target(x: np.ndarray) -> np.ndarray:
        return (40 + 7 * np.sin(x[:, 0]) + 3 * x[:, 1] * x[:, 2]).astype(np.float32)

    return Dataset.from_arrays(tiny.x_train, target(tiny.x_train), tiny.x_test, target(tiny.x_test))


def assert_each_is_keras(
    data: Dataset, strengths: list[dict], atol: float, epochs: int = 4
) -> None:
    """Trains one stack of members with these options, and each one alone in Keras.

    JAX takes seconds to compile each model's own step: there the first one is compared.
    """
    members = [make_member(data, seed, **each) for seed, each in enumerate(strengths)]
    stack = train(build_stack(members, data.spec), data, epochs)
    for k, member in enumerate(members[:1] if ON_JAX else members):
        alone = train_alone_in_keras(member, data, epochs)
        assert_same_as_keras(stack, k, alone, atol)
        ours, theirs = (called(m, data.x_test) for m in (extract_member(stack, k), alone))
        np.testing.assert_allclose(ours, theirs, rtol=10 * atol, atol=10 * atol)


def called(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """What a model says, without a program of its own to compile."""
    return ops.convert_to_numpy(model(x, training=False))


RESIDUAL = {"residual_units": 10, "normalization": "layer"}
# Adam's first steps do not know a gradient of 1e-16 from one of 1: before a normalization it turns
# the rounding of a bias that is subtracted again into steps.
OPTIONS = {
    "batch_norm": [
        {"normalization": "batch", **SGD},
        {"normalization": "batch", **SGD, "l2": 0.01},
    ],
    "normalization_numbers": [
        {
            **SGD,
            "normalization": "batch",
            "normalization_momentum": 0.5,
            "normalization_epsilon": 0.25,
        }
    ],
    "layer_norm_epsilon": [
        {**SGD, "normalization": "layer", "normalization_epsilon": 0.25},
    ],
    "layer_norm": [
        {"normalization": "layer", **SGD},
        {"normalization": "layer", **SGD, "l1": 0.01},
    ],
    "standard": [{"input_scaling": "standard", **ADAM}, {"input_scaling": "standard"}],
    "max_norm": [{"max_norm": 0.75, **SGD}, {"max_norm": 1.5, **SGD}, SGD],
    "penalty_mean": [
        {"penalty_reduction": "mean", "l2": 2.0, "l1": 0.5, **SGD},
        {"penalty_reduction": "sum", "l2": 2.0**-7, **SGD},
    ],
    "rmsprop": [{"optimizer": "rmsprop", **ADAM}, {"optimizer": "rmsprop", "l2": 0.01}],
    "adamw": [{"optimizer": "adamw", "weight_decay": w} for w in (0.0, 0.004, 0.5)],
    "beta_2": [{**ADAM, "beta_2": beta_2} for beta_2 in (0.999, 0.95, 0.875)],
    "beta_1": [{**ADAM, "beta_1": beta_1} for beta_1 in (0.9, 0.5, 0.875)],
    "epsilon": [{**ADAM, "epsilon": e} for e in (1e-7, 2.0**-10, 0.5)],
    "epsilon_rmsprop": [{**ADAM, "optimizer": "rmsprop", "epsilon": e} for e in (2.0**-10, 1e-7)],
    "rates_by_kind": [
        {**SGD, "bias_rate_factor": 0.125, "momentum": 0.875, "weight_decay": 0.01},
        {**SGD, "bias_decay_factor": 0.0, "weight_decay": 0.125},
        {**SGD, "bias_rate_factor": 4.0, "bias_decay_factor": 0.5, "weight_decay": 0.0625},
        SGD,
    ],
    "momentum_warm_up": [
        {**SGD, **own, "max_epochs": 4}
        for own in (
            {"momentum": 0.875, "momentum_warm_up": 0.5, "initial_momentum": 0.5},
            {"momentum": 0.75, "momentum_warm_up": 0.25, "weight_decay": 0.01},
            {"momentum": 0.5},
            {},
        )
    ],
    "ema": [{**ADAM, "ema_momentum": m, "max_norm": 1.5} for m in (0.875, 0.5)],
    "sgd_decay": [{**SGD, "weight_decay": 0.01}, {**SGD, "weight_decay": 0.0}],
    "clipnorm": [{**SGD, "clipnorm": c} for c in (0.05, 0.5, None)],
    "clipnorm_adam": [{**ADAM, "clipnorm": 0.125, "l2": 0.01, "weight_decay": 0.01}, ADAM],
    "label_smoothing": [{**SGD, "label_smoothing": s} for s in (0.0, 0.1, 0.5)],
    "class_weight": [
        {**SGD, "class_weight": {0: 3.0, "2": 0.5}},
        {**SGD, "class_weight": "balanced"},
        {**SGD, "class_weight": None, "label_smoothing": 0.0},
    ],
    "full_batch": [{**SGD, "batch_size": "full"}, {**SGD, "batch_size": "full", "l2": 0.01}],
    "linear": [{**ADAM, "hidden_units": ()}, {"hidden_units": (), "l2": 0.01, "l1": 0.01}],
    "smaller_last_batch": [{**ADAM, "batch_size": 32}, {"batch_size": 32, "l2": 0.01}],
    "deep": [{**ADAM, "hidden_units": (9, 8, 7, 6)}],
    "input_clip": [{**SGD, "input_scaling": "standard", "input_clip": 1.5}],
    "learned_scale": [
        {**SGD, "learned_scale": True, "l2": 0.01, "max_norm": 1.0},
        {**SGD, "learned_scale": True, "weight_decay": 0.25},
    ],
    "parametric_activation": [
        {**SGD, "parametric_activation": True, "dropout": 0.0, "l2": 0.01},
        {**SGD, "parametric_activation": True, "weight_decay": 0.25},
    ],
    "ntk": [
        {**SGD, "parametrization": "ntk", "l2": 0.01},
        {**SGD, "parametrization": "ntk", "max_norm": 3.0},
    ],
    "residual": [
        {**SGD, **RESIDUAL, "l2": 0.01},
        {**SGD, **RESIDUAL, "max_norm": 1.0, "weight_decay": 0.25},
    ],
    "residual_ntk": [{**SGD, **RESIDUAL, "normalization": "none", "parametrization": "ntk"}],
    "output_max_norm": [
        {**SGD, "max_norm": 0.75, "output_max_norm": True},
        {**SGD, "output_max_norm": True},
    ],
    "normal_weights": [
        {
            **SGD,
            "kernel_initializer": "normal",
            "kernel_stddev": 0.25,
            "bias_initializer": "normal",
        },
        {**SGD, "kernel_initializer": "truncated_normal", "output_initializer": "zeros"},
        SGD,
    ],
    "fan_in_uniform": [
        {**SGD, "kernel_initializer": "fan_in_uniform", "bias_initializer": "fan_in_uniform"},
        {**SGD, "bias_initializer": "fan_in_uniform", "output_initializer": "zeros"},
    ],
    "weights_of_rows": [
        {**SGD, "kernel_initializer": "unit_variance", "bias_initializer": "hull"},
        {**SGD, "bias_initializer": "hull", "output_initializer": "zeros"},
        SGD,
    ],
    "initializer": [{**SGD, "kernel_initializer": "lecun_uniform"}, SGD],
}


# What another one nearly says, or takes long to compile.
LATER = {"adamw", "beta_1", "beta_2", "clipnorm_adam", "deep", "ema", "epsilon", "epsilon_rmsprop"}
LATER |= {"output_max_norm", "rates_by_kind", "residual", "residual_ntk", "rmsprop", "standard"}
LATER |= {"smaller_last_batch", "layer_norm_epsilon"}


@pytest.mark.parametrize(
    "name", [pytest.param(o, marks=[pytest.mark.slow] * (o in LATER)) for o in OPTIONS]
)
def test_an_option_is_keras_own(tiny, name):
    # Keras on JAX keeps moving statistics in float32.
    is_batch_norm = name in ("batch_norm", "normalization_numbers")
    atol = 1e-6 if ON_JAX and is_batch_norm else 1e-7
    assert_each_is_keras(tiny, OPTIONS[name], atol)


@pytest.mark.parametrize("activation", [a for a in ACTIVATIONS if a != "relu"])
def test_an_activation_is_keras_own(tiny, activation):
    assert_each_is_keras(tiny, [{"activation": activation, **SGD}], atol=1e-7, epochs=2)


@pytest.mark.parametrize(
    ("schedule", "more"),
    [("cosine", {}), ("cosine", {"warm_up": 0.25}), ("step", {}), ("exponential", {})],
    ids=["cosine", "warm_up", "step", "exponential"],
)
def test_a_schedule_is_keras_own(tiny, schedule, more):
    """Over all of `max_epochs`, so that every step of it is seen; Keras's is in float32."""
    options = {**SGD, "learning_rate_schedule": schedule, "max_epochs": 4, "weight_decay": 0.01}
    options |= more
    assert_each_is_keras(tiny, [options, {**options, "learning_rate": 2.0**-6}], atol=2e-6)


def test_a_binary_task_is_keras_own(two_classes):
    strengths = [
        SGD,
        {**SGD, "label_smoothing": 0.25},
        {**SGD, "class_weight": "balanced", "l2": 2.0**-7},
    ]
    assert_each_is_keras(two_classes, strengths, atol=1e-6)


@pytest.mark.long
def test_two_classes_with_an_output_each_train_as_more_classes_do(two_classes):
    """Cross-entropy of the softmax of both, by Adam as PyTorch and its paper write it."""
    options = {"hidden_units": (), "class_outputs": True, "label_smoothing": 0.125, **ADAM}
    member = make_member(two_classes, batch_size="full", **options)
    stack = build_stack([member], two_classes.spec)
    of = {path: np.asarray(w, float) for path, w in stack.weights_of(0).items()}
    stack = train(stack, two_classes, epochs := 5)
    rows, _ = member.split(two_classes.y_train)
    x = two_classes.x_train[rows].reshape(len(rows), -1).astype(float)
    wanted = 0.875 * np.eye(2)[two_classes.y_train[rows]] + 0.0625
    slots = {path: (np.zeros_like(w), np.zeros_like(w)) for path, w in of.items()}
    for step in range(1, epochs + 1):
        odds = np.exp(x @ of["output/kernel"] + of["output/bias"])
        error = (odds / odds.sum(axis=1, keepdims=True) - wanted) / len(rows)
        for path, gradient in {"kernel": x.T @ error, "bias": error.sum(axis=0)}.items():
            mean, square = slots[path := f"output/{path}"]
            mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
            moved = mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.999**step)) + 1e-7)
            of[path], slots[path] = of[path] - 2.0**-8 * moved, (mean, square)
    assert of["output/kernel"].shape[1] == 2
    assert_same_weights(stack.weights_of(0), of, atol=1e-5)


@pytest.mark.slow
def test_a_regression_is_keras_own(numbers):
    strengths = [ADAM, {**ADAM, "l2": 2.0**-7, "clipnorm": 1.0}, {**ADAM, "max_norm": 1.0}]
    common = {"input_scaling": "standard", "clamped_predictions": True}
    assert_each_is_keras(numbers, [{**s, **common} for s in strengths], atol=1e-7)


EVERYTHING = [
    {},
    {"dropout": 0.5, "input_dropout": 0.2, "l2": 1e-3, "max_norm": 1.0},
    {
        **{"drop_connect": 0.3, "gradient_noise": 0.1, "input_noise": 0.3},
        **{"label_smoothing": 0.1, "clipnorm": 0.5},
    },
    {"gradient_noise": 0.5, "gradient_noise_decay": 0.55, "weight_decay": 0.1, "l1": 1e-3},
    {"class_weight": "balanced", "penalty_reduction": "mean", "l2": 1.0, "learning_rate": 0.01},
    {
        **{"class_weight": {1: 4.0}, "dropout": 0.1, "drop_connect": 0.5, "input_noise": 0.1},
        "learning_rate": 0.02,
    },
    {
        **{"mixup": 0.4, "ema_momentum": 0.9, "warm_up": 0.25, "drop_connect": 0.2},
        **{"dropout": 0.4, "dropout_warm_up": 0.5, "weight_decay": 0.1},
        **{"bias_rate_factor": 0.5, "bias_decay_factor": 0.0},
    },
]
RESIDUAL_DRAWS = [
    {},
    {"dropout": 0.3, "residual_dropout": 0.2, "l2": 1e-3},
    {"layer_dropout": (0.5, 0.0), "drop_connect": 0.3},
]


@pytest.mark.slow
def test_a_mixed_stack_of_residual_networks_holds_every_member_as_if_alone(tiny):
    """Rates by layer beside one for all of them, on units, on blocks and on weights."""
    common = {"residual_units": 10, "normalization": "batch", "batch_size": 32}
    members = [make_member(tiny, s, **common, **own) for s, own in enumerate(RESIDUAL_DRAWS)]
    together = trained(members, tiny)
    for k in (1, 2):
        weights = trained([members[k]], tiny).weights_of(0)
        assert_same_weights(together.weights_of(k), weights, atol=1e-11)


COMMON = {
    "batch": {
        "normalization": "batch",
        "optimizer": "adamw",
        "input_scaling": "standard",
        "parametric_activation": True,
        # 240 rows: the last batch is smaller.
        "batch_size": 32,
    },
    "layer": {
        "normalization": "layer",
        "optimizer": "rmsprop",
        "learning_rate_schedule": "cosine",
        "learned_scale": True,
    },
    "example": {
        "optimizer": "sgd",
        "momentum": 0.9,
        "drop_connect_mask": "example",
        "activation": "tanh",
        "parametrization": "ntk",
    },
    "moments": {
        "drop_connect_inference": "moments",
        "activation": "gelu",
        "learning_rate_schedule": "step",
        "dropout_schedule": "flat_cosine",
        "weight_decay_schedule": "exponential",
    },
}


def mixed(data: Dataset, common: str) -> list[Member]:
    """A member of each strength, with what they have in common."""
    return [
        make_member(data, seed, max_epochs=4, **{**COMMON[common], **own})
        for seed, own in enumerate(EVERYTHING)
    ]


def trained(members: list, data: Dataset, epochs: int = 2) -> Stack:
    return train(build_stack(members, data.spec), data, epochs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("common", "alone"),
    [
        ("batch", (0, 2)),
        ("layer", (3,)),
        ("example", (1, 4)),
        ("moments", (6,)),
    ],
    ids=list(COMMON),
)
def test_a_mixed_stack_holds_every_member_as_if_alone(tiny, common, alone):
    """All strengths at once, masks and noise included, over two epochs.

    A member alone is a program to compile, so every stack compares its own.
    """
    members = mixed(tiny, common)
    together = trained(members, tiny)
    for k in alone:
        weights = trained([members[k]], tiny).weights_of(0)
        assert_same_weights(together.weights_of(k), weights, atol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("common", ["batch", "moments"])
def test_a_member_of_a_mixed_stack_predicts_as_its_plain_model(tiny, common):
    stack = trained(mixed(tiny, common), tiny)
    for k in range(len(stack.members)):
        plain = called(extract_member(stack, k), tiny.x_test)
        np.testing.assert_allclose(np.exp(predictions(stack, tiny)[k]), plain, atol=1e-6)


@pytest.mark.slow
def test_mixed_binary_and_regression_stacks_hold_their_members_as_if_alone(two_classes, numbers):
    for data, normalization, own in (
        (two_classes, "none", [*EVERYTHING[:4], {"class_weight": "balanced"}]),
        (numbers, "batch", [{}, EVERYTHING[1], {"gradient_noise": 0.1, "drop_connect": 0.2}]),
    ):
        common = {"input_scaling": "standard", "normalization": normalization}
        members = [make_member(data, seed, **common, **each) for seed, each in enumerate(own)]
        alone = trained([members[1]], data).weights_of(0)
        assert_same_weights(trained(members, data).weights_of(1), alone, atol=1e-11)


def predictions(stack: Stack, data: Dataset) -> np.ndarray:
    """`(k, num_test, num_classes)` log-probabilities."""
    x = ops.convert_to_tensor(data.x_test)
    return ops.convert_to_numpy(stack.program.predict(stack.state, x))
