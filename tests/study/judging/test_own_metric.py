"""A metric of the user's own: computed from stored predictions, it decides, and is told."""

import dataclasses
import json
import logging
import shutil

import numpy as np
import pytest

import kmlp
from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.errors import ConfigError, RunFolderError
from kmlp.report.study import study_report
from kmlp.stats.paired_tests import compare_paired
from kmlp.study.judging.rescore import rescore
from kmlp.study.loading import load_study
from kmlp.study.plan import plan_study
from kmlp.study.run_folder import RunFolder
from kmlp.study.run_folder.folder import METRIC
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer
from tests.command_line import kmlp as run_kmlp

CONFIG = StudyConfig(
    dataset="made",
    variants=("none", "l2=0.3", "dropout"),
    num_seeds=6,
    model=MLPConfig(hidden_units=(4,)),
    train=TrainConfig(max_epochs=3),
    folds=3,
    references=("linear",),
)


def cost(truth: np.ndarray, predictions: np.ndarray) -> float:
    """A missed row of class 1 costs five times a false alarm; a mean over rows."""
    said = predictions.argmax(axis=1)
    return float(np.mean(5 * (said < truth) + (said > truth)))


COST = kmlp.Metric("cost", cost, higher_is_better=False)


def printed(*arguments: str) -> dict:
    """What the command prints as JSON."""
    said = run_kmlp(*arguments, "--json")
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def made(n: int = 160) -> Dataset:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3)).astype(np.float32)
    y = (x[:, 0] + rng.normal(size=n) > 0.8).astype(int)
    return Dataset.from_arrays(x[:100], y[:100], x[100:], y[100:])


def study(config: StudyConfig, run_dir, data: Dataset | None = None, **more):
    return run_study(config, run_dir, data or made(), trainer=LinearTrainer(), **more)


@pytest.fixture(scope="module")
def by_cost(tmp_path_factory):
    return study(CONFIG, tmp_path_factory.mktemp("own") / "run", metric=COST)


@pytest.mark.long
def test_every_part_is_scored_from_what_is_stored(by_cost):
    folder, data = RunFolder(by_cost.run_dir), made()
    members = plan_study(CONFIG, data.provenance.sha256).by_id
    for member in by_cost.record.finished():
        _, held_out = members[member.id].split(data.y_train)
        stored = folder.arrays(member.id)
        np.testing.assert_array_equal(stored["val_rows"], held_out)
        p = np.exp(stored["val_log_probabilities"].astype(float))
        assert member.val["cost"] == cost(data.y_train[held_out], p)
        p = np.exp(folder.test_outputs(member.id).astype(float))
        assert member.test["cost"] == cost(data.y_test, p)
        assert "cost" not in member.train
    for extra in by_cost.record.extra_members:
        rows = members[extra.id].fold(data.y_train)
        p = np.exp(folder.arrays(extra.id)["fold_log_probabilities"].astype(float))
        assert extra.fold["cost"] == cost(data.y_train[rows], p)


@pytest.mark.long
def test_it_decides(by_cost):
    found = by_cost.record
    assert (found.metric.name, found.metric.higher_is_better) == ("cost", False)
    means = {v.name: v.val["cost"].mean for v in found.variants}
    assert found.best.variant == min(means, key=means.get)
    scores = {v: [m.test["cost"] for m in found.finished(v)] for v in ("none", "dropout")}
    expected = compare_paired(scores["dropout"], scores["none"], higher_is_better=False)
    versus = found.variant("dropout").versus_baseline
    assert (versus.difference, versus.wins, versus.p) == (
        expected.difference,
        expected.wins,
        expected.p,
    )
    assert "has the best mean validation cost" in " ".join(found.verdict)
    assert found.references[0].versus_best is not None
    assert found.cross_validation is not None


@pytest.mark.long
def test_it_decides_where_folds_test(tmp_path):
    """Networks and references are scored on the rows that their folds held out."""
    data = made()
    rows = np.vstack([data.x_train, data.x_test]), np.concatenate([data.y_train, data.y_test])
    config = dataclasses.replace(CONFIG, folds=None, variants=("none", "dropout"), num_seeds=2)
    found = study(config, tmp_path / "run", Dataset.from_arrays(*rows), metric=COST).record
    assert (found.basis, found.metric.name) == ("folds", "cost")
    assert found.variant("dropout").versus_baseline is not None
    assert found.references[0].versus_best is not None
    assert rescore(tmp_path / "run", COST).record.variants == found.variants


def test_the_ensemble_is_scored_by_its_mean_probability(by_cost):
    folder, record = RunFolder(by_cost.run_dir), by_cost.record
    outputs = [folder.test_outputs(m.id) for m in record.finished("none")]
    mean = np.exp(np.stack(outputs).astype(float)).mean(axis=0)
    assert record.variant("none").ensemble["cost"] == cost(made().y_test, mean)


@pytest.mark.long
def test_the_folder_tells_it_without_the_function(by_cost):
    """A page and the numbers; both name the metric."""
    again = load_study(by_cost.run_dir)
    assert again.record == by_cost.record
    report = study_report(RunFolder(by_cost.run_dir), again.record)
    assert "cost" in report.verdict[0]
    again = next(section for section in report.sections if section.anchor == "again")
    assert 'kmlp.Metric("cost", FUNCTION, higher_is_better=False)' in str(again)
    shown = printed("show", str(by_cost.run_dir))
    assert shown["metric"] == {"name": "cost", "higher_is_better": False, "is_own": True}


def test_its_direction_is_known_where_scores_are_compared(by_cost):
    """By its name alone nobody could tell."""
    found = printed("compare", str(by_cost.run_dir))
    assert found["metric"] == {"name": "cost", "higher_is_better": False}


@pytest.mark.long
def test_rescoring_trains_nothing_and_goes_both_ways(tmp_path, by_cost, caplog):
    plain = study(CONFIG, tmp_path / "run")
    assert plain.record.metric.name == "accuracy"
    with caplog.at_level(logging.WARNING, "kmlp"):
        found = rescore(tmp_path / "run", COST)
    assert "was judged by accuracy before, and is by cost now" in caplog.text
    assert found.record.variants == by_cost.record.variants
    said = [s for s in found.record.verdict if not s.startswith("Judged by accuracy before")]
    assert tuple(said) == tuple(by_cost.record.verdict)
    assert len(said) == len(found.record.verdict) - 1
    named = rescore(tmp_path / "run", "auc").record
    assert len(named.earlier_readings) == 2  # by accuracy, and by the cost
    assert named == load_study(tmp_path / "run").record
    assert (named.metric.name, named.metric.is_own) == ("auc", False)
    assert named == study(dataclasses.replace(CONFIG, metric="auc"), tmp_path / "run").record
    back = rescore(tmp_path / "run", "auto")
    assert back.record.variants == plain.record.variants
    assert json.loads((tmp_path / "run" / "results.json").read_text()) == back.results


@pytest.mark.long
def test_an_exported_model_is_told_to_be_the_best_no_more(by_cost, tmp_path, caplog):
    """Where more of the cost is better, the worst network is the best."""
    run = shutil.copytree(by_cost.run_dir, tmp_path / "run")
    turned = kmlp.Metric("harm", cost, higher_is_better=True)
    with caplog.at_level(logging.WARNING, "kmlp"):
        assert rescore(run, turned).record.best != by_cost.record.best
        assert f"the best by cost; kmlp export {run} writes the new one" in caplog.text
        caplog.clear()
        rescore(run, turned)
    assert "another network is the best" not in caplog.text


@pytest.mark.long
def test_another_function_of_the_same_name_gives_other_numbers(tmp_path):
    config = dataclasses.replace(CONFIG, folds=None, references="none", num_seeds=2)
    first = study(config, tmp_path / "run", metric=COST).record
    doubled = kmlp.Metric("cost", lambda y, p: 2 * cost(y, p), higher_is_better=False)
    second = study(config, tmp_path / "run", metric=doubled).record
    means = [r.variant("none").test["cost"].mean for r in (first, second)]
    assert means[1] == pytest.approx(2 * means[0])
    # Without it the study is decided by what its config names.
    assert study(config, tmp_path / "run").record.metric.name == "accuracy"


@pytest.mark.long
def test_numbers_are_given_in_the_targets_unit(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 2)).astype(np.float32)
    y = 1e6 + 40 * x[:, 0]
    seen = []

    def off(truth, predictions):
        seen.append((truth, predictions))
        return float(np.abs(predictions - truth).max())

    config = dataclasses.replace(CONFIG, folds=None, references="none", num_seeds=2)
    data = Dataset.from_arrays(x[:50], y[:50], x[50:], y[50:])
    metric = kmlp.Metric("worst", off, higher_is_better=False)
    found = study(config, tmp_path / "run", data, metric=metric).record
    assert found.metric.name == "worst"
    assert all(abs(truth.mean() - 1e6) < 100 and p.shape == truth.shape for truth, p in seen)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_seeds": "auto"}, "num_seeds='auto' decides by a metric that kmlp has"),
        ({"strengths": "auto"}, "strengths='auto' decides by a metric that kmlp has"),
        (
            {"validation_fraction": 0.0},
            "chooses the best on validation rows, of which there are no",
        ),
    ],
)
def test_what_it_cannot_decide_is_refused_before_anything_is_written(tmp_path, changes, message):
    config = dataclasses.replace(CONFIG, **changes)
    with pytest.raises(ConfigError, match=message):
        study(config, tmp_path / "run", metric=COST)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda y, p: p.no, "fails on truth .*, a probability a class: AttributeError"),
        (lambda y, p: float("nan"), "must give a finite number. Received: nan"),
        (lambda y: 1.0, "its function fails .* TypeError"),
    ],
)
def test_a_function_that_fails_is_refused_before_anything_is_written(tmp_path, function, message):
    with pytest.raises(ConfigError, match=message):
        study(CONFIG, tmp_path / "run", metric=kmlp.Metric("mine", function, higher_is_better=True))
    assert not (tmp_path / "run").exists()


@pytest.mark.long
def test_a_function_that_fails_on_stored_predictions_leaves_the_folder_as_it_was(tmp_path):
    config = dataclasses.replace(CONFIG, folds=None, references="none", num_seeds=2)
    before = study(config, tmp_path / "run").record
    broken = kmlp.Metric("broken", lambda y, p: p.no, higher_is_better=True)
    for metric in (broken, "rmse"):
        with pytest.raises(ConfigError):
            rescore(tmp_path / "run", metric)
        assert load_study(tmp_path / "run").record == before


@pytest.mark.long
def test_a_folder_without_predictions_of_validation_rows_is_refused(tmp_path):
    """As earlier releases wrote: the best would have to be chosen on test rows."""
    config = dataclasses.replace(CONFIG, folds=None, references="none", num_seeds=2)
    before = study(config, tmp_path / "run").record
    folder = RunFolder(tmp_path / "run")
    with folder.writing():
        for id, record in folder.records().items():
            kept = {n: a for n, a in folder.arrays(id).items() if not n.startswith("val_")}
            folder.record(record, kept)
    with pytest.raises(RunFolderError, match="keeps no predictions of validation rows, which cho"):
        rescore(tmp_path / "run", COST)
    assert load_study(tmp_path / "run").record == before
    assert rescore(tmp_path / "run", "auc").record.metric.name == "auc"


def test_what_was_trained_since_waits_for_its_score(tmp_path, by_cost):
    """As of a run that goes on with more seeds: the function speaks when it ends."""
    folder = RunFolder(shutil.copytree(by_cost.run_dir, tmp_path / "run"))
    known, last = folder.read_json(METRIC), by_cost.record.finished("dropout")[-1]
    del known["members"][last.id]
    with folder.writing():
        folder.write_json(METRIC, known)
    found = load_study(folder.path)
    assert found.num_missing == 1
    assert found.record.answer.kind == "unfinished"
    assert [v.num_members for v in found.record.variants] == [6, 6, 5]


def test_who_edits_the_scores_changes_nothing(by_cost):
    path = by_cost.run_dir / METRIC
    text = path.read_text()
    path.write_text(text.replace("cost", "gain"))
    assert load_study(by_cost.run_dir).record == by_cost.record  # the ledger's copy counts
    path.write_text(text)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("auc", cost, True), "kmlp has a metric of this name. Received: 'auc'"),
        (("a\nb", cost, True), "the name of a metric: it holds the control character"),
        (("mine", 3, True), "needs a function of truth and predictions. Received: 3"),
        (("mine", cost, "maximize"), "higher_is_better must be true or false. Received: 'max"),
    ],
)
def test_what_is_no_metric_is_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        kmlp.Metric(*values)


def test_weights_are_handed_to_a_function_that_takes_them():
    def mean(truth, predictions, sample_weight=None):
        return float(np.average(predictions - truth, weights=sample_weight))

    weights = np.array([3.0, 1.0])
    metric = kmlp.Metric("mean", mean, higher_is_better=False)
    assert metric.of(np.array([0.0, 0.0]), np.array([1.0, 5.0]), weights) == 2.0
    with pytest.raises(ConfigError, match="Give it a parameter sample_weight"):
        COST.of(np.array([0, 1]), np.log(np.full((2, 2), 0.5)), weights)


def test_a_function_cannot_change_what_it_is_given():
    """The rows' truth is read once for all networks: sorted in place it would be others' truth."""

    def sorting(truth, predictions, sample_weight):
        for given in (truth, predictions, sample_weight):
            given.sort()
        return float(np.mean(predictions))

    given = [np.array([3.0, 1.0]) for _ in range(3)]
    assert kmlp.Metric("sorting", sorting, higher_is_better=False).of(*given) == 2.0
    assert [one.tolist() for one in given] == [[3.0, 1.0]] * 3


@pytest.mark.long
def test_the_command_line_takes_a_name_and_a_python_file(tmp_path, by_cost):
    file = tmp_path / "costs.py"
    file.write_text(
        "import kmlp\n"
        "def hits(y, p):\n    return (p.argmax(axis=1) == y).mean()\n"
        "hits = kmlp.Metric('hits', hits, higher_is_better=True)\n"
    )
    config = dataclasses.replace(CONFIG, folds=None, references="none", num_seeds=2)
    accuracy = study(config, tmp_path / "run").results
    found = printed("rescore", str(tmp_path / "run"), "--metric", f"{file}:hits")
    for own, known in zip(found["members"], accuracy["members"], strict=True):
        assert own["test"]["hits"] == known["test"]["accuracy"]
    found = printed("rescore", str(tmp_path / "run"), "--metric", "macro_f1")
    assert found["metric"]["name"] == "macro_f1"


def test_a_python_file_without_a_metric_is_refused(tmp_path):
    from kmlp.cli.report import find_metric

    file = tmp_path / "costs.py"
    file.write_text("profit = 3\n")
    with pytest.raises(ConfigError, match=r"profit must be a kmlp.Metric there. Received: 3"):
        find_metric(f"{file}:profit")
    with pytest.raises(ConfigError, match="no file"):
        find_metric(f"{tmp_path / 'none.py'}:profit")
    file.write_text("1 / 0\n")
    with pytest.raises(ConfigError, match="fails: ZeroDivisionError"):
        find_metric(f"{file}:profit")
    assert find_metric("auc") == "auc"
