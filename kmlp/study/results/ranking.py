"""How variants stand: their order, which is chosen, and what a test tells apart."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from kmlp.errors import SelectionError
from kmlp.stats.formatting import Unit
from kmlp.stats.monitoring import plain_loss_name
from kmlp.study.results.records.members import MemberScores
from kmlp.study.results.records.references import VersusNetwork
from kmlp.study.results.records.study import StudyScores
from kmlp.study.results.records.variants import (
    VariantResult,
    VariantScores,
    Versus,
    VersusBaseline,
)

_IMBALANCED = 1.5
V = TypeVar("V", bound=VariantScores)


def rank(results: StudyScores) -> list[VariantResult]:
    """Variants with finished members, best mean test score first."""
    unit, done = results.unit(), [v for v in results.variants if v.is_scored]
    return sorted(done, key=lambda v: -unit.gain(v.test[unit.metric].mean))


def best_variant(variants: Sequence[V], unit: Unit, picked: str | None = None) -> V | None:
    """The finished variant that was picked before, if any, else that with the best mean validation
    score; None where there is none.

    The test part is never looked at, not even for ties: of equals the first in the study's order.
    """
    score = choice_scores(variants, unit)
    done = [v for v in variants if v.name in score]
    return max(done, key=lambda v: (v.name == picked, score[v.name])) if done else None


def choice_scores(variants: Sequence[VariantScores], unit: Unit) -> dict[str, float]:
    """What the finished variants are chosen by, by name; higher is better whatever the metric.

    It is the mean validation score, or training score without validation rows, less the baseline's
    over the seeds that both finished: a variant of fewer seeds, of which some diverged or were
    never needed, would otherwise be judged by which seeds these are. Where some variant shares no
    seed with the baseline it is the plain mean.
    """
    done = [v for v in variants if v.is_scored]
    differences = {v.name: v.selection_difference for v in done}
    paired = {name: unit.gain(d) for name, d in differences.items() if d is not None}
    if len(paired) == len(done):
        return paired
    return {v.name: unit.gain(v.judged_by[unit.metric].mean) for v in done}


def on_shared_seeds(variants: Sequence[VariantScores]) -> str:
    """What to add to "the best mean" where not all variants have the same seeds."""
    done = [v for v in variants if v.num_members]
    counts = {(v.num_members, v.num_diverged) for v in done}
    is_same = len(counts) == 1 and not any(diverged for _, diverged in counts)
    is_paired = all(v.selection_difference is not None for v in done)
    return " on the seeds shared with the baseline" if is_paired and not is_same else ""


def shown_beside(results: StudyScores) -> tuple[str, ...]:
    """The metrics that a table shows beside the primary one, which alone would mislead.

    An error in the target's unit says little without R²; an accuracy flatters where one class
    holds more than one and a half times its fair share of the rows that test.
    """
    beside: tuple[str, ...] = ("r2",)
    if not results.dataset.is_regression:
        beside = ("balanced_accuracy",) if is_imbalanced(results.class_shares) else ()
    return tuple(metric for metric in beside if metric != results.metric.name)


def is_imbalanced(shares: Sequence[float]) -> bool:
    """Whether some class holds more than one and a half times its fair share of the rows."""
    return bool(shares) and max(shares) * len(shares) > _IMBALANCED


def standing(versus: Versus | None, unit: Unit) -> str:
    """By the corrected test: "better", "worse" or "unclear"; what a colour and a mark say."""
    if versus is None or not versus.is_significant:
        return "unclear"
    return "better" if unit.gain(versus.difference) > 0 else "worse"


def only_on_these_rows(versus: VersusBaseline | VersusNetwork) -> bool:
    """Whether a difference is told over seeds, and with other test rows zero is possible."""
    interval = versus.ci95_seeds_and_rows
    return versus.is_significant and interval is not None and interval[0] <= 0 <= interval[1]


def best_member(results: StudyScores, variant: str | None = None) -> MemberScores:
    """The best variant; in it the seed with the lowest loss.

    A variant that is named is not chosen. The test part is never looked at.

    Raises:
        SelectionError: no member finished.
    """
    among = [v for v in results.variants if variant in (None, v.name)]
    chosen = best_variant(among, results.unit(), results.picked)
    if chosen is None:
        raise SelectionError(
            "no network has finished: there is none to choose. The command that made the study "
            "goes on with what is missing."
        )
    return lowest_loss(chosen, results.finished(chosen.name), results.dataset.task)


def lowest_loss(variant: VariantScores, members: Iterable[MemberScores], task: str) -> MemberScores:
    """Of a variant's finished members: by the cross-entropy or the squared error on validation
    rows; without any the training part decides."""
    loss = plain_loss_name(task)
    return min(members, key=lambda m: m.score(variant.chosen_on, loss))
