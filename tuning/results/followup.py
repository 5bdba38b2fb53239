"""The study that follows a search, as it is read back: fresh scores of the best trials."""

import math

from pydantic import ValidationError

from kmlp.errors import RunFolderError
from kmlp.study.results.records.study import StudyResults
from kmlp.study.results.records.variants import VariantResult
from tuning.results.records.fresh import FollowUp, Fresh, FreshScores, ScoresOnTest
from tuning.results.records.search import SearchFindings
from tuning.results.records.trials import TrialResult
from tuning.results.search_folder import SearchFolder

STUDY_FOLDER = "study"


NUM_SEEDS = 10


FOLLOWUP_FILE = "followup.json"


def followup_of(folder: SearchFolder) -> FollowUp | None:
    """How many trials there were when a study first followed; None where none has.

    Raises:
        RunFolderError: the file that says so is damaged.
    """
    if not (folder.path / FOLLOWUP_FILE).exists():
        return None
    try:
        return FollowUp.model_validate(folder.read_json(FOLLOWUP_FILE))
    except ValidationError as error:
        raise RunFolderError(
            f"{folder.path / FOLLOWUP_FILE}: not what kmlp writes there. Restore it from a copy."
        ) from error


def with_fresh_scores(results: SearchFindings, study: StudyResults) -> SearchFindings:
    """A search's results with the parts `fresh` and `test`, where its study has the picked trial.

    Args:
        results: the search's.
        study: its follow-up study's results.
    """
    metric, picked = results.settings.objective.metric, results.picked_trial
    found = _variants_by_trial(results, study)
    if picked.number not in found:
        return results
    own = found[picked.number]
    score = own.val[metric]
    fresh = Fresh(
        num_seeds=own.num_members,
        first_seed=min(m.seed for m in study.members),
        score=score.mean,
        se=score.se,
        seed_luck=picked.score - score.mean,
        seed_luck_se=_error_of_difference(picked.se, score.se),
        test_metric=study.metric.name,
        baseline=_scores(study.variant(study.baseline), metric),
        trials={number: _scores(variant, metric) for number, variant in found.items()},
    )
    named = {"trial": picked.number, "versus_baseline": own.versus_baseline}
    test = ScoresOnTest.model_validate({**named, **own.test})
    return results.model_copy(update={"fresh": fresh, "test": test})


def _error_of_difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else math.hypot(one, other)


def first_fresh_seed(results: SearchFindings) -> int:
    """The first seed that no trial has used."""
    return results.settings.first_seed + results.settings.num_seeds


def variant_name(number: int) -> str:
    return f"trial {number}"


def _variants_by_trial(results: SearchFindings, study: StudyResults) -> dict[int, VariantResult]:
    """The study's variants that finished, by the number of the trial that they are."""
    metric = results.settings.objective.metric
    variants = {v.name: v for v in study.variants}
    named = {t.number: variants.get(_name_in(t, results, study)) for t in results.trials}
    return {n: v for n, v in named.items() if v and v.num_members and metric in v.val}


def _name_in(trial: TrialResult, results: SearchFindings, study: StudyResults) -> str:
    """A trial's variant in the study: the baseline where it is the base configuration."""
    is_base = trial.config == results.settings.base
    return study.baseline if is_base else variant_name(trial.number)


def _scores(variant: VariantResult, metric: str) -> FreshScores:
    score = variant.val.get(metric)
    return FreshScores(
        variant=variant.name,
        score=score.mean if score else None,
        se=score.se if score else None,
        test=variant.test,
        versus_baseline=variant.versus_baseline,
    )
