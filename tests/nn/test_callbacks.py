"""With one member the callbacks do what Keras's do; with many, each member is on its own."""

import keras
import numpy as np
import pytest
from keras import ops

from kmlp.nn.callbacks import MemberwiseEarlyStopping, MemberwiseReduceLROnPlateau


class RunningStack:
    """What a callback sees: each member's weights are `(k, 1, 1)` and hold the epoch."""

    def __init__(self, num_members: int) -> None:
        self.stop_training = False
        self.learning_rate = np.full(num_members, 0.1, np.float32)
        self.weights = [ops.full((num_members, 1, 1), -1.0)]

    def at(self, epoch: int) -> None:
        self.weights = [ops.full(self.weights[0].shape, float(epoch))]


def sequences(num: int, length: int = 25, unit: float = 0.01) -> list[np.ndarray]:
    """Losses that fall, stall and jump; rounded, so that ties and exact deltas occur."""
    rng = np.random.default_rng(0)
    falls = 1.0 - 0.02 * np.arange(length)
    return [unit * np.round((falls + rng.normal(0, 0.05, length)) / unit) for _ in range(num)]


def keras_early_stopping(losses: np.ndarray, **arguments) -> tuple[int, int, float]:
    """Best epoch, stopped epoch (-1: never) and the restored weight, by Keras's callback."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    callback = keras.callbacks.EarlyStopping(monitor="val_loss", **arguments)
    callback.set_model(model)
    model.stop_training = False
    callback.on_train_begin()
    for epoch, loss in enumerate(losses):
        model.set_weights([np.full((1, 1), float(epoch))])
        callback.on_epoch_end(epoch, {"val_loss": float(loss)})
        if model.stop_training:
            break
    callback.on_train_end()
    stopped = callback.stopped_epoch if model.stop_training else -1
    return callback.best_epoch, stopped, float(model.get_weights()[0].item())


def our_early_stopping(losses: np.ndarray, **arguments) -> MemberwiseEarlyStopping:
    """`losses` `(epochs, k)` through our callback, as training drives it."""
    stack = RunningStack(losses.shape[1])
    callback = MemberwiseEarlyStopping(monitor="val_loss", **arguments)
    callback.set_model(stack)
    for epoch, loss in enumerate(losses):
        stack.at(epoch)
        callback.on_epoch_end(epoch, {"val_loss": loss})
        if stack.stop_training:
            break
    return callback


def outcome(callback: MemberwiseEarlyStopping, k: int = 0) -> tuple[int, int, float]:
    kept = float(ops.convert_to_numpy(callback.kept_weights[0])[k, 0, 0])
    return int(callback.best_epoch[k]), int(callback.stopped_epoch[k]), kept


@pytest.mark.parametrize("restore", [True, False])
@pytest.mark.parametrize(("patience", "min_delta"), [(0, 0.0), (1, 0.02), (3, 0.0), (5, 0.05)])
@pytest.mark.parametrize("mode", ["min", "max"])
def test_early_stopping_of_one_member_is_keras(patience, min_delta, mode, restore):
    arguments = {
        "patience": patience,
        "min_delta": min_delta,
        "mode": mode,
        "restore_best_weights": restore,
    }
    for losses in sequences(12):
        ours = our_early_stopping(losses[:, None], **arguments)
        assert outcome(ours) == keras_early_stopping(losses, **arguments)


def test_members_stop_each_on_its_own():
    """Eight members with their own patience and delta equal eight runs of Keras."""
    # Powers of two: an exact delta is one in float32 and, where Keras compares in it, in float64.
    losses = np.stack(sequences(8, unit=1 / 64), axis=1)
    patience = np.array([0, 1, 2, 3, 4, 5, 6, 7])
    min_delta = np.arange(8) / 128
    together = our_early_stopping(
        losses, patience=patience, min_delta=min_delta, restore_best_weights=True
    )
    for k in range(8):
        alone = keras_early_stopping(
            losses[:, k],
            patience=int(patience[k]),
            min_delta=float(min_delta[k]),
            restore_best_weights=True,
        )
        assert outcome(together, k) == alone


def test_the_last_of_equal_best_epochs_is_kept_where_asked():
    """Against a loop over each member's epochs until it stops, which the choice does not move."""
    losses = np.stack(sequences(8), axis=1)
    options = {"patience": 4, "min_delta": 0.02, "restore_best_weights": True}
    wanted = np.arange(8) % 2 == 0
    found = our_early_stopping(losses, keep_last_best=wanted, **options)
    usual = our_early_stopping(losses, **options)
    moved = 0
    for k in range(8):
        if not wanted[k]:
            assert outcome(found, k) == outcome(usual, k)
            continue
        stopped = int(usual.stopped_epoch[k])
        trained = losses[: stopped + 1 if stopped >= 0 else None, k].astype(np.float32)
        last = int(np.flatnonzero(trained == trained.min())[-1])
        assert outcome(found, k) == (last, stopped, float(last))
        moved += last != int(usual.best_epoch[k])
    assert moved > 0


def test_the_best_is_the_largest_where_more_is_better():
    accuracies = np.array([[0.5], [0.75], [0.75], [0.5]])
    callback = MemberwiseEarlyStopping(
        monitor="val_accuracy", patience=9, keep_last_best=True, restore_best_weights=True
    )
    callback.set_model(stack := RunningStack(1))
    for epoch, accuracy in enumerate(accuracies):
        stack.at(epoch)
        callback.on_epoch_end(epoch, {"val_accuracy": accuracy})
    assert outcome(callback) == (2, -1, 2.0)


def test_an_infinite_patience_never_stops():
    rising = np.arange(30.0)[:, None]
    callback = our_early_stopping(rising, patience=np.inf)
    assert not callback.stopped.any()
    assert outcome(callback)[2] == 29


def test_a_stopped_member_is_told_apart_after_compaction():
    losses = np.array([[1.0, 1.0, 1.0], [2.0, 0.9, 2.0], [2.0, 0.8, 0.5]])
    callback = our_early_stopping(losses, patience=[1, 1, 5], restore_best_weights=True)
    callback.take(np.array([1, 2]))
    np.testing.assert_array_equal(callback.best, [0.8, 0.5])
    np.testing.assert_array_equal(callback.stopped, [False, False])
    np.testing.assert_array_equal(callback.patience, [1, 5])
    assert outcome(callback, 1) == (2, -1, 2.0)


def keras_learning_rates(losses: np.ndarray, **arguments) -> list[float]:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    callback = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", **arguments)
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"val_loss": float(loss)})
        rates.append(float(model.optimizer.learning_rate.numpy()))
    return rates


@pytest.mark.parametrize("cooldown", [0, 2])
@pytest.mark.parametrize(
    ("patience", "min_delta", "min_lr"), [(1, 1e-4, 0.0), (2, 0.05, 0.02), (4, 0.0, 0.0)]
)
def test_plateau_of_each_member_is_keras(patience, min_delta, min_lr, cooldown):
    losses = np.stack(sequences(6), axis=1)
    arguments = {
        "factor": 0.5,
        "patience": patience,
        "min_delta": min_delta,
        "min_lr": min_lr,
        "cooldown": cooldown,
    }
    stack = RunningStack(6)
    callback = MemberwiseReduceLROnPlateau(monitor="val_loss", **arguments)
    callback.set_model(stack)
    rates = []
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"val_loss": loss})
        rates.append(np.asarray(stack.learning_rate, float))
    for k in range(6):
        expected = keras_learning_rates(losses[:, k], **arguments)
        np.testing.assert_allclose(np.array(rates)[:, k], expected, rtol=1e-5)
    assert len(np.unique(rates)) > 2, "no member ever met a plateau"


@pytest.mark.parametrize(
    ("monitor", "best"), [("val_rmse", [1.0, 2.0]), ("val_auc", [3.0, 4.0]), ("loss", [1.0, 2.0])]
)
def test_the_direction_of_a_metric_is_known(monitor, best):
    callback = MemberwiseReduceLROnPlateau(monitor=monitor, min_delta=0.0)
    for values in ([3.0, 2.0], [1.0, 4.0]):
        callback.improved({monitor: np.array(values)})
    assert callback.best.tolist() == best


def test_a_direction_that_is_not_known_must_be_said():
    with pytest.raises(ValueError, match='Say mode="min" or mode="max"'):
        MemberwiseEarlyStopping(monitor="val_my_score")
    assert MemberwiseEarlyStopping(monitor="val_my_score", mode="max").sign == -1.0


def test_a_monitor_that_is_not_logged_is_named():
    callback = MemberwiseEarlyStopping(monitor="val_loss")
    with pytest.raises(ValueError, match=r"'val_loss' is not in the logs\. Available: loss"):
        callback.on_epoch_end(0, {"loss": np.ones(1)})
