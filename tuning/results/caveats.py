"""What a search's outcome is worth: models beside it, nothing learned, training cut short."""

from typing import NamedTuple

from kmlp.config.training import TrainConfig
from kmlp.stats.distributions import t_quantile
from kmlp.stats.formatting import Unit, listed, unit_of
from kmlp.study.results.analyses.reference_caveats import looks_better, reference_caveats
from kmlp.study.results.analyses.references import reference_sentences
from kmlp.study.results.caveats import improved_to_the_end, not_picked
from kmlp.study.results.records.study import StudyNumbers
from tuning.results.choice import LEVEL
from tuning.results.folds import compared, error_of_mean
from tuning.results.records.search import SearchFindings
from tuning.results.records.trials import FinishedTrial

_AT_MOST = 5


class Constant(NamedTuple):
    """What one answer for every row gets, on any rows.

    Attributes:
        metric: that a network's scores have, too.
        score: the constant's.
        words: what it is, and what it gets, with braces for the score.
    """

    metric: str
    score: float
    words: str


def caveats(results: SearchFindings, study: StudyNumbers | None = None) -> list[str]:
    """Sentences that belong beside what is expected of the picked trial.

    Args:
        results: of the search, with a picked trial.
        study: the results of the follow-up study that has it.
    """
    return [*_of_study(study), *_nothing_learned(results), *_cut_short(results)]


def _of_study(study: StudyNumbers | None) -> list[str]:
    """What the study's own verdict says of its trials and of the models beside them: whoever
    searches wants to know whether the pick beats these."""
    if study is None:
        return []
    seen = looks_better(study)
    return [
        *not_picked(study),
        *reference_sentences(study),
        *([f"{seen[:1].upper()}{seen[1:]}."] if seen else []),
        *reference_caveats(study),
    ]


def _nothing_learned(results: SearchFindings) -> list[str]:
    """That the picked trial is not shown to beat a constant on the rows that chose it.

    These rows flatter it, for it is the best there of many, and its interval counts nothing of
    that: a pick that is above the constant need not be better on other rows.
    """
    constant, picked = _constant(results), results.picked_trial
    if not _known(picked, constant, results) or _is_better(picked, constant, results):
        return []
    unit = unit_of(constant.metric, [constant.score])
    known = [t for t in results.concluded if _known(t, constant, results)]
    better = [t.number for t in known if _is_better(t, constant, results)]
    among = "no trial is"
    if better:
        are = "are" if len(better) > 1 else "is"
        s = "s" * (len(better) > 1)
        among = f"trial{s} {listed(map(str, better))} of {len(known)} {are} shown to"
        if len(better) > _AT_MOST:
            among = f"{len(better)} of {len(known)} trials are shown to"
    return [
        f"{constant.words.format(unit.with_unit(constant.score))}: trial {picked.number}, with "
        f"{_mean_in_words(picked, constant, results, unit)}, is not shown to do better, though "
        f"the rows that it is scored on here chose it and flatter it; {among}."
    ]


def _constant(results: SearchFindings) -> Constant:
    """Of the metric that was searched on, where the score of one answer is known, else of another
    that tells the same of any rows."""
    dataset, share = results.dataset, results.commonest_share
    if dataset.is_regression:
        return Constant("r2", 0.0, "Always predicting the mean has an R² of {}")
    if results.settings.objective.metric == "accuracy" and share is not None:
        words = "Always predicting the commonest class is right on {} of the training rows"
        return Constant("accuracy", share, words)
    return _balanced(results)


def _balanced(results: SearchFindings) -> Constant:
    """Nothing of a regression, which has no such score."""
    one = 1 / max(len(results.dataset.class_names), 1)
    words = "Always predicting one class has a balanced accuracy of {}"
    return Constant("balanced_accuracy", one, words)


def _scores(trial: FinishedTrial, constant: Constant, results: SearchFindings) -> list[float]:
    """In the order of its networks, without those that lack it."""
    part = "val" if results.settings.folds is None else "held_out"
    by_network = [getattr(e, part).get(constant.metric) for e in trial.executions]
    return [score for score in by_network if score is not None]


def _known(trial: FinishedTrial, constant: Constant, results: SearchFindings) -> bool:
    return len(_scores(trial, constant, results)) == len(trial.executions)


def _is_better(trial: FinishedTrial, constant: Constant, results: SearchFindings) -> bool:
    """Whether the 95 % interval of its mean lies above; of one score, whether that does.

    The commonest class has another share of the rows that validate than of all: a network that
    answers it for every row may lie above, but not by its balanced accuracy, which is the same of
    any rows.
    """
    if not _lies_above(trial, constant, results):
        return False
    balanced = _balanced(results)
    return not _known(trial, balanced, results) or _lies_above(trial, balanced, results)


def _lies_above(trial: FinishedTrial, constant: Constant, results: SearchFindings) -> bool:
    """By its own spread, or what is pooled over trials where that is larger: of three scores none
    at all may be luck."""
    scores = _scores(trial, constant, results)
    values = compared(scores, results.settings)
    error = error_of_mean(scores, results.settings)
    if error is None:
        return bool(values.mean() > constant.score)
    if constant.metric == results.settings.objective.metric:
        error = max(error, results.standard_error or 0.0)
    far = t_quantile((1 + LEVEL) / 2, len(values) - 1) * error
    return bool(values.mean() - far > constant.score)


def _mean_in_words(
    trial: FinishedTrial, constant: Constant, results: SearchFindings, unit: Unit
) -> str:
    scores = _scores(trial, constant, results)
    error = error_of_mean(scores, results.settings)
    known = "" if error is None else f" (standard error {unit.value(error)})"
    return f"{unit.with_unit(compared(scores, results.settings).mean())}{known}"


def _cut_short(results: SearchFindings) -> list[str]:
    """That many networks were at their best in the last epochs that they were given, or those of
    the picked trial."""
    trials = [t for t in results.concluded if not t.train.get("keep_last_best")]
    own = [t for t in trials if t.number == results.picked]
    for these, whose in ((trials, "networks"), (own, f"networks of trial {results.picked}")):
        networks = [(e, t.train["max_epochs"]) for t in these for e in t.executions]
        improving = sum(improved_to_the_end(e, most) for e, most in networks)
        if improving and 4 * improving >= len(networks):
            default, most = TrainConfig().max_epochs, max(n for _, n in networks)
            usual = f" (kmlp run's is {default})" if most < default else ""
            return [
                f"{improving} of {len(networks)} {whose} were still getting better when max_epochs "
                f"ended their training: with a larger --max-epochs{usual} scores, and which trial "
                "is best, may change."
            ]
    return []
