"""From what a search's folder holds to the numbers of its `results.json`. No Keras."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kmlp.config.tables.widths import num_trained
from kmlp.data import DataSpec
from kmlp.errors import ConfigError, RunFolderError
from kmlp.study.provenance import stored_environment
from kmlp.study.results.assembly import facts_of
from kmlp.study.results.records.base import Plain
from kmlp.study.results.records.study import StudyResults
from kmlp.study.results.variants import finite
from kmlp.study.run_folder.folder import MemberRecord
from kmlp.study.runner import paused_id
from tuning.results.choice import Candidate, Choice, choose
from tuning.results.executions import Execution, Executions
from tuning.results.folds import compared, error_of_mean, overlap
from tuning.results.followup import followup_of, with_fresh_scores
from tuning.results.importance import importance
from tuning.results.records.search import (
    Budget,
    SearchedParameter,
    SearchFindings,
    SearchResults,
    Settings,
)
from tuning.results.records.trials import (
    ExecutionResult,
    FinishedTrial,
    TrialResult,
    UnfinishedTrial,
)
from tuning.results.search_folder import COMMONEST_SHARE, SearchFolder, Trial
from tuning.results.verdict import verdict
from tuning.space.config import SearchConfig
from tuning.space.space import Space

_ASKED = (
    *("tuner", "max_trials", "num_seeds", "first_seed", "folds", "repeats", "seed"),
    *("parallel_trials", "validation_fraction"),
)
_PARTS = {"val": "val", "held_out": "fold", "train": "train"}


def build_results(
    config: SearchConfig,
    folder: SearchFolder,
    dataset: Plain,
    study: StudyResults | None = None,
) -> SearchResults:
    """The content of `results.json`; while a search runs, of what has ended so far.

    Args:
        config: the search, `for_data`.
        folder: where it is recorded.
        dataset: the `dataset` part, as a study's.
        study: the results of the follow-up study, if there was one.

    Raises:
        RunFolderError: a trial's score is not that of its networks.
    """
    executions = Executions(config, DataSpec.from_dict(dataset), dataset["sha256"])
    trials = _trials(folder, executions)
    choice = _choice(config, trials)
    found = SearchFindings(
        dataset=facts_of(dataset, folder),
        settings=_settings(config, executions.space),
        space=_searched(executions.space),
        commonest_share=stored_environment(folder).get(COMMONEST_SHARE),
        trials=trials,
        ties=choice.ties if choice else (),
        picked=choice.picked if choice else None,
        best=choice.best if choice else None,
        least_difference=choice.least_difference if choice else None,
        standard_error=choice.standard_error if choice else None,
        followup=followup_of(folder),
        fresh=None,
        test=None,
        importance=importance(executions.space, trials, config.direction),
        budget=_budget(folder, len(trials)),
    )
    if study and choice:
        found = with_fresh_scores(found, study)
    return SearchResults(**dict(found), verdict=verdict(found, study))


def _settings(config: SearchConfig, space: Space) -> Settings:
    """What was asked; the base configs with what the space holds fixed."""
    model, train = space.configs({})
    return Settings.model_validate(
        {
            **{name: getattr(config, name) for name in _ASKED},
            "objective": {"name": config.objective, "direction": config.direction},
            "model": model.to_dict(),
            "train": train.to_dict(),
        }
    )


def _searched(space: Space) -> tuple[SearchedParameter, ...]:
    """What could be chosen, then what was held: of the kind "fixed", with one value."""
    described = [
        {
            **vars(p),
            "sampling": p.sampling if p.is_range else None,
            "conditions": [{"name": name, "values": values} for name, values in p.conditions],
        }
        for p in space.parameters
    ]
    nothing = {**dict.fromkeys(("min", "max", "step", "sampling")), "conditions": ()}
    described += [
        {"name": name, "kind": "fixed", **nothing, "values": (value,), "default": value}
        for name, value in space.fixed.items()
    ]
    return tuple(SearchedParameter.model_validate(parameter) for parameter in described)


def _budget(folder: SearchFolder, num_trials: int) -> Budget:
    epochs = folder.stacks.num_epochs_logged()
    return Budget(seconds=folder.seconds(), member_epochs=epochs, trials=num_trials)


def _choice(config: SearchConfig, trials: Sequence[TrialResult]) -> Choice | None:
    """Among the finished trials; of Hyperband's those that trained to the end."""
    candidates = [
        Candidate(t.number, compared(t.scores, config).tolist(), t.num_weights)
        for t in trials
        if isinstance(t, FinishedTrial) and t.is_candidate
    ]
    if not candidates:
        return None
    higher_is_better = config.direction == "max"
    return choose(candidates, higher_is_better=higher_is_better, overlap=overlap(config))


def _trials(folder: SearchFolder, executions: Executions) -> tuple[TrialResult, ...]:
    """Every trial that was drawn, with what came of its members."""
    records, drawn = folder.records(), folder.trials()
    found = []
    for trial in drawn:
        planned = _planned(trial, executions)
        results = tuple(_execution(e, records, executions) for e in planned)
        if trial.status == "done":
            _refuse_another_score(trial, results, folder)
        seconds = _seconds(trial, planned, records, drawn)
        found.append(_trial(trial, planned, results, seconds, executions))
    return tuple(found)


def _planned(trial: Trial, executions: Executions) -> list[Execution]:
    try:
        return executions.of(trial)
    except ConfigError:
        # Refused when it was drawn, and failed for it.
        return []


def _trial(
    trial: Trial,
    planned: Sequence[Execution],
    results: tuple[ExecutionResult, ...],
    seconds: float,
    executions: Executions,
) -> TrialResult:
    is_done = trial.status == "done"
    scores = [e.score for e in results if e.score is not None]
    member = planned[0].member if planned else None
    facts = {
        "number": trial.number,
        "id": trial.id,
        "batch": trial.batch,
        "values": trial.values,
        "status": trial.status,
        "message": trial.message,
        "score": trial.score,
        "se": error_of_mean(scores, executions.config) if scores and is_done else None,
        "num_weights": member and num_trained(member.model, executions.spec),
        "epochs": [e.stopped_epoch for e in results if e.stopped_epoch],
        "seconds": seconds,
        "until": trial.epochs,
        "bracket": trial.bracket,
        "round": trial.round,
        "resumed_from": trial.resumed_from,
        "model": member and member.model.to_dict(),
        "train": member and member.train.to_dict(),
        "executions": results,
    }
    return (FinishedTrial if is_done else UnfinishedTrial).model_validate(facts)


def _refuse_another_score(
    trial: Trial, results: Sequence[ExecutionResult], folder: SearchFolder
) -> None:
    """Refuses a finished trial whose score does not follow from its networks: without hashes
    nothing else tells that one of them, or a setting, was changed after it was trained."""
    assert trial.score is not None
    scores = [e.score for e in results if e.score is not None]
    is_known = bool(scores) and len(scores) == len(results)
    mean = float(np.mean(scores)) if is_known else math.nan
    if is_known and math.isclose(trial.score, mean, rel_tol=1e-9, abs_tol=1e-12):
        return
    said = f"its networks say {mean:.6g}" if is_known else "not all networks have one"
    raise RunFolderError(
        f"{folder.path}: trial {trial.number} is recorded with a score of "
        f"{trial.score:.6g}, {said}: search.toml, environment.json or ledger.sqlite was changed "
        "or damaged. Restore them from a copy, or search again with another --out."
    )


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
) -> ExecutionResult:
    record = records.get(execution.id)
    facts: dict[str, Any] = {"seed": execution.seed, "fold": execution.fold}
    facts |= {"member": execution.id}
    if record is None:
        facts |= dict.fromkeys(("score", "best_epoch", "stopped_epoch"))
        facts |= {"status": "missing", "val": {}, "train": {}}
        return ExecutionResult.model_validate(facts)
    score = executions.score(record)
    facts |= {"score": score if np.isfinite(score) else None, "status": record.status}
    facts |= {"best_epoch": record.best_epoch, "stopped_epoch": record.stopped_epoch}
    facts |= {name: finite(record.metrics.get(part, {})) for name, part in _PARTS.items()}
    return ExecutionResult.model_validate(facts)
