"""The study that follows a search, as it is read back: fresh scores of the best trials."""

import math
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from kmlp.errors import RunFolderError
from kmlp.stats.cross_validation import corrected_variance
from kmlp.study.results.records.study import StudyResults
from kmlp.study.results.records.variants import VariantResult
from kmlp.study.run_folder import RunFolder
from tuning.results.records.fresh import FollowUp, Fresh, FreshScores, ScoresOnTest
from tuning.results.records.search import SearchFindings
from tuning.results.records.trials import TrialResult
from tuning.results.search_folder import SearchFolder

STUDY_FOLDER = "study"


NUM_SEEDS = 10


FOLLOWUP_FILE = "followup.json"


def refuse_foreign_search(run_dir: str | Path, *, then_study: bool = False) -> None:
    """Refuses a folder that is someone else's, before anything is loaded or written.

    Raises:
        ForeignFolderError: with what it holds.
    """
    SearchFolder(run_dir).refuse_foreign()
    if then_study:
        RunFolder(Path(run_dir) / STUDY_FOLDER).refuse_foreign()


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
    picked, found = results.picked_trial, _variants_by_trial(results, study)
    if picked.number not in found:
        return results
    own = found[picked.number]
    scores = {number: _scores(variant, results, study) for number, variant in found.items()}
    score, se = scores[picked.number].score, scores[picked.number].se
    assert score is not None
    fresh = Fresh(
        num_seeds=own.num_members,
        first_seed=min(m.seed for m in study.members),
        score=score,
        se=se,
        seed_luck=picked.score - score,
        seed_luck_se=_error_of_difference(picked.se, se),
        test_metric=study.metric.name,
        baseline=_scores(study.variant(study.baseline), results, study),
        trials=scores,
    )
    named = {"trial": picked.number, "versus_baseline": own.versus_baseline}
    test = ScoresOnTest.model_validate({**named, **own.test})
    return results.model_copy(update={"fresh": fresh, "test": test})


def _error_of_difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else math.hypot(one, other)


def first_fresh_seed(results: SearchFindings) -> int:
    """The first seed that no trial has used."""
    return results.settings.seeds[-1] + 1


def variant_name(number: int) -> str:
    return f"trial {number}"


def _variants_by_trial(results: SearchFindings, study: StudyResults) -> dict[int, VariantResult]:
    """The study's variants that finished, by the number of the trial that they are."""
    variants = {v.name: v for v in study.variants}
    named = {
        t.number: variants.get(name_in_study(t, results, study.baseline)) for t in results.trials
    }
    return {
        n: v
        for n, v in named.items()
        if v and v.num_members and _score(v, results, study)[0] is not None
    }


def name_in_study(trial: TrialResult, results: SearchFindings, baseline: str) -> str:
    """A trial's variant in the study: the baseline where it is the base configuration."""
    is_base = trial.config == results.settings.base
    return baseline if is_base else variant_name(trial.number)


def _scores(variant: VariantResult, results: SearchFindings, study: StudyResults) -> FreshScores:
    score, se = _score(variant, results, study)
    return FreshScores(
        variant=variant.name,
        score=score,
        se=se,
        test=variant.test,
        versus_baseline=variant.versus_baseline,
    )


def _score(
    variant: VariantResult, results: SearchFindings, study: StudyResults
) -> tuple[float | None, float | None]:
    """The mean of what the search was on and its standard error: on validation rows, or on folds
    cut anew; None of what has not finished."""
    if results.settings.folds is None:
        score = variant.val.get(results.settings.objective.metric)
        return (score.mean, score.se) if score else (None, None)
    cut = study.cross_validation
    own = [entry for entry in cut.variants if entry.variant == variant.name] if cut else []
    if not cut or not own:
        return None, None
    sizes = {"num_train": own[0].num_train, "num_test": cut.num_held_out}
    return own[0].mean, corrected_variance(np.ravel(own[0].scores), **sizes) ** 0.5
