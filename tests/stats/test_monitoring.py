"""What is monitored and searched on, and which way is better, is known of every metric."""

import re
from pathlib import Path

import numpy as np
import pytest

import kmlp
import tuning
from kmlp.stats.metrics import (
    HIGHER_IS_BETTER,
    METRICS,
    RECORDS,
    classification_metrics,
    regression_metrics,
)
from kmlp.stats.monitoring import (
    MONITORS,
    direction,
    logged,
    monitors,
    plain_loss_name,
    primary_metric,
    resolved_monitor,
    resolved_objective,
)

LOSSES = {"binary": "cross_entropy", "multiclass": "cross_entropy", "regression": "mse"}


@pytest.mark.parametrize(("task", "loss"), LOSSES.items())
def test_auto_is_the_plain_validation_loss_or_without_such_rows_the_training_loss(task, loss):
    assert plain_loss_name(task) == loss
    assert resolved_monitor("auto", task, validated=True) == f"val_{loss}"
    assert resolved_monitor("auto", task, validated=False) == "loss"
    assert resolved_monitor("accuracy", task, validated=True) == "accuracy"


@pytest.mark.parametrize(("task", "metric"), [("binary", "accuracy"), ("regression", "rmse")])
def test_a_search_that_is_not_told_on_what_takes_what_studies_compare_by(task, metric):
    assert primary_metric(task) == metric
    assert resolved_objective("auto", task) == f"val_{metric}"
    assert resolved_objective("val_auc", task) == "val_auc"


def test_the_epoch_logs_hold_the_plain_loss_first():
    assert logged("binary") == logged("multiclass") == ("cross_entropy", "accuracy")
    assert logged("regression") == ("mse",)
    assert (
        *("auto", "loss", "cross_entropy", "accuracy", "mse"),
        *("val_cross_entropy", "val_accuracy", "val_mse"),
    ) == MONITORS
    assert all(set(monitors(task)) < set(MONITORS) for task in METRICS)


def test_the_direction_of_everything_is_known_with_and_without_val():
    for name, higher in HIGHER_IS_BETTER.items():
        assert direction(name) == direction(f"val_{name}") == ("max" if higher else "min")
    assert direction("loss") == direction("val_loss") == "min"


def test_a_direction_is_never_guessed():
    """A guess from the name's end is right of val_my_loss only."""
    with pytest.raises(ValueError, match=r"Received: 'val_my_loss'. Say mode=\"min\" or mode="):
        direction("val_my_loss")


def test_every_task_is_scored_by_one_loss_and_a_metric_of_its_card():
    for task, names in METRICS.items():
        of_task = [m for m in RECORDS if m.name in names]
        assert sum(m.is_loss for m in of_task) == 1
        assert any(m.on_card for m in of_task)
        assert all(m.logged_in for m in of_task if m.is_loss), task
    assert len({m.name for m in RECORDS}) == len(RECORDS)


def test_scores_lie_within_what_their_metric_can_be():
    """As far off as can be, and exact."""
    rng = np.random.default_rng(0)
    for labels in (np.array([0, 1, 1, 0]), np.array([0, 1, 2, 2])):
        num_classes = labels.max() + 1
        for at in (labels, (labels + 1) % num_classes, rng.integers(num_classes, size=4)):
            p = np.where(np.eye(num_classes)[at] > 0, 1 - 1e-9 * (num_classes - 1), 1e-9)
            check_range(classification_metrics(labels, np.log(p)))
    y = rng.normal(size=9)
    for predicted in (y, y[::-1], y + 1e6):
        check_range(regression_metrics(y, predicted))


def check_range(scores: dict[str, float]) -> None:
    by_name = {m.name: m for m in RECORDS}
    for name, value in scores.items():
        assert by_name[name].least <= value <= by_name[name].most, name


@pytest.mark.parametrize("name", [m.name for m in RECORDS if not (m.logged_in or m.on_card)])
def test_what_is_known_of_a_metric_stands_in_the_room_of_metrics(name):
    """One that nothing is chosen by; the balanced accuracy is shown where classes are unequal, and
    what a constant gets by it is the same on any rows."""
    roots = (Path(package.__file__).parent for package in (kmlp, tuning))
    quoted = re.compile(f'"(val_)?{name}"')
    paths = [p for root in roots for p in root.rglob("*.py") if p.parent.name != "metrics"]
    # Scores from anywhere are known by words in their names, whatever kmlp computes itself.
    paths.remove(Path(kmlp.__file__).parent / "scores" / "metric.py")
    assert {p.name for p in paths if quoted.search(p.read_text())} <= {"ranking.py", "caveats.py"}
