"""A variant once more on all rows: for how long, on what, once, and never scored."""

import dataclasses

import numpy as np
import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.errors import RunFolderError, SelectionError
from kmlp.study.loading import load_study
from kmlp.study.refit.rows import with_all_rows
from kmlp.study.run_folder import RunFolder
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer

rng = np.random.default_rng(0)
X = rng.normal(size=(90, 4)).astype(np.float32)
Y = (X[:, 0] + 0.3 * rng.normal(size=90) > 0).astype(int)
DATA = Dataset.from_arrays(X[:60], Y[:60], X[60:], Y[60:])
CONFIG = StudyConfig(
    dataset="arrays",
    variants=("none", "dropout"),
    num_seeds=3,
    model=MLPConfig(hidden_units=(4,)),
    train=TrainConfig(max_epochs=30, patience=3, learning_rate=0.05),
)


@dataclasses.dataclass(frozen=True)
class Recorder(LinearTrainer):
    """Keeps what it is asked to train."""

    asked: list = dataclasses.field(default_factory=list)

    def train_members(self, stacks, data, **known):
        self.asked.append((stacks, data, known["until"]))
        super().train_members(stacks, data, **known)


@pytest.fixture
def study(tmp_path):
    return run_study(CONFIG, tmp_path / "run", DATA, trainer=LinearTrainer())


def test_every_row_trains_and_none_validates_or_tests():
    whole = with_all_rows(DATA)
    np.testing.assert_array_equal(whole.x_train, X)
    np.testing.assert_array_equal(whole.y_train, Y)
    assert not whole.has_test_rows
    assert whole.provenance.sha256 != DATA.provenance.sha256
    assert whole.given_rows is None


def test_weights_of_test_rows_count_as_those_of_training_rows_do():
    """Theirs are in units of the training rows' mean; together they have mean 1 again."""
    weight = np.arange(1.0, 91)
    data = Dataset.from_arrays(
        X[:60], Y[:60], X[60:], Y[60:], sample_weight=(weight[:60], weight[60:])
    )
    whole = with_all_rows(data)
    np.testing.assert_allclose(whole.rows.weight, weight / weight.mean(), rtol=1e-6)
    assert not whole.spec.is_weighted


def test_given_validation_rows_train_too():
    data = Dataset.from_arrays(X[:50], Y[:50], X[60:], Y[60:], validation=(X[50:60], Y[50:60]))
    whole = with_all_rows(data)
    assert len(whole.y_train) == 90
    assert whole.rows.is_validation is None


def test_it_trains_as_long_as_the_networks_did_best_on_the_mean(study):
    recorder = Recorder()
    selection = study.refit("none", data=DATA, trainer=recorder)
    ((((member,),), data, until),) = recorder.asked
    best = [m.best_epoch for m in study.record.finished("none")]
    assert len(set(best)) > 1
    assert until == round(np.mean(best))
    kept, held_out = member.split(data.rows)
    assert (len(kept), len(held_out)) == (90, 0)
    assert not member.train.early_stopping
    assert member.train.max_epochs == 30  # of a schedule the same part as in the study
    assert selection.refit == {
        "epochs": until,
        "best_epochs": best,
        "seeds": [0, 1, 2],
        "num_rows": 90,
    }
    assert [m["seed"] for m in selection.members] == [0]
    assert selection.members[0]["test"] == {}
    record = RunFolder(study.run_dir).records()[selection.members[0]["id"]]
    assert record.stopped_epoch == until
    assert set(record.metrics) == {"train"}


def test_where_nothing_restores_the_best_epoch_it_trains_to_the_last(tmp_path):
    train = dataclasses.replace(CONFIG.train, early_stopping=False, max_epochs=7)
    config = dataclasses.replace(CONFIG, train=train)
    study = run_study(config, tmp_path / "run", DATA, trainer=LinearTrainer())
    assert study.refit("none", data=DATA, trainer=LinearTrainer()).refit["epochs"] == 7


def test_it_is_trained_once_and_the_study_stays_what_it_was(study):
    before = study.record
    first = study.refit(data=DATA, trainer=LinearTrainer())
    recorder = Recorder()
    again = load_study(study.run_dir)
    assert again.refit(data=DATA, trainer=recorder).members == first.members
    assert recorder.asked == []
    assert again.record == before
    assert again.num_missing == 0
    assert not list((study.run_dir / "paused").glob("*/*.npz"))


def test_damaged_weights_are_trained_again(study):
    id = study.refit("none", data=DATA, trainer=LinearTrainer()).members[0]["id"]
    wanted = RunFolder(study.run_dir).arrays(id)
    (study.run_dir / "arrays" / f"{id}.npz").write_bytes(b"damaged")
    study.refit("none", data=DATA, trainer=LinearTrainer())
    found = RunFolder(study.run_dir).arrays(id)
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)


def test_other_data_are_refused(study):
    data = Dataset.from_arrays(X[:60] + 1, Y[:60], X[60:], Y[60:])
    with pytest.raises(RunFolderError, match="is of other data: hash of the data as used"):
        study.refit(data=data, trainer=LinearTrainer())


def test_a_variant_without_a_finished_network_is_refused(study):
    with pytest.raises(SelectionError, match=r"variant='l2'.*Variants: none, dropout"):
        study.refit("l2", data=DATA, trainer=LinearTrainer())


def test_of_a_study_that_folds_test_all_rows_train_as_well(tmp_path):
    data = Dataset.from_arrays(X, Y)
    config = dataclasses.replace(CONFIG, variants=("none",), num_seeds=2)
    study = run_study(config, tmp_path / "run", data, trainer=LinearTrainer())
    selection = study.refit(data=data, trainer=LinearTrainer())
    assert selection.basis == "folds"
    assert selection.refit["num_rows"] == 90
