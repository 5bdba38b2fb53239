"""A study plans, trains only what is missing, and its numbers follow from its folder."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from importlib import resources
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.errors import RunFolderError
from kmlp.study.loading import load_study
from kmlp.study.run_folder import RunFolder
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer

ROOT = Path(__file__).parents[2]
CONFIG = StudyConfig(
    dataset="tiny",
    variants=("none", "dropout=0.3", {"name": "small", "hidden_units": [4], "l2": 0.01}),
    num_seeds=6,
    model=MLPConfig(hidden_units=(16, 8)),
    train=TrainConfig(learning_rate=0.02, batch_size=40, max_epochs=6, patience=2),
    validation_fraction=0.2,
)
TRAINER = LinearTrainer(width=4)


class Recorder:
    """Stands in for the progress display."""

    def __init__(self) -> None:
        self.trained: list[str] = []

    def start(self, variant_of, done, title) -> None:
        self.num_done, self.num_members = len(done), len(variant_of)

    def compiling(self, *_) -> None: ...

    def need(self, memory) -> None:
        self.num_stacks = memory.num_stacks

    def epoch(self, members, epoch, logs) -> None:
        assert len(members) == len(logs["val_accuracy"])

    def finished(self, results) -> None:
        self.trained += [r.member.id for r in results]


def run(config: StudyConfig, run_dir, data: Dataset):
    recorder = Recorder()
    return run_study(config, run_dir, data, progress=recorder, trainer=TRAINER), recorder


@pytest.fixture
def finished(tiny, tmp_path):
    """A finished study in `tmp_path / "a"`."""
    study, recorder = run(CONFIG, tmp_path / "a", tiny)
    assert len(recorder.trained) == 18
    return study


@pytest.mark.long
def test_results_follow_their_schema(finished):
    schema = json.loads((resources.files("kmlp") / "results.schema.json").read_text())
    stored = json.loads((finished.run_dir / "results.json").read_text())
    jsonschema.validate(stored, schema)
    assert stored == json.loads(json.dumps(finished.results))
    assert [v["name"] for v in stored["variants"]] == ["none", "dropout=0.3", "small"]
    assert [v["strength"] for v in stored["variants"]][2] == "hidden_units=[4], l2=0.01"


@pytest.mark.long
def test_every_number_can_be_recomputed_from_the_folder(finished, tiny):
    folder = RunFolder(finished.run_dir)
    results = finished.results
    for variant in results["variants"]:
        members = [m for m in results["members"] if m["variant"] == variant["name"]]
        arrays = [folder.arrays(m["id"]) for m in members]
        hits = [(a["test_log_probabilities"].argmax(1) == tiny.y_test).sum() for a in arrays]
        accuracies = np.array(hits) / len(tiny.y_test)
        assert [m["test"]["accuracy"] for m in members] == accuracies.tolist()
        assert variant["test"]["accuracy"]["mean"] == pytest.approx(accuracies.mean(), abs=1e-15)
        assert variant["test"]["accuracy"]["sd"] == pytest.approx(accuracies.std(ddof=1))
        mean = np.mean([np.exp(a["test_log_probabilities"].astype(float)) for a in arrays], axis=0)
        assert variant["ensemble"]["accuracy"] == (mean.argmax(1) == tiny.y_test).mean()
        for member, a in zip(members, arrays, strict=True):
            assert len(a["curve_val_cross_entropy"]) == member["stopped_epoch"]
            best = a["curve_val_cross_entropy"][member["best_epoch"] - 1]
            assert member["val"]["cross_entropy"] == pytest.approx(best, rel=1e-5)


@pytest.mark.long
def test_the_same_study_again_trains_nothing(finished, tiny):
    again, recorder = run(CONFIG, finished.run_dir, tiny)
    assert recorder.trained == []
    assert recorder.num_done == 18
    assert again.results == finished.results


@pytest.mark.long
def test_more_seeds_and_variants_train_only_what_is_missing(finished, tiny):
    more = dataclasses.replace(CONFIG, num_seeds=7, variants=(*CONFIG.variants, "l2"))
    study, recorder = run(more, finished.run_dir, tiny)
    assert len(recorder.trained) == 3 + 7
    old = {m["id"]: m for m in finished.results["members"]}
    new = {m["id"]: m for m in study.results["members"]}
    assert len(new) == 28
    assert all(new[id] == old[id] for id in old)


@pytest.mark.long
def test_a_study_in_steps_equals_a_study_at_once(finished, tiny, tmp_path):
    """Two seeds first, then all: other stacks, the same members to rounding."""
    few = dataclasses.replace(CONFIG, num_seeds=2)
    run(few, tmp_path / "b", tiny)
    stepwise, _ = run(CONFIG, tmp_path / "b", tiny)
    for a, b in zip(stepwise.results["members"], finished.results["members"], strict=True):
        assert (a["id"], a["best_epoch"]) == (b["id"], b["best_epoch"])
        assert a["val"]["cross_entropy"] == pytest.approx(b["val"]["cross_entropy"], rel=1e-4)


class Stopped(LinearTrainer):
    """Dies before the first stack begins, as a machine that is switched off does."""

    def train_members(self, stacks, *_, **__) -> None:
        raise KeyboardInterrupt


@dataclasses.dataclass(frozen=True)
class Listing(LinearTrainer):
    """Tells who trains with whom."""

    told: list[list[str]] = dataclasses.field(default_factory=list)

    def train_members(self, stacks, *args, **kwargs) -> None:
        self.told.extend([m.id for m in stack] for stack in stacks)
        super().train_members(stacks, *args, **kwargs)


@pytest.mark.long
def test_stacks_that_never_began_are_trained_as_planned(tiny, tmp_path):
    """In another stack a network would differ by rounding from what it would have come to."""
    with pytest.raises(KeyboardInterrupt):
        run_study(CONFIG, tmp_path / "run", tiny, trainer=Stopped(width=4))
    planned = RunFolder(tmp_path / "run").stacks.noted()
    assert sorted(map(len, planned)) == [2, 4, 4, 4, 4]
    trainer = Listing(width=3)
    run_study(CONFIG, tmp_path / "run", tiny, trainer=trainer)
    assert sorted(trainer.told) == sorted(planned)


@pytest.mark.long
def test_a_member_with_damaged_arrays_is_trained_again(finished, tiny, caplog):
    id = finished.results["members"][3]["id"]
    path = finished.run_dir / "arrays" / f"{id}.npz"
    path.write_bytes(path.read_bytes()[:-10])
    again, recorder = run(CONFIG, finished.run_dir, tiny)
    assert recorder.trained == [id]
    assert f"the arrays of member {id} are damaged; it is trained again" in caplog.text
    kept = again.results["members"][3]["test"]["accuracy"]
    assert kept == finished.results["members"][3]["test"]["accuracy"]


@pytest.mark.long
def test_another_base_config_is_refused_with_what_differs(finished, tiny):
    other = dataclasses.replace(CONFIG, train=dataclasses.replace(CONFIG.train, learning_rate=0.5))
    with pytest.raises(RunFolderError, match=r"train\.learning_rate is 0\.02 there, 0\.5 here\. "):
        run(other, finished.run_dir, tiny)


@pytest.mark.long
def test_other_data_are_refused(finished, tiny):
    other = Dataset.from_arrays(tiny.x_train + 1, tiny.y_train, tiny.x_test, tiny.y_test)
    with pytest.raises(
        RunFolderError, match="holds another study: the hash of the data as used is"
    ):
        run(CONFIG, finished.run_dir, other)


@pytest.mark.long
def test_best_is_chosen_on_validation(finished):
    (best,) = finished.best().members
    means = {v["name"]: v["val"]["accuracy"]["mean"] for v in finished.results["variants"]}
    assert means[best["variant"]] == max(means.values())
    rivals = [m for m in finished.results["members"] if m["variant"] == best["variant"]]
    assert best["val"]["cross_entropy"] == min(m["val"]["cross_entropy"] for m in rivals)


@pytest.mark.long
def test_a_finished_study_loads_from_its_folder(finished):
    study = load_study(finished.run_dir)
    assert study.config == CONFIG
    assert json.dumps(study.results) == json.dumps(finished.results)


def test_a_diverged_member_is_kept_out_of_the_means_and_named(tiny, tmp_path):
    config = dataclasses.replace(
        CONFIG,
        variants=("none", {"name": "wild", "optimizer": "sgd", "learning_rate": 1e9}),
        num_seeds=1,
    )
    study, _ = run(config, tmp_path / "wild", tiny)
    wild = study.results["variants"][1]
    assert (wild["num_members"], wild["num_diverged"], wild["test"]) == (0, 1, {})
    assert any("wild" in s and "diverged" in s and "seed 0" in s for s in study.results["verdict"])
    assert "NaN" not in (study.run_dir / "results.json").read_text()


@pytest.mark.long
def test_fewer_seeds_narrow_the_results_with_a_word_and_delete_nothing(tiny, tmp_path, caplog):
    config = StudyConfig(
        dataset="tiny",
        variants=("none",),
        num_seeds=3,
        model=MLPConfig(hidden_units=(8,)),
        train=TrainConfig(max_epochs=1, batch_size=64),
    )
    whole = run(config, tmp_path / "run", tiny)[0].results
    narrow, _ = run(dataclasses.replace(config, num_seeds=2), tmp_path / "run", tiny)
    assert len(narrow.results["members"]) == 2
    assert "narrowed to these variants and seeds; nothing is deleted" in caplog.text
    again = run(config, tmp_path / "run", tiny)[0].results
    read = {"earlier_readings": [{"num_seeds": {"none": 2}, "is_look": False}]}
    assert again == whole | read, "that the test rows were read in between stays known"


def test_a_folder_that_is_no_study_names_the_one_inside(tmp_path):
    (tmp_path / "search" / "study").mkdir(parents=True)
    (tmp_path / "several" / "mnist").mkdir(parents=True)
    for name in ("search/search.toml", "search/study/study.toml", "several/mnist/study.toml"):
        (tmp_path / name).touch()
    with pytest.raises(RunFolderError, match=r"this is a search, its study is .*search/study$"):
        load_study(tmp_path / "search")
    with pytest.raises(RunFolderError, match=r"several studies: name one, as .*several/mnist$"):
        load_study(tmp_path / "several")


EIGHTH = """
import sys
from pathlib import Path
from tests.study.test_study import wait_for_the_others
wait_for_the_others(Path(sys.argv[1]))
"""


def wait_for_the_others(folder: Path) -> None:
    """One of eight: works on the folder until the seven others were refused."""

    def stay(members, epoch) -> None:
        while len(list(folder.glob("*.refused"))) < 7:
            time.sleep(0.01)

    x, y = np.eye(60, 2, dtype=np.float32), np.arange(60) % 3
    config = dataclasses.replace(CONFIG, num_seeds=2)
    try:
        data = Dataset.from_arrays(x, y, x, y, name="tiny")
        run_study(config, folder / "run", data, trainer=LinearTrainer(before_told=stay))
    except Exception as error:
        # Whatever it is: the one that works must not wait for ever.
        (folder / f"{os.getpid()}.refused").write_text(str(error))
        sys.exit(1)


@pytest.mark.slow
def test_eight_processes_on_one_folder_one_works_seven_say_why_not(tmp_path):
    command = [sys.executable, "-c", EIGHTH, str(tmp_path)]
    processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(8)]
    codes = [process.wait() for process in processes]
    assert sorted(codes) == [0] + [1] * 7
    for refused in tmp_path.glob("*.refused"):
        assert "another process is working on this run folder" in refused.read_text()
    study = load_study(tmp_path / "run")
    assert study.num_missing == 0
    epochs = sum(m["stopped_epoch"] for m in study.results["members"])
    assert RunFolder(tmp_path / "run").stacks.num_epochs_logged() == epochs
