"""A study of rows that are parted and weighed by columns: nothing is chosen on rows that test, and
every score is by weight."""

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss

from kmlp import run_study
from kmlp.config import StudyConfig
from kmlp.data import Dataset
from kmlp.data.rows.checks import named
from kmlp.errors import ConfigError
from kmlp.report.sections.setting import setting_section
from kmlp.report.write import without_moments
from kmlp.study.loading import Study
from kmlp.study.plan import plan_study
from kmlp.study.run_folder import RunFolder
from kmlp.testing import LinearTrainer

NUM_ROWS = 200


def table() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(NUM_ROWS, 3)).round(3)
    patient = rng.integers(0, 25, NUM_ROWS)
    return {
        "a": x[:, 0],
        "b": x[:, 1],
        "c": x[:, 2],
        "y": np.where(x[:, 0] + rng.normal(size=NUM_ROWS) > 0, "yes", "no"),
        "patient": np.array([f"p{p}" for p in patient]),
        "day": rng.permutation(np.arange(NUM_ROWS) // 3),
        "fold": np.array([f"f{p % 3}" for p in patient]),
        "w": rng.integers(1, 5, NUM_ROWS).astype(float),
        "part": np.array(["validation"] * 30 + ["train"] * (NUM_ROWS - 30)),
    }


WAYS: dict[str, dict] = {
    "time": {"time_on": "day"},
    "validation": {"validation": "part"},
    "folds": {"fold_on": "fold", "group_on": "patient"},
}


def data_of(**said: str) -> Dataset:
    """Of the three numbers, and of the columns that are named."""
    columns = {n: c for n, c in table().items() if n in ("a", "b", "c", "y", *said.values())}
    return Dataset.from_table(columns, "y", test=0.2, **said)


def study(data: Dataset, folder, **more) -> Study:
    settings = {"variants": ("none", "dropout"), "num_seeds": 2, "references": "none"}
    train = {"max_epochs": 6, "learning_rate": 0.01}
    config = StudyConfig(dataset="visits", train=train, **settings | more)
    return run_study(config, folder, data, trainer=LinearTrainer())


def with_other_test_rows(data: Dataset) -> Dataset:
    """The same but for the test rows, whose labels are turned round and whose inputs are noise."""
    noise = np.random.default_rng(9).normal(size=data.x_test.shape).astype("float32")
    origin = dataclasses.replace(data.provenance, sha256="f" * 64)
    return dataclasses.replace(data, x_test=noise, y_test=1 - data.y_test, provenance=origin)


def choices(found: Study, data: Dataset) -> list:
    """All that is chosen or learned: strengths, epochs, curves, weights, the best, validation."""
    folder, record = RunFolder(found.run_dir), found.record
    plan = plan_study(found.config, data.provenance.sha256)
    said: list = [found.config.variants, record.best and (record.best.variant, record.best.seed)]
    for seeds in plan.members.values():
        for member in seeds.values():
            arrays = folder.arrays(member.id)
            said += [(k, a.tolist()) for k, a in sorted(arrays.items()) if "test" not in k]
    said += [(m.variant, m.seed, m.best_epoch, m.val) for m in record.members]
    return said


@pytest.mark.long
def test_a_frame_without_a_name_is_called_as_the_config_says(tmp_path):
    assert study(data_of(), tmp_path / "a").record.dataset.name == "visits"
    own = Dataset.from_table(table(), "y", test=0.2, name="wards")
    assert study(own, tmp_path / "b").record.dataset.name == "wards"


def test_a_folder_is_no_part_of_a_name():
    data = Dataset.from_table(table(), "y", test=0.2)
    assert named(data, "/home/ada/visits.csv").name == "visits.csv"


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_chosen_on_rows_that_test(way, tmp_path):
    """Whatever stood in the test rows, the same is learned and chosen."""
    data = data_of(**WAYS[way])
    other = with_other_test_rows(data)
    found, poisoned = (
        study(each, tmp_path / name, strengths="auto" if way == "folds" else "default")
        for name, each in (("one", data), ("other", other))
    )
    assert choices(found, data) == choices(poisoned, other)
    tested = [s.record.members[0].score("test", "accuracy") for s in (found, poisoned)]
    assert tested[0] > 0.6 > tested[1], "and the test rows do matter to what is told of them"


@pytest.mark.long
def test_what_a_fold_holds_is_not_learned_by_those_that_it_scores(tmp_path):
    """Labels of a fold are turned round: only the other folds' networks change."""
    data = data_of(**WAYS["folds"])
    flipped = np.where(data.rows.folds == 1, 1 - data.y_train, data.y_train)
    strata = dataclasses.replace(data.rows, strata=data.y_train)
    origin = dataclasses.replace(data.provenance, sha256="f" * 64)
    data = dataclasses.replace(data, given_rows=strata)
    other = dataclasses.replace(
        data, y_train=flipped.astype("int32"), provenance=origin, given_rows=strata
    )
    weights = []
    for name, each in (("one", data), ("other", other)):
        found = study(each, tmp_path / name, folds=3, variants=("none",))
        folder, plan = RunFolder(found.run_dir), plan_study(found.config, each.provenance.sha256)
        weights.append(
            [folder.arrays(e.member.id)["weight/predictions/kernel"] for e in plan.extras]
        )
    same = [np.array_equal(a, b) for a, b in zip(*weights, strict=True)]
    assert same == [False, True, False]


@pytest.mark.long
def test_the_results_say_how_rows_were_parted(tmp_path):
    data = data_of(**WAYS["time"])
    found = study(data, tmp_path / "run").record.dataset
    assert found.validation == "last"
    assert found.parted_by[0].startswith("time by 'day': training rows begin at 0")
    assert found.num_train + found.num_val == len(data.y_train)
    record = study(data, tmp_path / "run").record
    assert "test rows begin at" in str(setting_section(record))
    assert "test rows begin at" not in str(setting_section(without_moments(record)))
    given = data_of(**WAYS["validation"])
    found = study(given, tmp_path / "given", folds=3).record
    assert (found.dataset.validation, found.dataset.num_val) == ("given", 30)
    assert found.groups.folds.num_train == found.dataset.num_train * 2 // 3


@pytest.mark.parametrize(
    ("way", "asked", "message"),
    [
        ("time", {"folds": 3}, "rows are in order of time, and folds shuffle them"),
        ("time", {"resample": "splits:3"}, "Leave resample out, or time_on"),
        ("folds", {"folds": 4}, "the folds that fold_on gives are 3. Received: folds=4. Write"),
        ("folds", {"folds": 3, "repeats": 2}, "the same in each repeat. Received: repeats=2"),
        ("folds", {"folds": 60}, "every fold needs a group. Received: folds=60"),
        ("validation", {"validation_fraction": 0.3}, "30 validation rows are given, and no others"),
    ],
)
def test_what_such_rows_cannot_be_asked_is_refused_before_anything_is_written(
    way, asked, message, tmp_path
):
    data = data_of(**WAYS[way])
    with pytest.raises(ConfigError) as error:
        study(data, tmp_path / "run", **asked)
    assert message in str(error.value)
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def weighed(tmp_path_factory) -> tuple[Dataset, Study]:
    data = data_of(weight_on="w")
    folder = tmp_path_factory.mktemp("weighed") / "run"
    return data, study(data, folder, num_seeds=3, references=("linear",))


@pytest.mark.long
def test_every_score_is_by_weight(weighed):
    data, found = weighed
    folder, plan = RunFolder(found.run_dir), plan_study(found.config, data.provenance.sha256)
    for member, result in zip(plan.members["none"].values(), found.record.members, strict=False):
        logs = folder.test_outputs(member.id)
        predicted, weights = logs.argmax(axis=1), data.test_weight
        assert result.score("test", "accuracy") == pytest.approx(
            accuracy_score(data.y_test, predicted, sample_weight=weights)
        )
        assert result.score("test", "accuracy") != np.mean(data.y_test == predicted)
        assert result.score("test", "cross_entropy") == pytest.approx(
            log_loss(data.y_test, np.exp(logs), sample_weight=weights), rel=1e-5
        )
    np.testing.assert_array_equal(folder.row_weights(), data.test_weight)


@pytest.mark.long
def test_references_learn_by_weight(weighed):
    data, found = weighed
    plan = plan_study(found.config, data.provenance.sha256)
    member = next(iter(plan.references["linear"].values()))
    rows, _ = member.network.split(data.rows)
    x = data.x_train[rows]
    scaled = [(part - x.mean(axis=0)) / x.std(axis=0) for part in (x, data.x_test)]
    model = LogisticRegression(max_iter=1000)
    model.fit(scaled[0], data.y_train[rows], sample_weight=data.rows.weight[rows])
    recorded = RunFolder(found.run_dir).test_outputs(member.id)
    np.testing.assert_allclose(np.exp(recorded), model.predict_proba(scaled[1]), atol=1e-4)


def test_what_is_defined_for_equal_rows_only_is_left_out_with_a_word(weighed):
    record = weighed[1].record
    assert record.mcnemar is None
    assert all(v.test_ci95_seeds_and_rows is None for v in record.variants)
    assert any(s.startswith("Rows count by their weights") for s in record.verdict)
    assert record.dataset.is_weighted


def test_bias_and_variance_of_weighed_rows_are_refused(weighed, tmp_path):
    with pytest.raises(ConfigError, match="means over rows that count alike"):
        study(weighed[0], tmp_path / "run", resample="splits:2")


@pytest.mark.slow
def test_a_search_scores_by_weight_and_parts_by_group(tmp_path):
    from kmlp import tune

    data = data_of(weight_on="w", group_on="patient")
    space = {"preset": "none", "dropout": [0.0, 0.2]}
    settings = {"tuner": "grid", "max_trials": 2, "num_seeds": 2, "space": space}
    found = tune(data, run_dir=tmp_path / "run", trainer=LinearTrainer(), **settings)
    assert all(trial.score is not None for trial in found.record.trials)


def test_every_given_fold_is_looked_at_before_anything_trains(tmp_path):
    """The second one holds all rows of a class: the networks that it scores would not know it."""
    columns = table()
    columns["fold"] = np.where(columns["y"] == "yes", "f1", columns["fold"])
    data = Dataset.from_table({n: columns[n] for n in ("a", "b", "y", "fold")}, "y", fold_on="fold")
    with pytest.raises(ConfigError, match="no row of class yes would be left to train on"):
        study(data, tmp_path / "run", folds=3)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"folds": 3}, "every row to score on weighs 0"),
        ({"num_seeds": 40, "validation_fraction": 0.02}, "every row to validate on weighs 0"),
    ],
)
def test_rows_that_weigh_nothing_are_looked_at_before_anything_trains(more, message, tmp_path):
    """A fold of them, or what one of many seeds draws to validate on: of neither is a score."""
    columns = table()
    columns["w"] = (columns["fold"] != "f1").astype(float)
    given = {"fold_on": "fold", "test": "cv"} if "folds" in more else {"test": 0.2}
    columns = {n: columns[n] for n in ("a", "b", "y", "w", *(["fold"] * ("folds" in more)))}
    data = Dataset.from_table(columns, "y", weight_on="w", **given)
    with pytest.raises(ConfigError, match=message):
        study(data, tmp_path / "run", **more)
    assert not (tmp_path / "run").exists()


@pytest.mark.engine
def test_a_search_cannot_cut_given_folds_anew(tmp_path):
    from kmlp import tune

    data = data_of(**WAYS["folds"])
    settings = {"folds": 3, "repeats": 2, "num_seeds": 2, "max_trials": 2, "tuner": "random"}
    with pytest.raises(ConfigError, match="the same in each repeat"):
        tune(data, run_dir=tmp_path / "run", trainer=LinearTrainer(), **settings)
