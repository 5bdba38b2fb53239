"""Strengths are chosen on validation, by seeds that the study does not use."""

import csv
import functools
import json

import jsonschema
import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.config.variants import VARIANTS
from kmlp.errors import ConfigError, RunFolderError
from kmlp.report import write_report
from kmlp.study.loading import load_study
from kmlp.study.pilot import FIRST_PILOT_SEED, STRENGTHS, pilot_study, with_chosen_strengths
from kmlp.study.results.records.study import StudyNumbers
from kmlp.study.study import run_study as run_with
from kmlp.testing import LinearTrainer
from tests.made_results import numbers

run_study = functools.partial(run_with, trainer=LinearTrainer())


def config(**changes) -> StudyConfig:
    options = {
        "dataset": "tiny",
        "variants": ("none", "dropout", "l2", {"name": "mine", "dropout": 0.9}, "l1=0.5"),
        "num_seeds": 2,
        "strengths": "auto",
        "model": MLPConfig(hidden_units=(8,)),
        "train": TrainConfig(max_epochs=2, batch_size=50),
    }
    return StudyConfig(**{**options, **changes})


def results_with(scores: dict[str, float], metric: str = "accuracy") -> StudyNumbers:
    """What the choice reads of a pilot's results."""
    is_regression = metric == "rmse"
    of_task = {"dataset": {"task": "regression", "class_names": []}, "class_shares": []}
    return numbers(
        {
            "metric": {"name": metric, "higher_is_better": not is_regression},
            "baseline": "none",
            "variants": [
                {"name": n, **{key: {metric: {"mean": s}} for key in ("val", "test")}}
                for n, s in scores.items()
            ],
            **(of_task if is_regression else {}),
        }
    )


def test_every_strength_is_one_that_its_variant_sets():
    assert set(STRENGTHS) <= set(VARIANTS)
    for name, strengths in STRENGTHS.items():
        assert len(strengths) == 5
        assert all(set(strength) <= set(VARIANTS[name]) for strength in strengths)


def test_the_pilot_tries_what_is_named_without_a_strength():
    pilot = pilot_study(config())
    assert pilot.variant_names == (
        "dropout=0.1", "dropout=0.2", "dropout=0.3", "dropout=0.4", "dropout=0.5",
        "l2=1e-05", "l2=3e-05", "l2=0.0001", "l2=0.0003", "l2=0.001",
    )  # fmt: skip
    assert list(pilot.seeds) == [FIRST_PILOT_SEED + i for i in range(3)]
    assert pilot_study(config(variants=("none", "batch_norm", "l2=1"))) is None


def test_the_best_mean_validation_score_wins_and_of_equals_the_weaker():
    scores = dict.fromkeys(pilot_study(config()).variant_names, 0.5)
    scores |= {"dropout=0.4": 0.7, "l2=0.0001": 0.6, "l2=0.001": 0.6}
    chosen = with_chosen_strengths(config(), results_with(scores))
    assert chosen.variants == (
        "none",
        {"name": "dropout", "dropout": 0.4},
        {"name": "l2", "l2": 0.0001},
        {"name": "mine", "dropout": 0.9},
        "l1=0.5",
    )
    falling = with_chosen_strengths(config(), results_with(scores, "rmse"))
    assert falling.variants[1]["dropout"] == 0.1, "a lower error is better"


def test_strengths_of_several_fields_are_numbered():
    names = pilot_study(config(variants=("none", "dropout_l2"))).variant_names
    assert names == tuple(f"dropout_l2 #{i}" for i in range(1, 6))


def test_all_is_tuned_as_a_whole():
    whole = config(variants="all").for_data("multiclass", "uint8")
    assert len(pilot_study(whole).variants) == 5 * len(STRENGTHS)


@pytest.mark.long
def test_a_study_with_chosen_strengths_is_run_resumed_and_reported(tiny, tmp_path):
    run = tmp_path / "run"
    study = run_study(config(), run, tiny)
    pilot = load_study(run / "pilot").results
    best = max(
        (v for v in pilot["variants"] if v["name"].startswith("dropout=")),
        key=lambda v: v["val"]["accuracy"]["mean"],
    )
    dropout = next(v for v in study.results["variants"] if v["name"] == "dropout")
    assert dropout["strength"] == best["strength"]
    assert {m["seed"] for m in study.results["members"]} == {0, 1}
    assert len(study.results["pilot"]["strengths"]) == 10
    assert any("chosen on validation, by 3 pilot seeds" in s for s in study.results["verdict"])
    with open("kmlp/results.schema.json", encoding="utf-8") as file:
        jsonschema.validate(json.loads(json.dumps(study.results)), json.load(file))
    again, loaded = run_study(config(), run, tiny), load_study(run)
    assert json.dumps(again.results) == json.dumps(study.results) == json.dumps(loaded.results)
    with pytest.raises(RunFolderError, match="strengths is 'auto' there, 'default' here"):
        run_study(config(strengths="default"), run, tiny)


def test_strengths_are_never_chosen_on_training_rows_or_by_the_studys_own_seeds():
    with pytest.raises(ConfigError, match="chooses on validation rows, of which there are none"):
        config(validation_fraction=0)
    with pytest.raises(ConfigError, match="the seeds from 1000000 are the pilot's own"):
        pilot_study(config(first_seed=FIRST_PILOT_SEED - 1))


@pytest.mark.long
def test_a_folder_of_another_study_is_refused_before_the_pilot_trains(tiny, tmp_path):
    run_study(config(strengths="default", num_seeds=1), tmp_path / "run", tiny)
    with pytest.raises(RunFolderError, match="holds another study"):
        run_study(config(num_seeds=1), tmp_path / "run", tiny)
    assert not (tmp_path / "run" / "pilot").exists()


@pytest.mark.page
def test_the_report_shows_how_the_strengths_were_chosen(tiny, tmp_path):
    study = run_study(config(num_seeds=1), tmp_path / "run", tiny)
    page = write_report(study.run_dir).read_text(encoding="utf-8")
    assert "How the strengths were chosen" in page
    assert page.count(">chosen<") == 2, "one of dropout's five and one of L2's five"
    with open(tmp_path / "run" / "tables" / "pilot.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(r["mean"]) for r in rows] == [
        s["mean"] for s in study.results["pilot"]["strengths"]
    ]


@pytest.mark.long
def test_progress_is_told_which_of_the_two_is_the_pilot_whatever_the_folder_is_called(
    tiny, tmp_path
):
    titles = []

    class Recorder:
        def start(self, variant_of, done, title) -> None:
            titles.append(title)

        def compiling(self, *_) -> None: ...
        def need(self, memory) -> None: ...
        def epoch(self, members, epoch, logs) -> None: ...
        def finished(self, results) -> None: ...

    run_study(config(num_seeds=1), tmp_path / "pilot", tiny, progress=Recorder())
    assert [t.startswith("Pilot, to choose the strengths: ") for t in titles] == [True, False]
