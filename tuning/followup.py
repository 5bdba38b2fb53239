"""The study that follows a search: its best trials and the default, over seeds never used."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.errors import RunFolderError
from kmlp.study import Progress, Study, run_study
from kmlp.trainer import Trainer
from tuning.ledger import SearchFolder

STUDY_FOLDER = "study"
NUM_SEEDS, NUM_TRIALS = 10, 3
FOLLOWUP_FILE = "followup.json"
# What TOML, which has no null, could not switch off again in a variant.
_OPTIONAL = ("max_norm", "clipnorm", "reduce_on_plateau", "class_weight")


def study_config(
    results: Mapping[str, Any], *, num_trials: int = NUM_TRIALS, num_seeds: int = NUM_SEEDS
) -> StudyConfig:
    """The study of the trial that was picked, the best others, and the base as the baseline.

    Its seeds begin beyond the search's: what the search owes to the luck of its seeds is gone.

    Args:
        results: the search's.
        num_trials: how many trials, the one picked included.
        num_seeds: fresh seeds each.
    """
    settings = results["settings"]
    base = {**settings["model"], **settings["train"]}
    bare = {**base, **dict.fromkeys(_OPTIONAL)}
    baseline = _variant("default", base, bare)
    variants: list[str | dict[str, Any]] = ["none" if len(baseline) == 1 else baseline]
    for trial in _best_trials(results)[:num_trials]:
        variant = _variant(variant_name(trial["number"]), _config(trial), bare)
        if _config(trial) != base:
            variants.append(variant)
    return StudyConfig(
        dataset=results["dataset"]["name"],
        variants=tuple(variants),
        num_seeds=num_seeds,
        first_seed=first_fresh_seed(results),
        model=MLPConfig.from_dict({k: bare[k] for k in settings["model"]}),
        train=TrainConfig.from_dict({k: bare[k] for k in settings["train"]}),
        validation_fraction=settings["validation_fraction"],
        baseline="none" if len(baseline) == 1 else "default",
    )


def best_study_file(results: Mapping[str, Any], dataset: str) -> StudyConfig:
    """The configuration that was picked as a study of its own, with fresh seeds."""
    picked = results["trials"][results["picked"]]
    return StudyConfig(
        dataset=dataset,
        variants=("none",),
        num_seeds=NUM_SEEDS,
        first_seed=first_fresh_seed(results),
        model=MLPConfig.from_dict(picked["model"]),
        train=TrainConfig.from_dict(picked["train"]),
        validation_fraction=results["settings"]["validation_fraction"],
    )


def run_followup(
    results: Mapping[str, Any],
    folder: SearchFolder,
    data: Dataset,
    *,
    dataset: str,
    num_trials: int = NUM_TRIALS,
    num_seeds: int = NUM_SEEDS,
    progress: Progress | None = None,
    trainer: Trainer | None = None,
) -> Study:
    """Runs the study in the search's folder; the test set is read here, and only here.

    How many trials there were then is kept: a search may be given more afterwards.
    """
    if followup_of(folder) is None:
        folder.write_json(FOLLOWUP_FILE, {"num_trials": len(results["trials"])})
    config = study_config(results, num_trials=num_trials, num_seeds=num_seeds)
    config = dataclasses.replace(config, dataset=dataset)
    place = folder.path / STUDY_FOLDER
    return run_study(config, place, data, progress=progress, trainer=trainer)


def followup_of(folder: SearchFolder) -> dict[str, Any] | None:
    """How many trials there were when a study first followed; None where none has.

    Raises:
        RunFolderError: the file that says so is damaged.
    """
    if not (folder.path / FOLLOWUP_FILE).exists():
        return None
    found = folder.read_json(FOLLOWUP_FILE)
    if not isinstance(found, dict) or type(found.get("num_trials")) is not int:
        raise RunFolderError(
            f"{folder.path / FOLLOWUP_FILE}: not what kmlp writes there. Restore it from a copy."
        )
    return found


def fresh_scores(results: Mapping[str, Any], study: Mapping[str, Any]) -> dict[str, Any]:
    """The parts `fresh` and `test` of a search's results, from its study's.

    Args:
        results: the search's.
        study: its follow-up study's results.
    """
    metric = results["settings"]["objective"]["name"].removeprefix("val_")
    variants = {v["name"]: v for v in study["variants"]}
    found = {}
    for trial in results["trials"]:
        variant = variants.get(_name_in(trial, results, study))
        if variant and variant["num_members"] and metric in variant["val"]:
            found[trial["number"]] = variant
    picked = found.get(results["picked"])
    if picked is None:
        return {}
    score, seeds = picked["val"][metric], [m["seed"] for m in study["members"]]
    searched = results["trials"][results["picked"]]
    errors = (searched["se"], score["se"])
    return {
        "fresh": {
            "num_seeds": picked["num_members"],
            "first_seed": min(seeds),
            "score": score["mean"],
            "se": score["se"],
            "seed_luck": searched["score"] - score["mean"],
            "seed_luck_se": None if None in errors else math.hypot(*errors),
            "test_metric": study["metric"]["name"],
            "baseline": _summary(variants[study["baseline"]], metric),
            "trials": {str(number): _summary(v, metric) for number, v in found.items()},
        },
        "test": {
            "trial": results["picked"],
            **picked["test"],
            "versus_baseline": picked["versus_baseline"],
        },
    }


def first_fresh_seed(results: Mapping[str, Any]) -> int:
    """The first seed that no trial has used."""
    return results["settings"]["first_seed"] + results["settings"]["num_seeds"]


def variant_name(number: int) -> str:
    return f"trial {number}"


def _best_trials(results: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The one picked, then the best by their mean; each configuration once."""
    trials, sign = (
        results["trials"],
        -1 if results["settings"]["objective"]["direction"] == "max" else 1,
    )
    full = trials[results["best"]]["until"]
    done = [t for t in trials if t["status"] == "done" and t["until"] == full]
    ranked = sorted(done, key=lambda t: (t["number"] != results["picked"], sign * t["score"]))
    distinct: list[Mapping[str, Any]] = []
    for trial in ranked:
        if all(_config(trial) != _config(other) for other in distinct):
            distinct.append(trial)
    return distinct


def _config(trial: Mapping[str, Any]) -> dict[str, Any]:
    return {**trial["model"], **trial["train"]}


def _variant(name: str, config: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, **{k: v for k, v in config.items() if v != base[k]}}


def _name_in(trial: Mapping[str, Any], results: Mapping[str, Any], study: Mapping[str, Any]) -> str:
    """A trial's variant in the study: the baseline where it is the base configuration."""
    base = {**results["settings"]["model"], **results["settings"]["train"]}
    is_base = trial["model"] is not None and _config(trial) == base
    return study["baseline"] if is_base else variant_name(trial["number"])


def _summary(variant: Mapping[str, Any], metric: str) -> dict[str, Any]:
    score = variant["val"].get(metric)
    return {
        "variant": variant["name"],
        "score": score and score["mean"],
        "se": score and score["se"],
        "test": variant["test"],
        "versus_baseline": variant["versus_baseline"],
    }
