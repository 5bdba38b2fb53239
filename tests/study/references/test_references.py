"""References: trained on the networks' rows, compared with the best, told where they do better."""

import dataclasses
from importlib.metadata import version

import numpy as np
import pytest
from rich.console import Console
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.config.tables.references import REFERENCES
from kmlp.data import Dataset
from kmlp.errors import ConfigError
from kmlp.stats.paired_tests import compare_paired, holm
from kmlp.stats.resampling import linear_rmse, resampled_means, two_way_interval
from kmlp.study.environment import read_environment
from kmlp.study.loading import load_study
from kmlp.study.plan import plan_study
from kmlp.study.progress import StudyProgress
from kmlp.study.references import training
from kmlp.study.references.estimators import ESTIMATORS, make_estimator
from kmlp.study.run_folder import RunFolder
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer

CONFIG = StudyConfig(
    dataset="made",
    variants=("none", "l2"),
    num_seeds=8,
    model=MLPConfig(hidden_units=(4,)),
    train=TrainConfig(max_epochs=2),
    references=("constant", "linear", "boosted_trees"),
)


def numbers(n: int = 240, offset: float = 50.0) -> Dataset:
    """A linear rule that two epochs cannot learn."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 4))
    y = x @ [3.0, -2.0, 1.0, 0.0] + 0.1 * rng.normal(size=n) + offset
    return Dataset.from_arrays(x[:160], y[:160], x[160:], y[160:])


def frame(n: int = 300) -> Dataset:
    """A category that decides, gaps, and a class for each row."""
    rng = np.random.default_rng(1)
    colour = rng.choice(["red", "green", "blue"], n)
    size = rng.normal(size=n)
    size[::7] = np.nan
    label = np.where(colour == "red", "yes", np.where(rng.random(n) < 0.2, "yes", "no"))
    return Dataset.from_table(
        {"colour": colour, "size": size, "label": label}, target="label", test=0.3
    )


def study(config: StudyConfig, run_dir, data: Dataset):
    return run_study(config, run_dir, data, trainer=LinearTrainer())


@pytest.fixture(scope="module")
def ridge_wins(tmp_path_factory):
    return study(CONFIG, tmp_path_factory.mktemp("ridge") / "run", numbers())


def by_name(results):
    return {reference.name: reference for reference in results.references}


def test_every_name_that_can_be_asked_for_can_be_made():
    assert tuple(ESTIMATORS) == tuple(REFERENCES)


@pytest.mark.long
def test_a_reference_learns_from_the_training_rows_of_the_network_of_its_seed(ridge_wins):
    data, found = numbers(), by_name(ridge_wins.record)["linear"]
    network = ridge_wins.record.finished("none")[3]
    members = {m.id: m for m in plan_of(ridge_wins, data)["none"].values()}
    rows, _ = members[network.id].split(data.y_train)
    scaler = StandardScaler().fit(data.x_train[rows])
    ridge = Ridge().fit(scaler.transform(data.x_train[rows]), data.spec.in_unit(data.y_train[rows]))
    errors = ridge.predict(scaler.transform(data.x_test)) - data.spec.in_unit(data.y_test)
    assert found.members[3].seed == network.seed
    assert found.members[3].test["rmse"] == pytest.approx(np.mean(errors**2) ** 0.5, rel=1e-4)


def plan_of(study, data):
    return plan_study(study.config, data.provenance.sha256).members


@pytest.mark.long
def test_boosted_trees_are_scikit_learns_with_the_seed(ridge_wins):
    data, found = numbers(), by_name(ridge_wins.record)["boosted_trees"]
    member = plan_of(ridge_wins, data)["none"][2]
    rows, _ = member.split(data.y_train)
    trees = HistGradientBoostingRegressor(random_state=2)
    trees.fit(data.x_train[rows].astype(float), data.spec.in_unit(data.y_train[rows]))
    errors = trees.predict(data.x_test.astype(float)) - data.spec.in_unit(data.y_test)
    assert found.members[2].test["rmse"] == pytest.approx(np.mean(errors**2) ** 0.5, rel=1e-4)


@pytest.mark.long
def test_differences_are_to_the_best_network_paired_by_seed_in_a_family_of_their_own(ridge_wins):
    results = ridge_wins.record
    network = np.array(list(results.by_seed(results.best.variant).values()))
    expected = []
    for reference in results.references:
        own = np.array([m.test["rmse"] for m in reference.members])
        expected.append(compare_paired(own, network, higher_is_better=False))
    corrected = holm([e.p for e in expected])
    for reference, one, p in zip(results.references, expected, corrected, strict=True):
        versus = reference.versus_best
        assert (versus.difference, versus.p, versus.p_holm) == (one.difference, one.p, p)


@pytest.mark.long
def test_a_difference_has_an_interval_over_other_test_rows_too(ridge_wins):
    """Rows are resampled for both at once, as for two networks."""
    results, folder, data = ridge_wins.record, RunFolder(ridge_wins.run_dir), numbers()
    planned, truth = plan_study(ridge_wins.config, data.provenance.sha256), folder.test_labels()
    networks = results.finished(results.best.variant)
    for reference in results.references:
        theirs = planned.references[reference.name]
        ids = [(theirs[m.seed].id, m.id) for m in networks]
        squares = np.stack([[(folder.test_outputs(i) - truth) ** 2 for i in both] for both in ids])
        values = np.stack([linear_rmse(s) for s in squares])
        draws = np.stack([np.sqrt(resampled_means(s)) for s in squares])
        expected = two_way_interval(values[:, 0] - values[:, 1], draws[:, 0] - draws[:, 1])
        found = reference.versus_best.ci95_seeds_and_rows
        assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.long
def test_a_reference_without_a_number_on_some_row_takes_no_interval_from_the_others(
    ridge_wins, monkeypatch
):
    planned = plan_study(ridge_wins.config, numbers().provenance.sha256)
    broken, read = planned.references["linear"][3].id, RunFolder.test_outputs
    monkeypatch.setattr(
        RunFolder, "test_outputs", lambda self, id: read(self, id) * (np.inf if id == broken else 1)
    )
    now, before = by_name(load_study(ridge_wins.run_dir).record), by_name(ridge_wins.record)
    assert now["linear"].versus_best.ci95_seeds_and_rows is None
    for name in ("constant", "boosted_trees"):
        assert now[name].versus_best.ci95_seeds_and_rows is not None
        assert now[name].versus_best == before[name].versus_best


@pytest.mark.long
def test_a_best_network_of_more_rows_than_the_references_had_is_told(ridge_wins, tmp_path):
    few = {"name": "few", "num_train": 20}
    config = dataclasses.replace(CONFIG, variants=("none", few), baseline="few", num_seeds=2)
    found = study(config, tmp_path / "run", numbers()).record
    assert found.best.variant == "none"
    said = "These models learnt from as many rows as few, none from another number"
    assert any(s.startswith(said) for s in found.verdict)
    assert not any("learnt from as many rows" in s for s in ridge_wins.record.verdict)


def test_the_verdict_begins_with_what_does_better_than_every_network(ridge_wins):
    first = ridge_wins.record.verdict[0]
    assert first.startswith("Ridge regression does better than the best network, ")
    assert "95 % interval" in first


def test_a_reference_is_never_the_best(ridge_wins):
    assert ridge_wins.record.best.variant in CONFIG.variant_names


@pytest.mark.long
def test_what_is_recorded_is_not_trained_again(ridge_wins, monkeypatch):
    monkeypatch.setattr("kmlp.study.references.training._trained", None)
    again = study(CONFIG, ridge_wins.run_dir, numbers())
    assert again.record.references == ridge_wins.record.references
    assert load_study(ridge_wins.run_dir).record.references == ridge_wins.record.references


@pytest.mark.long
def test_who_shows_what_is_left_is_told_that_references_follow(ridge_wins):
    progress = StudyProgress(Console(quiet=True))
    config, place = ridge_wins.config, ridge_wins.run_dir
    run_study(config, place, numbers(), trainer=LinearTrainer(), progress=progress)
    assert progress.left_is == "left for the networks, then references"


def test_damaged_outputs_are_trained_again(tmp_path):
    first = study(CONFIG, tmp_path / "run", numbers())
    id = first_reference(first, numbers())
    (tmp_path / "run" / "arrays" / f"{id}.npz").write_bytes(b"damaged")
    study(CONFIG, tmp_path / "run", numbers())
    assert len(RunFolder(tmp_path / "run").test_outputs(id)) == 80


def first_reference(study, data) -> str:
    return plan_study(study.config, data.provenance.sha256).references["linear"][0].id


def test_the_version_of_what_made_references_is_kept(ridge_wins):
    packages = read_environment(RunFolder(ridge_wins.run_dir)).packages
    assert packages["scikit-learn"] == version("scikit-learn")


@pytest.mark.long
def test_networks_are_the_same_with_and_without(tmp_path, ridge_wins):
    alone = study(dataclasses.replace(CONFIG, references="none"), tmp_path / "run", numbers())
    assert alone.record.references == ()
    assert "references" not in alone.results
    scores = [(m.id, m.test) for m in alone.record.members]
    assert scores == [(m.id, m.test) for m in ridge_wins.record.members]


@pytest.mark.long
def test_an_offset_that_float32_cannot_hold_costs_a_reference_nothing(tmp_path):
    config = dataclasses.replace(CONFIG, references=("linear", "random_forest"), num_seeds=1)
    near, far = (
        by_name(study(config, tmp_path / f"{offset}", numbers(offset=offset)).record)
        for offset in (50.0, 1e9)
    )
    for name, reference in far.items():
        assert reference.test["rmse"].mean == pytest.approx(near[name].test["rmse"].mean, rel=0.02)


def test_a_baseline_of_few_rows_is_no_handicap_for_references():
    few = {"name": "few", "num_train": 20}
    more = {"name": "more", "num_train": 40}
    asked = dataclasses.replace(CONFIG, variants=(few, more, "none"), baseline="few")
    found = {
        plan_study(dataclasses.replace(asked, variants=variants), "00").references["linear"][0]
        for variants in ((few,), (few, more), asked.variants)
    }
    assert {member.network.num_train for member in found} == {20, 40, None}
    assert len({member.id for member in found}) == 3


@pytest.mark.long
def test_nothing_is_said_of_references_until_all_are_trained(tmp_path, monkeypatch):
    train, left = training._trained, iter(range(CONFIG.num_seeds + 3))

    def interrupted(*of):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return train(*of)

    monkeypatch.setattr(training, "_trained", interrupted)
    with pytest.raises(KeyboardInterrupt):
        study(CONFIG, tmp_path / "run", numbers())
    found = load_study(tmp_path / "run").record
    assert [(r.name, r.num_members, r.versus_best) for r in found.references] == [
        ("constant", CONFIG.num_seeds, None),
        ("linear", 3, None),
    ]
    assert any("Not all references are trained yet" in sentence for sentence in found.verdict)
    monkeypatch.setattr(training, "_trained", train)
    whole = study(CONFIG, tmp_path / "run", numbers()).record
    assert all(r.versus_best for r in whole.references)


@pytest.mark.long
def test_auto_is_for_tables_alone(tmp_path):
    config = dataclasses.replace(CONFIG, references="auto", num_seeds=1)
    arrays = study(config, tmp_path / "a", numbers()).record
    table = study(config, tmp_path / "b", frame()).record
    assert arrays.references == ()
    assert tuple(by_name(table)) == tuple(REFERENCES)


@pytest.mark.long
def test_categories_and_gaps_are_taken_by_all(tmp_path):
    config = dataclasses.replace(CONFIG, references=tuple(REFERENCES), num_seeds=2)
    found = by_name(study(config, tmp_path / "run", frame()).record)
    for name in ("linear", "boosted_trees", "random_forest"):
        assert found[name].test["auc"].mean > 0.8, name
    assert found["constant"].test["auc"].mean == 0.5


@pytest.mark.long
def test_a_class_that_no_training_row_has_gets_no_probability(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 2))
    y = np.arange(60) % 2
    y[-1] = 2
    data = Dataset.from_arrays(x[:50], np.r_[y[:49], 2], x[50:], y[50:])
    config = dataclasses.replace(CONFIG, num_seeds=2, validation_fraction=0.3)
    for reference in study(config, tmp_path / "run", data).record.references:
        assert np.isfinite(reference.test["cross_entropy"].mean)


@pytest.mark.parametrize("asked", ["trees", ["linear", "x"], 3, [1]])
def test_an_unknown_reference_is_refused_with_those_there_are(asked):
    with pytest.raises(ConfigError, match="constant, linear, boosted_trees and random_forest"):
        dataclasses.replace(CONFIG, references=asked)


@pytest.mark.parametrize("name", [n for n in ESTIMATORS if n != "constant"])
def test_references_weigh_the_classes_as_the_networks_do(name):
    """By name and by number, and in scikit-learn's own word."""
    spec = frame().spec
    last = _steps(make_estimator(name, spec, 0, {"yes": 3.0}))[-1]
    assert last.class_weight == {0: 1.0, 1: 3.0}
    last = _steps(make_estimator(name, spec, 0, "balanced"))[-1]
    assert last.class_weight == "balanced"


def _steps(estimator):
    return [step for _, step in estimator.steps] if hasattr(estimator, "steps") else [estimator]


@pytest.mark.long
def test_class_weights_make_a_reference_another_one(tmp_path):
    config = dataclasses.replace(CONFIG, references=("linear",), num_seeds=1)
    weighted = dataclasses.replace(config, train=TrainConfig(max_epochs=2, class_weight="balanced"))
    plain, balanced = (plan_study(c, "0" * 64).references["linear"][0] for c in (config, weighted))
    assert plain.id != balanced.id
    found = study(weighted, tmp_path / "run", frame()).record.references[0]
    unweighted = study(config, tmp_path / "plain", frame()).record.references[0]
    scores = [r.members[0].train["cross_entropy"] for r in (found, unweighted)]
    assert scores[0] != scores[1]
