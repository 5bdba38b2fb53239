"""A search: its trials are members like any, its folder lasts, its choice is honest."""

import dataclasses
import functools
import shutil
import tomllib
from pathlib import Path

import keras
import numpy as np
import pytest

import kmlp
from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.engine.scheduler import fit_stack
from kmlp.engine.stack import build_stack
from kmlp.engine.stack_training import DeviceData
from kmlp.errors import ConfigError, MemoryLimitError, RunFolderError, SelectionError
from kmlp.study.run_folder import RunFolder
from kmlp.testing import LinearTrainer
from tuning import SearchConfig, follow_up, load_search
from tuning import tune as tune_with
from tuning.results.executions import Executions
from tuning.results.search_folder import SearchFolder
from tuning.search.tuner import without_test_rows
from tuning.space.config import read_search_file

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
tune = functools.partial(tune_with, trainer=LinearTrainer())
SETTINGS = {
    "tuner": "random",
    "max_trials": 3,
    "num_seeds": 2,
    "space": ["none", "learning_rate=1e-2:1e-1:log", "dropout=0,0.2"],
    "fixed": {"hidden_units": [8]},
    "train": {"max_epochs": 3, "batch_size": 50},
}


@pytest.fixture(scope="module")
def data() -> Dataset:
    """As the fixture `tiny`, once for the module."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 12))

    def draw(n):
        y = np.arange(n) % 3
        return (centres[y] + rng.normal(size=(n, 12))).astype(np.float32), y

    return Dataset.from_arrays(*draw(300), *draw(90), name="tiny")


@pytest.fixture(scope="module")
def search(data, tmp_path_factory):
    return tune(data, tmp_path_factory.mktemp("search") / "run", then_study=2, **SETTINGS)


@pytest.fixture(scope="module")
def search_of_networks(data, tmp_path_factory):
    """The same search, of what everyone trains."""
    return tune_with(data, tmp_path_factory.mktemp("networks") / "run", **SETTINGS)


def test_a_trial_is_its_seeds_and_its_score_their_mean(search):
    assert len(search.record.trials) == 3
    for trial in search.record.trials:
        scores = [e.score for e in trial.executions]
        assert [e.seed for e in trial.executions] == [0, 1]
        assert trial.score == pytest.approx(np.mean(scores))
        assert trial.se == pytest.approx(np.std(scores, ddof=1) / 2**0.5)
        assert scores == [e.val["accuracy"] for e in trial.executions]
        assert trial.num_weights == 12 * 8 + 8 + 8 * 3 + 3


def test_every_curve_is_kept(search):
    arrays = search.arrays(1, seed=1)
    assert len(arrays["curve_val_accuracy"]) == 3
    assert arrays["weight/predictions/kernel"].shape == (12, 3)
    with pytest.raises(SelectionError, match="no finished execution of trial 1 with seed 7"):
        search.arrays(1, seed=7)


@pytest.mark.slow
def test_an_execution_is_the_member_that_a_study_would_train(search_of_networks, data, tmp_path):
    trial = search_of_networks.record.trials[0]
    config = StudyConfig(
        dataset="tiny",
        variants=("none",),
        num_seeds=2,
        model=MLPConfig.from_dict(trial.model),
        train=TrainConfig.from_dict(trial.train),
    )
    members = kmlp.run_study(config, tmp_path / "study", data).results["members"]
    assert [m["id"] for m in members] == [e.member for e in trial.executions]
    for member, execution in zip(members, trial.executions, strict=True):
        # In a stack of its own it rounds otherwise.
        assert member["val"] == pytest.approx(execution.val, rel=1e-5)


def test_the_test_set_is_not_read_by_the_search(search, data, tmp_path):
    """Another test set of the same name and hash: the same search."""
    other = dataclasses.replace(data, x_test=data.x_test * 1e6, y_test=data.y_test[::-1])
    again = tune(other, tmp_path / "run", **SETTINGS)
    assert [t.model_copy(update={"seconds": 0}) for t in again.record.trials] == [
        t.model_copy(update={"seconds": 0}) for t in search.record.trials
    ]
    folder = RunFolder(search.run_dir)
    assert all(set(r.metrics) == {"train", "val"} for r in folder.records().values())
    assert not any("test" in name for name in search.arrays(0, seed=0))
    assert again.record.test is None


def test_keras_global_seeds_and_cleared_sessions_change_nothing(search_of_networks, data, tmp_path):
    keras.utils.set_random_seed(5)
    keras.backend.clear_session()
    again = tune_with(data, tmp_path / "run", **SETTINGS)
    assert [t.score for t in again.record.trials] == [
        t.score for t in search_of_networks.record.trials
    ]
    assert len(again.arrays(1, seed=1)["weight/hidden_1/kernel"]) == 12


def test_what_was_searched_and_what_was_held_is_described(search):
    found = {p.name: (p.kind, p.min, p.max, p.values) for p in search.record.space}
    assert found == {
        "learning_rate": ("float", 1e-2, 1e-1, ()),
        "dropout": ("choice", None, None, (0.0, 0.2)),
        "hidden_units": ("fixed", None, None, ([8],)),
    }


def test_what_is_loaded_is_what_was_returned(search):
    assert load_search(search.run_dir).results == search.results
    assert RunFolder(search.run_dir).read_json("results.json")["kind"] == "search"


def test_the_same_call_again_trains_nothing_and_more_trials_train_only_what_is_missing(
    data, tmp_path
):
    first = tune(data, tmp_path / "run", **{**SETTINGS, "max_trials": 2})
    epochs = first.record.budget.member_epochs
    assert epochs == 2 * 2 * 3
    again = tune(data, tmp_path / "run", **{**SETTINGS, "max_trials": 2})
    assert again.record.budget.member_epochs == epochs
    more = tune(data, tmp_path / "run", **SETTINGS)
    assert more.record.trials[:2] == first.record.trials
    assert more.record.budget.member_epochs == epochs + 2 * 3


@pytest.mark.parametrize(("tuner", "points"), [("grid", "0,0.2,0.4"), ("hyperband", "0,0.2")])
def test_what_has_lost_its_arrays_is_trained_again(data, tmp_path, tuner, points):
    settings = {
        **SETTINGS,
        "tuner": tuner,
        "space": ["none", f"dropout={points}"],
        "train": {"max_epochs": 3, "batch_size": 125},
    }
    first = tune(data, tmp_path / "run", **settings)
    assert len(first.record.trials) == 3
    lost, cut = (first.record.trials[n].executions[1].member for n in (0, 2))
    (tmp_path / "run" / "arrays" / f"{lost}.npz").unlink()
    (tmp_path / "run" / "arrays" / f"{cut}.npz").write_bytes(b"PK")
    again = tune(data, tmp_path / "run", **settings)
    assert [t.score for t in again.record.trials] == [t.score for t in first.record.trials]
    for number in (0, 2):
        execution, before = (s.record.trials[number].executions[1] for s in (again, first))
        assert execution.stopped_epoch == before.stopped_epoch
        assert execution.val == pytest.approx(before.val, rel=1e-5)
        curve = again.arrays(number, execution.seed)["curve_val_accuracy"]
        assert len(curve) == before.stopped_epoch


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"space": ["none", "dropout=0,0.2,0.5"]}, "space.learning_rate is"),
        ({"seed": 1}, "seed is 0 there, 1 here"),
        ({"num_seeds": 3}, "num_seeds is 2 there, 3 here"),
        ({"max_trials": 2}, "max_trials is 3 there, 2 here (it may only grow)"),
        ({"tuner": "grid"}, "tuner is 'random' there, 'grid' here"),
        ({"train": {"max_epochs": 4, "batch_size": 50}}, "train.max_epochs is 3 there, 4 here"),
        ({"fixed": {"hidden_units": [9]}}, "fixed.hidden_units is"),
        ({"objective": "val_auc"}, "objective is 'val_accuracy' there, 'val_auc' here"),
    ],
)
def test_the_folder_of_another_search_is_refused_with_what_differs(search, data, changed, message):
    """KerasTuner would silently go on with the other search's trials."""
    with pytest.raises(RunFolderError, match="holds another search: ") as error:
        tune(data, search.run_dir, **{**SETTINGS, **changed})
    assert message in str(error.value)


def test_other_data_and_a_studys_folder_are_refused(search, data, tmp_path):
    other = Dataset.from_arrays(
        data.x_train + 1, data.y_train, data.x_test, data.y_test, name="tiny"
    )
    with pytest.raises(RunFolderError, match="the hash of the data as used is"):
        tune(other, search.run_dir, **SETTINGS)
    with pytest.raises(RunFolderError, match="holds a study"):
        tune(data, search.run_dir / "study", **SETTINGS)
    with pytest.raises(RunFolderError, match=r"no search\.toml"):
        load_search(tmp_path)


def test_a_network_that_diverges_fails_its_trial_and_not_the_search(data, tmp_path):
    """The first epoch may well be finite and accurate: KerasTuner would call it a good trial."""
    found = tune(
        data,
        tmp_path / "run",
        **{
            **SETTINGS,
            "tuner": "grid",
            "space": ["none", "sgd_learning_rate=0.1,1e30"],
            "fixed": {"hidden_units": [8], "optimizer": "sgd"},
        },
    )
    good, bad = found.record.trials
    assert (good.status, bad.status) == ("done", "failed")
    assert bad.message == "seeds 0 and 1 diverged"
    assert bad.score is None
    assert found.record.picked == found.record.best == 0
    assert "1 failed (trial 1: seeds 0 and 1 diverged)" in found.record.verdict[0]


def test_a_trial_whose_values_no_config_takes_fails_alone(data, tmp_path):
    """One by one each value is fine: a warm-up, and a schedule that rises by itself."""
    found = tune(
        data,
        tmp_path / "run",
        **{
            **SETTINGS,
            "tuner": "grid",
            "max_trials": 4,
            "space": ["none", "learning_rate_schedule=constant,coslog4", "warm_up=0,0.1"],
            "fixed": {},
        },
    )
    assert [t.status for t in found.record.trials] == ["done", "done", "done", "failed"]
    assert "'coslog4' rises from 0 by itself" in found.record.trials[3].message
    assert found.record.trials[3].executions == ()


def test_a_linear_trial_is_drawn_without_what_needs_hidden_layers(data, tmp_path):
    space = ["none", "hidden_units=8,linear", "dropout=0,0.2"]
    said = {**SETTINGS, "tuner": "grid", "max_trials": 4, "space": space, "fixed": {}}
    found = tune(data, tmp_path / "run", **said)
    assert [t.values for t in found.record.finished] == [
        {"hidden_units": "8", "dropout": 0.0},
        {"hidden_units": "8", "dropout": 0.2},
        {"hidden_units": "linear"},
    ]


class WithoutRoom(LinearTrainer):
    """Has none for a network of 9 units."""

    def stack_size(self, member, spec, room=None):
        if member.model.hidden_units == (9,):
            raise MemoryLimitError("a network of 9 units does not fit")
        return super().stack_size(member, spec, room)


def test_a_network_that_does_not_fit_the_memory_fails_its_trial_alone(data, tmp_path):
    settings = {**SETTINGS, "tuner": "grid", "space": ["none", "hidden_units=8,9"], "fixed": {}}
    found = tune(data, tmp_path / "run", trainer=WithoutRoom(), **settings)
    assert [t.status for t in found.record.trials] == ["done", "failed"]
    assert found.record.trials[1].message == "a network of 9 units does not fit"


class Failing(LinearTrainer):
    """Knows no network of 9 units."""

    def train_members(self, stacks, *args, **options):
        if any(m.model.hidden_units == (9,) for stack in stacks for m in stack):
            raise RuntimeError("no kernel for 9 units\nand a long stack of C++ frames")
        return super().train_members(stacks, *args, **options)


def test_a_trial_whose_training_raises_fails_alone_and_for_good(data, tmp_path):
    settings = {**SETTINGS, "tuner": "grid", "space": ["none", "hidden_units=8,9,10"], "fixed": {}}
    found = tune(data, tmp_path / "run", trainer=Failing(), **settings)
    assert [t.status for t in found.record.trials] == ["done", "failed", "done"]
    assert found.record.trials[1].message == "RuntimeError: no kernel for 9 units"
    assert tune(data, tmp_path / "run", **settings).trials == found.trials


class Full(LinearTrainer):
    """Trains on a full disk."""

    def train_members(self, *args, **options):
        raise OSError(28, "No space left on device")


def test_an_error_of_the_folder_blames_no_trial(data, tmp_path):
    with pytest.raises(OSError, match="No space left"):
        tune(data, tmp_path / "run", trainer=Full(), **SETTINGS)
    assert {t.status for t in load_search(tmp_path / "run").record.trials} == {"running"}


def test_a_search_without_a_finished_trial_says_so(data, tmp_path):
    settings = {
        **SETTINGS,
        "max_trials": 1,
        "space": ["none", "sgd_learning_rate=1e30:2e30:log"],
        "fixed": {"hidden_units": [8], "optimizer": "sgd"},
    }
    found = tune(data, tmp_path / "run", then_study=True, **settings)
    assert found.record.picked is None
    assert found.record.verdict[-1] == "No trial has finished: there is nothing to choose."
    with pytest.raises(SelectionError, match="no trial has finished"):
        found.model  # noqa: B018


@pytest.mark.parametrize(
    ("objective", "direction"),
    [("val_macro_f1", "max"), ("val_cross_entropy", "min"), ("val_auc", "max")],
)
def test_the_direction_of_an_objective_is_known(data, tmp_path, objective, direction):
    found = tune(data, tmp_path / "run", **{**SETTINGS, "objective": objective, "num_seeds": 1})
    assert found.record.settings.objective.to_dict() == {"name": objective, "direction": direction}
    scores = [t.score for t in found.record.trials]
    best = max(scores) if direction == "max" else min(scores)
    assert found.record.best_trial.score == best


def test_a_regression_is_searched_by_its_error(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4)).astype(np.float32)
    data = Dataset.from_arrays(x[:150], x[:150, 0] * 3.0, x[150:], x[150:, 0] * 3.0, name="line")
    found = tune(data, tmp_path / "run", **SETTINGS)
    assert found.record.settings.objective.to_dict() == {"name": "val_rmse", "direction": "min"}
    assert found.record.best_trial.score == min(t.score for t in found.record.trials)
    with pytest.raises(ConfigError, match="one of val_rmse, val_mae, val_mape, val_r2, val_mse"):
        tune(data, tmp_path / "other", **{**SETTINGS, "objective": "val_accuracy"})


def test_hyperband_goes_on_exactly_as_if_it_had_never_paused(data, tmp_path):
    """Weights, optimizer, schedule, masks and early stopping: the last round's networks are those
    that an uninterrupted training ends with."""
    found = tune_with(
        data,
        tmp_path / "run",
        **{
            **SETTINGS,
            "tuner": "hyperband",
            "max_trials": 3,
            "space": ["none", "learning_rate=1e-2:1e-1:log"],
            "fixed": {"hidden_units": [8], "dropout": 0.2, "learning_rate_schedule": "cosine"},
            "train": {"max_epochs": 9, "batch_size": 50, "patience": 3},
        },
    )
    last = next(t for t in found.record.trials if t.round == 2)
    middle = found.record.trials[last.resumed_from]
    assert (middle.round, middle.until, last.until) == (1, 3, 9)
    executions = Executions(found.config, data.spec, data.provenance.sha256)
    trial = SearchFolder(found.run_dir).trials()[last.number]
    device = DeviceData(without_test_rows(data))
    own = executions.of(trial)
    stack = build_stack([execution.member for execution in own], data.spec)
    for execution, whole in zip(own, fit_stack(stack, device), strict=True):
        arrays = found.arrays(last.number, execution.seed)
        assert len(arrays["curve_loss"]) == whole.stopped_epoch > 3
        for path, weight in whole.weights.items():
            np.testing.assert_array_equal(arrays[f"weight/{path}"], weight, err_msg=path)
        for name, curve in whole.curves.items():
            np.testing.assert_array_equal(arrays[f"curve_{name}"], curve, err_msg=name)
    # What it took is counted once over the rounds.
    records, first = SearchFolder(found.run_dir).records(), found.record.trials[middle.resumed_from]
    rounds = [t.seconds for t in (first, middle, last)]
    assert min(rounds) > 0
    assert sum(rounds) == pytest.approx(sum(records[e.id].seconds for e in own))
    # Each epoch was trained once: what went on did not begin anew.
    begun = {t.number: t.until for t in found.record.trials}
    epochs = [t.until - begun.get(t.resumed_from, 0) for t in found.record.trials]
    assert found.record.budget.member_epochs <= 2 * sum(epochs)
    assert not (tmp_path / "run" / "paused").exists()


class Interrupting:
    """Progress that ends a search when its second batch is drawn."""

    def __init__(self):
        self.batches = 0

    def __getattr__(self, name):
        return lambda *args: None

    def drawn(self, trials, executions):
        self.batches += 1
        if self.batches == 2:
            raise KeyboardInterrupt


def test_of_a_small_space_hyperband_picks_what_was_trained_to_the_end(data, tmp_path):
    settings = {
        **SETTINGS,
        "tuner": "hyperband",
        "num_seeds": 1,
        "space": ["none", "dropout=0,0.2"],
        "train": {"max_epochs": 9, "batch_size": 125},
    }
    with pytest.raises(KeyboardInterrupt):
        tune(data, tmp_path / "run", progress=Interrupting(), **settings)
    paused = load_search(tmp_path / "run").record
    assert [t.until for t in paused.trials if t.status == "done"] == [1, 1]
    assert paused.picked is None
    assert paused.verdict[-1] == (
        "No trial has been trained to the end: there is nothing to choose."
    )
    found = tune(data, tmp_path / "run", **settings)
    assert [(t.round, t.until) for t in found.record.trials] == [(0, 1), (0, 1), (1, 3), (2, 9)]
    assert found.record.picked == found.record.best == 3


def test_what_would_go_on_from_a_failed_trial_fails_at_once(data, tmp_path):
    settings = {
        **SETTINGS,
        "tuner": "hyperband",
        "max_trials": 1,
        "num_seeds": 1,
        "space": ["none", "sgd_learning_rate=1e30,2e30"],
        "fixed": {"hidden_units": [8], "optimizer": "sgd"},
    }
    found = tune(data, tmp_path / "run", **settings)
    assert [t.status for t in found.record.trials] == ["failed"] * 3
    assert found.record.trials[2].message == (
        f"trial {found.record.trials[2].resumed_from}, which it goes on from, has no score"
    )


def test_a_study_may_follow_a_search_that_has_ended_and_only_on_its_data(search, data, tmp_path):
    """The command line shows one after the other: nothing is drawn or told a second time."""
    alone = tune(data, tmp_path / "run", **SETTINGS)
    assert alone.record.fresh is None
    other = Dataset.from_arrays(data.x_test, data.y_test, data.x_train, data.y_train, name="tiny")
    with pytest.raises(RunFolderError, match="the hash of the data as used is"):
        follow_up(alone, other, trainer=LinearTrainer())
    found = follow_up(alone, data, num_trials=2, trainer=LinearTrainer())
    assert found.record.fresh == search.record.fresh
    assert found.results == load_search(tmp_path / "run").results


def test_the_picked_configuration_is_a_study_file(search):
    path = search.run_dir / "best.toml"
    config = StudyConfig.from_toml(path.read_text())
    base, picked = config.resolved_variants
    assert (picked.model, picked.train) == (search.model, search.train)
    assert {**base.model.to_dict(), **base.train.to_dict()} == search.record.settings.base
    assert (config.baseline, config.searched) == ("default", 3)
    assert config.picked == f"trial {search.record.picked}"
    assert config.first_seed == 2, "the search has used 0 and 1"


def test_a_study_of_fresh_seeds_follows_and_reads_the_test_set_once(search):
    study, fresh = search.study(), search.record.fresh
    assert study.config.seeds == range(2, 12)
    assert study.config.baseline == "default"
    picked = f"trial {search.record.picked}"
    assert study.best().variant["name"] == study.config.picked == picked
    assert picked in study.config.variant_names
    assert len(study.config.variant_names) == 3
    variant = next(v for v in study.results["variants"] if v["name"] == picked)
    assert fresh.score == variant["val"]["accuracy"]["mean"]
    assert fresh.seed_luck == pytest.approx(search.record.picked_trial.score - fresh.score)
    assert fresh.seed_luck_se**2 == pytest.approx(search.record.picked_trial.se**2 + fresh.se**2)
    assert search.record.test.scores["accuracy"].mean == variant["test"]["accuracy"]["mean"]
    untuned = (
        "The baseline, the default configuration, was not tuned, in at most 3 epochs (kmlp run "
        "gives 100), and the others are of a search of 3 trials: "
    )
    assert any(untuned in caveat for caveat in study.record.answer.caveats)
    assert any(untuned in sentence for sentence in study.record.verdict)
    assert "the search spent 3 trials to find it, and none on the default." in (
        " ".join(search.record.verdict)
    )
    verdict = " ".join(search.record.verdict)
    assert f"Over {fresh.num_seeds} fresh seeds {picked} has a validation accuracy" in verdict
    assert "not known yet" not in verdict


def test_trials_that_come_after_the_study_are_told_from_those_before(search, data, tmp_path):
    assert search.record.followup.num_trials == 3
    shutil.copytree(search.run_dir, tmp_path / "run")
    more = tune(data, tmp_path / "run", **{**SETTINGS, "max_trials": 5})
    assert more.record.followup.num_trials == 3
    assert "The test set was read before trials 3 to 4 were drawn." in more.record.verdict


def test_a_study_of_a_base_with_bounds_switches_them_off_where_a_trial_has_none(data, tmp_path):
    """TOML has no null: a variant could not say that it has no max-norm."""
    found = tune(
        data,
        tmp_path / "run",
        then_study=2,
        **{
            **SETTINGS,
            "tuner": "grid",
            "max_trials": 2,
            "space": ["none", "max_norm=0,1"],
            "model": {"max_norm": 2.0},
            "train": {"max_epochs": 1, "batch_size": 64},
        },
    )
    study = found.study()
    assert study.config.baseline == "default"
    bounds = {v.name: v.model.max_norm for v in study.config.resolved_variants}
    assert bounds == {"default": 2.0, "trial 0": None, "trial 1": 1.0}


def test_the_search_file_holds_everything_and_searches_alike(search, data):
    table = tomllib.loads((search.run_dir / "search.toml").read_text())
    assert table["space"]["learning_rate"] == {
        "min": 0.01,
        "max": 0.1,
        "sampling": "log",
        "default": 0.01,
    }
    config = SearchConfig.from_dict(table)
    again = tune(config, search.run_dir, data=data)
    assert again.record.trials == search.record.trials
    with pytest.raises(ConfigError, match="holds its settings itself"):
        tune(config, search.run_dir, data=data, seed=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tuner": "genetic"}, "tuner must be one of random, grid, bayesian, hyperband"),
        ({"num_seeds": 0}, "num_seeds must be a whole number"),
        ({"validation_fraction": 0}, "a search chooses on validation rows"),
        ({"trials": 3}, "has no field 'trials'. Did you mean 'max_trials'"),
        ({"first_seed": 10**6}, "are for pilots"),
        ({"tuner": "hyperband", "space": ["max_epochs=2,3"]}, "Hyperband sets the epochs itself"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_written(data, tmp_path, settings, message):
    with pytest.raises(ConfigError) as error:
        tune(data, tmp_path / "run", **{**SETTINGS, **settings})
    assert message in str(error.value)
    assert not (tmp_path / "run").exists()


def test_what_is_no_toml_is_refused_as_such(tmp_path):
    path = tmp_path / "search.toml"
    path.write_text("dataset = ")
    with pytest.raises(ConfigError, match=r"search\.toml: not valid TOML: Invalid value"):
        read_search_file(path)


def test_a_study_file_is_told_from_a_searchs():
    path = Path(__file__).parents[3] / "kmlp" / "studies" / "assignment.toml"
    with pytest.raises(ConfigError, match=r"this is a study file, .* kmlp study "):
        read_search_file(path)
