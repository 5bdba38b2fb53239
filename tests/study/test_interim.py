"""A study that adds its own seeds: from validation alone, resumable, and silent on the test set."""

import dataclasses
import json
from importlib import resources

import jsonschema
import pytest

import kmlp.stats.group_sequential
from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.errors import ConfigError, RunFolderError
from kmlp.study.interim import schedule_of, take_looks
from kmlp.study.loading import load_study
from kmlp.study.plan import plan_study
from kmlp.study.provenance import claim
from kmlp.study.run_folder.folder import MemberRecord, RunFolder
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer

CONFIG = StudyConfig(
    dataset="tiny",
    variants=("none", {"name": "wild", "learning_rate": 1e-6}, "l2=1e-8"),
    num_seeds="auto",
    max_seeds=14,
    model=MLPConfig(hidden_units=(4,)),
    train=TrainConfig(learning_rate=0.02, batch_size=60, max_epochs=1),
    validation_fraction=0.2,
)
TRAINER = LinearTrainer()
PLAN = plan_study(CONFIG, "0" * 64)
IDS = PLAN.ids


class Titles:
    """Stands in for the progress display."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.titles, self.num_trained, self.stop_at = [], 0, stop_at

    def start(self, variant_of, done, title) -> None:
        self.titles.append(title)
        if len(self.titles) == self.stop_at:
            raise KeyboardInterrupt

    def compiling(self, *_) -> None: ...

    def need(self, memory) -> None:
        pass

    def epoch(self, members, epoch, logs) -> None:
        assert not [name for name in logs if "test" in name]

    def finished(self, results) -> None:
        self.num_trained += len(results)


def records(num_seeds: dict[str, int], gains: dict[str, float], **test) -> dict[str, MemberRecord]:
    """Validation accuracies that differ from the baseline's by a gain, with some spread."""
    found = {}
    for variant, count in num_seeds.items():
        for seed in range(count):
            value = 0.8 + gains[variant] * (1 + 0.1 * (seed % 3)) + 0.001 * seed
            metrics = {"val": {"accuracy": value}, "test": {"accuracy": test.get(variant, 0.5)}}
            found[IDS[variant][seed]] = MemberRecord(
                id=IDS[variant][seed],
                status="done",
                best_epoch=1,
                stopped_epoch=1,
                metrics=metrics,
                seconds=1.0,
            )
    return found


def test_looks_are_planned_before_the_first():
    plan = {n: dataclasses.replace(CONFIG, max_seeds=n) for n in (8, 10, 40, 50, 160)}
    assert {n: schedule_of(c) for n, c in plan.items()} == {
        8: (8,),
        10: (10,),
        40: (10, 20, 40),
        50: (10, 20, 40, 50),
        160: (10, 20, 40, 80, 160),
    }


def test_a_first_look_waits_until_it_can_decide():
    config = dataclasses.replace(CONFIG, variants=("all",), max_seeds=40)
    first, *_ = schedule_of(config)
    assert first == kmlp.stats.group_sequential.useful_schedule(13)[0] > 10


def test_seeds_are_added_to_what_is_open_and_to_the_baseline():
    names = CONFIG.variant_names
    gains = {"none": 0.0, "wild": -0.3, "l2=1e-08": 0.0}
    start = take_looks(PLAN, {}, (), "multiclass")
    assert (start.num_seeds, start.is_over) == (dict.fromkeys(names, 10), False)
    first = take_looks(PLAN, records(dict.fromkeys(names, 10), gains), (), "multiclass")
    assert first.num_seeds == {"none": 14, "wild": 10, "l2=1e-08": 14}
    assert not first.is_over
    last = take_looks(PLAN, records(first.num_seeds, gains), (), "multiclass")
    assert last.is_over
    assert last.status == {"wild": "worse", "l2=1e-08": "undecided"}


def test_test_scores_have_no_say():
    gains = {"none": 0.0, "wild": -0.3, "l2=1e-08": 0.0}
    count = dict.fromkeys(gains, 10)
    found = [
        take_looks(PLAN, records(count, gains, none=0.1, wild=w), (), "multiclass")
        for w in (0.0, 1.0)
    ]
    assert found[0] == found[1]


def test_a_member_that_gave_nothing_counts_as_trained():
    gains = {"none": 0.0, "wild": -0.3, "l2=1e-08": 0.0}
    found = records(dict.fromkeys(gains, 10), gains)
    lost = IDS["wild"][3]
    del found[lost]
    assert not take_looks(PLAN, found, (), "multiclass").looks
    assert len(take_looks(PLAN, found, {lost}, "multiclass").looks) == 1


def test_without_validation_rows_there_is_nothing_to_look_at():
    with pytest.raises(ConfigError, match="num_seeds='auto' looks at validation rows"):
        dataclasses.replace(CONFIG, validation_fraction=0.0)


@pytest.mark.long
@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"max_seeds": 28}, "max_seeds is 14 there, 28 here"),
        ({"half_width": 0.1}, "half_width is None there, 0.1 here"),
        ({"num_seeds": 20}, "num_seeds is 'auto' there, 20 here"),
    ],
)
def test_a_plan_stands_once_a_look_was_taken(tiny, tmp_path, changes, difference):
    config, folder = CONFIG.for_data(tiny.spec.task, tiny.spec.input_dtype), RunFolder(tmp_path)
    ids = plan_study(config, tiny.provenance.sha256).ids
    found = records(dict.fromkeys(ids, 9), dict.fromkeys(ids, 0.0))
    own = {IDS[name][seed]: id for name, by_seed in ids.items() for seed, id in by_seed.items()}

    def add(found):
        with folder.writing():
            for record in found.values():
                folder.record(dataclasses.replace(record, id=own[record.id]), {})

    with folder.writing():
        claim(folder, config, tiny, TRAINER)
    add(found)
    changed = dataclasses.replace(config, **changes)
    # Nine seeds are no look yet.
    with pytest.raises(KeyboardInterrupt):
        run_study(changed, tmp_path, tiny, progress=Titles(stop_at=1), trainer=TRAINER)
    with folder.writing():
        claim(folder, config, tiny, TRAINER)
    more = records(dict.fromkeys(ids, 10), dict.fromkeys(ids, 0.0))
    add({id: record for id, record in more.items() if id not in found})
    with pytest.raises(RunFolderError, match=f"1 times so far, by another plan: {difference}"):
        run_study(changed, tmp_path, tiny, trainer=TRAINER)
    with pytest.raises(KeyboardInterrupt):
        run_study(config, tmp_path, tiny, progress=Titles(stop_at=1), trainer=TRAINER)


@pytest.mark.long
def test_a_study_adds_seeds_says_nothing_before_it_stops_and_goes_on_when_interrupted(
    tiny, tmp_path
):
    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run_study(CONFIG, run, tiny, progress=Titles(stop_at=2), trainer=TRAINER)
    assert not (run / "results.json").exists()
    with pytest.raises(RunFolderError, match="seeds are still being added, after 1 looks"):
        load_study(run)
    progress = Titles()
    study = run_study(CONFIG, run, tiny, progress=progress, trainer=TRAINER)
    assert progress.titles == ["Look 2 of 2, at 14 seeds, 1 of 2 variants undecided: "]
    assert progress.num_trained == 4 + 4
    counts = {v["name"]: v["num_members"] for v in study.results["variants"]}
    assert counts == {"none": 14, "wild": 10, "l2=1e-08": 14}
    assert study.results["looks"]["num_seeds"] == counts
    assert [look["num_seeds"] for look in study.results["looks"]["taken"]] == [10, 14]
    schema = json.loads((resources.files("kmlp") / "results.schema.json").read_text())
    jsonschema.validate(json.loads((run / "results.json").read_text()), schema)
    assert json.dumps(load_study(run).results) == json.dumps(study.results)
    # Two looks: p counts them both, and the smallest that ten seeds can give is 2 / 2^10.
    wild = study.results["variants"][1]["versus_baseline"]
    assert wild["p_holm"] == pytest.approx(2 * 2 * wild["p"])
