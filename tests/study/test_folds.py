"""A study that folds test: every row from its split to the verdict, and what is refused."""

import dataclasses
import json
import shutil
from importlib import resources

import jsonschema
import numpy as np
import pytest

from kmlp.cli.study import load_data
from kmlp.config import DataConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.errors import ConfigError, DataError, RunFolderError
from kmlp.report.comparing.across import across_studies, left_out_of_all
from kmlp.report.limits import limits
from kmlp.report.sections.ranking import ranking_columns, ranking_section
from kmlp.report.sections.scores import promises_section
from kmlp.scores.comparison import compare
from kmlp.scores.sources import read_sources, scores_of_studies
from kmlp.scores.table import ROWS
from kmlp.stats import paired_tests
from kmlp.stats.cross_validation import compare_folds, summarize_folds
from kmlp.stats.equivalence import MeanDifference, equivalence
from kmlp.stats.metrics import classification_metrics
from kmlp.study.loading import load_study
from kmlp.study.plan import plan_study
from kmlp.study.results.networks import read_networks
from kmlp.study.results.records.study import StudyResults
from kmlp.study.results.verdict import _over
from kmlp.study.run_folder import RunFolder
from kmlp.study.run_folder.readings import note_reading
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer
from tests.hand_made import hand_made
from tuning import tune

pytestmark = pytest.mark.long

NUM_ROWS = 90
TRAIN = TrainConfig(max_epochs=6, learning_rate=0.02)
CONFIG = StudyConfig(
    dataset="churn",
    variants=("none", "dropout=0.5", "l2=0.3"),
    num_seeds=3,
    train=TRAIN,
    references=("constant", "linear"),
    equivalence=30,
)
# What a network's weights are fitted to: 4 of 5 folds, less a sixth that tells when to stop.
SIZES = {"num_train": 60, "num_held_out": 18}


def rows() -> dict[str, list]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(NUM_ROWS, 2))
    label = np.where(x[:, 0] + 0.8 * rng.normal(size=NUM_ROWS) > 0, "yes", "no")
    return {"a": x[:, 0].tolist(), "b": x[:, 1].tolist(), "left": label.tolist()}


@pytest.fixture(scope="module")
def data():
    return Dataset.from_table(rows(), "left")


@pytest.fixture(scope="module")
def study(data, tmp_path_factory):
    return run_study(CONFIG, tmp_path_factory.mktemp("run"), data, trainer=LinearTrainer(width=7))


def fold_arrays(study, variant: str) -> dict[tuple[int, int], dict[str, np.ndarray]]:
    folder = RunFolder(study.run_dir)
    members = study.record.extras("folds", variant)
    return {(m.seed, m.place): folder.arrays(m.id) for m in members}


def table(study, data, variant: str, metric: str = "accuracy") -> np.ndarray:
    """Computed from nothing but the predictions that are recorded."""
    scores = np.empty((4, 5))
    for place, arrays in fold_arrays(study, variant).items():
        truth = data.y_train[arrays["fold_rows"]]
        scores[place] = classification_metrics(truth, arrays["fold_log_probabilities"])[metric]
    return scores


def test_five_folds_and_four_repeats_are_written_out(study):
    assert (study.config.folds, study.config.repeats) == (5, 4)
    assert len(study.record.extra_members) == 3 * 20
    assert study.num_missing == 0


def test_every_row_is_held_out_once_a_repeat_and_never_trained_on_there(study, data):
    plan = plan_study(study.config, data.provenance.sha256)
    held_out: dict[tuple[str, int], list[int]] = {}
    for extra in plan.extras:
        train, val = extra.member.split(data.y_train)
        fold = extra.member.fold(data.y_train)
        assert not set(fold) & {*train, *val}
        assert not set(train) & set(val)
        held_out.setdefault((extra.variant, extra.seed), []).extend(fold.tolist())
    assert len(held_out) == 3 * 4
    assert all(sorted(found) == list(range(NUM_ROWS)) for found in held_out.values())


def test_ordinary_members_train_on_all_rows_and_have_no_test_score(study, data):
    plan, folder = plan_study(study.config, data.provenance.sha256), RunFolder(study.run_dir)
    for by_seed in plan.members.values():
        for member in by_seed.values():
            assert sorted(np.concatenate(member.split(data.y_train))) == list(range(NUM_ROWS))
    for member in study.record.finished():
        assert member.test == {}
        assert not [name for name in folder.arrays(member.id) if name.startswith("test")]


def test_scores_and_intervals_are_of_the_folds_and_corrected(study, data):
    for variant in study.record.variants:
        for metric in ("accuracy", "auc", "cross_entropy"):
            scores = table(study, data, variant.name, metric)
            found, wanted = variant.test[metric], summarize_folds(scores, **SIZES)
            assert found.mean == pytest.approx(wanted.mean)
            low, high = wanted.ci95
            high = min(high, 1.0) if metric != "cross_entropy" else high
            assert found.ci95 == pytest.approx((max(low, 0.0), high))
        assert (variant.ensemble, variant.test_ci95_seeds_and_rows) == ({}, None)


def test_the_verdict_is_by_the_corrected_comparison_and_holm(study, data):
    baseline = table(study, data, "none")
    names = ("dropout=0.5", "l2=0.3")
    wanted = [
        compare_folds(table(study, data, name), baseline, higher_is_better=True, **SIZES)
        for name in names
    ]
    p_holm = paired_tests.holm([one.p for one in wanted])
    for name, one, p in zip(names, wanted, p_holm, strict=True):
        versus = study.record.variant(name).versus_baseline
        found = (versus.difference, *versus.ci95, versus.p, versus.p_holm)
        assert found == pytest.approx((one.difference, *one.ci95, one.p, p))
        assert versus.num_pairs == 20
        # Folds are not independent: none of these is told.
        assert (versus.p_wilcoxon, versus.probability_better, versus.more_seeds) == (None,) * 3
        known = MeanDifference.of_folds(
            table(study, data, name) - baseline, num_train=60, num_test=18
        )
        assert versus.equivalence == equivalence(known, 0.3)


def test_the_best_is_chosen_on_validation_and_can_be_taken_away(study):
    means = {v.name: v.val["accuracy"].mean for v in study.record.variants}
    selection = study.best()
    assert selection.variant["name"] == max(means, key=means.get)
    assert (selection.basis, selection.members[0]["test"]) == ("folds", {})


def test_references_are_trained_on_the_same_folds(study, data):
    (constant, linear), best = study.record.references, study.record.best.variant
    commonest = np.bincount(data.y_train).argmax()
    shares = [
        (data.y_train[arrays["fold_rows"]] == commonest).mean()
        for arrays in fold_arrays(study, "none").values()
    ]
    assert [m.test["accuracy"] for m in constant.members] == pytest.approx(shares)
    assert {(m.seed, m.place) for m in linear.members} == {
        (r, f) for r in range(4) for f in range(5)
    }
    own = np.reshape([m.test["accuracy"] for m in linear.members], (4, 5))
    wanted = compare_folds(own, table(study, data, best), higher_is_better=True, **SIZES)
    versus = linear.versus_best
    assert (versus.difference, versus.p) == pytest.approx((wanted.difference, wanted.p))


def test_out_of_fold_predictions_stand_for_test_predictions(study, data):
    networks = read_networks(RunFolder(study.run_dir), study.record)
    np.testing.assert_array_equal(networks.truth, data.y_train)
    assert (list(networks.outputs), networks.are_out_of_fold) == ([0, 1, 2, 3], True)
    for (repeat, _), arrays in fold_arrays(study, networks.best).items():
        found = networks.outputs[repeat][arrays["fold_rows"]]
        np.testing.assert_array_equal(found, arrays["fold_log_probabilities"])


def test_what_it_rests_on_is_said_everywhere(study):
    results = study.record
    assert (results.basis, results.dataset.num_test) == ("folds", 0)
    assert study.results["basis"] == "folds"
    verdict = " ".join(results.verdict)
    assert "in cross-validation (95 % interval" in verdict
    assert "No row was set aside to test" in verdict
    assert "none is left to score them; expect of them what the folds say." in verdict
    assert "networks (those of the folds are not counted) were still getting better" in verdict
    assert "seeds)" not in verdict
    assert "cross-validat" in results.answer.text
    assert results.answer.text.count(" over folds") == results.answer.text.count("±")
    heads = [column.terminal for column in ranking_columns(results)]
    assert any(head.startswith("cv acc.") for head in heads)
    csv = ranking_section(results).tables
    assert {row[csv["variants"][0].index("basis")] for row in csv["variants"][1:]} == {"folds"}
    assert {row[csv["comparisons"][0].index("basis")] for row in csv["comparisons"][1:]} == {
        "folds"
    }
    assert "Folds share training rows" in " ".join(limits(results))


def test_what_validation_promised_names_which_networks_chose_and_which_are_drawn(study):
    """The choice is of networks that train on all rows; in the figure another variant may lie
    further right, for its dots are the folds'."""
    results = study.record
    best, unit = results.variant(results.best.variant), results.unit()
    (figure,) = promises_section(results).blocks
    own = unit.with_unit(best.val["accuracy"].mean)
    assert f"of which validation rows promised {own}. Here are the networks of its folds: mean" in (
        figure.caption
    )
    drawn = [m.score("val", "accuracy") for m in results.tested_members(best.name)[0]]
    assert f"{unit.with_unit(np.mean(drawn))} there, " in figure.caption
    assert own != unit.with_unit(np.mean(drawn))


def test_the_results_fit_their_schema_and_are_read_back(study):
    schema = json.loads((resources.files("kmlp") / "results.schema.json").read_text())
    jsonschema.validate(study.results, schema)
    assert StudyResults.read(json.dumps(study.results)) == study.record
    other = {**study.results, "basis": "test"}
    with pytest.raises(RunFolderError, match="0 test rows does not rest on test"):
        StudyResults.read(json.dumps(other))


def test_the_scores_go_on_by_fold(study, data):
    frame = read_sources([study.run_dir]).table.frame
    assert set(frame.columns) == {"method", "seed", "fold", "accuracy", *ROWS}
    own = frame.filter(frame["method"] == "l2=0.3").sort("seed", "fold")["accuracy"].to_numpy()
    np.testing.assert_array_equal(own.reshape(4, 5), table(study, data, "l2=0.3"))


def test_folds_and_test_rows_are_not_compared(study, tmp_path):
    """A fold's networks train on what tests elsewhere; nothing pairs a fold and a seed."""
    other = hand_made(tmp_path, "multiclass").folder.path
    with pytest.raises(DataError, match=r"rows that were set aside test .* Run both alike"):
        read_sources([study.run_dir, other])
    both = [study, load_study(other)]
    assert across_studies(both) is None
    assert left_out_of_all(both)[0].startswith("Nothing is said over all data sets: folds test")
    (tmp_path / "mine.csv").write_text("method,seed,accuracy\nmine,0,0.9\n")
    with pytest.raises(DataError, match=r"^mine\.csv lacks the column fold that .* has\."):
        read_sources([study.run_dir, tmp_path / "mine.csv"])


def test_before_a_repeat_is_whole_there_are_no_scores_by_fold(study):
    record = study.record.model_copy(update={"cross_validation": None})
    found = scores_of_studies([dataclasses.replace(study, record=record)]).frame
    assert (found.height, set(found.columns)) == (0, {"method", "seed", "fold", "accuracy", *ROWS})


def test_compared_again_folds_have_the_intervals_of_their_study(study):
    """Those that validate are not trained on: of 90 rows 60 are, not four of five."""
    (found,) = compare(read_sources([study.run_dir]).table, baseline="none").found.datasets
    for method in found.methods:
        own = study.record.variant(method.name)
        assert method.summary.ci95 == pytest.approx(own.test["accuracy"].ci95, abs=1e-12)
        if versus := own.versus_baseline:
            assert method.versus_baseline.ci95 == pytest.approx(versus.ci95, abs=1e-12)
            assert method.versus_baseline.p == pytest.approx(versus.p, abs=1e-12)


@pytest.mark.slow
def test_a_repeat_without_one_fold_counts_for_nothing(study, tmp_path, data):
    """As of a study that was stopped: what is whole is compared, and it is said what lacks."""
    plan = plan_study(study.config, data.provenance.sha256)
    lacking = next(e for e in plan.extras if (e.variant, e.seed, e.place) == ("none", 2, 4))
    folder = RunFolder(tmp_path)

    class Stopped(LinearTrainer):
        def plan_stacks(self, members, *args, **kwargs):
            kept = [m for m in members if m.id != lacking.member.id]
            return super().plan_stacks(kept, *args, **kwargs)

    run_study(study.config, tmp_path, data, trainer=Stopped())
    found = load_study(folder.path)
    assert found.num_missing == 1
    assert found.record.answer.kind == "unfinished"
    over = {v.name: _over(v, found.record) for v in found.record.variants}
    assert over["none"] == "5 folds, 3 times", "repeats that are whole, not those planned"
    assert over["l2=0.3"] == "5 folds, 4 times"
    whole = table(study, data, "none")[[0, 1, 3]]
    assert found.record.variant("none").test["accuracy"].mean == pytest.approx(whole.mean())
    l2 = found.record.variant("l2=0.3")
    assert l2.versus_baseline.num_pairs == 15
    assert l2.test == study.record.variant("l2=0.3").test


def test_repeats_that_were_added_after_a_look_count_it_in_every_p(study, tmp_path):
    """Six folds can tell something, of two comparisons, where six seeds could not."""
    folder = RunFolder(shutil.copytree(study.run_dir, tmp_path / "run"))
    names = [v.name for v in study.record.variants]
    with folder.writing():
        folder.write_json("readings.json", [])
        note_reading(folder, "accuracy", "none", dict.fromkeys(names, 6))
    found = load_study(folder.path).record
    assert [reading.is_look for reading in found.earlier_readings] == [True]
    assert any(s.startswith("Extended after a look") for s in found.verdict)
    for entry in found.cross_validation.variants:
        if entry.variant != "none":
            once = study.record.variant(entry.variant).versus_baseline
            twice = found.variant(entry.variant).versus_baseline
            assert twice.p_holm == min(1.0, 2 * once.p_holm)
            assert entry.versus_baseline.p_holm == twice.p_holm
    for one, other in zip(found.references, study.record.references, strict=True):
        assert one.versus_best.p_holm == min(1.0, 2 * other.versus_best.p_holm)


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"resample": "splits:3"}, "resample='splits:3'"),
        ({"randomness": True}, "randomness"),
        ({"num_seeds": "auto"}, "num_seeds='auto'"),
        ({"strengths": "auto"}, "strengths='auto'"),
    ],
)
def test_what_needs_test_rows_refuses_folds_and_says_what_to_write(asked, named, data, tmp_path):
    config = dataclasses.replace(CONFIG, **asked)
    with pytest.raises(ConfigError) as caught:
        run_study(config, tmp_path / "run", data, trainer=LinearTrainer())
    assert str(caught.value).startswith(f"{named} needs rows that are set aside to test.")
    assert "--test 0.2" in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_search_chooses_on_rows_that_do_not_test(data, tmp_path):
    with pytest.raises(DataError, match=r"a search needs rows .* Write --test 0.2"):
        tune(data, tmp_path / "run", max_trials=1, num_seeds=1, trainer=LinearTrainer())


def test_a_metric_that_a_fold_cannot_tell_is_refused_before_training(tmp_path):
    few = {name: values[:40] for name, values in rows().items()}
    few["left"] = ["yes"] * 3 + ["no"] * 37
    data = Dataset.from_table(few, "left", test="cv")
    config = dataclasses.replace(CONFIG, metric="auc", equivalence=None)
    with pytest.raises(ConfigError, match=r"auc cannot be told of the fold . .* or fewer folds"):
        run_study(config, tmp_path, data, trainer=LinearTrainer())


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = ["a,b,left", *(f"{a},{b},{y}" for a, b, y in zip(*rows().values(), strict=True))]
    (tmp_path / "churn.csv").write_text("\n".join(lines))
    return tmp_path / "churn.csv"


def of_file(**fields) -> StudyConfig:
    return dataclasses.replace(
        CONFIG, dataset="churn.csv", data=DataConfig(target="left"), references="none", **fields
    )


def test_a_study_that_needs_test_rows_sets_a_fifth_aside_where_nothing_is_said(file, tmp_path):
    said = {}
    asked = {"plain": {}, "columns": {"importance": True}, "resampled": {"resample": "splits:3"}}
    for name, fields in asked.items():
        data, config = load_data(of_file(**fields), tmp_path / name)
        said[name] = len(data.y_test), config.data.test
    assert said == {"plain": (0, "cv"), "columns": (0, "cv"), "resampled": (18, 0.2)}


def test_a_folder_keeps_what_tests_where_nothing_is_said(file, tmp_path):
    """Folders of earlier releases set a fifth aside, and go on with it."""
    asked = dataclasses.replace(of_file(), num_seeds=1, variants=("none",))
    parted = dataclasses.replace(asked, data=DataConfig(target="left", test=0.2))
    first = run_study(parted, tmp_path / "run", trainer=LinearTrainer())
    again = run_study(
        dataclasses.replace(asked, num_seeds=2), tmp_path / "run", trainer=LinearTrainer()
    )
    assert again.record.basis == "test"
    assert again.record.members[0] == first.record.members[0]
    data = Dataset.from_table(file, "left")
    with pytest.raises(RunFolderError, match=r"these data have none: say test=0\.2"):
        run_study(asked, tmp_path / "run", data, trainer=LinearTrainer())


def test_what_tests_is_written_out_for_who_reads_the_folder(file, tmp_path):
    config = dataclasses.replace(of_file(), num_seeds=1, variants=("none",), folds=2, repeats=1)
    study = run_study(config, tmp_path / "run", trainer=LinearTrainer())
    text = (tmp_path / "run" / "study.toml").read_text()
    assert 'test = "cv"' in text
    assert (study.config.folds, study.config.repeats) == (2, 1)
    assert load_study(tmp_path / "run").record == study.record
