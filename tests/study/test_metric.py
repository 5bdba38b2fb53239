"""`metric`: what a study is decided by, and what cannot decide."""

import dataclasses
import logging

import numpy as np
import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.errors import ConfigError, RunFolderError
from kmlp.report.sections.scores import others_section
from kmlp.stats.metrics import METRICS, classification_metrics
from kmlp.stats.resampling import resampled_means, two_way_interval
from kmlp.study.judging.rescore import rescore
from kmlp.study.loading import load_study
from kmlp.study.run_folder import RunFolder
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer

CONFIG = StudyConfig(
    dataset="made",
    variants=("none", "l2=0.3", "dropout"),
    num_seeds=6,
    model=MLPConfig(hidden_units=(4,)),
    train=TrainConfig(max_epochs=3),
    metric="auc",
)


def made(task: str = "binary", *, shift: float = 0.0) -> Dataset:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(160, 3)).astype(np.float32)
    y = x[:, 0] + rng.normal(size=160) + shift
    y = (y > 0.8).astype(int) if task == "binary" else y
    return Dataset.from_arrays(x[:100], y[:100], x[100:], y[100:])


def study(config: StudyConfig, run_dir, data: Dataset):
    return run_study(config, run_dir, data, trainer=LinearTrainer())


@pytest.fixture(scope="module")
def by_auc(tmp_path_factory):
    return study(CONFIG, tmp_path_factory.mktemp("auc") / "run", made())


@pytest.mark.long
def test_every_number_of_the_verdict_is_in_the_metric(by_auc):
    found = by_auc.record
    assert (found.metric.name, found.metric.higher_is_better) == ("auc", True)
    scores = {v: np.array([m.test["auc"] for m in found.finished(v)]) for v in CONFIG.variant_names}
    for variant in found.variants:
        if versus := variant.versus_baseline:
            difference = scores[variant.name].mean() - scores["none"].mean()
            assert versus.difference == pytest.approx(difference)
    assert "mean validation AUC" in found.verdict[0]


def test_the_best_has_the_best_mean_of_it_on_validation_rows(by_auc):
    found = by_auc.record
    means = {v.name: v.val["auc"].mean for v in found.variants}
    assert found.best.variant == max(means, key=means.get)


def test_an_auc_has_no_interval_over_rows(by_auc):
    assert by_auc.record.variants[0].test_ci95_seeds_and_rows is None
    assert by_auc.record.variant("dropout").versus_baseline.ci95_seeds_and_rows is None


@pytest.mark.long
def test_a_mean_over_rows_has_one(tmp_path):
    data = made()
    config = dataclasses.replace(CONFIG, metric="brier_score")
    found = study(config, tmp_path / "run", data)
    folder = RunFolder(tmp_path / "run")
    outputs = [folder.test_outputs(m.id) for m in found.record.finished("none")]
    for out in outputs:
        assert classification_metrics(data.y_test, out)["brier_score"] == pytest.approx(
            distances(out, data.y_test).mean()
        )
    rows = np.stack([distances(out, data.y_test) for out in outputs])
    expected = two_way_interval(rows, resampled_means(rows))
    assert found.record.variant("none").test_ci95_seeds_and_rows == pytest.approx(expected)


def distances(log_p: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return ((np.exp(log_p.astype(float)) - np.eye(log_p.shape[1])[labels]) ** 2).sum(axis=1)


@pytest.mark.long
def test_another_metric_trains_nothing_and_is_told(by_auc, caplog):
    before = by_auc.record
    config = dataclasses.replace(CONFIG, metric="cross_entropy")
    with caplog.at_level(logging.WARNING, "kmlp"):
        found = run_study(config, by_auc.run_dir, made(), trainer=LinearTrainer())
    assert "was judged by auc before, and is by cross_entropy now" in caplog.text
    assert [m.id for m in found.record.members] == [m.id for m in before.members]
    assert load_study(by_auc.run_dir).record.metric.name == "cross_entropy"


@pytest.mark.long
def test_the_metric_is_no_part_of_ids(tmp_path, by_auc):
    plain = study(dataclasses.replace(CONFIG, metric="auto"), tmp_path / "run", made())
    assert [m.id for m in plain.record.members] == [m.id for m in by_auc.record.members]


@pytest.mark.long
@pytest.mark.parametrize("metric", METRICS["regression"])
def test_every_metric_of_numbers_can_decide(tmp_path, metric):
    data = made("regression", shift=20.0)
    config = dataclasses.replace(CONFIG, metric=metric)
    found = study(config, tmp_path / "run", data).record
    assert found.metric.name == metric
    assert found.best is not None


@pytest.mark.long
@pytest.mark.parametrize("metric", METRICS["binary"])
def test_every_metric_of_classes_can_decide(tmp_path, metric):
    found = study(dataclasses.replace(CONFIG, metric=metric), tmp_path / "run", made()).record
    assert found.metric.name == metric
    assert found.best is not None


def test_a_metric_of_another_task_is_refused_before_anything_is_written(tmp_path):
    config = dataclasses.replace(CONFIG, metric="rmse")
    with pytest.raises(ConfigError, match="a binary task is compared by accuracy"):
        study(config, tmp_path / "run", made())
    assert not (tmp_path / "run").exists()


def test_a_metric_that_the_rows_cannot_tell_is_refused(tmp_path):
    data = made("regression")
    data.y_train[3] = 0.0
    config = dataclasses.replace(CONFIG, metric="mape")
    with pytest.raises(ConfigError, match="mape cannot be told of the training rows"):
        study(config, tmp_path / "run", data)


def test_a_metric_is_told_of_the_rows_that_count_before_anything_trains(tmp_path):
    """Both classes are among the test rows, but of one every row weighs nothing."""
    data = made()
    weights = (np.ones(100), data.y_test.astype(float))
    arrays = (data.x_train, data.y_train, data.x_test, data.y_test)
    data = Dataset.from_arrays(*arrays, sample_weight=weights)
    with pytest.raises(ConfigError, match="auc cannot be told of the test rows"):
        study(CONFIG, tmp_path / "run", data)
    assert not (tmp_path / "run").exists()


def test_a_metric_that_validation_rows_cannot_tell_is_refused_before_training(tmp_path):
    data = made()
    x, y = data.x_train, data.y_train
    own = (x[y == 0][:9], y[y == 0][:9])
    data = Dataset.from_arrays(x, y, data.x_test, data.y_test, validation=own)
    with pytest.raises(ConfigError, match=r"auc cannot be told of the validation rows"):
        study(CONFIG, tmp_path / "run", data)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("metric", "most"), [("auc", "1"), ("accuracy", "100")])
def test_a_margin_that_no_difference_exceeds_is_refused(metric, most, tmp_path):
    config = dataclasses.replace(CONFIG, metric=metric, equivalence=float(most))
    with pytest.raises(ConfigError, match=f"none is larger than {most}. Received: {most}"):
        study(config, tmp_path / "run", made())


@pytest.mark.long
def test_points_of_another_metric_are_no_margin_of_it(by_auc):
    """Two points of accuracy would be more than all that an AUC can differ by."""
    config = dataclasses.replace(CONFIG, metric="accuracy", equivalence=2.0)
    judged = study(config, by_auc.run_dir, made())
    with pytest.raises(ConfigError, match=r"none is larger than 1\. Received: 2"):
        rescore(judged.run_dir, "auc")
    assert load_study(by_auc.run_dir).record.metric.name == "accuracy"


def test_an_unknown_metric_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match="accuracy"):
        dataclasses.replace(CONFIG, metric="f1")


@pytest.mark.long
def test_a_metric_that_is_written_out_is_no_other_than_the_one_that_auto_means(tmp_path, caplog):
    """What `kmlp rescore` writes out, and the same command after it, ask the same."""
    given = {"variants": ("none", "dropout"), "strengths": "auto", "num_seeds": "auto"}
    config = dataclasses.replace(CONFIG, metric="auto", max_seeds=10, **given)
    first = study(config, tmp_path / "run", made()).results
    rescore(tmp_path / "run", "accuracy")
    assert study(config, tmp_path / "run", made()).results == first
    study(dataclasses.replace(config, metric="accuracy"), tmp_path / "run", made())
    assert "was judged by" not in caplog.text


@pytest.mark.long
def test_a_study_that_is_judged_anew_says_by_what_it_was_before_wherever_it_is_read(tmp_path):
    """Whoever reads the page alone would take the second metric for the one that was planned."""
    config = dataclasses.replace(CONFIG, variants=("none", "dropout"), metric="accuracy")
    study(config, tmp_path / "run", made())
    judged = rescore(tmp_path / "run", "auc").record
    said = "Judged by accuracy before, in this folder, and by AUC now: p holds for what was chosen"
    assert any(s.startswith(said) for s in judged.verdict)
    assert any(s.startswith(said) for s in judged.answer.caveats)
    (table,) = others_section(judged).blocks
    assert "the AUC decides the verdict, and no test was made on these here" in table.note
    assert "was named before" not in table.note


@pytest.mark.long
def test_strengths_that_it_chose_stand(tmp_path):
    config = dataclasses.replace(CONFIG, variants=("none", "dropout"), strengths="auto")
    study(config, tmp_path / "run", made())
    with pytest.raises(RunFolderError, match="metric is 'auc' there, 'accuracy' here"):
        study(dataclasses.replace(config, metric="accuracy"), tmp_path / "run", made())
