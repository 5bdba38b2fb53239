"""Schedules of strengths, mixed rows and averaged weights, in stacks that train."""

import keras
import numpy as np
import pytest
from keras import ops

from kmlp.data import Dataset
from kmlp.engine.stack import build_stack, extract_member
from kmlp.engine.stack_training import DeviceData, StackRun
from kmlp.nn.mlp import adapt, build_mlp
from kmlp.nn.steps.mixup import shares
from tests.twins import assert_same_weights, keras_optimizer, make_member, train

SGD = {"optimizer": "sgd", "learning_rate": 2.0**-4}


def strengths(stack, step: int, num_steps: int) -> np.ndarray:
    """The dropout rates of every layer at a step, `(layers, k)`."""
    state = {**stack.state, "step": ops.full((len(stack.members),), step, "int32")}
    given = stack.program._given(state, None, 40, num_steps)
    places = sorted(stack.program._scheduled)
    return np.stack([ops.convert_to_numpy(given[i]) for i in places])


def test_dropout_rates_follow_their_schedule_by_member(tiny):
    """Half a cosine, over all of it or after a warm-up; the inputs' rate and others' stay."""
    common = {"dropout_schedule": "cosine", "input_dropout": 0.25}
    members = [
        make_member(tiny, 0, dropout=0.5, **common),
        make_member(tiny, 1, dropout=0.25, dropout_warm_up=0.5, **common),
        make_member(tiny, 2, dropout=0.0, **common),
    ]
    stack = build_stack(members, tiny.spec)
    assert len(stack.program._scheduled) == 2
    for step in (0, 3, 10, 15, 20):
        first = 0.5 * 0.5 * (1 + np.cos(np.pi * step / 20))
        after = 0.25 * 0.5 * (1 + np.cos(np.pi * (step - 10) / 10))
        second = 0.25 * step / 10 if step < 10 else after
        for found in strengths(stack, step, 20):
            np.testing.assert_allclose(found, [first, second, 0], atol=1e-6)


@pytest.mark.usefixtures("float64")
def test_masks_are_drawn_by_the_rate_of_the_step(tiny):
    """The second step of a schedule is a step of a constant rate, the scheduled one, from there:
    2 of 12 steps of 0.25 ^ t, one epoch each."""
    own = {"dropout": 0.5, "batch_size": "full", "max_epochs": 12, **SGD}
    falling = make_member(tiny, dropout_schedule="exponential", decay_rate=2.0**-12, **own)
    stack = train(build_stack([falling], tiny.spec), tiny, 1)
    constant = build_stack([make_member(tiny, **{**own, "dropout": 0.25})], tiny.spec)
    others = dict(zip(places(constant), constant.state["others"], strict=True))
    moved = dict(zip(places(stack), stack.state["others"], strict=True))
    kept = [others[p] if p.endswith("strength") else moved[p] for p in others]
    constant.state = {**constant.state, **{k: stack.state[k] for k in ("weights", "slots", "step")}}
    constant.state["others"] = kept
    train(constant, tiny, 1, first_epoch=1)
    train(stack, tiny, 1, first_epoch=1)
    assert_same_weights(stack.weights_of(0), constant.weights_of(0), atol=1e-12)


def places(stack) -> list[str]:
    return [v.path for v in stack.program.model.non_trainable_variables]


@pytest.mark.usefixtures("float64")
def test_weight_decay_follows_its_schedule_beside_the_rates(tiny):
    """A step without a gradient leaves 1 - eta_t lambda_t of each weight."""
    schedules = {"learning_rate_schedule": "cosine", "weight_decay_schedule": "flat_cosine"}
    members = [
        make_member(tiny, 0, weight_decay=0.5, **schedules, **SGD),
        make_member(tiny, 1, weight_decay=0.25, weight_decay_warm_up=0.5, **schedules, **SGD),
    ]
    stack = build_stack(members, tiny.spec)
    program, state = stack.program, stack.state
    zeros = [ops.zeros_like(w) for w in state["weights"]]
    ones = [ops.ones_like(w) for w in state["weights"]]
    for step, decays in ((4, (0.5, 0.25 * 0.4)), (15, (0.25, 0.25))):
        steps = ops.full((2,), step, "int32")
        hyper = program.step.hyper_at(state["hyper"], steps, 20)
        moved, _ = program._update(zeros, ones, state["slots"], steps, hyper, None)
        rate = 2.0**-4 * 0.5 * (1 + np.cos(np.pi * step / 20))
        expected = 1 - rate * np.array(decays)
        for weight in moved:
            found = ops.convert_to_numpy(weight).reshape(2, -1)
            np.testing.assert_allclose(found, expected[:, None] * np.ones_like(found), rtol=1e-7)


@pytest.mark.usefixtures("float64")
def test_dropout_scaled_in_inference_is_the_same_network_for_other_weights_rates_and_bounds(tiny):
    """Srivastava's form with kernels W is Keras's with keep W, whose gradients are 1 / keep as
    large: a step of keep^2 as much moves both alike, a bound of keep as much binds both alike."""
    keep = 0.75
    both = {**SGD, "dropout": 1 - keep, "input_dropout": 1 - keep, "output_max_norm": True}
    both |= {"momentum": 0.5, "learning_rate": 0.5}
    paper = make_member(tiny, 0, **both, dropout_scaling="inference", max_norm=1.0)
    own = {"learning_rate": 0.5 * keep**2, "bias_rate_factor": keep**-2, "max_norm": keep}
    theirs, ours = (
        build_stack([m], tiny.spec) for m in (paper, make_member(tiny, 0, **{**both, **own}))
    )
    kernels = theirs.program.step.is_kernel

    def shrunk(weights: list) -> list:
        return [keep * w if is_kernel else w for w, is_kernel in zip(weights, kernels, strict=True)]

    ours.state = {**ours.state, "weights": shrunk(theirs.state["weights"])}
    for stack in (theirs, ours):
        train(stack, tiny, 3)
    # Keras's MaxNorm adds 1e-7 to every norm, which is more of a smaller one.
    for expected, found in zip(shrunk(theirs.state["weights"]), ours.state["weights"], strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-6)
    norms = np.linalg.norm(theirs.weights_of(0)["hidden_1/kernel"], axis=0)
    assert norms.max() == pytest.approx(1.0, abs=1e-6)
    expected, found = (
        extract_member(stack, 0)(tiny.x_test, training=False) for stack in (theirs, ours)
    )
    np.testing.assert_allclose(found, expected, atol=2e-6)


def mixed_in_keras(member, data: Dataset, num_epochs: int) -> keras.Model:
    """Mixed rows and mixed targets, written out, through Keras's own `train_on_batch`."""
    rows, _ = member.split(data.y_train)
    model = build_mlp(member.model, data.spec, seed=member.seeds.init)
    adapt(model, data.x_train[rows], data.y_train[rows])
    is_regression = data.spec.task == "regression"
    y = data.y_train.astype(float) if is_regression else np.eye(3)[data.y_train]
    variance = float(np.var(y[rows])) if is_regression else 1.0
    plain = (
        (lambda y, p: ops.mean(ops.square(ops.reshape(y, (-1, 1)) - p), -1) / variance)
        if is_regression
        else keras.losses.CategoricalCrossentropy()
    )
    model.compile(keras_optimizer(member.train), plain)
    layer = build_stack([member], data.spec).model.get_layer("mixup_0")
    step = 0
    for epoch in range(num_epochs):
        order = member.epoch_order(rows, epoch)
        for start in range(0, len(order), member.train.batch_size):
            batch = order[start : start + member.train.batch_size]
            share = shares(layer.strength.value, layer.key.value, np.array([step], "int32"))
            own = float(ops.convert_to_numpy(share)[0])
            other = np.roll(batch, -1)
            x, targets = (own * v[batch] + (1 - own) * v[other] for v in (data.x_train, y))
            model.train_on_batch(x, targets)
            step += 1
    return model


def assert_mixed_as_in_keras(data: Dataset, atol: float) -> None:
    """One of several members: others mix by another alpha, or not; and one more in a batch."""
    common = {**SGD, "batch_size": 35}
    members = [make_member(data, s, mixup=a, **common) for s, a in enumerate((0.0, 0.4, 2.0))]
    stack = train(build_stack(members, data.spec), data, 2)
    alone = train(build_stack(members[1:2], data.spec), data, 2)
    assert_same_weights(stack.weights_of(1), alone.weights_of(0), atol=1e-12)
    theirs = mixed_in_keras(members[1], data, 2)
    expected = {v.path: ops.convert_to_numpy(v).reshape(-1) for v in theirs.trainable_variables}
    for path, weight in stack.weights_of(1).items():
        if path in expected:
            np.testing.assert_allclose(weight.reshape(-1), expected[path], atol=atol, err_msg=path)
    unmixed = train(build_stack([make_member(data, **common)], data.spec), data, 2)
    assert_same_weights(stack.weights_of(0), unmixed.weights_of(0), atol=1e-12)


@pytest.mark.slow
@pytest.mark.usefixtures("float64")
def test_mixed_classes_train_as_in_keras(tiny):
    assert_mixed_as_in_keras(tiny, atol=1e-7)


@pytest.mark.usefixtures("float64")
@pytest.mark.slow
def test_mixed_numbers_train_as_in_keras_on_mixed_targets(tiny):
    target = (tiny.x_train[:, 0] * 3 + 7, tiny.x_test[:, 0] * 3 + 7)
    data = Dataset.from_arrays(tiny.x_train, target[0], tiny.x_test, target[1])
    assert_mixed_as_in_keras(data, atol=1e-6)


def test_what_fills_a_batch_is_nobodys_partner(tiny):
    """Row 0 stands in where a batch is filled up: here it validates, and has no say."""
    seed = next(s for s in range(50) if 0 in make_member(tiny, s).split(tiny.y_train)[1])
    member = make_member(tiny, seed, mixup=1.0, batch_size=35, **SGD)
    other = Dataset.from_arrays(tiny.x_train.copy(), tiny.y_train, tiny.x_test, tiny.y_test)
    other.x_train[0] += 1000
    found = [train(build_stack([member], data.spec), data, 1) for data in (tiny, other)]
    assert_same_weights(found[0].weights_of(0), found[1].weights_of(0), atol=0)


def test_averaged_weights_are_validated_kept_and_scored(tiny):
    """Of a member that stops, beside one that averages none; the averages are written out here."""
    members = [
        make_member(tiny, 0, ema_momentum=0.9, learning_rate=0.05, batch_size="full", patience=2),
        make_member(tiny, 0, learning_rate=0.05, batch_size="full", max_epochs=100, patience=2),
    ]
    run = StackRun(build_stack(members, tiny.spec), DeviceData(tiny))
    averages, validated, number = [], [], len(run.stack.state["weights"])
    average = None
    while not run.stop_training and run.epoch < 40:
        run.train_epoch()
        weights = [ops.convert_to_numpy(w) for w in run.stack.state["weights"]]
        step = weights if average is None else average
        average = [0.9 * a + 0.1 * w for a, w in zip(step, weights, strict=True)]
        kept = [ops.convert_to_numpy(w) for w in run.weights]
        for ours, theirs, raw in zip(kept[:number], average, weights, strict=True):
            np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-4, atol=1e-6)
            np.testing.assert_array_equal(ours[1], raw[1])
        averages.append(average)
        validated.append(run.logs["val_cross_entropy"].copy())
    results = run.results()
    for k, result in enumerate(results):
        best = np.argmin([v[k] for v in validated[: result.stopped_epoch]])
        assert abs(result.curves["val_cross_entropy"][best] - validated[best][k]) < 1e-7
        assert result.metrics["val"]["cross_entropy"] == pytest.approx(
            float(result.curves["val_cross_entropy"][result.best_epoch - 1]), rel=1e-4
        )
    chosen = averages[results[0].best_epoch - 1]
    paths = [v.path for v in run.whole.program.model.trainable_variables]
    for path, weight in zip(paths, chosen, strict=True):
        ours = results[0].weights[path]
        np.testing.assert_allclose(ours.reshape(-1), weight[0].reshape(-1), rtol=1e-4, atol=1e-6)
    plain = extract_member(run.whole, 0).predict(tiny.x_test, verbose=0)
    np.testing.assert_allclose(np.exp(results[0].predictions), plain, atol=1e-5)


@pytest.mark.usefixtures("float64")
def test_averages_are_keras_own(tiny):
    """`use_ema`, whose averages end up in the model; `test_equality` holds the weights that
    train."""
    members = [
        make_member(tiny, s, ema_momentum=m, **SGD) for s, m in enumerate((0.75, 0.0, 0.9375))
    ]
    stack = train(build_stack(members, tiny.spec), tiny, 3)
    rows, _ = members[0].split(tiny.y_train)
    model = build_mlp(members[0].model, tiny.spec, seed=0)
    model.compile(keras_optimizer(members[0].train), "sparse_categorical_crossentropy")
    for epoch in range(3):
        order = members[0].epoch_order(rows, epoch)
        for start in range(0, len(order), 40):
            batch = order[start : start + 40]
            model.train_on_batch(tiny.x_train[batch], tiny.y_train[batch])
    model.optimizer.finalize_variable_values(model.trainable_variables)
    kept = [ops.convert_to_numpy(w) for w in stack.restorable]
    for ours, theirs in zip(kept, model.trainable_variables, strict=True):
        theirs = ops.convert_to_numpy(theirs)
        np.testing.assert_allclose(ours[0].reshape(theirs.shape), theirs, atol=1e-7)
    for ours, raw in zip(kept, stack.state["weights"], strict=True):
        np.testing.assert_array_equal(ours[1], ops.convert_to_numpy(raw)[1])
