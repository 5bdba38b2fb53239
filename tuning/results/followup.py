"""The study that follows a search, as it is read back: fresh scores of the best trials."""

import math
from collections.abc import Mapping
from typing import Any

from kmlp.errors import RunFolderError
from tuning.results.search_folder import SearchFolder

STUDY_FOLDER = "study"


NUM_SEEDS = 10


FOLLOWUP_FILE = "followup.json"


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


def config_of(trial: Mapping[str, Any]) -> dict[str, Any]:
    return {**trial["model"], **trial["train"]}


def _name_in(trial: Mapping[str, Any], results: Mapping[str, Any], study: Mapping[str, Any]) -> str:
    """A trial's variant in the study: the baseline where it is the base configuration."""
    base = {**results["settings"]["model"], **results["settings"]["train"]}
    is_base = trial["model"] is not None and config_of(trial) == base
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
