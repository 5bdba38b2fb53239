"""The numbers of `results.json` follow from the folder, whatever the task."""

import json
from importlib import resources

import jsonschema
import numpy as np
import pytest

from kmlp.errors import RunFolderError, SelectionError
from kmlp.stats import summaries
from kmlp.stats.metrics import METRICS, classification_metrics, regression_metrics
from kmlp.study.results.ranking import best_member
from kmlp.study.results.records.study import StudyResults
from kmlp.study.selection import Selection
from tests.hand_made import NUM_SEEDS, VARIANTS, HandMade, error, hand_made, record, scores_of

SCHEMA = json.loads((resources.files("kmlp") / "results.schema.json").read_text())
TASKS = tuple(METRICS)


@pytest.fixture(params=TASKS)
def made(request, tmp_path) -> HandMade:
    return hand_made(tmp_path, request.param)


@pytest.fixture
def regression(tmp_path) -> HandMade:
    return hand_made(tmp_path, "regression")


@pytest.fixture
def binary(tmp_path) -> HandMade:
    return hand_made(tmp_path, "binary")


def plain(record) -> dict:
    """As JSON has it."""
    return json.loads(json.dumps(vars(record)))


def by_name(results: dict) -> dict[str, dict]:
    return {v["name"]: v for v in results["variants"]}


@pytest.mark.long
def test_results_follow_their_schema(made):
    jsonschema.validate(json.loads(json.dumps(made.results, allow_nan=False)), SCHEMA)


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r["metric"].update(name="rmse"),
        lambda r: r["metric"].update(higher_is_better=False),
        lambda r: r["dataset"].update(task="ranking"),
        lambda r: r["dataset"].update(class_names=["one"]),
        lambda r: r["dataset"].update(more=1),
        lambda r: r["variants"][0]["test"].update(rmse=r["variants"][0]["test"]["accuracy"]),
        lambda r: r["variants"][0]["ensemble"].update(r2=0.5),
        lambda r: r["members"][0]["val"].update(mse=0.5),
        lambda r: r["members"][0].update(note="x"),
        lambda r: r.pop("class_shares"),
        lambda r: r.pop("best"),
        lambda r: r["best"].update(member="none"),
        lambda r: r["mcnemar"].pop("p"),
        lambda r: r["variants"][1].pop("tied_with_best"),
        lambda r: r["variants"][1]["versus_baseline"].update(more_seeds=-1),
        lambda r: r["variants"][1]["versus_baseline"].update(p_wilcoxon=1.5),
        lambda r: r["variants"][1]["versus_baseline"]["probability_better"].update(ci95=None),
        lambda r: r["variants"][2]["versus_best"].update(more_seeds=1),
        lambda r: r["variants"][1].update(test_ci95_bca=[0.5]),
    ],
)
def test_what_does_not_belong_to_a_studys_results_is_refused(binary, change):
    results = json.loads(json.dumps(binary.results))
    change(results)
    with pytest.raises(RunFolderError, match="not the results of a study"):
        StudyResults.read(json.dumps(results))


def test_the_primary_metric_and_its_direction_are_stated(made):
    task = made.dataset["task"]
    expected = ("rmse", False) if task == "regression" else ("accuracy", True)
    assert tuple(made.results["metric"].values()) == expected


@pytest.mark.long
def test_every_metric_is_summarized_over_the_seeds(made):
    task, results = made.dataset["task"], made.results
    for variant in results["variants"]:
        scores = [
            scores_of(task, made.truth, made.outputs[variant["name"], seed])
            for seed in range(NUM_SEEDS)
        ]
        for part in ("test", "val", "train"):
            assert tuple(variant[part]) == METRICS[task]
            for metric in METRICS[task]:
                values = [s[metric] for s in scores]
                assert variant[part][metric] == plain(summaries.summarize(values))


def test_a_lower_error_is_a_win(regression):
    """Every dropout member's error is 1 below its pair's, every l2 member's 0.5 above."""
    variants = by_name(regression.results)
    for name, difference, wins, losses in (("dropout", -1.0, 6, 0), ("l2", 0.5, 0, 6)):
        versus = variants[name]["versus_baseline"]
        assert versus["difference"] == pytest.approx(difference, abs=1e-5)
        assert (versus["wins"], versus["ties"], versus["losses"]) == (wins, 0, losses)
        assert versus["p"] == 2 / 2**6
        assert versus["p_holm"] == 2 * versus["p"]
    assert variants["none"]["versus_baseline"] is None
    assert variants["none"]["test"]["rmse"]["mean"] == pytest.approx(10.25, abs=1e-5)


def test_a_higher_accuracy_is_a_win(binary):
    versus = by_name(binary.results)["dropout"]["versus_baseline"]
    assert versus["difference"] == pytest.approx(0.1)
    assert (versus["wins"], versus["losses"]) == (6, 0)


def test_the_ensemble_of_numbers_is_their_mean(regression):
    """Seeds are off up and down in turn: half of them cancel the other half."""
    for name, variant in by_name(regression.results).items():
        mean = np.mean([regression.outputs[name, s] for s in range(NUM_SEEDS)], axis=0, dtype=float)
        assert variant["ensemble"] == regression_metrics(regression.truth, mean)
        errors = [error(name, s) * (-1) ** s for s in range(NUM_SEEDS)]
        assert variant["ensemble"]["rmse"] == pytest.approx(abs(np.mean(errors)), rel=1e-5)
        assert variant["ensemble"]["rmse"] < variant["test"]["rmse"]["min"]


def test_the_ensemble_of_classes_is_the_mean_probability(binary):
    for name, variant in by_name(binary.results).items():
        logs = np.array([binary.outputs[name, s] for s in range(NUM_SEEDS)], float)
        expected = classification_metrics(binary.truth, np.log(np.exp(logs).mean(axis=0)))
        assert variant["ensemble"] == pytest.approx(expected, rel=1e-12)


def test_class_shares_are_the_test_rows(made):
    expected = {"binary": [0.9, 0.1], "multiclass": [0.25] * 4, "regression": []}
    assert made.results["class_shares"] == expected[made.dataset["task"]]


def test_the_best_member_is_of_the_best_variant_with_the_lowest_loss(made):
    results = made.record
    best = best_member(results)
    assert best.variant == "dropout"
    loss = "mse" if made.dataset["task"] == "regression" else "cross_entropy"
    assert best.val[loss] == min(m.val[loss] for m in results.finished("dropout"))
    assert best_member(results, "l2").variant == "l2"


def test_without_validation_rows_the_training_part_decides(made):
    results = made.results
    for entry in (*results["variants"], *results["members"]):
        entry["val"] = {}
    assert best_member(StudyResults.model_validate(results)).variant == "dropout"


def test_where_nothing_finished_there_is_nothing_to_choose(regression):
    for by_seed in regression.plan.ids.values():
        for id in by_seed.values():
            outputs = regression.truth
            record(regression.folder, id, "regression", outputs, outputs, status="diverged")
    assert regression.results["verdict"][0] == "No network finished: nothing can be said."
    with pytest.raises(SelectionError, match="no network has finished: there is none to choose"):
        best_member(regression.record)


def test_the_best_is_chosen_on_the_seeds_that_it_shares_with_the_baseline(regression):
    """L2 is worse on every seed that it finished, but these are the easy ones."""
    truth, up_and_down = regression.truth, (-1.0) ** np.arange(40)
    for variant in ("dropout", "l2"):
        for seed, id in regression.plan.ids[variant].items():
            outputs = (truth + (error("none", seed) + 0.1) * up_and_down).astype(np.float32)
            status = "done" if variant == "l2" and seed < 2 else "diverged"
            record(regression.folder, id, "regression", truth, outputs, status=status)
    results = regression.results
    none, l2 = by_name(results)["none"], by_name(results)["l2"]
    assert l2["val"]["rmse"]["mean"] < none["val"]["rmse"]["mean"]
    assert l2["selection_difference"] == pytest.approx(0.1, rel=1e-3)
    assert results["best"]["variant"] == "none"
    assert "best mean validation RMSE on the seeds shared with the base" in results["verdict"][0]


@pytest.mark.long
def test_a_metric_that_a_member_cannot_tell_has_no_summary(binary):
    """An AUC of validation rows of one class is NaN: left out there, null in the member."""
    id = binary.plan.ids["none"][2]
    scores = scores_of("binary", binary.truth, binary.outputs["none", 2])
    metrics = {"train": scores, "val": {**scores, "auc": float("nan")}, "test": scores}
    outputs = binary.outputs["none", 2]
    record(binary.folder, id, "binary", binary.truth, outputs, metrics=metrics)
    results = json.loads(json.dumps(binary.results, allow_nan=False))
    jsonschema.validate(results, SCHEMA)
    none = by_name(results)["none"]
    assert "auc" not in none["val"]
    assert set(none["test"]) == set(METRICS["binary"])
    assert next(m for m in results["members"] if m["id"] == id)["val"]["auc"] is None


@pytest.mark.long
def test_a_folder_that_was_begun_before_a_metric_was_known_has_no_summary_of_it(binary):
    """Some of its networks are scored by it, the older ones are not: no mean over a few of them."""
    for seed in range(NUM_SEEDS - 1):
        outputs = binary.outputs["none", seed]
        scores = scores_of("binary", binary.truth, outputs)
        del scores["brier_score"]
        metrics = dict.fromkeys(("train", "val", "test"), scores)
        id = binary.plan.ids["none"][seed]
        record(binary.folder, id, "binary", binary.truth, outputs, metrics=metrics)
    results = json.loads(json.dumps(binary.results, allow_nan=False))
    jsonschema.validate(results, SCHEMA)
    none, l2 = (by_name(results)[name] for name in ("none", "l2"))
    assert set(METRICS["binary"]) - set(none["test"]) == {"brier_score"}
    assert set(l2["test"]) == set(none["ensemble"]) == set(METRICS["binary"])


@pytest.mark.long
def test_a_selection_knows_the_datas_spec(made):
    results = made.results
    selection = Selection(
        run_dir=made.folder.path,
        variant=results["variants"][0],
        members=(best_member(made.record).to_dict(),),
        dataset=results["dataset"],
        environment={},
    )
    spec = selection.spec
    outputs = {"binary": (2, 1), "multiclass": (4, 4), "regression": (0, 1)}[spec.task]
    assert (spec.num_classes, spec.num_outputs) == outputs
    assert (spec.input_shape, spec.input_dtype) == ((4,), "float32")


@pytest.mark.long
def test_variants_keep_the_studys_order(made):
    assert [v["name"] for v in made.results["variants"]] == list(VARIANTS)


@pytest.mark.long
def test_the_best_is_named_with_its_member(made):
    member = best_member(made.record)
    expected = {"variant": "dropout", "seed": member.seed, "member": member.id}
    assert made.results["best"] == expected


def test_the_best_and_the_baseline_are_compared_once(made):
    """The same pair under two corrections could be told apart in one and tied in the other."""
    variants = by_name(made.results)
    main, mirrored = variants["dropout"]["versus_baseline"], variants["none"]["versus_best"]
    assert mirrored["difference"] == -main["difference"]
    assert mirrored["ci95"] == pytest.approx([-main["ci95"][1], -main["ci95"][0]])
    assert (mirrored["wins"], mirrored["losses"]) == (main["losses"], main["wins"])
    assert (mirrored["p"], mirrored["p_holm"]) == (main["p"], main["p_holm"])
    assert variants["dropout"]["versus_best"] is None


def test_tied_is_what_the_corrected_test_does_not_tell_from_the_best(made):
    """Six seeds: one comparison has p 0.031, the baseline's in a family of two 0.062."""
    variants = by_name(made.results)
    assert {n: v["tied_with_best"] for n, v in variants.items()} == {
        "none": True,
        "dropout": True,
        "l2": False,
    }


def test_fewer_than_six_common_seeds_are_tied_whatever_they_score(binary):
    outputs = binary.outputs["l2", 0]
    id = binary.plan.ids["l2"][0]
    record(binary.folder, id, "binary", binary.truth, outputs, status="diverged")
    assert by_name(binary.results)["l2"]["tied_with_best"] is True


def test_where_the_baseline_is_best_ties_are_its_comparisons(made):
    for id in made.plan.ids["dropout"].values():
        outputs = np.zeros_like(made.outputs["none", 0])
        task = made.dataset["task"]
        record(made.folder, id, task, made.truth, outputs, status="diverged")
    results = made.results
    assert results["best"]["variant"] == "none"
    assert results["mcnemar"] is None
    l2 = by_name(results)["l2"]
    assert l2["versus_best"] == {k: l2["versus_baseline"][k] for k in l2["versus_best"]}
    gone = by_name(results)["dropout"]
    assert (
        gone["test_ci95_seeds_and_rows"] is gone["versus_best"] is gone["versus_baseline"] is None
    )
    assert gone["tied_with_best"] is False


@pytest.mark.long
def test_what_is_significant_needs_no_more_seeds(regression):
    """One comparison of six seeds that all differ alike; two cannot be significant on six."""
    versus = by_name(regression.results)["dropout"]["versus_baseline"]
    assert versus["p_holm"] == pytest.approx(0.0625)
    assert versus["more_seeds"] == 2
    for id in regression.plan.ids["l2"].values():
        outputs = regression.truth
        record(regression.folder, id, "regression", outputs, outputs, status="diverged")
    assert by_name(regression.results)["dropout"]["versus_baseline"]["more_seeds"] == 0


@pytest.mark.long
def test_no_interval_of_an_accuracy_ends_beyond_all_rows_or_none(tmp_path, monkeypatch):
    """Networks that are right, or wrong, on nearly every row: an interval would reach outside."""
    for i, wrong in enumerate((lambda v, seed: 4 * (seed == 0), lambda v, seed: 40 - seed // 5)):
        monkeypatch.setattr("tests.hand_made.num_wrong", wrong)
        made = hand_made(tmp_path / str(i), "multiclass", resample="splits:3", folds=2, repeats=2)
        results = made.results
        found = [v["test_ci95_seeds_and_rows"] for v in results["variants"]]
        found += [
            v[part]["accuracy"]["ci95"] for v in results["variants"] for part in ("test", "val")
        ]
        found += [v["ci95"] for v in results["cross_validation"]["variants"]]
        found += [term["ci95"] for e in results["bias_variance"] for term in e["zero_one"].values()]
        assert all(-1e-12 <= low <= high <= 1 for low, high in filter(None, found))
        ends = {end for low_high in found[:6] for end in low_high}
        assert (0.0, 1.0)[1 - i] in ends, "it is cut, not far from the end"
