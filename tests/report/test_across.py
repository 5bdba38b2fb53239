"""Several studies of different data: one verdict over them, where there can be one."""

import dataclasses

import numpy as np
import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.report.comparing.across import across_studies, left_out_of_all
from kmlp.report.comparison import comparison_report
from kmlp.scores.relative import _log_error
from kmlp.scores.sources import scores_of_studies
from kmlp.scores.table import read_scores
from kmlp.stats.metrics import BY_NAME
from kmlp.study.loading import load_study
from kmlp.study.run_folder import RunFolder
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer
from tests.command_line import kmlp

CONFIG = StudyConfig(
    dataset="made",
    variants=("none", "l2=0.3", "dropout=0.5"),
    num_seeds=6,
    model=MLPConfig(hidden_units=(4,)),
    train=TrainConfig(max_epochs=3),
)


def data(seed: int) -> Dataset:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(120, 3)).astype(np.float32)
    y = (x[:, 0] + rng.normal(size=120) > 0).astype(int)
    made = Dataset.from_arrays(x[:80], y[:80], x[80:], y[80:])
    return dataclasses.replace(made, name=f"data{seed}")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("across")
    for seed in range(3):
        run_study(CONFIG, place / f"run{seed}", data(seed), trainer=LinearTrainer())
    run_study(CONFIG, place / "again", data(0), trainer=LinearTrainer())
    for seed, rate in ((0, 0.2), (1, 0.5)):
        drop = dataclasses.replace(CONFIG, variants=("none", {"name": "drop", "dropout": rate}))
        run_study(drop, place / f"drop{seed}", data(seed), trainer=LinearTrainer())
    other = dataclasses.replace(CONFIG, metric="auc")
    run_study(other, place / "auc", data(3), trainer=LinearTrainer())
    return place


def studies(folders, *names):
    return [load_study(folders / name) for name in names]


@pytest.mark.page
def test_a_data_set_counts_once_by_the_difference_its_study_tells(folders):
    read = studies(folders, "run0", "run1", "run2")
    found = across_studies(read).found
    for method in found.across:
        told = [s.record.variant(method.name).versus_baseline.difference for s in read]
        assert list(method.differences.values()) == pytest.approx(told)
    assert [m.name for m in found.across] == ["l2=0.3", "dropout=0.5"]


@pytest.mark.slow
@pytest.mark.page
def test_the_report_says_it_first(folders):
    report = comparison_report([RunFolder(folders / f"run{i}") for i in range(3)])
    assert report.answer.text.endswith("3 data sets are too few to judge over all (at least 7).")
    assert report.verdict[0] == (
        "On no single data set is a method shown to beat no regularization: 6 seeds cannot show "
        "it, at least 7 are needed."
    )
    assert "(at least 7 are needed), the mean differences from no reg" in report.verdict[1]
    assert report.sections[0].anchor == "across"
    assert "; but for that over all data sets" in limits_of(report)


@pytest.mark.slow
@pytest.mark.page
def test_without_it_every_p_is_of_one_study(folders):
    report = comparison_report([RunFolder(folders / name) for name in ("run0", "again")])
    assert limits_of(report).endswith("p holds within its own study only.")


def limits_of(report) -> str:
    (section,) = (s for s in report.sections if s.anchor == "limits")
    return section.blocks[0].items[-1]


@pytest.mark.long
def test_a_variant_of_another_strength_is_another_one(folders):
    methods = read_scores(scores_of_studies(studies(folders, "drop0", "drop1"))).methods
    assert methods == ("none", "drop (dropout=0.2)", "drop (dropout=0.5)")


@pytest.mark.long
@pytest.mark.parametrize("names", [("run0", "again"), ("run0",)])
def test_there_is_none_over_the_same_data_or_one_study(folders, names):
    assert across_studies(studies(folders, *names)) is None


@pytest.mark.long
@pytest.mark.page
def test_of_different_metrics_the_ratios_of_errors_are_averaged(folders):
    read = studies(folders, "run0", "run1", "auc")
    across = across_studies(read)
    method = across.found.across[0]
    ratios = [np.log(errors(s, method.name) / errors(s, "none")).mean() for s in read]
    assert list(method.differences.values()) == pytest.approx(ratios)
    percent = 100 * np.expm1(np.mean(ratios))
    said = f"{method.name} {percent:+z.1f} % of the error (95 % interval"
    assert said in " ".join(across.verdict)
    assert across.verdict[-1].startswith("The data sets have different metrics, so their errors")
    report = comparison_report([RunFolder(s.run_dir) for s in read])
    table = next(b for s in report.sections if s.anchor == "across" for b in s.blocks[1:2])
    assert "Mean difference, % of the error" in str(table)


@pytest.mark.parametrize(
    ("metric", "score", "error"),
    [("rmse", 0.3, 0.3), ("mse", 0.09, 0.3), ("r2", 0.91, 0.3), ("brier_score", 0.09, 0.3)],
)
def test_an_error_and_its_square_weigh_the_same(metric, score, error):
    assert _log_error(score, BY_NAME[metric]) == pytest.approx(np.log(error))


def errors(study, variant) -> np.ndarray:
    """What each network lacks of the most that its metric can be."""
    name = study.record.metric.name
    return np.array([1 - m.test[name] for m in study.record.finished() if m.variant == variant])


@pytest.mark.long
@pytest.mark.page
def test_a_data_set_without_any_error_is_left_out_and_named(folders):
    read = studies(folders, "run0", "run1", "auc")
    perfect = without_error(read[0])
    two, three = across_studies(read[1:]), across_studies([perfect, *read[1:]])
    assert three.found.across == two.found.across
    (said,) = left_out_of_all([perfect, *read[1:]])
    assert said in three.found.notes
    assert said.startswith("data0 is left out of what is said over data sets: by its accuracy")
    assert left_out_of_all(read) == []
    assert left_out_of_all([perfect, read[1]]) == []
    assert across_studies([perfect, read[2]]) is None
    assert left_out_of_all([perfect, read[2]])[1].startswith("Fewer than two data sets are left")


def without_error(study):
    """The same study, but that its first network is always right."""
    record = study.record
    perfect = record.members[0].model_copy(
        update={"test": {**record.members[0].test, "accuracy": 1.0}}
    )
    changed = record.model_copy(update={"members": (perfect, *record.members[1:])})
    return dataclasses.replace(study, record=changed)


@pytest.mark.long
def test_run_folders_of_different_data_are_data_sets_of_a_comparison(folders):
    done = kmlp("compare", str(folders / "run0"), str(folders / "run1"))
    assert done.returncode == 0
    assert "data0:" in done.stdout
    assert "Over 2 data sets, too few to tell (at least 7 are needed)" in done.stdout
