"""Which columns matter where folds test: each network is asked on the rows kept from it."""

import dataclasses

import numpy as np
import pytest

from kmlp.config import StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.report.sections.analyses.importance import importance_section
from kmlp.stats.cross_validation import compare_folds, fold_interval
from kmlp.stats.paired_tests import holm
from kmlp.study.loading import load_study
from kmlp.study.results.analyses.importance import column_importance, importance_sentences
from kmlp.study.results.analyses.shuffled_models import about_models, known_importance
from kmlp.study.run_folder.folder import IMPORTANCE, RunFolder
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer

pytestmark = pytest.mark.long

NUM_ROWS, NUM_FOLDS, REPEATS = 122, 4, 2  # two folds are a row longer than the others
CONFIG = StudyConfig(
    dataset="made",
    variants=("none", "l2"),
    num_seeds=2,
    folds=NUM_FOLDS,
    repeats=REPEATS,
    train=TrainConfig(max_epochs=20, learning_rate=0.1),
    references=("constant", "linear"),
)


def made(**options) -> Dataset:
    """A category decides, and comes to several places of the encoded matrix."""
    rng = np.random.default_rng(0)
    colour = rng.choice(["red", "green", "blue"], NUM_ROWS)
    frame = {
        "noise": rng.normal(size=NUM_ROWS),
        "colour": colour,
        "weight": rng.integers(1, 9, NUM_ROWS),
        "y": np.where((colour == "red") ^ (rng.random(NUM_ROWS) < 0.05), "yes", "no"),
    }
    return Dataset.from_table(frame, target="y", weight_on="weight", **options)


class Counting(LinearTrainer):
    """Counts how often trained networks are asked again."""

    asked = 0

    def predictor(self, members, weights, data):
        type(self).asked += 1
        return super().predictor(members, weights, data)


@pytest.fixture(scope="module")
def data():
    return made()


@pytest.fixture(scope="module")
def study(tmp_path_factory, data):
    return run_study(CONFIG, tmp_path_factory.mktemp("folds") / "run", data, trainer=Counting())


@pytest.fixture(scope="module")
def arrays(study):
    return RunFolder(study.run_dir).read_arrays(IMPORTANCE)


def test_each_model_is_asked_on_its_own_fold_where_rows_count_by_weight(study, arrays):
    """As they are, the rows give the very scores that were recorded when it was trained."""
    results, about = study.record, known_importance(RunFolder(study.run_dir))
    assert results.basis == "folds"
    known = results.by_pair(about.network)
    assert about.draws == about.reference_draws == sorted(known)
    assert arrays["network/whole"] == pytest.approx([known[draw] for draw in about.draws])
    (linear,) = (r for r in results.references if r.name == "linear")
    of_linear = {(m.seed, m.place): m.test["accuracy"] for m in linear.members}
    expected = [of_linear[draw] for draw in about.reference_draws]
    assert arrays["reference/whole"] == pytest.approx(expected)
    assert results.importance.num_rows == NUM_ROWS  # of a repeat, which scores every row once


def test_what_decides_matters_and_noise_does_not(study):
    for model in study.record.importance.models:
        assert [(c.name, c.matters) for c in model.ranked] == [("colour", True), ("noise", False)]


def test_intervals_and_tests_know_that_folds_share_rows(study, arrays):
    planned = study.record.groups.folds
    sizes = {"num_train": planned.num_train, "num_held_out": planned.num_held_out}
    for model in study.record.importance.models:
        whole, shuffled = arrays[f"{model.kind}/whole"], arrays[f"{model.kind}/shuffled"]
        pairs = [(whole, column) for column in shuffled.mean(axis=2).T]
        found = [compare_folds(*pair, **sizes, higher_is_better=True) for pair in pairs]
        for column, expected in zip(model.columns, found, strict=True):
            assert column.loss.ci95 == pytest.approx(expected.ci95)
            assert column.loss.num_pairs == NUM_FOLDS * REPEATS
        corrected = holm([one.p for one in found])
        assert [c.loss.p_holm for c in model.columns] == pytest.approx(corrected)


def test_of_a_variant_of_fewer_rows_the_interval_is_wider(study):
    """The correction counts what each model was fitted to; references see all rows."""
    results, few = study.record, 20
    best = results.variant(results.best.variant)
    fewer = best.model_copy(update={"config": best.config.model_copy(update={"num_train": few})})
    variants = tuple(fewer if v is best else v for v in results.variants)
    scores = results.model_copy(update={"variants": variants})
    folder = RunFolder(study.run_dir)
    found = column_importance(scores, results.references, study.config, folder)
    network, reference = found.models
    for column in network.columns:
        expected = fold_interval(
            column.by_seed, num_train=few, num_test=results.groups.folds.num_held_out
        )
        assert column.loss.ci95 == pytest.approx(expected)
    assert reference == results.importance.models[1]


def test_a_repeat_that_lacks_a_fold_is_left_out_of_both_models(study):
    results = study.record
    lacking = next(m for m in results.extras("folds", results.best.variant) if m.seed == 1)
    extras = tuple(m for m in results.extra_members if m is not lacking)
    scores = results.model_copy(update={"extra_members": extras})
    about = about_models(scores, results.references, study.config, {})
    assert about.draws == about.reference_draws == [(0, fold) for fold in range(NUM_FOLDS)]
    partly = [
        r.model_copy(update={"members": [m for m in r.members if m.place]})
        for r in results.references
    ]
    assert about_models(scores, partly, study.config, {}).reference is None
    none = results.model_copy(update={"extra_members": ()})
    assert about_models(none, results.references, study.config, {}) is None


def test_words_say_folds(study):
    results = study.record
    network, reference = importance_sentences(results)[:2]
    assert "leans most on colour: with its values shuffled the cross-validated accuracy" in network
    assert "cross-validated accuracy" in reference
    assert network in results.verdict
    section = importance_section(results)
    how, *figures, table = section.blocks
    assert "on the rows of the fold that was kept from it" in how.text
    assert all("Every dot is one fold" in figure.caption for figure in figures)
    assert f"each column and fold, on {NUM_ROWS} rows, each scored once a repeat" in table.note
    assert "corrected resampled t test" in table.note
    said = " ".join([how.text, table.note, *(f.caption for f in figures), network, reference])
    assert "seed" not in said
    assert "test rows" not in said
    assert len(section.tables["importance"]) == 1 + 2 * 2


def test_few_folds_tell_nothing_apart(data, tmp_path):
    config = dataclasses.replace(CONFIG, repeats=1, variants=("none",), references="none")
    record = run_study(config, tmp_path / "run", data, trainer=LinearTrainer()).record
    (said,) = importance_sentences(record)
    assert said.endswith("no column is shown to matter by itself (4 folds are too few to tell).")


def test_it_is_found_once_and_read_without_a_trainer(study, data):
    before = Counting.asked
    again = run_study(CONFIG, study.run_dir, data, trainer=Counting())
    assert Counting.asked == before
    assert again.record == load_study(study.run_dir).record == study.record


def test_asking_for_it_sets_no_rows_aside(data, tmp_path):
    groups = {"both": ["noise", "colour"]}
    config = dataclasses.replace(
        CONFIG, variants=("none",), references="none", importance=True, importance_groups=groups
    )
    record = run_study(config, tmp_path / "run", data, trainer=LinearTrainer()).record
    assert record.basis == "folds"
    assert [c.name for c in record.importance.models[0].columns] == ["both"]
