"""Members beside the ordinary ones: trained as said, recorded apart, read back as arrays."""

import dataclasses
import json
import re
from importlib import resources

import jsonschema
import numpy as np
import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.errors import ConfigError
from kmlp.stats.decomposition.variance_components import pooled_sd
from kmlp.study.loading import Study, load_study
from kmlp.study.plan import plan_study, streams_of
from kmlp.study.results.analyses.decompositions import resampled, resampled_scores
from kmlp.study.results.analyses.seed_streams import stream_scores
from kmlp.study.results.records.study import StudyResults
from kmlp.study.run_folder import RunFolder
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer

CONFIG = StudyConfig(
    dataset="tiny",
    variants=("none", "dropout=0.3"),
    num_seeds=2,
    model=MLPConfig(hidden_units=(8,)),
    train=TrainConfig(learning_rate=0.02, batch_size=32, max_epochs=2),
    validation_fraction=0.2,
    resample="splits:3",
    resample_seeds=2,
    folds=4,
    repeats=2,
    randomness=True,
    randomness_seeds=2,
)
SHA = "0" * 64
TRAINER = LinearTrainer(width=6)


@pytest.fixture(scope="module")
def data() -> Dataset:
    """102 training rows of three classes, so that neither parts nor folds come out even."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 6))

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        y = np.arange(n) % 3
        return (centres[y] + rng.normal(size=(n, 6))).astype(np.float32), y

    return Dataset.from_arrays(*draw(102), *draw(30), name="tiny")


class Names:
    """Stands in for the progress display."""

    def __init__(self) -> None:
        self.names, self.titles, self.trained = [], [], []

    def start(self, variant_of, done, title) -> None:
        self.names, self.titles = list(variant_of.values()), [*self.titles, title]

    def compiling(self, *_) -> None: ...

    def need(self, memory) -> None:
        pass

    def epoch(self, members, epoch, logs) -> None:
        pass

    def finished(self, results) -> None:
        self.trained += [r.member.id for r in results]


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    progress = Names()
    study = run_study(
        CONFIG, tmp_path_factory.mktemp("groups") / "run", data, progress=progress, trainer=TRAINER
    )
    return study, progress


@pytest.mark.long
def test_ordinary_results_are_those_of_the_ordinary_members_alone(finished, data, tmp_path):
    study, _ = finished
    plain = dataclasses.replace(CONFIG, resample=None, folds=None, randomness=False)
    alone = run_study(plain, tmp_path / "plain", data, trainer=TRAINER).results
    assert alone["extra_members"] == []
    assert alone["groups"] == {}
    for mine, theirs in zip(study.results["members"], alone["members"], strict=True):
        assert mine["id"] == theirs["id"]
        assert mine["val"]["cross_entropy"] == pytest.approx(theirs["val"]["cross_entropy"])
    means = [[v["test"]["accuracy"]["mean"] for v in r["variants"]] for r in (study.results, alone)]
    assert means[0] == pytest.approx(means[1])


@pytest.mark.long
def test_results_follow_their_schema(finished):
    schema = json.loads((resources.files("kmlp") / "results.schema.json").read_text())
    stored = json.loads((finished[0].run_dir / "results.json").read_text())
    jsonschema.validate(stored, schema)
    assert stored["groups"] == {
        "resample": {"kind": "splits", "num_samples": 3, "num_seeds": 2, "num_train": 27},
        "folds": {"num_folds": 4, "num_repeats": 2, "num_train": 61, "num_held_out": 26},
        "randomness": {"num_settings": 3, "num_seeds": 2},
    }


def test_what_the_networks_are_is_said_where_their_number_is_a_riddle():
    plan = plan_study(CONFIG, SHA)
    plain, num = dataclasses.replace(plan, extras=()), len(plan.members) * CONFIG.num_seeds
    assert plain.made_of == "2 variants x 2 seeds"
    assert plan.made_of.startswith(
        "2 variants x 2 seeds, and 12 for samples of the rows, and 16 for"
    )
    beside = [int(word) for word in re.findall(r"(\d+) for ", plan.made_of)]
    assert sum(beside) + num == len(plan.by_id), "who stands for several things is counted once"
    assert plain.of_seeds({"none": 1, "dropout=0.3": 2}).made_of == "2 variants x up to 2 seeds"


def test_stated_numbers_of_rows_are_those_of_the_members(data):
    for extra in plan_study(CONFIG, SHA).extras:
        kept, _ = extra.member.split(data.y_train)
        assert len(kept) == {"resample": 27, "folds": 61, "randomness": 82}[extra.group]


@pytest.mark.long
def test_the_same_study_again_trains_nothing_and_loads_as_it_is(finished, data):
    study, _ = finished
    progress = Names()
    again = run_study(CONFIG, study.run_dir, data, progress=progress, trainer=TRAINER)
    assert progress.trained == []
    assert again.results == study.results
    loaded = load_study(study.run_dir)
    assert loaded.num_missing == 0
    assert json.dumps(loaded.results) == json.dumps(study.results)
    assert loaded.config == CONFIG


@pytest.mark.long
def test_each_member_is_trained_once_though_two_groups_name_it(finished):
    study, progress = finished
    ids = {m["id"] for part in ("members", "extra_members") for m in study.results[part]}
    assert sorted(progress.trained) == sorted(ids)
    # At setting s and seed s of the varying stream all streams have one seed.
    ordinary = {m["id"] for m in study.results["members"]}
    same = [m for m in study.results["extra_members"] if m["id"] in ordinary]
    assert {(m["group"], m["place"] == m["seed"]) for m in same} == {("randomness", True)}
    assert set(progress.names) == {
        f"{v}{group}"
        for v in ("none", "dropout=0.3")
        for group in ("", ", resample", ", folds", ", randomness")
    }


def test_resampled_predictions_come_back_as_arrays(finished, data):
    study, _ = finished
    folder = RunFolder(study.run_dir)
    found = resampled(folder, study.record, "dropout=0.3")
    assert (found.kind, found.samples, found.seeds) == ("splits", (0, 1, 2), (0, 1))
    assert found.outputs.shape == (3, 2, 30, 3)
    np.testing.assert_array_equal(found.truth, data.y_test)
    accuracies = (found.outputs.argmax(axis=-1) == found.truth).mean(axis=-1)
    scores = resampled_scores(study.record, "dropout=0.3", "accuracy")
    np.testing.assert_allclose(accuracies, scores)
    assert len(np.unique(found.outputs[..., 0])) > 100, "no two networks are the same"


def test_samples_are_the_same_rows_for_every_variant_and_seed(data):
    extras = [e for e in plan_study(CONFIG, SHA).extras if e.group == "resample"]
    rows = {}
    for extra in extras:
        train, val = extra.member.split(data.y_train)
        rows.setdefault(extra.place, set()).add((train.tobytes(), val.tobytes()))
    assert [len(found) for found in rows.values()] == [1, 1, 1]
    assert len({val for found in rows.values() for _, val in found}) == 1


def test_folds_are_scored_on_what_they_hold_out_and_never_on_the_test_set(finished, data):
    assert_scored_on_what_they_hold_out(finished[0], data)


def assert_scored_on_what_they_hold_out(study: Study, data: Dataset) -> None:
    folder = RunFolder(study.run_dir)
    members = [m for m in study.results["extra_members"] if m["group"] == "folds"]
    assert len(members) == 2 * 2 * 4
    held_out: dict = {}
    for member in members:
        arrays = folder.arrays(member["id"])
        assert not [name for name in arrays if name.startswith("test")]
        assert "test" not in member
        truth = data.y_train[arrays["fold_rows"]]
        right = arrays["fold_log_probabilities"].argmax(axis=1) == truth
        assert member["fold"]["accuracy"] == right.mean()
        key = member["variant"], member["seed"]
        held_out.setdefault(key, []).extend(arrays["fold_rows"].tolist())
    assert all(sorted(rows) == list(range(102)) for rows in held_out.values())
    assert held_out["none", 0] == held_out[study.config.variant_names[1], 0] != held_out["none", 1]
    table = study.record.cross_validation.variants[0].scores
    assert np.shape(table) == (2, 4)
    expected = [[m["fold"]["accuracy"] for m in members[r : r + 4]] for r in (0, 4)]
    np.testing.assert_array_equal(table, expected)


def test_one_stream_varies_and_the_others_are_held(finished):
    study, _ = finished
    for extra in plan_study(CONFIG, SHA).extras:
        if extra.group == "randomness":
            held = {k: v for k, v in vars(extra.member.seeds).items() if k != extra.stream}
            assert set(held.values()) == {extra.place}
            assert getattr(extra.member.seeds, extra.stream) == extra.seed
    scores = stream_scores(study.record, "dropout=0.3", "cross_entropy")
    assert {name: table.shape for name, table in scores.items()} == dict.fromkeys(
        ("init", "order", "noise", "split"), (3, 2)
    )
    assert min(table.std(axis=1).min() for table in scores.values()) > 0
    # `none` draws no noise: there is nothing to vary.
    assert set(stream_scores(study.record, "none", "accuracy")) == {"init", "order", "split"}


@pytest.mark.parametrize(
    ("variant", "draws"),
    [("input_noise", True), ("gradient_noise", True), ("drop_connect", True), ("l2", False)],
)
def test_the_noise_stream_varies_where_a_variant_draws(variant, draws):
    config = dataclasses.replace(CONFIG, variants=("none", variant), sweep=())
    assert ("noise" in streams_of(config, config.resolved_variants[1])) == draws


def test_settings_vary_a_stream_over_seeds_of_their_own():
    """Shared seeds would repeat a stream's effect in each setting: intervals would miss it."""
    config = dataclasses.replace(CONFIG, variants=("none",), randomness_seeds=4)
    extras = [e for e in plan_study(config, SHA).extras if e.stream == "init"]
    seeds = [[e.seed for e in extras if e.place == setting] for setting in range(3)]
    assert np.unique(seeds).size == 3 * 4
    rng, held = np.random.default_rng(0), []
    for _ in range(1000):
        effects = rng.normal(size=max(max(of) for of in seeds) + 1)
        low, high = pooled_sd(effects[seeds]).ci95
        held.append(low < 1 < high)
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


def test_more_seeds_of_a_stream_go_on_from_fewer():
    few, more = (
        {e.member.id for e in plan_study(config, SHA).extras if e.group == "randomness"}
        for config in (CONFIG, dataclasses.replace(CONFIG, randomness_seeds=4))
    )
    assert few < more


def test_a_stream_with_a_fixed_seed_does_not_vary():
    config = dataclasses.replace(CONFIG, seed_streams={"split": 7, "order": 1})
    extras = [e for e in plan_study(config, SHA).extras if e.group == "randomness"]
    assert {e.stream for e in extras} == {"init", "noise"}
    assert {e.member.seeds.split for e in extras} == {7}


@pytest.mark.long
def test_an_interrupted_study_ends_as_if_never_interrupted(finished, data, tmp_path):
    class Interrupting(Names):
        def finished(self, results) -> None:
            super().finished(results)
            if len(self.trained) > 20:
                raise KeyboardInterrupt

    first, second = Interrupting(), Names()
    with pytest.raises(KeyboardInterrupt):
        run_study(CONFIG, tmp_path / "run", data, progress=first, trainer=TRAINER)
    again = run_study(CONFIG, tmp_path / "run", data, progress=second, trainer=TRAINER)
    whole, _ = finished
    assert not set(first.trained) & set(second.trained)
    assert len(first.trained) + len(second.trained) == len(finished[1].trained)
    for part in ("members", "extra_members"):
        for a, b in zip(again.results[part], whole.results[part], strict=True):
            assert a["id"] == b["id"]
            assert a["val"]["cross_entropy"] == pytest.approx(b["val"]["cross_entropy"], rel=1e-4)


@pytest.mark.long
def test_more_samples_seeds_and_repeats_train_only_what_is_missing(finished, data, tmp_path):
    few = dataclasses.replace(
        CONFIG, variants=("none",), resample="bootstrap:2", repeats=1, randomness=False
    )
    run_study(few, tmp_path / "run", data, trainer=TRAINER)
    progress = Names()
    more = dataclasses.replace(few, resample="bootstrap:3", repeats=2)
    run_study(more, tmp_path / "run", data, progress=progress, trainer=TRAINER)
    assert len(progress.trained) == 2 + 4


def test_a_sample_without_one_of_its_networks_is_left_out(finished):
    study, _ = finished
    results = json.loads(json.dumps(study.results))
    member = next(m for m in results["extra_members"] if m["group"] == "resample")
    member["status"] = "diverged"
    results = StudyResults.model_validate(results)
    found = resampled(RunFolder(study.run_dir), results, member["variant"])
    assert (found.samples, found.left_out) == ((1, 2), (0,))
    assert np.isnan(resampled_scores(results, member["variant"], "accuracy")[0, 0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"resample": "splits:90"}, "would be left to train on"),
        ({"folds": 200}, "every fold needs a row. Received: folds=200, 102 rows."),
        (
            {"variants": ("none", {"name": "many", "num_train": 90})},
            "variant 'many': num_train=90 is more than the 82 training rows that are left",
        ),
        (
            {"variants": ("none", {"name": "many", "num_train": 40})},
            "variant 'many': num_train=40 is more than the 27 training rows, each of splits,",
        ),
    ],
)
def test_samples_that_the_data_cannot_give_are_refused_before_training(
    data, tmp_path, changes, message
):
    with pytest.raises(ConfigError, match=message):
        run_study(dataclasses.replace(CONFIG, **changes), tmp_path / "run", data)
    assert not (tmp_path / "run").exists()
