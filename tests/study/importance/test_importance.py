"""Which columns matter: found once for the best models, with the study's metric, and told."""

import dataclasses

import numpy as np
import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.errors import ConfigError, RunFolderError
from kmlp.report.sections.analyses.importance import importance_section
from kmlp.stats.paired_tests import holm, paired_t_p
from kmlp.study.judging.rescore import rescore
from kmlp.study.loading import load_study
from kmlp.study.results.analyses.shuffled_models import about_models, best_reference
from kmlp.study.run_folder.folder import IMPORTANCE, RunFolder
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer

pytestmark = pytest.mark.long

CONFIG = StudyConfig(
    dataset="made",
    variants=("none", "l2"),
    num_seeds=7,
    model=MLPConfig(hidden_units=(4,)),
    train=TrainConfig(max_epochs=6),
    references=("constant", "linear", "boosted_trees"),
)


def made(n: int = 300) -> Dataset:
    rng = np.random.default_rng(0)
    signal = rng.normal(size=n)
    frame = {
        "noise": rng.normal(size=n),
        "signal": signal,
        "copy": signal + 0.05 * rng.normal(size=n),
        "y": np.where(signal + 0.3 * rng.normal(size=n) > 0, "yes", "no"),
    }
    return Dataset.from_table(frame, target="y", test=0.3)


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
    return run_study(
        CONFIG, tmp_path_factory.mktemp("importance") / "run", data, trainer=Counting()
    )


def test_the_best_network_and_the_best_reference_on_validation_are_asked(study):
    results = study.record
    network, reference = results.importance.models
    assert (network.kind, network.name) == ("network", results.best.variant)
    means = {
        r.name: np.mean([m.val["accuracy"] for m in r.members])
        for r in results.references
        if r.name != "constant"
    }
    assert (reference.kind, reference.name) == ("reference", max(means, key=means.get))
    assert best_reference(results, results.references[:1]) is None  # a constant leans on nothing


def test_test_rows_choose_no_reference(study):
    """One that is right on all test rows and on no validation row is not the best."""
    results = study.record

    def scored(reference, val: float, test: float):
        scores = {"val": {"accuracy": val}, "test": {"accuracy": test}}
        members = [m.model_copy(update=scores) for m in reference.members]
        return reference.model_copy(update={"members": members})

    _, linear, trees = results.references
    pair = [scored(linear, 0.0, 1.0), scored(trees, 0.1, 0.0)]
    assert best_reference(results, pair).name == "boosted_trees"
    assert best_reference(results, [scored(linear, 0.2, 0.0), pair[1]]).name == "linear"


def test_what_was_found_by_another_metric_is_not_told(data, tmp_path):
    config = dataclasses.replace(CONFIG, num_seeds=2, references="none", variants=("none",))
    before = run_study(config, tmp_path / "run", data, trainer=LinearTrainer()).record.importance
    assert rescore(tmp_path / "run", "auc").record.importance is None
    assert rescore(tmp_path / "run", "accuracy").record.importance == before


def test_a_reference_that_trains_long_is_asked_only_on_request(study):
    results = study.record
    slow = [
        r.model_copy(
            update={"members": [m.model_copy(update={"seconds": 10.0}) for m in r.members]}
        )
        for r in results.references
    ]
    for importance, is_asked in (("auto", False), (True, True)):
        config = dataclasses.replace(CONFIG, importance=importance)
        about = about_models(results, slow, config, {})
        assert (about.reference is not None) == is_asked
        assert len(about.reference_seeds) == 7 * is_asked


def test_losses_follow_from_the_scores_in_the_run_folder(study, data):
    found = study.record.importance
    arrays = RunFolder(study.run_dir).read_arrays(IMPORTANCE)
    for model in found.models:
        lost = arrays[f"{model.kind}/whole"][:, None] - arrays[f"{model.kind}/shuffled"].mean(
            axis=2
        )
        assert [c.loss.difference for c in model.columns] == pytest.approx(lost.mean(axis=0))
        expected = holm([paired_t_p(column) for column in lost.T])
        assert [c.loss.p_holm for c in model.columns] == pytest.approx(expected)
    scores = [m.test["accuracy"] for m in study.record.finished(found.models[0].name)]
    assert arrays["network/whole"] == pytest.approx(scores)
    assert found.num_rows == len(data.y_test)


def test_what_decides_comes_first_and_noise_last(study):
    for model in study.record.importance.models:
        assert model.ranked[-1].name == "noise"
        assert model.ranked[0].matters


def test_the_verdict_says_it_and_which_columns_stand_in_for_each_other(study):
    said = " ".join(study.record.verdict)
    network = study.record.importance.models[0]
    assert (
        f"no regularization, leans most on {network.ranked[0].name}: with its values shuffled "
        "the test acc" in said
    )
    assert "shows less than they matter together: signal and copy. --importance-" in said


def test_it_is_found_once_and_read_without_a_trainer(study, data):
    before = Counting.asked
    again = run_study(CONFIG, study.run_dir, data, trainer=Counting())
    assert Counting.asked == before
    assert again.record == load_study(study.run_dir).record == study.record


def test_the_page_shows_every_column_of_both_models(study):
    section = importance_section(study.record)
    heading, *lines = section.tables["importance"]
    assert [line[heading.index("column")] for line in lines].count("noise") == 2
    drawn = [block.name for block in section.blocks if hasattr(block, "wide")]
    assert drawn == ["importance-network", "importance-reference"]


def test_another_metric_is_found_anew_and_a_loss_is_above_0_where_less_is_better(
    study, data, tmp_path
):
    config = dataclasses.replace(CONFIG, metric="cross_entropy", references="none", num_seeds=2)
    found = run_study(config, tmp_path / "run", data, trainer=LinearTrainer()).record.importance
    (network,) = found.models
    assert network.ranked[0].name in ("signal", "copy")
    assert network.ranked[0].loss.difference > 0
    by_accuracy = dataclasses.replace(config, metric="accuracy")
    before, asked = found, Counting.asked
    found = run_study(by_accuracy, tmp_path / "run", data, trainer=Counting()).record.importance
    assert Counting.asked == asked + 1
    assert found.models[0].columns[1].loss.difference != before.models[0].columns[1].loss.difference


def test_groups_are_shuffled_as_one_and_nothing_is_found_where_it_is_not_wanted(data, tmp_path):
    groups = {"both": ["signal", "copy"]}
    config = dataclasses.replace(
        CONFIG, num_seeds=2, references="none", importance_groups=groups, variants=("none",)
    )
    results = run_study(config, tmp_path / "run", data, trainer=LinearTrainer()).record
    assert [c.name for c in results.importance.models[0].columns] == ["noise", "both"]
    assert results.importance.alike == ()
    config = dataclasses.replace(config, importance=False)
    assert (
        run_study(config, tmp_path / "run", data, trainer=LinearTrainer()).record.importance is None
    )


def test_arrays_without_a_schema_only_where_it_is_asked(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2)).astype(np.float32)
    data = Dataset.from_arrays(x[:40], x[:40, 0], x[40:], x[40:, 0])
    config = dataclasses.replace(CONFIG, num_seeds=1, references="none", variants=("none",))
    record = run_study(config, tmp_path / "a", data, trainer=LinearTrainer()).record
    assert record.importance is None
    config = dataclasses.replace(config, importance=True)
    found = run_study(config, tmp_path / "b", data, trainer=LinearTrainer()).record.importance
    assert [c.name for c in found.models[0].ranked] == ["x0", "x1"]


def test_images_have_no_columns(tmp_path):
    x, y = np.zeros((12, 2, 2), np.uint8), np.arange(12) % 2
    config = dataclasses.replace(CONFIG, importance=True)
    with pytest.raises(ConfigError, match=r"of the columns of a table .* of shape \(2, 2\)"):
        run_study(
            config, tmp_path / "run", Dataset.from_arrays(x, y, x, y), trainer=LinearTrainer()
        )
    assert not (tmp_path / "run").exists()


def test_damaged_scores_are_refused_and_found_anew(data, tmp_path):
    config = dataclasses.replace(CONFIG, num_seeds=2, references="none", variants=("none",))
    before = run_study(config, tmp_path / "run", data, trainer=LinearTrainer()).record
    (tmp_path / "run" / IMPORTANCE).write_bytes(b"damaged")
    with pytest.raises(RunFolderError, match=r"importance.npz is missing or damaged"):
        load_study(tmp_path / "run")
    assert run_study(config, tmp_path / "run", data, trainer=LinearTrainer()).record == before
