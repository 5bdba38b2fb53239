"""References tuned on request: on validation rows alone, recorded, resumed, told as such."""

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.errors import ConfigError
from kmlp.study.loading import load_study
from kmlp.study.plan import plan_study
from kmlp.study.references import training
from kmlp.study.references.estimators import ESTIMATORS, make_estimator
from kmlp.study.references.training import chosen_settings
from kmlp.study.references.tuning import SPACES, candidates
from kmlp.study.run_folder.records import MemberRecord
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer

CONFIG = StudyConfig(
    dataset="made",
    variants=("none", "l2"),
    num_seeds=3,
    model=MLPConfig(hidden_units=(4,)),
    train=TrainConfig(max_epochs=2),
    references=("constant", "linear"),
    reference_trials=8,
    importance=False,
)


def data_of_noise() -> Dataset:
    """More columns than the rows can tell apart: ridge regression needs a strong penalty."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(140, 40))
    y = x[:, 0] + 3 * rng.normal(size=140)
    return Dataset.from_arrays(x[:80], y[:80], x[80:], y[80:])


def study(config, run_dir, data=None):
    return run_study(config, run_dir, data or data_of_noise(), trainer=LinearTrainer())


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    return study(CONFIG, tmp_path_factory.mktemp("tuned") / "run")


def linear_of(study):
    return next(r for r in study.record.references if r.name == "linear")


def members_of(config, data):
    return plan_study(config, data.provenance.sha256).references


def test_the_choice_is_the_lowest_error_on_validation_rows_by_a_plain_loop(tuned):
    data = data_of_noise()
    member = members_of(CONFIG, data)["linear"][1]
    rows, held_out = member.network.split(data.rows)
    errors = []
    tried = candidates(Ridge(), 8, seed=1)
    scaler = StandardScaler().fit(data.x_train[rows])
    for settings in tried:
        ridge = Ridge(**settings).fit(scaler.transform(data.x_train[rows]), data.y_train[rows])
        wrong = ridge.predict(scaler.transform(data.x_train[held_out])) - data.y_train[held_out]
        errors.append(np.mean(wrong**2))
    found = linear_of(tuned).members[1]
    assert found.settings == tried[int(np.argmin(errors))]
    assert found.settings["alpha"] > 1


def test_test_rows_have_no_part_in_the_choice():
    data = data_of_noise()
    member = members_of(CONFIG, data)["linear"][0]
    others = dataclasses.replace(data, x_test=data.x_test[::-1] * 9, y_test=data.y_test * 0)
    assert chosen_settings(member, data) == chosen_settings(member, others)


def test_what_was_tried_and_chosen_is_recorded_and_read_again(tuned):
    assert [(r.name, r.num_trials) for r in tuned.record.references] == [
        ("constant", 1),
        ("linear", 8),
    ]
    assert all(m.settings is None for m in tuned.record.references[0].members)
    assert load_study(tuned.run_dir).record.references == tuned.record.references


def test_recorded_choices_are_not_made_again(tuned, monkeypatch):
    monkeypatch.setattr(training, "chosen_settings", None)
    again = study(CONFIG, tuned.run_dir)
    assert again.record.references == tuned.record.references


def test_the_verdict_says_which_are_tuned_and_which_are_not(tuned, tmp_path):
    said = " ".join(tuned.record.verdict)
    assert "tuned ridge regression" in said.lower()
    assert "Tuned is what has the best of 8 settings on the validation rows of each seed." in said
    plain = study(dataclasses.replace(CONFIG, reference_trials=1), tmp_path / "run").record.verdict
    assert "tuned ridge" not in " ".join(plain).lower()


def test_ids_of_untuned_ones_are_what_they_were():
    one, many = (
        members_of(dataclasses.replace(CONFIG, reference_trials=n), data_of_noise()) for n in (1, 8)
    )
    plain = dataclasses.replace(many["linear"][0], num_trials=1)
    assert one["linear"][0].id == plain.id != many["linear"][0].id
    assert one["constant"][0].id == many["constant"][0].id


def test_folds_choose_on_the_validation_rows_of_each_fold(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 20))
    data = Dataset.from_arrays(x, x[:, 0] + rng.normal(size=120))
    config = dataclasses.replace(CONFIG, num_seeds=1, folds=3, repeats=1, references=("linear",))
    found = linear_of(study(config, tmp_path / "run", data))
    assert len(found.members) == 3
    assert all(m.settings is not None for m in found.members)


def test_auto_tries_as_many_settings_as_the_networks_had():
    auto = dataclasses.replace(CONFIG, reference_trials="auto", variants=("none", "dropout", "l2"))
    assert auto.num_settings == 3
    assert auto.for_data("regression", "float32").reference_trials == 3
    assert dataclasses.replace(auto, searched=20).trials_of("linear") == 20
    assert dataclasses.replace(auto, strengths="auto").num_settings == 1 + 5 + 5


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"reference_trials": 0}, "reference_trials"),
        ({"reference_trials": "many"}, "reference_trials"),
        ({"reference_trials": 5, "validation_fraction": 0}, "leave reference_trials 1"),
    ],
)
def test_what_cannot_be_tried_is_refused(fields, said):
    with pytest.raises(ConfigError, match=said):
        dataclasses.replace(CONFIG, **fields)


@pytest.mark.parametrize("name", [n for n in ESTIMATORS if n != "constant"])
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_every_reference_takes_what_is_drawn_for_it(name, task):
    data = data_of_noise()
    y = data.y_train > 0 if task == "binary" else data.y_train
    spec = Dataset.from_arrays(data.x_train, y, data.x_train, y).spec
    pipeline = make_estimator(name, spec, 0)
    last = pipeline.steps[-1][1] if hasattr(pipeline, "steps") else pipeline
    for settings in candidates(last, 4, seed=0):
        last.set_params(**settings)
        last._validate_params()
    assert set(SPACES[type(last).__name__]) <= set(last.get_params())


def test_a_record_without_settings_is_what_earlier_releases_wrote():
    record = MemberRecord(
        id="0" * 16, status="done", best_epoch=1, stopped_epoch=1, metrics={}, seconds=1.0
    )
    assert "settings" not in record.to_json()
    tuned = dataclasses.replace(record, settings={})
    assert MemberRecord.read(tuned.to_json()) == tuned
    with pytest.raises(ValueError, match="not the record of a member"):
        MemberRecord.read(tuned.to_json().replace("{}}", '{"alpha": "x"}}'))
