"""Rows kept to calibrate: no network, and no choice, has seen them."""

import dataclasses

import numpy as np
import pytest

from kmlp.config import StudyConfig
from kmlp.data import Dataset
from kmlp.data.rows.record import Rows
from kmlp.deploy.calibration.asked import Asked
from kmlp.deploy.calibration.fitting import calibrated
from kmlp.errors import ConfigError, RunFolderError, SelectionError
from kmlp.report.sections.predictions import trust_section
from kmlp.report.sections.setting import setting_section
from kmlp.study.loading import load_study
from kmlp.study.plan import plan_study
from kmlp.study.references.member import ReferenceMember
from kmlp.study.results.networks import read_networks
from kmlp.study.run_folder import RunFolder
from kmlp.study.run_folder.records import outputs_in
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer
from tests.engine.test_member import MEMBER

NUM_ROWS = 240
KEPT = dataclasses.replace(MEMBER, calibration_fraction=0.25)


def made(**more) -> Dataset:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(NUM_ROWS + 60, 3)).astype("float32")
    y = (x[:, 0] + rng.normal(size=len(x)) > 0).astype(int)
    return Dataset.from_arrays(x[:NUM_ROWS], y[:NUM_ROWS], x[NUM_ROWS:], y[NUM_ROWS:], **more)


def study(data: Dataset, folder, **more):
    settings = {"variants": ("none", "dropout"), "num_seeds": 3, "calibration_fraction": 0.25}
    train = {"max_epochs": 5, "learning_rate": 0.02}
    config = StudyConfig(dataset="arrays", train=train, **settings | more)
    return run_study(config, folder, data, trainer=LinearTrainer())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    data, folder = made(), tmp_path_factory.mktemp("kept") / "run"
    return data, study(data, folder, folds=4, resample="splits:3", references=("linear",))


def of_seed(seed: int):
    seeds = dataclasses.replace(MEMBER.seeds, split=seed, init=seed, order=seed)
    return dataclasses.replace(KEPT, seeds=seeds)


def test_are_the_same_of_every_seed_and_in_no_split_and_no_fold():
    labels = np.random.default_rng(0).integers(0, 3, 200)
    kept = KEPT.calibration(labels)
    assert len(kept) == 50
    for seed in range(5):
        member = of_seed(seed)
        np.testing.assert_array_equal(member.calibration(labels), kept)
        parts = np.concatenate([*member.split(labels), kept])
        np.testing.assert_array_equal(np.sort(parts), np.arange(200))


def test_are_drawn_whatever_their_class():
    """New rows are of no fixed shares: the draw is the same with other labels."""
    labels = np.repeat([0, 1, 2], [20, 60, 120])
    np.testing.assert_array_equal(KEPT.calibration(labels), KEPT.calibration(labels[::-1].copy()))


@pytest.mark.parametrize("way", ["groups", "time", "is_validation"])
def test_follow_what_is_known_of_rows(way):
    """Whole groups; the last rows of all; none that are given to validate."""
    known = {
        "groups": np.arange(NUM_ROWS) // 6,
        "time": np.random.default_rng(0).permutation(NUM_ROWS).astype(float),
        "is_validation": np.arange(NUM_ROWS) >= NUM_ROWS - 40,
    }[way]
    rows = Rows(strata=np.zeros(NUM_ROWS, int), **{way: known})
    kept, (train, val) = KEPT.calibration(rows), KEPT.split(rows)
    assert not np.intersect1d(kept, np.concatenate([train, val])).size
    if way == "groups":
        assert not np.intersect1d(known[kept], known[np.concatenate([train, val])]).size
        assert len(kept) == pytest.approx(NUM_ROWS / 4, abs=6)
    elif way == "time":
        assert known[train].max() < known[val].min() < known[val].max() < known[kept].min()
    else:
        assert not known[kept].any()
        assert len(kept) == 50


def test_a_fraction_of_zero_changes_no_id_and_no_row():
    same, labels = dataclasses.replace(KEPT, calibration_fraction=0.0), np.arange(90) % 3
    assert same.id == MEMBER.id == "1763b74ab19687c4"
    assert ReferenceMember("linear", 0, same).id == ReferenceMember("linear", 0, MEMBER).id
    for one, other in zip(same.split(labels), MEMBER.split(labels), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_fraction_is_part_of_what_a_network_and_a_reference_are():
    assert KEPT.id != MEMBER.id
    assert ReferenceMember("linear", 0, KEPT).id != ReferenceMember("linear", 0, MEMBER).id


def test_every_network_of_a_study_says_of_the_same_rows_what_it_would_of_new_ones(finished):
    data, found = finished
    plan, folder = plan_study(found.config, data.provenance.sha256), RunFolder(found.run_dir)
    kept = KEPT.calibration(data.rows)
    for by_seed in plan.members.values():
        for member in by_seed.values():
            arrays = folder.arrays(member.id)
            np.testing.assert_array_equal(arrays["cal_rows"], kept)
            assert outputs_in(arrays, "cal").shape == (60, 2)
            assert not np.intersect1d(arrays["val_rows"], kept).size
    folds = [folder.arrays(e.member.id) for e in plan.extras if e.group == "folds"]
    scored = [np.unique(each["fold_rows"]) for each in folds]
    np.testing.assert_array_equal(
        np.unique(np.concatenate(scored)), np.setdiff1d(np.arange(NUM_ROWS), kept)
    )
    assert not any("cal_rows" in each for each in folds)


def test_results_and_page_tell_how_many(finished):
    _, found = finished
    facts = found.record.dataset
    assert (facts.num_train, facts.num_val, facts.num_calibration) == (150, 30, 60)
    assert "60 calibration (seen by no network)" in str(setting_section(found.record))
    assert load_study(found.run_dir).record == found.record


def test_labels_that_nobody_sees_change_nothing_but_their_own_scores(tmp_path, finished):
    """What is learned, chosen and scored is the same to the bit with other labels there."""
    data, found = finished
    y = data.y_train.copy()
    kept = KEPT.calibration(data.rows)
    y[kept] = 1 - y[kept]
    origin = dataclasses.replace(data.provenance, sha256="f" * 64)
    other = dataclasses.replace(data, y_train=y, provenance=origin)
    again = study(other, tmp_path / "run", references=("linear",))
    for one in found.record.finished("none"):
        (twin,) = (m for m in again.record.finished("none") if m.seed == one.seed)
        assert (twin.test, twin.val) == (one.test, one.val)


def test_the_page_tells_how_sure_an_export_would_be(finished):
    _, found = finished
    networks = read_networks(RunFolder(found.run_dir), found.record)
    export = calibrated(found.best(), Asked())
    assert networks.temperature == pytest.approx(export.temperature)
    section = trust_section(networks)
    assert f"divides logits by the temperature {export.temperature:.3g}" in section.blocks[0].text
    names = {row[0] for row in section.tables["reliability"][1:]}
    assert names == {"one", "ensemble", "the same, calibrated"}


def test_who_is_trained_on_all_rows_has_none_to_be_calibrated_on(tmp_path):
    """A refit network sees the kept rows, too; nothing is said of it that they could tell."""
    data = made()
    found = study(data, tmp_path / "run")
    selection = found.refit(data=data, trainer=LinearTrainer())
    assert selection.refit["num_rows"] == len(data.y_train) + len(data.y_test)
    (member,) = selection.members
    assert "cal_rows" not in RunFolder(found.run_dir).arrays(member["id"])
    assert calibrated(selection, Asked()) is None
    with pytest.raises(SelectionError, match=r"a refit network has trained on all rows"):
        calibrated(selection, Asked(coverage=0.9))


def test_another_fraction_is_another_study(tmp_path):
    data = made()
    study(data, tmp_path / "run")
    with pytest.raises(RunFolderError, match=r"calibration_fraction is 0.25 there, 0.5 here"):
        study(data, tmp_path / "run", calibration_fraction=0.5)


def test_refuses_to_keep_none_or_all_and_where_folds_test(tmp_path):
    with pytest.raises(ConfigError, match=r"no row would be kept to calibrate.*0.001 of 240"):
        study(made(), tmp_path / "a", calibration_fraction=0.001)
    with pytest.raises(ConfigError, match=r"every row would be kept to calibrate"):
        study(made(), tmp_path / "b", calibration_fraction=0.999)
    data = made()
    without = Dataset.from_arrays(data.x_train, data.y_train)
    with pytest.raises(ConfigError, match=r"where folds test .* Leave it out; or write --test 0.2"):
        study(without, tmp_path / "c")
    with pytest.raises(ConfigError, match=r"calibration_fraction=1\.5"):
        StudyConfig(dataset="arrays", calibration_fraction=1.5)
