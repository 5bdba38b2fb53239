"""Progress tells the task's own score, the best so far of each member."""

from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from kmlp.study.progress import StudyProgress

MEMBERS = [SimpleNamespace(id=id) for id in ("a", "b")]


@pytest.fixture
def progress() -> StudyProgress:
    progress = StudyProgress(Console(width=200, quiet=True))
    progress.start({"a": "none", "b": "dropout"}, done=())
    return progress


def table(progress: StudyProgress) -> str:
    console = Console(width=120, color_system=None)
    with console.capture() as capture:
        console.print(progress._render())
    return capture.get()


def test_before_the_first_epoch_no_score_is_told(progress):
    assert "validation" not in progress._line()


def test_classification_tells_the_highest_validation_accuracy_without_what_diverged(progress):
    for epoch, values in enumerate(([0.5, 0.7], [0.6, 0.65], [0.55, 0.9]), start=1):
        # Of what is no number an argmax is a class all the same.
        loss = [9.0, np.nan if epoch == 3 else 9.0]
        logs = {"loss": loss, "accuracy": [0.99] * 2, "val_accuracy": values}
        progress.epoch(MEMBERS, epoch, {k: np.array(v) for k, v in logs.items()})
    assert "best validation accuracy 60.00 %, mean of networks" in progress._line()
    assert "best val. accuracy" in table(progress)
    assert "60.00 %" in table(progress)


def test_epochs_are_a_span_only_where_they_differ(progress):
    logs = {"loss": np.ones(1), "accuracy": np.ones(1)}
    progress.epoch(MEMBERS[:1], 3, logs)
    assert "1 running at epoch 3, best" in progress._line()
    progress.epoch(MEMBERS[1:], 5, logs)
    assert "2 running at epoch 3 to 5, best" in progress._line()


def test_what_is_left_is_told_to_be_of_networks_alone(progress, monkeypatch):
    """References come on top, as long as the training of small networks."""
    monkeypatch.setattr(progress, "seconds_left", lambda: 61.0)
    assert progress._line().endswith("about 1:01 left for the networks")
    progress.references_follow(True)
    assert progress._line().endswith("about 1:01 left for the networks, then references")


def test_while_references_train_no_time_is_left_for_networks(progress, monkeypatch):
    monkeypatch.setattr(progress._pace, "seconds_left", lambda: 0.0)
    assert progress._line().endswith("about 0:00 left for the networks")
    progress.reference("boosted_trees", 12, 40)
    assert progress.standing()[1].endswith(" so far, reference 12 of 40: boosted trees")
    progress.importance("the best network", 7)
    assert progress._line().endswith(" so far, shuffling the columns of the best network")
    progress.start({"a": "none"}, done=())
    assert "shuffling" not in progress._line()


def test_before_any_diverges_all_networks_are_in_the_mean(progress):
    """The best of all is the luckiest network's; one that diverges is in no mean of the study."""
    for epoch, values in enumerate(([0.5, 0.7], [0.6, 0.65]), start=1):
        logs = {"loss": [9.0] * 2, "accuracy": [0.99] * 2, "val_accuracy": values}
        progress.epoch(MEMBERS, epoch, {k: np.array(v) for k, v in logs.items()})
    assert "best validation accuracy 65.00 %, mean of networks" in progress._line()


def test_regression_tells_the_lowest_validation_error_without_what_diverged(progress):
    for epoch, values in enumerate(([0.9, 0.5], [0.8, 0.55], [0.85, np.nan]), start=1):
        logs = {"loss": [9.0] * 2, "mse": [0.01] * 2, "val_mse": values}
        progress.epoch(MEMBERS, epoch, {k: np.array(v) for k, v in logs.items()})
    assert (
        "best validation MSE 0.800 (predicting the mean: 1), mean of networks" in progress._line()
    )
    assert "best val. MSE (predicting the mean: 1)" in table(progress)
    assert "0.800" in table(progress)


@pytest.mark.parametrize("name", ["accuracy", "mse"])
def test_without_validation_rows_the_training_score_is_told(progress, name):
    progress.epoch(MEMBERS, 1, {"loss": np.ones(2), name: np.array([0.25, 0.25])})
    told = "accuracy 25.00 %" if name == "accuracy" else "MSE 0.250 (predicting the mean: 1)"
    assert f"best training {told}" in progress._line()
    assert "best train." in table(progress)
