"""Training whole stacks: against Keras's own `fit`, and each member against itself alone."""

import keras
import numpy as np
import pytest

from kmlp.data import Dataset, load_dataset
from kmlp.engine.member import Member
from kmlp.engine.planning.stacks import plan_stacks, stack_size
from kmlp.engine.programs.kept import PROGRAMS
from kmlp.engine.scheduler import fit_stack, train_members
from kmlp.engine.stack import build_stack
from kmlp.engine.stack_training import DeviceData, MemberResult
from kmlp.nn import backend
from kmlp.nn.mlp import build_mlp, load_member_weights
from tests.twins import keras_optimizer, make_member


@pytest.fixture(scope="module")
def images() -> Dataset:
    """1,500 real Fashion-MNIST images to train on, 500 to test on."""
    data = load_dataset("fashion_mnist")
    return Dataset.from_arrays(
        data.x_train[:1500], data.y_train[:1500], data.x_test[:500], data.y_test[:500]
    )


def train_in_keras(member: Member, data: Dataset) -> tuple[list[float], int]:
    """The member through Keras's own training steps, evaluation and early stopping.

    Returns:
        The validation cross-entropy by epoch, and the best epoch counted from 1.
    """
    model = build_mlp(member.model, data.spec, seed=member.seeds.init)
    plain = keras.metrics.SparseCategoricalCrossentropy(name="cross_entropy")
    model.compile(
        keras_optimizer(member.train),
        "sparse_categorical_crossentropy",
        metrics=[plain],
        jit_compile=keras.backend.backend() == "jax",
    )
    stopping = keras.callbacks.EarlyStopping(
        monitor="val_cross_entropy",
        mode="min",
        min_delta=member.train.min_delta,
        patience=member.train.patience,
        restore_best_weights=True,
    )
    stopping.set_model(model)
    stopping.on_train_begin()
    model.stop_training = False
    train_rows, val_rows = member.split(data.y_train)
    x, y, size = data.x_train, data.y_train, member.train.batch_size
    losses: list[float] = []
    while not model.stop_training and len(losses) < member.train.max_epochs:
        order = member.epoch_order(train_rows, len(losses))
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            model.train_on_batch(x[batch], y[batch])
        logs = model.evaluate(x[val_rows], y[val_rows], verbose=0, return_dict=True)
        stopping.on_epoch_end(len(losses), {"val_cross_entropy": logs["cross_entropy"]})
        losses.append(logs["cross_entropy"])
    return losses, stopping.best_epoch + 1


def train_stack(members: list[Member], data: Dataset) -> list[MemberResult]:
    return fit_stack(build_stack(members, data.spec), DeviceData(data))


def assert_same_result(a: MemberResult, b: MemberResult) -> None:
    assert (a.best_epoch, a.stopped_epoch, a.status) == (b.best_epoch, b.stopped_epoch, b.status)
    assert a.weights.keys() == b.weights.keys()
    for path, weight in a.weights.items():
        np.testing.assert_allclose(weight, b.weights[path], rtol=0, atol=1e-12)
    for name, curve in a.curves.items():
        np.testing.assert_allclose(curve, b.curves[name], rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_float32_losses_and_best_epoch_are_those_of_keras(images, optimizer):
    rate = 0.1 if optimizer == "sgd" else 1e-3
    shared = {
        "optimizer": optimizer,
        "hidden_units": (32, 16),
        "batch_size": 64,
        "max_epochs": 12,
        "patience": 2,
        "min_delta": 1e-3,
        "input_scaling": "unit",
    }
    members = [
        make_member(images, 0, learning_rate=rate, **shared),
        make_member(images, 1, learning_rate=rate / 2, l2=1e-3, **shared),
        make_member(images, 2, learning_rate=rate, l1=1e-4, **shared),
    ]
    for member, result in zip(members, train_stack(members, images), strict=True):
        losses, best_epoch = train_in_keras(member, images)
        assert result.best_epoch == best_epoch
        assert result.stopped_epoch == len(losses)
        np.testing.assert_allclose(result.curves["val_cross_entropy"], losses, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.usefixtures("float64", "compacting")
def test_a_member_ends_the_same_alone_and_in_a_stack_that_is_compacted(tiny):
    """Members stop at different epochs, so the stack shrinks twice on the way."""
    members = [
        make_member(tiny, s, dropout=0.1 * s, learning_rate=0.02, patience=1 + 3 * s, max_epochs=40)
        for s in range(5)
    ]
    together = train_stack(members, tiny)
    assert len({r.stopped_epoch for r in together}) >= 3
    for k in (0, 2, 4):
        assert_same_result(train_stack([members[k]], tiny)[0], together[k])


def test_the_restored_weights_give_the_best_epoch_again(tiny):
    """Skorch's check: the kept weights score what the curve says of the best epoch."""
    member = make_member(tiny, learning_rate=0.05, patience=4)
    result = train_stack([member], tiny)[0]
    curve = result.curves["val_cross_entropy"]
    assert result.stopped_epoch == len(curve) > result.best_epoch
    assert result.metrics["val"]["cross_entropy"] == pytest.approx(curve[result.best_epoch - 1])
    until = {"max_epochs": result.best_epoch, "early_stopping": False}
    short = make_member(tiny, learning_rate=0.05, **until)
    last = train_stack([short], tiny)[0].weights
    for path, kept in result.weights.items():
        np.testing.assert_array_equal(kept, last[path])


def test_without_restoring_the_last_epoch_counts(tiny):
    member = make_member(tiny, learning_rate=0.05, patience=4, restore_best_weights=False)
    result = train_stack([member], tiny)[0]
    last = result.curves["val_cross_entropy"][-1]
    assert result.metrics["val"]["cross_entropy"] == pytest.approx(last)
    assert last != pytest.approx(result.curves["val_cross_entropy"][result.best_epoch - 1])


def test_test_scores_are_those_of_the_stored_predictions_and_of_keras(tiny):
    member = make_member(tiny, learning_rate=0.01, max_epochs=5)
    result = train_stack([member], tiny)[0]
    model = build_mlp(member.model, tiny.spec)
    load_member_weights(model, result.weights)
    probabilities = model.predict(tiny.x_test, verbose=0)
    np.testing.assert_allclose(np.exp(result.predictions), probabilities, atol=1e-6)
    hits = (probabilities.argmax(1) == tiny.y_test).sum()
    assert result.metrics["test"]["accuracy"] == hits / len(tiny.y_test)


def test_a_diverged_member_stops_alone(tiny):
    members = [
        make_member(tiny, 0, optimizer="sgd", learning_rate=0.01, max_epochs=6),
        make_member(tiny, 1, optimizer="sgd", learning_rate=1e9, max_epochs=6),
        make_member(tiny, 2, optimizer="sgd", learning_rate=0.01, max_epochs=6),
    ]
    results = train_stack(members, tiny)
    assert [r.status for r in results] == ["done", "diverged", "done"]
    assert results[1].stopped_epoch < 6
    assert np.isfinite([r.metrics["test"]["cross_entropy"] for r in (results[0], results[2])]).all()


def test_without_validation_rows_the_training_loss_is_monitored(tiny):
    import dataclasses

    member = dataclasses.replace(
        make_member(tiny, l2=1e-3, learning_rate=0.05, patience=1, min_delta=0.02),
        validation_fraction=0.0,
    )
    result = train_stack([member], tiny)[0]
    assert "val" not in result.metrics
    loss = result.curves["loss"]
    assert (loss > result.curves["cross_entropy"]).all(), "the penalty belongs to the loss"
    falls = loss[:-1] - loss[1:]
    assert result.stopped_epoch == 2 + np.flatnonzero(falls <= 0.02)[0]


def test_plateau_lowers_the_learning_rate_of_the_member_that_has_one(tiny):
    """A tiny rate moves the weights less: with factor 1e-6 training stands still afterwards."""
    plain = {"optimizer": "sgd", "learning_rate": 0.05, "early_stopping": False, "max_epochs": 12}
    plateau = {"factor": 1e-6, "patience": 1, "min_learning_rate": 0.0}
    members = [
        make_member(tiny, 0, min_delta=10.0, **plain),
        make_member(tiny, 0, min_delta=10.0, reduce_on_plateau=plateau, **plain),
    ]
    free, held = (r.curves["val_cross_entropy"] for r in train_stack(members, tiny))
    np.testing.assert_array_equal(free[:2], held[:2])
    assert np.ptp(held[2:]) < 1e-4 < np.ptp(free[2:])


def members_key(members: list[Member]) -> str:
    return members[0].id


def test_every_stack_gives_its_members_results_in_order(tiny):
    members = [
        make_member(tiny, s, hidden_units=units, max_epochs=2)
        for units in ((8,), (16,))
        for s in range(7)
    ]
    seen = []
    stacks = plan_stacks(members, tiny.spec)
    train_members(stacks, tiny, on_result=lambda r: seen.append([x.member for x in r]))
    assert sorted(seen, key=members_key) == sorted(stacks, key=members_key)


def test_stacks_hold_one_structure_and_as_many_members_as_the_cache():
    from kmlp.data.dataset import DataSpec

    spec = DataSpec(
        task="multiclass",
        input_shape=(28, 28),
        input_dtype="uint8",
        num_classes=10,
        class_names=tuple("0123456789"),
    )

    class Data:
        provenance = type("P", (), {"sha256": "x"})

    narrow = [make_member(Data, s, hidden_units=(128, 64)) for s in range(12)]
    wide = [make_member(Data, s, hidden_units=(1024, 1024)) for s in range(2)]
    stacks = plan_stacks([*narrow[:5], *wide], spec, num_places=2)
    assert stack_size(narrow[0], spec) == 2
    assert stacks == [wide[:1], wide[1:], narrow[3:5], narrow[:1], narrow[1:2], narrow[2:3]]
    assert sum(map(len, plan_stacks(narrow, spec, num_places=2))) == 12


def test_no_place_stays_idle_where_members_can_be_spread(tiny):
    members = [make_member(tiny, s, hidden_units=(8,)) for s in range(5)]
    for num_places, sizes in ((1, [5]), (2, [2, 3]), (4, [1, 1, 1, 2]), (9, [1] * 5)):
        assert sorted(map(len, plan_stacks(members, tiny.spec, num_places))) == sizes


@pytest.mark.usefixtures("float64")
def test_the_logged_loss_is_what_is_minimized(tiny):
    """One full-batch epoch: weighted, smoothed cross-entropy of the first weights, plus the
    penalty at the end of the epoch."""
    options = {
        "optimizer": "sgd",
        "batch_size": "full",
        "max_epochs": 1,
        "early_stopping": False,
        "label_smoothing": 0.2,
        "class_weight": {0: 3.0, 2: 0.5},
        "l2": 0.01,
    }
    member = make_member(tiny, **options)
    (result,) = train_stack([member], tiny)
    rows, _ = member.split(tiny.y_train)
    model = build_mlp(member.model, tiny.spec, seed=member.seeds.init)
    p = model.predict(tiny.x_train[rows], verbose=0)
    target = 0.8 * np.eye(3)[tiny.y_train[rows]] + 0.2 / 3
    weights = np.array([3.0, 1.0, 0.5])[tiny.y_train[rows]]
    data_loss = (weights * -(target * np.log(p)).sum(axis=1)).mean()
    kernels = [w for path, w in result.weights.items() if path.endswith("kernel")]
    penalty = 0.01 * sum(np.square(kernel).sum() for kernel in kernels)
    assert result.curves["loss"][0] == pytest.approx(data_loss + penalty, rel=1e-6)
    plain = -np.log(p[np.arange(len(rows)), tiny.y_train[rows]]).mean()
    assert result.curves["cross_entropy"][0] == pytest.approx(plain, rel=1e-6)


def test_a_member_whose_predictions_are_not_numbers_is_diverged(tiny):
    """Its losses were finite, but a huge test row overflows: it must count in no mean."""
    x_test = tiny.x_test.copy()
    x_test[0] = np.finfo(np.float32).max
    data = Dataset.from_arrays(tiny.x_train, tiny.y_train, x_test, tiny.y_test)
    (result,) = train_stack([make_member(data, max_epochs=2)], data)
    assert np.isnan(result.predictions).any()
    assert result.status == "diverged"


@pytest.mark.parametrize("monitor", ["accuracy", "val_accuracy", "cross_entropy", "loss"])
def test_the_monitored_metric_decides_which_epoch_is_restored(tiny, monitor):
    options = {"learning_rate": 0.05, "max_epochs": 12, "patience": 12, "min_delta": 0.0}
    (result,) = train_stack([make_member(tiny, monitor=monitor, **options)], tiny)
    curve = result.curves[monitor]
    best = np.argmax(curve) if monitor.endswith("accuracy") else np.argmin(curve)
    assert result.best_epoch == best + 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"dropout": 0.2, "l2": 1e-4},
        {"normalization": "batch"},
        {"drop_connect": 0.2},
        {"weight_sharing": "tabm", "num_subnetworks": 2},
    ],
)
@pytest.mark.parametrize("in_float32", [True, False])
def test_mixed_bfloat16_trains_the_products_alone(tiny, monkeypatch, options, in_float32):
    """Weights and what is scored stay in float32; the rounding of the products shows, a little.
    So it is where all else of a step stays in float32, and where it does not."""
    monkeypatch.setattr(backend, "multiplies_bfloat16", lambda: in_float32)
    PROGRAMS.clear()
    members = [
        make_member(tiny, 3, max_epochs=3, early_stopping=False, dtype_policy=policy, **options)
        for policy in ("float32", "mixed_bfloat16")
    ]
    (full,), (mixed,) = (train_stack([m], tiny) for m in members)
    assert all(weight.dtype == np.float32 for weight in mixed.weights.values())
    plain = build_mlp(members[1].model, tiny.spec)
    load_member_weights(plain, mixed.weights)
    np.testing.assert_allclose(
        np.exp(mixed.predictions), plain.predict(tiny.x_test, verbose=0), atol=1e-6
    )
    difference = abs(np.exp(mixed.predictions) - np.exp(full.predictions)).max()
    assert 1e-5 < difference < 0.1


@pytest.mark.slow
def test_a_member_in_bfloat16_ends_as_if_alone(tiny, monkeypatch):
    """To rounding, of float32 and now and then of a bfloat16: far from where float32 ends."""
    monkeypatch.setattr(backend, "multiplies_bfloat16", lambda: True)
    PROGRAMS.clear()
    shared = {"dtype_policy": "mixed_bfloat16", "max_epochs": 4, "hidden_units": (48, 24)}
    members = [make_member(tiny, s, dropout=0.1 * s, **shared) for s in range(3)]
    together = train_stack(members, tiny)
    for k in (0, 2):
        (alone,) = train_stack([members[k]], tiny)
        for path, weight in alone.weights.items():
            np.testing.assert_allclose(weight, together[k].weights[path], rtol=0, atol=1e-4)
