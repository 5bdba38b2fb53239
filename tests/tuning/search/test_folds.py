"""A search on folds: every row of the training set is scored by networks that never saw it."""

import dataclasses
import functools
import io

import numpy as np
import pytest
from rich.console import Console

from kmlp.cli.tune import configure
from kmlp.config import StudyConfig
from kmlp.data import Dataset
from kmlp.data.rows.record import Rows
from kmlp.errors import ConfigError, DataError, RunFolderError
from kmlp.testing import LinearTrainer
from tests.compatibility.test_run_folders import Idle
from tuning import load_search
from tuning import tune as tune_with
from tuning.report.csv_tables import csv_tables
from tuning.report.folds import folds_table
from tuning.results.records.search import SearchResults
from tuning.search.progress import SearchProgress
from tuning.search.tuner import without_test_rows
from tuning.space.config import SearchConfig

pytestmark = [pytest.mark.engine, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
tune = functools.partial(tune_with, trainer=LinearTrainer())
FOLDS, REPEATS, SEEDS = 3, 2, 2
SETTINGS = {
    "tuner": "grid",
    "max_trials": 3,
    "num_seeds": SEEDS,
    "folds": FOLDS,
    "repeats": REPEATS,
    "space": ["none", "learning_rate=1e-2,3e-3,1e-4"],
    "fixed": {"hidden_units": [8]},
    "train": {"max_epochs": 2, "batch_size": 20},
}


@pytest.fixture(scope="module")
def data() -> Dataset:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 4))

    def draw(n):
        y = np.arange(n) % 3
        return (centres[y] + rng.normal(size=(n, 4))).astype(np.float32), y

    return Dataset.from_arrays(*draw(61), *draw(30), name="tiny")


@pytest.fixture(scope="module")
def search(data, tmp_path_factory):
    return tune(data, tmp_path_factory.mktemp("folds") / "run", then_study=1, **SETTINGS)


def table_of(trial) -> np.ndarray:
    """`(seeds, repeats, folds)` scores."""
    shape = (SEEDS, REPEATS, FOLDS)
    assert [e.seed for e in trial.executions] == list(range(np.prod(shape)))
    folds = np.array([e.fold for e in trial.executions]).reshape(shape)
    assert (folds == np.arange(FOLDS)).all()
    return np.array([e.held_out["accuracy"] for e in trial.executions]).reshape(shape)


def test_a_trials_score_is_the_mean_over_folds_and_seeds_with_the_corrected_error(search):
    held_out, fitted = 1 / FOLDS, (1 - 1 / FOLDS) * (1 - 1 / 6)
    for trial in search.record.trials:
        scores = table_of(trial)
        assert len(trial.executions) == scores.size == SEEDS * REPEATS * FOLDS
        assert trial.score == pytest.approx(scores.mean())
        of_folds = scores.mean(axis=0).ravel()
        variance = of_folds.var(ddof=1) * (1 / len(of_folds) + held_out / fitted)
        assert trial.se == pytest.approx(variance**0.5)
        assert [e.score for e in trial.executions] == [
            e.held_out["accuracy"] for e in trial.executions
        ]
        assert all(e.val.keys() == e.held_out.keys() for e in trial.executions)


def test_every_training_row_is_held_out_once_a_cut_and_no_other_row_is(search, data):
    """The same rows for every trial and round; other ones in the next repeat."""
    cuts = {}
    for trial in (0, 2):
        held_out = [
            search.arrays(trial, seed)["fold_rows"] for seed in range(SEEDS * REPEATS * FOLDS)
        ]
        for number in range(SEEDS * REPEATS):
            folds = held_out[number * FOLDS : (number + 1) * FOLDS]
            assert sorted(np.concatenate(folds)) == list(range(len(data.y_train)))
            cuts.setdefault(number % REPEATS, set()).add(str([f.tolist() for f in folds]))
    assert [len(cut) for cut in cuts.values()] == [1, 1]
    assert cuts[0] != cuts[1]
    assert not any("test" in name for name in search.arrays(0, 0))


def test_the_luck_of_one_seed_is_not_in_the_scores_of_several_folds(search):
    """With a seed in common it would be in the mean of all, and in no interval."""
    members = [e.member for t in search.record.trials[:1] for e in t.executions]
    seeds = [e.seed for e in search.record.trials[0].executions]
    assert len(set(members)) == len(set(seeds)) == SEEDS * REPEATS * FOLDS


def test_ties_and_pick_follow_from_the_means_of_folds_and_their_corrected_error(search):
    means = np.array([table_of(t).mean(axis=0).ravel() for t in search.record.trials])
    ranked = means[np.argsort(-means.mean(axis=1), kind="stable")][:2]
    rest = ranked - ranked.mean(1, keepdims=True) - ranked.mean(0) + ranked.mean()
    variance = np.square(rest).sum() / (REPEATS * FOLDS - 1)
    overlap = 1 / ((FOLDS - 1) * 5 / 6)
    error = (variance * (1 / (REPEATS * FOLDS) + overlap)) ** 0.5
    assert search.record.standard_error == pytest.approx(error)
    assert search.record.best == int(means.mean(axis=1).argmax())


def test_the_study_that_follows_cuts_other_folds_with_fresh_seeds(search):
    fresh, study = search.record.fresh, search.study().record
    first = SEEDS * REPEATS * FOLDS
    assert fresh.first_seed == first
    entry = study.cross_validation.variants[-1]
    assert fresh.score == pytest.approx(np.mean(entry.scores))
    assert fresh.seed_luck == pytest.approx(search.record.picked_trial.score - fresh.score)
    assert {m.seed for m in study.extra_members} == set(range(first, first + 4))
    assert "Over folds cut anew, with fresh seeds, trial" in " ".join(search.record.verdict)


def test_the_words_call_a_score_cross_validated(search):
    counts, best = search.record.verdict[:2]
    assert counts == "3 of 3 trials finished, 2 x 3 folds of 2 seeds each."
    assert "has the best mean cross-validated accuracy" in best


def test_page_and_tables_hold_every_fold(search):
    record = search.record
    shown = folds_table(record)
    heads = [cell.text for cell in shown.columns[1:]]
    column = 1 + heads.index("Trial 1")
    cells = [row.cells[column].text for row in shown.rows]
    of_folds = table_of(record.trial(1)).mean(axis=0).ravel()
    assert cells == [record.unit.value(s) for s in (*of_folds, record.trial(1).score)]
    assert shown.rows[FOLDS].cells[0].text == "Repeat 1, fold 0"
    lines = csv_tables(record)["executions.csv"].splitlines()
    first = dict(zip(lines[0].split(","), lines[2].split(","), strict=True))
    execution = record.trials[0].executions[1]
    assert (first["seed"], first["fold"]) == (str(execution.seed), str(execution.fold))
    assert float(first["fold_accuracy"]) == execution.score
    assert SearchResults.model_validate(search.results) == record


def test_a_network_that_diverges_is_named_with_its_fold(data, tmp_path):
    settings = {**SETTINGS, "max_trials": 1, "num_seeds": 1, "repeats": 1}
    settings |= {"space": ["none", "sgd_learning_rate=1e30:2e30:log"]}
    settings |= {"fixed": {"hidden_units": [8], "optimizer": "sgd"}}
    (trial,) = tune(data, tmp_path / "run", **settings).record.trials
    assert trial.message == "seed 0 of fold 0, seed 1 of fold 1 and seed 2 of fold 2 diverged"


class Interrupted(LinearTrainer):
    """Ends after its first stack."""

    def train_members(self, stacks, *args, **options):
        super().train_members(stacks[:1], *args, **options)
        raise KeyboardInterrupt


def test_an_interrupted_search_goes_on_and_what_it_has_is_not_trained_again(search, data, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        tune(data, tmp_path / "run", trainer=Interrupted(), **SETTINGS)
    so_far = load_search(tmp_path / "run").record
    assert {t.status for t in so_far.trials} == {"running"}
    assert sum(e.status == "done" for t in so_far.trials for e in t.executions) == 2
    found = tune(data, tmp_path / "run", **SETTINGS)
    assert [t.executions for t in found.record.trials] == [
        t.executions for t in search.record.trials
    ]
    assert tune(data, tmp_path / "run", trainer=Idle(), **SETTINGS).trials == found.trials


def test_a_folder_with_other_folds_is_another_search(search, data):
    with pytest.raises(RunFolderError, match="folds is 3 there, 5 here"):
        tune(data, search.run_dir, **{**SETTINGS, "folds": 5})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"folds": 1}, "folds must be a whole number of at least 2"),
        ({"repeats": 2}, "repeats are of folds, of which there are none. Received: repeats=2."),
        ({"validation_fraction": 0.0}, "Hold some rows out, or name folds, as folds=5."),
    ],
)
def test_what_is_no_plan_of_folds_is_refused(settings, message):
    with pytest.raises(ConfigError) as error:
        SearchConfig(dataset="x", **settings)
    assert message in str(error.value)


def test_folds_of_more_than_there_are_rows_are_refused_before_anything_is_written(data, tmp_path):
    with pytest.raises(ConfigError, match="every fold needs a row"):
        tune(data, tmp_path / "run", **{**SETTINGS, "folds": 62})
    assert not (tmp_path / "run").exists()


def test_folds_need_no_validation_rows(data, tmp_path):
    """They decide; training then stops by its own loss."""
    settings = {**SETTINGS, "max_trials": 1, "repeats": 1, "validation_fraction": 0.0}
    (trial,) = tune(data, tmp_path / "run", **settings).record.trials
    assert trial.executions[0].val == {}
    assert trial.score == pytest.approx(np.mean([e.score for e in trial.executions]))


def test_the_command_line_and_progress_name_folds():
    config = configure("x", folds=5, repeats=2, num_seeds=1)
    assert (config.folds, config.repeats) == (5, 2)
    out = io.StringIO()
    SearchProgress(Console(file=out, width=100)).start(
        config.__class__.from_dict({**config.to_dict(), "objective": "val_accuracy"}), []
    )
    assert "20 trials of 2 x 5 folds of 1 seed." in out.getvalue()


def test_folds_and_seeds_keep_groups_whole_and_weigh_rows_that_do_not_test(data, tmp_path):
    """What is known of rows holds in a search: nobody is learned from and scored at once."""
    groups, weight = np.arange(61) // 4, np.linspace(0.5, 1.5, 61).astype(np.float32)
    rows = Rows(strata=data.y_train, groups=groups, weight=weight)
    spec = dataclasses.replace(data.spec, is_weighted=True)
    test_weight = np.linspace(0.1, 2.0, 30)
    known = dataclasses.replace(data, given_rows=rows, spec=spec, test_weight=test_weight)
    seen = without_test_rows(known)
    assert len(seen.test_weight) == len(seen.y_test) == 61
    assert not np.isin(seen.test_weight, test_weight).any()
    found = tune(known, tmp_path / "run", **{**SETTINGS, "max_trials": 1, "repeats": 1})
    cuts = [groups[found.arrays(0, seed)["fold_rows"]] for seed in range(FOLDS)]
    assert sum(len(set(cut)) for cut in cuts) == len(set(groups))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "small.csv"
    rows = [f"{i % 7},{i * 13 % 11},{'yes' if i % 3 else 'no'}" for i in range(60)]
    path.write_text("\n".join(["a,b,ill", *rows]) + "\n")
    return path


def test_where_folds_would_test_rows_are_set_aside_first_and_the_others_folded(
    table, tmp_path, caplog
):
    """What is chosen on must not test: neither in the search nor in a study of what it picked."""
    asked = SearchConfig.from_dict(
        {
            "dataset": str(table),
            "data": {"target": "ill", "test": "cv"},
            "tuner": "random",
            "max_trials": 1,
            "num_seeds": 1,
            "space": {"preset": "none", "learning_rate": "1e-3:1e-2:log"},
            "train": {"max_epochs": 2},
        }
    )
    found = tune(asked, tmp_path / "run")
    assert (found.config.folds, found.config.data.test) == (5, 0.2)
    assert found.record.dataset.num_test == 12
    assert "(test=0.2, folds=5)" in caplog.text
    rows = [found.arrays(0, seed)["fold_rows"] for seed in range(5)]
    assert sorted(np.concatenate(rows)) == list(range(48))
    best = StudyConfig.from_toml((tmp_path / "run" / "best.toml").read_text())
    assert best.data.test == 0.2
    # The same words again are the same search.
    assert tune(asked, tmp_path / "run", trainer=Idle()).trials == found.trials


def test_data_without_rows_that_test_are_refused_with_what_to_write(data, tmp_path):
    bare = Dataset.from_arrays(data.x_train, data.y_train, name="bare")
    with pytest.raises(DataError, match=r"Write --test 0\.2, or test=0\.2 where the data are made"):
        tune(bare, tmp_path / "run", **SETTINGS)
