"""What the members beside the ordinary ones say, from a run folder to `results.json`."""

import dataclasses
import json
import shutil
from importlib import resources

import numpy as np
import pytest

from kmlp.report.sections.analyses.folds import fold_tables
from kmlp.stats import paired_tests
from kmlp.stats.cross_validation import fold_interval
from kmlp.stats.decomposition.bias_variance import decompose
from kmlp.stats.metrics import BY_NAME
from kmlp.study.results.analyses.folds import cross_validation
from kmlp.study.results.assembly import build_results
from kmlp.study.results.fold_scores import fold_scores
from kmlp.study.run_folder import RunFolder
from tests.hand_made import extra_outputs, hand_made, record, scores_of

ALL = {
    "resample": "splits:3",
    "resample_seeds": 2,
    "folds": 3,
    "repeats": 2,
    "randomness": True,
    "randomness_seeds": 3,
}


@pytest.fixture(scope="module", params=["multiclass", "regression"])
def whole(request, tmp_path_factory):
    return hand_made(tmp_path_factory.mktemp(request.param), request.param, **ALL)


@pytest.fixture
def made(whole, tmp_path):
    """A copy, for a test to spoil."""
    shutil.copytree(whole.folder.path, tmp_path / "run")
    return dataclasses.replace(whole, folder=RunFolder(tmp_path / "run"))


def of(entries, variant):
    return next(entry for entry in entries if entry["variant"] == variant)


def spoil(made, group, variant, place):
    """Lets one network diverge."""
    extra = next(
        e for e in made.plan.extras if (e.group, e.variant, e.place) == (group, variant, place)
    )
    task = made.dataset["task"]
    outputs = extra_outputs(task, extra, made.truth)
    parts = dict.fromkeys(("train", "val", "fold"), scores_of(task, made.truth, outputs))
    record(
        made.folder,
        extra.member.id,
        task,
        made.truth,
        outputs,
        status="diverged",
        metrics=parts,
    )
    return made.results


@pytest.mark.long
def test_the_results_fit_the_schema(made):
    import jsonschema

    schema = json.loads((resources.files("kmlp") / "results.schema.json").read_text("utf-8"))
    results = json.loads(json.dumps(made.results, allow_nan=False))
    jsonschema.validate(results, schema)
    assert len(results["bias_variance"]) == len(results["randomness"]) == 3


@pytest.mark.long
def test_bias_and_variance_are_those_of_the_stored_predictions(made):
    task, entry = made.dataset["task"], of(made.results["bias_variance"], "dropout")
    extras = [e for e in made.plan.extras if (e.group, e.variant) == ("resample", "dropout")]
    by_place = {(e.place, e.seed): extra_outputs(task, e, made.truth) for e in extras}
    outputs = np.array([[by_place[r, s] for s in (0, 1)] for r in range(3)])
    for loss, terms in decompose(outputs, made.truth).items():
        for name, term in terms.items():
            assert entry[loss][name]["value"] == pytest.approx(term.value)
    assert ("zero_one" in entry) == (task != "regression")
    # 100 training rows in three parts.
    assert (entry["resample"], entry["num_train"]) == ("splits:3", 33)


@pytest.mark.long
def test_less_noise_is_less_variance(made):
    ratio = of(made.results["bias_variance"], "dropout")["versus_baseline"]["squared_error"]
    assert ratio["variance_ratio"]["ci95"][1] < 1


@pytest.mark.long
def test_a_sample_with_a_diverged_network_is_left_out(made):
    entries = spoil(made, "resample", "dropout", 1)["bias_variance"]
    assert of(entries, "dropout")["left_out"] == [1]
    assert [e["num_samples"] for e in entries] == [3, 2, 3]
    assert of(entries, "dropout")["versus_baseline"] is not None
    assert made.results["verdict"][-1] == (
        "dropout=0.2: training sample 1 (numbered from 0) left out of bias and variance, as not "
        "all its networks finished."
    )


@pytest.mark.long
def test_folds_are_scored_on_what_they_hold_out(made):
    found, task = made.results["cross_validation"], made.dataset["task"]
    entry, metric = of(found["variants"], "l2"), made.results["metric"]["name"]
    extras = [e for e in made.plan.extras if (e.group, e.variant) == ("folds", "l2")]
    scores = {
        (e.seed, e.place): scores_of(task, made.truth, extra_outputs(task, e, made.truth))[metric]
        for e in extras
    }
    table = [[scores[repeat, fold] for fold in range(3)] for repeat in range(2)]
    assert entry["scores"] == table
    assert entry["mean"] == pytest.approx(np.mean(table))
    # Of 120 rows 40 are held out, and a sixth of the others tells when to stop.
    assert entry["num_train"] == found["num_train"] == 67
    assert entry["ci95"] == [*fold_interval(table, num_train=67, num_test=40)]
    assert of(found["variants"], "none")["versus_baseline"] is None
    versus = [of(found["variants"], v)["versus_baseline"] for v in ("dropout", "l2")]
    assert [v["p_holm"] for v in versus] == paired_tests.holm([v["p"] for v in versus])


@pytest.mark.long
def test_of_two_variants_the_fewer_rows_count_in_the_correction(made):
    record = made.record
    folds = fold_scores(
        record.extra_members,
        record.groups.folds,
        seeds=(0, 1),
        metric=BY_NAME[record.metric.name],
        metrics=record.metrics,
        num_train={"none": None, "dropout": None, "l2": 30},
    )
    found = cross_validation(record, folds).to_dict()["variants"]
    assert [entry["num_train"] for entry in found] == [67, 67, 30]
    none, l2 = (np.array(of(found, v)["scores"]) for v in ("none", "l2"))
    expected = fold_interval(l2 - none, num_train=30, num_test=40)
    assert of(found, "l2")["versus_baseline"]["ci95"] == [*expected]


@pytest.mark.long
def test_a_repeat_of_which_nothing_is_known_moves_no_other(made):
    record = made.record
    folds = fold_scores(
        [m for m in record.extra_members if m.seed == 1],
        record.groups.folds,
        seeds=(0, 1),
        metric=BY_NAME[record.metric.name],
        metrics=record.metrics,
        num_train=dict.fromkeys(("none", "l2")),
    )
    assert folds.whole("none").tolist() == [False, True]


@pytest.mark.long
def test_streams_without_some_of_their_networks_are_named(made):
    # The first is one of all three streams, where these have one seed.
    assert spoil(made, "randomness", "l2", 1)["verdict"][-1] == (
        "l2=0.0005: not all networks with init, order and split varying finished; the deviation is "
        "that of the others."
    )


@pytest.mark.long
def test_a_repeat_with_a_diverged_fold_is_left_out(made):
    results = spoil(made, "folds", "none", 2)
    found = results["cross_validation"]
    assert of(found["variants"], "none")["repeats"] == [1]
    scores = fold_tables(made.record.cross_validation.variants)["folds"]
    repeats = {row[1] for row in scores[1:] if row[0] == "none"}
    assert repeats == {1}
    assert results["verdict"][-1] == (
        "none: repeat 0 (numbered from 0) left out of cross-validation, as not all its networks "
        "finished."
    )
    assert [len(of(found["variants"], v)["scores"]) for v in ("none", "l2")] == [1, 2]
    versus = of(found["variants"], "l2")["versus_baseline"]
    assert versus["wins"] + versus["ties"] + versus["losses"] == 3


@pytest.mark.long
def test_a_deviation_is_pooled_over_settings_and_stands_beside_that_of_all(made):
    results, task = made.results, made.dataset["task"]
    metric = results["metric"]["name"]
    streams = {s["stream"]: s for s in of(results["randomness"], "none")["streams"]}
    assert list(streams) == ["init", "order", "split", "all"]
    extras = [
        e
        for e in made.plan.extras
        if (e.group, e.variant, e.stream) == ("randomness", "none", "order")
    ]
    scores = np.empty((3, 3))
    for e in extras:
        outputs = extra_outputs(task, e, made.truth)
        scores[e.place, (e.seed - e.place) // 3] = scores_of(task, made.truth, outputs)[metric]
    pooled = np.mean(scores.var(axis=1, ddof=1)) ** 0.5
    assert streams["order"]["sd"]["value"] == pytest.approx(pooled)
    assert (streams["order"]["degrees"], streams["order"]["num_settings"]) == (6, 3)
    ordinary = of([{**v, "variant": v["name"]} for v in results["variants"]], "none")
    assert streams["all"]["sd"]["value"] == pytest.approx(ordinary["test"][metric]["sd"])


@pytest.mark.long
def test_a_study_that_is_not_through_says_what_is_known(made):
    """As `kmlp show` does meanwhile: members without a record are not there yet."""
    plan = dataclasses.replace(made.plan, extras=made.plan.extras[:7])
    results = build_results(plan, made.folder, made.dataset).to_dict()
    assert [e["variant"] for e in results["bias_variance"]] == ["none"]
    assert results["cross_validation"] is None
    assert results["randomness"] == []


def test_ordinary_members_alone_leave_these_parts_empty(tmp_path):
    results = hand_made(tmp_path, "binary").results
    assert (results["bias_variance"], results["randomness"]) == ([], [])
    assert results["cross_validation"] is None
