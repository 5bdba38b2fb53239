"""A calibration follows from rows that the exported networks have not seen, or is refused."""

import dataclasses

import numpy as np
import pytest

from kmlp.config import StudyConfig
from kmlp.data import Dataset
from kmlp.deploy.calibration.asked import Asked
from kmlp.deploy.calibration.fitting import calibrated
from kmlp.deploy.calibration.record import Calibration
from kmlp.deploy.calibration.rows import calibration_rows
from kmlp.errors import ConfigError, SelectionError
from kmlp.stats.calibration import conformal
from kmlp.study.run_folder import RunFolder
from kmlp.study.run_folder.records import outputs_in
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer

pytestmark = pytest.mark.long

TRAIN = {"max_epochs": 8, "learning_rate": 0.03}


def made(task="binary", num_rows=400, *, has_test=True, **more) -> Dataset:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(num_rows + 80, 3)).astype("float32")
    score = x[:, 0] + rng.normal(size=len(x))
    y = {
        "binary": (score > 0.5).astype(int),
        "multiclass": np.digitize(score, (-0.5, 0.7)),
        "regression": (100 * score).astype("float32"),
    }[task]
    test = (x[num_rows:], y[num_rows:]) if has_test else ()
    return Dataset.from_arrays(x[:num_rows], y[:num_rows], *test, **more)


def study(folder, data, **more):
    settings = {"variants": ("none",), "num_seeds": 3, "references": "none", "train": TRAIN}
    config = StudyConfig(dataset="arrays", **settings | more)
    return run_study(config, folder, data, trainer=LinearTrainer())


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """By task, one that kept a quarter of its 400 rows; and one that folds test."""
    folder = tmp_path_factory.mktemp("studies")
    tasks = ("binary", "multiclass", "regression")
    found = {t: study(folder / t, made(t), calibration_fraction=0.25) for t in tasks}
    for task in ("binary", "regression"):
        data = made(task, has_test=False)
        found[f"{task}, folds"] = study(folder / f"{task}-cv", data, folds=4, repeats=2)
    return found


def test_rows_are_those_kept_and_truth_is_in_the_targets_unit(studies):
    found = studies["regression"]
    rows = calibration_rows(found.best())
    assert (rows.kind, rows.outputs.shape, rows.truth.shape) == ("reserved", (1, 100), (100,))
    data = made("regression")
    arrays = RunFolder(found.run_dir).arrays(found.best().members[0]["id"])
    np.testing.assert_allclose(rows.truth, data.spec.in_unit(data.y_train[arrays["cal_rows"]]))


def test_of_an_ensemble_it_is_the_mean_probability(studies):
    found = studies["multiclass"]
    selection = found.ensemble()
    each = [
        np.exp(outputs_in(RunFolder(found.run_dir).arrays(m["id"]), "cal"))
        for m in selection.members
    ]
    rows = calibration_rows(selection)
    np.testing.assert_allclose(np.exp(rows.outputs[0]), np.mean(each, axis=0), rtol=1e-6)


def test_where_folds_test_every_row_was_kept_from_who_speaks_of_it(studies):
    """Two repeats of all 400 rows; of an ensemble their mean."""
    found = studies["binary, folds"]
    rows = calibration_rows(found.best())
    assert (rows.kind, rows.outputs.shape) == ("folds", (2, 400, 2))
    log_losses = -rows.outputs[:, np.arange(400), rows.truth].mean(axis=1)
    of_folds = found.record.variant("none").test["cross_entropy"].mean
    assert log_losses.mean() == pytest.approx(of_folds, rel=1e-6)
    assert calibration_rows(found.ensemble()).outputs.shape == (1, 400, 2)


@pytest.mark.parametrize("task", ["binary", "multiclass", "binary, folds"])
def test_a_temperature_lowers_the_log_loss_of_these_rows(studies, task):
    found = calibrated(studies[task].best(), Asked())
    before, after = found.log_loss
    assert after < before
    assert found.temperature != 1.0
    assert found.coverage is found.threshold is None


def test_sets_hold_as_many_of_these_rows_as_the_rank_says(studies):
    selection = studies["multiclass"].best()
    found, rows = calibrated(selection, Asked(coverage=0.8)), calibration_rows(selection)
    p = np.exp(rows.outputs[0])[np.arange(100), rows.truth]
    assert (p >= found.least_probability).sum() == conformal.rank(100, 0.8) == 81
    low, high = found.coverage95
    assert low < 0.8 < high


def test_intervals_reach_as_far_as_the_rank_says_in_the_targets_unit(studies):
    selection = studies["regression"].ensemble()
    found, rows = calibrated(selection, Asked(coverage=0.9)), calibration_rows(selection)
    off = np.abs(rows.truth - rows.outputs[0])
    assert (off <= found.half_width).sum() == 91
    assert found.half_width > 50


def test_on_folds_no_theorem_is_claimed(studies):
    found = calibrated(studies["regression, folds"].best(), Asked(coverage=0.9))
    assert (found.rows, found.num_rows, found.num_repeats) == ("folds", 400, 2)
    assert found.coverage95 is None
    assert any("no theorem says so" in sentence for sentence in found.told)


def test_a_threshold_is_better_on_these_rows_than_one_half(studies):
    selection = studies["binary"].best()
    for asked in ({"threshold": "f1"}, {"threshold": "balanced_accuracy"}):
        found = calibrated(selection, Asked.read(**asked))
        assert found.value >= found.at_half
        assert found.chosen_for == asked["threshold"]
    found = calibrated(selection, Asked.read(costs="fp=1,fn=9"))
    assert found.value < found.at_half
    assert found.threshold < 0.4
    assert (found.chosen_for, found.positive) == ("fp=1,fn=9", "1")


def test_weights_count_in_temperature_and_threshold_and_no_coverage_is_told(tmp_path):
    """A weight of 0 is no row."""
    data = made(sample_weight=np.r_[np.ones(300), np.zeros(100)])
    found = study(tmp_path / "run", data, calibration_fraction=0.25)
    rows = calibration_rows(found.best())
    counts = rows.weight > 0
    assert 0 < counts.sum() < 100
    whole = calibrated(found.best(), Asked.read(threshold="f1"))
    log_p = rows.outputs[0][counts]
    p = np.exp(log_p / whole.temperature)
    p = (p / p.sum(axis=1, keepdims=True))[:, 1]
    said, true = p >= whole.threshold, rows.truth[counts] == 1
    assert whole.value == pytest.approx(2 * (said & true).sum() / (said.sum() + true.sum()))
    with pytest.raises(SelectionError, match="coverage is a share of rows that count alike"):
        calibrated(found.best(), Asked(coverage=0.9))


def test_too_few_rows_are_refused_with_the_number_it_takes(studies):
    with pytest.raises(SelectionError, match=r"coverage=0.995 takes 199 calibration rows.*are 100"):
        calibrated(studies["multiclass"].best(), Asked(coverage=0.995))


def test_without_rows_what_needs_none_is_done_and_the_rest_refused(tmp_path):
    found = study(tmp_path / "run", made())
    assert calibrated(found.best(), Asked()) is None
    given = calibrated(found.best(), Asked.read(threshold="0.3"))
    assert (given.threshold, given.chosen_for, given.rows) == (0.3, "given", "none")
    for asked, said in (
        ({"coverage": 0.9}, "coverage=0.9"),
        ({"threshold": "f1"}, "threshold=f1"),
        ({"costs": {"fp": 1, "fn": 2}}, "costs"),
    ):
        with pytest.raises(SelectionError, match=f"{said} is found out on rows that no network"):
            calibrated(found.best(), Asked.read(**asked))


def test_few_rows_have_no_temperature_and_say_so(tmp_path):
    found = study(tmp_path / "run", made(num_rows=80), calibration_fraction=0.25)
    made_of = calibrated(found.best(), Asked())
    assert made_of.temperature is None
    assert "20 calibration rows are too few for a temperature, 30 are needed" in made_of.told[0]


def test_grouped_rows_say_that_they_are_fewer_than_they_seem(tmp_path):
    groups = np.arange(400) // 4
    found = study(tmp_path / "run", made(groups=groups), calibration_fraction=0.25)
    told = calibrated(found.best(), Asked(coverage=0.9)).told
    assert any("as if there were as many rows as groups" in sentence for sentence in told)


def test_thresholds_are_of_two_classes(studies):
    for task in ("multiclass", "regression"):
        with pytest.raises(SelectionError, match=f"of two classes.*this is a {task} task"):
            calibrated(studies[task].best(), Asked.read(threshold="f1"))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"coverage": 1.0}, "coverage is between 0 and 1"),
        ({"coverage": True}, "coverage is between 0 and 1"),
        ({"threshold": "auc"}, r"threshold is a metric, one of f1, .*Received: threshold='auc'"),
        ({"threshold": 1.5}, "or a number between 0 and 1"),
        ({"costs": "fp=1"}, "costs are two positive numbers"),
        ({"costs": "fp=1,fn=-2"}, "costs are two positive numbers"),
        ({"costs": "fp:1"}, "costs are two positive numbers"),
        ({"costs": "fp=1,fn=2", "threshold": "f1"}, "both threshold and costs"),
    ],
)
def test_what_is_out_of_range_is_refused(asked, said):
    with pytest.raises(ConfigError, match=said):
        Asked.read(**asked)


def test_the_record_is_the_same_after_json_and_passes_over_what_came_later(studies):
    import json

    found = calibrated(studies["binary"].best(), Asked.read(coverage=0.9, threshold="f1"))
    saved = json.loads(json.dumps(found.to_dict())) | {"of_a_later_release": 1}
    assert Calibration.from_dict(saved) == found
    assert dataclasses.replace(found, told=()).to_dict().get("told") is None
