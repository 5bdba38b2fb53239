"""From what a search's folder holds to the numbers of its `results.json`. No Keras."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from kmlp.config import MLPConfig
from kmlp.config.encoding import encoded_width, num_embedding_weights
from kmlp.data import DataSpec
from kmlp.errors import ConfigError
from kmlp.stats import summaries
from kmlp.study.run_folder.folder import MemberRecord
from kmlp.study.runner import paused_id
from tuning.results.choice import Candidate, Choice, choose
from tuning.results.executions import Execution, Executions
from tuning.results.followup import followup_of, fresh_scores
from tuning.results.importance import importance
from tuning.results.search_folder import SearchFolder, Trial
from tuning.results.verdict import verdict
from tuning.space.config import SearchConfig

KIND = "search"
_PARTS = ("val", "train")


def build_results(
    config: SearchConfig,
    folder: SearchFolder,
    dataset: Mapping[str, Any],
    study: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The content of `results.json`; while a search runs, of what has ended so far.

    Args:
        config: the search, `for_data`.
        folder: where it is recorded.
        dataset: the `dataset` part, as a study's.
        study: the results of the follow-up study, if there was one.
    """
    executions = Executions(config, spec_of(dataset), dataset["sha256"])
    records = folder.records()
    drawn = folder.trials()
    trials = [_trial(t, executions, records, drawn) for t in drawn]
    choice = _choice(config, trials)
    space = executions.space
    results = {
        "schema": 1,
        "kind": KIND,
        "dataset": dict(dataset),
        "settings": settings(config, executions),
        "space": space.to_list(),
        "trials": trials,
        "ties": list(choice.ties) if choice else [],
        "picked": choice and choice.picked,
        "best": choice and choice.best,
        "least_difference": choice and choice.least_difference,
        "followup": followup_of(folder),
        "fresh": None,
        "test": None,
        "importance": importance(space, trials, higher_is_better=config.direction == "max"),
        "budget": {
            "seconds": folder.seconds(),
            "member_epochs": folder.stacks.num_epochs_logged(),
            "trials": len(trials),
        },
    }
    if study and choice:
        results |= fresh_scores(results, study)
    return {**results, "verdict": verdict(results)}


def settings(config: SearchConfig, executions: Executions) -> dict[str, Any]:
    """What was asked; the base configs with what the space holds fixed."""
    model, train = executions.space.configs({})
    return {
        "tuner": config.tuner,
        "max_trials": config.max_trials,
        "num_seeds": config.num_seeds,
        "first_seed": config.first_seed,
        "seed": config.seed,
        "parallel_trials": config.parallel_trials,
        "validation_fraction": config.validation_fraction,
        "objective": {"name": config.objective, "direction": config.direction},
        "model": model.to_dict(),
        "train": train.to_dict(),
    }


def spec_of(dataset: Mapping[str, Any]) -> DataSpec:
    """The data's shapes and classes, from the `dataset` part of results."""
    return DataSpec.from_dict(dataset)


def num_weights(model: MLPConfig, spec: DataSpec) -> int:
    """Trainable weights of a network: kernels, biases, embeddings, a normalization's gains and
    offsets."""
    widths = (encoded_width(model, spec), *model.hidden_units, spec.num_outputs)
    gains = 0 if model.normalization == "none" else 2 * sum(model.hidden_units)
    dense = sum((a + 1) * b for a, b in pairwise(widths))
    return dense + gains + num_embedding_weights(model, spec)


def _choice(config: SearchConfig, trials: Sequence[Mapping[str, Any]]) -> Choice | None:
    """Among the finished trials; of Hyperband's those that trained to the end.

    A network that was paused early is no candidate: its score is not what its configuration gets.
    """
    candidates = [
        Candidate(t["number"], [e["score"] for e in t["executions"]], t["num_weights"])
        for t in trials
        if t["status"] == "done" and t["until"] in (None, t["train"]["max_epochs"])
    ]
    if not candidates:
        return None
    return choose(candidates, higher_is_better=config.direction == "max")


def _trial(
    trial: Trial,
    executions: Executions,
    records: Mapping[str, MemberRecord],
    drawn: Sequence[Trial],
) -> dict[str, Any]:
    try:
        planned: list[Execution] = executions.of(trial)
    except ConfigError:
        # Refused when it was drawn, and failed for it.
        planned = []
    found = [_execution(e, records, executions) for e in planned]
    scores = [e["score"] for e in found if e["score"] is not None]
    member = planned[0].member if planned else None
    return {
        "number": trial.number,
        "id": trial.id,
        "batch": trial.batch,
        "values": dict(trial.values),
        "status": trial.status,
        "message": trial.message,
        "score": trial.score,
        "se": summaries.summarize(scores).se if trial.status == "done" else None,
        "num_weights": member and num_weights(member.model, executions.spec),
        "epochs": [e["stopped_epoch"] for e in found if e["stopped_epoch"]],
        "seconds": _seconds(trial, planned, records, drawn),
        "until": trial.epochs,
        "bracket": trial.bracket,
        "round": trial.round,
        "resumed_from": trial.resumed_from,
        "model": member and member.model.to_dict(),
        "train": member and member.train.to_dict(),
        "executions": found,
    }


def _seconds(
    trial: Trial,
    planned: Sequence[Execution],
    records: Mapping[str, MemberRecord],
    drawn: Sequence[Trial],
) -> float:
    """What a trial took, without what the one that it goes on from took."""
    found = sum(records[e.id].seconds for e in planned if e.id in records)
    if trial.resumed_from is None or not found:
        return found
    until = drawn[trial.resumed_from].epochs
    assert until is not None
    before = [paused_id(e.member, until) for e in planned]
    return max(found - sum(records[id].seconds for id in before if id in records), 0.0)


def _execution(
    execution: Execution, records: Mapping[str, MemberRecord], executions: Executions
) -> dict[str, Any]:
    record = records.get(execution.id)
    own: dict[str, Any] = {"seed": execution.seed, "member": execution.id}
    if record is None:
        nothing = dict.fromkeys(("score", "best_epoch", "stopped_epoch"))
        return {**own, **nothing, "status": "missing", "val": {}, "train": {}}
    score = executions.score(record)
    return {
        **own,
        "score": score if np.isfinite(score) else None,
        "best_epoch": record.best_epoch,
        "stopped_epoch": record.stopped_epoch,
        "status": record.status,
        **{part: _finite(record.metrics.get(part, {})) for part in _PARTS},
    }


def _finite(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """JSON knows no NaN."""
    return {name: value if np.isfinite(value) else None for name, value in metrics.items()}
