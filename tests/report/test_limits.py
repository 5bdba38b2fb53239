"""What a study cannot tell, with numbers of its own where it has them."""

import dataclasses

import numpy as np
import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.report.limits import limits
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer

pytestmark = pytest.mark.long

CONFIG = StudyConfig(
    dataset="made",
    variants=("none", "l2=0.3"),
    num_seeds=8,
    model=MLPConfig(hidden_units=(4,)),
    train=TrainConfig(max_epochs=2, learning_rate=0.03),
)


def made() -> Dataset:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3)).astype(np.float32)
    y = (x[:, 0] + rng.normal(size=200) > 0).astype(int)
    return Dataset.from_arrays(x[:120], y[:120], x[120:], y[120:])


def test_how_far_the_choice_flatters_is_told_by_the_studys_own_correlation(tmp_path):
    study = run_study(CONFIG, tmp_path / "run", made(), trainer=LinearTrainer())
    own = [
        [(m.val["accuracy"], m.test["accuracy"]) for m in study.record.finished(v)]
        for v in CONFIG.variant_names
    ]
    residuals = np.concatenate([np.array(scores) - np.mean(scores, axis=0) for scores in own])
    correlation = np.corrcoef(residuals.T)[0, 1]
    (sentence,) = [s for s in limits(study.record) if s.startswith("The best was chosen")]
    assert f"correlation here is {correlation:+.2f}." in sentence
    assert "95 % with one of 0.0, 92 % with one of 0.5, 85 % with one of 0.9" in sentence


@pytest.mark.parametrize(
    "changes", [{"num_seeds": 5}, {"variants": ("none",)}, {"validation_fraction": 0}]
)
def test_it_is_not_told_of_few_networks_one_variant_or_no_validation(tmp_path, changes):
    with np.errstate(invalid="ignore"):
        study = run_study(
            dataclasses.replace(CONFIG, **changes),
            tmp_path / "run",
            made(),
            trainer=LinearTrainer(),
        )
    assert not [s for s in limits(study.record) if s.startswith("The best was chosen")]
