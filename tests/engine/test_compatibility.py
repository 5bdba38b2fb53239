"""A config that does not fit the data is refused, with what to write instead."""

import dataclasses
import re

import numpy as np
import pytest

from kmlp.config import StudyConfig, TrainConfig
from kmlp.config.network_checks import resolved_scaling
from kmlp.data import Dataset
from kmlp.data.sampling import Sample
from kmlp.engine.compatibility import check_member, check_split, thin_classes
from kmlp.errors import ConfigError
from kmlp.study.study import run_study
from tests.twins import make_member


@pytest.fixture(scope="module")
def specs() -> dict:
    """One spec a task, and one of images."""
    x = np.random.default_rng(0).normal(size=(12, 4))
    classes, numbers = np.arange(12) % 3, np.arange(12) * 1.5
    named = Dataset.from_arrays(x, classes, x, classes, class_names=("a", "b", "c"))
    two = Dataset.from_arrays(x, classes % 2, x, classes % 2)
    images = np.zeros((12, 2, 2), "uint8")
    return {
        "multiclass": named.spec,
        "binary": two.spec,
        "regression": Dataset.from_arrays(x, numbers, x, numbers).spec,
        "images": Dataset.from_arrays(images, classes, images, classes).spec,
    }


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (
            "regression",
            {"label_smoothing": 0.1},
            "label_smoothing is for classes; the task is regression. Received: label_smoothing=0.1",
        ),
        ("regression", {"class_outputs": True}, "class_outputs is for classes; the task is"),
        ("regression", {"class_weight": "balanced"}, "class_weight is for classes; the task is"),
        (
            "multiclass",
            {"class_weight": {"3": 2.0}},
            "class_weight names a class that the data do not have. Received: '3'. "
            "The classes are 0 to 2, or a, b, c.",
        ),
        ("binary", {"class_weight": {"yes": 2.0}}, "Received: 'yes'. The classes are 0 to 1,"),
        (
            "regression",
            {"monitor": "val_accuracy"},
            "monitor='val_accuracy' does not exist for a regression task. "
            "Use one of auto, loss, mse, val_mse.",
        ),
        ("binary", {"monitor": "mse"}, "Use one of auto, loss, cross_entropy, accuracy, val_cross"),
        ("multiclass", {"input_scaling": "unit"}, "Received: inputs of float32. Use 'standard'"),
        (
            "multiclass",
            {"dropout_scaling": "inference", "dropout": 0.5, "dropout_schedule": "cosine"},
            "by 1 - rate, of one rate. Received: dropout_schedule='cosine', dropout_warm_up=0.0.",
        ),
    ],
)
def test_what_does_not_fit_is_refused(specs, tiny, kind, options, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        check_member(make_member(tiny, **options), specs[kind])


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("multiclass", {"class_weight": {"c": 2.0, 0: 1.0}, "label_smoothing": 0.1}),
        ("multiclass", {"monitor": "val_accuracy"}),
        ("binary", {"class_weight": {1: 5.0}, "monitor": "loss"}),
        ("regression", {"monitor": "val_mse", "max_norm": 3.0}),
        ("images", {"input_scaling": "unit"}),
    ],
)
def test_what_fits_is_taken(specs, tiny, kind, options):
    check_member(make_member(tiny, **options), specs[kind])


def test_a_validation_metric_needs_validation_rows(specs, tiny):
    member = dataclasses.replace(make_member(tiny, monitor="val_accuracy"), validation_fraction=0.0)
    with pytest.raises(ConfigError, match=r"validation_fraction is 0\. Use monitor='accuracy'"):
        check_member(member, specs["multiclass"])


def test_auto_scaling_follows_the_inputs(specs):
    assert resolved_scaling("auto", specs["images"]) == "unit"
    assert resolved_scaling("auto", specs["multiclass"]) == "standard"
    assert resolved_scaling("none", specs["images"]) == "none"


def test_a_study_is_refused_before_anything_is_written(tiny, tmp_path):
    config = StudyConfig(
        dataset="tiny",
        variants=("none", {"name": "wrong", "class_weight": {"9": 2.0}}),
        train=TrainConfig(max_epochs=1),
    )
    with pytest.raises(ConfigError, match=r"variant 'wrong': class_weight names a class that"):
        run_study(config, tmp_path / "run", tiny)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("fraction", "y", "message"),
    [
        (0.9, np.array([0, 1]), "no row of class 0 would be left to train on."),
        (0.01, np.arange(12) % 3, "no row would be left to validate on. Received: validation_f"),
        (0.6, np.array([0] * 9 + [1] * 9 + [2]), "no row of class c would be left to train on."),
    ],
)
def test_a_split_that_leaves_nothing_is_refused(specs, tiny, fraction, y, message):
    member = dataclasses.replace(make_member(tiny), validation_fraction=fraction)
    spec = specs["binary"] if y.max() == 1 else specs["multiclass"]
    with pytest.raises(ConfigError, match=re.escape(message)):
        check_split(member, y, spec)


def test_classes_of_too_few_rows_for_a_split_are_told(specs, tiny):
    """Both sides have a row of a class of four; each fold, where there are no more folds."""
    y = np.array([0] * 60 + [1] * 56 + [2] * 4)
    member = dataclasses.replace(make_member(tiny), validation_fraction=1 / 6)
    assert thin_classes(member, y, specs["multiclass"]) == []
    four, folds = (Sample(kind="folds", index=0, of=n, seed=0) for n in (4, 5))
    told = thin_classes(dataclasses.replace(member, sample=four), y, specs["multiclass"])
    assert "folds" not in str(told)
    told = thin_classes(dataclasses.replace(member, sample=folds), y, specs["multiclass"])
    assert told[-1] == (
        "class c (4 rows) of fewer rows than there are folds, 5: some are scored without them; "
        "take fewer folds"
    )
    (said,) = thin_classes(member, np.append(y[:-3], [1, 1, 1]), specs["multiclass"])
    assert said.startswith("no validation row is of class c (1 row): what is chosen on")
