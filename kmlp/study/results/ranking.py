"""How variants stand: their order, which is chosen, what a test tells apart, and their names."""

from collections.abc import Mapping, Sequence
from typing import Any

from kmlp.errors import SelectionError
from kmlp.stats.formatting import Unit, unit_in
from kmlp.stats.monitoring import plain_loss_name
from kmlp.stats.paired_tests import ALPHA, MIN_SEEDS_TO_TEST

_IMBALANCED = 1.5


VariantResult = Mapping[str, Any]


def rank(variants: list[dict[str, Any]], unit: Unit) -> list[dict[str, Any]]:
    """Variants with finished members, best mean test score first."""
    done = [v for v in variants if v["num_members"]]
    return sorted(done, key=lambda v: -unit.gain(v["test"][unit.metric]["mean"]))


def best_variant(variants: list[dict[str, Any]], unit: Unit) -> dict[str, Any] | None:
    """The finished variant with the best mean validation score; None where there is none.

    The test part is never looked at, not even for ties: of equals the first in the study's order.
    """
    score = choice_scores(variants, unit)
    done = [v for v in variants if v["name"] in score]
    return max(done, key=lambda v: score[v["name"]]) if done else None


def choice_scores(variants: Sequence[VariantResult], unit: Unit) -> dict[str, float]:
    """What the finished variants are chosen by, by name; higher is better whatever the metric.

    It is the mean validation score, or training score without validation rows, less the baseline's
    over the seeds that both finished: a variant of fewer seeds, of which some diverged or were
    never needed, would otherwise be judged by which seeds these are. Where some variant shares no
    seed with the baseline it is the plain mean.
    """
    done = [v for v in variants if v["num_members"]]
    if any(v.get("selection_difference") is None for v in done):
        return {v["name"]: unit.gain(v[chosen_on(v)][unit.metric]["mean"]) for v in done}
    return {v["name"]: unit.gain(v["selection_difference"]) for v in done}


def on_shared_seeds(variants: Sequence[VariantResult]) -> str:
    """What to add to "the best mean" where not all variants have the same seeds."""
    done = [v for v in variants if v["num_members"]]
    counts = {(v["num_members"], v.get("num_diverged", 0)) for v in done}
    is_same = len(counts) == 1 and not any(diverged for _, diverged in counts)
    is_paired = all(v.get("selection_difference") is not None for v in done)
    return " on the seeds shared with the baseline" if is_paired and not is_same else ""


def chosen_on(variant: Mapping[str, Any]) -> str:
    """The part of the data that choices are made on: "val", or "train" where it is empty."""
    return "val" if variant["val"] else "train"


def shown_beside(results: Mapping[str, Any]) -> tuple[str, ...]:
    """The metrics that a table shows beside the primary one, which alone would mislead.

    An error in the target's unit says little without R²; an accuracy flatters where one class
    holds more than one and a half times its fair share of the test rows.
    """
    if results["dataset"]["task"] == "regression":
        return ("r2",)
    return ("balanced_accuracy",) if is_imbalanced(results["class_shares"]) else ()


def is_imbalanced(shares: Sequence[float]) -> bool:
    """Whether some class holds more than one and a half times its fair share of the rows."""
    return bool(shares) and max(shares) * len(shares) > _IMBALANCED


def is_significant(variant: Mapping[str, Any]) -> bool:
    """Whether the corrected test tells a variant from the baseline; never below six seeds."""
    return significant(variant["versus_baseline"])


def significant(versus: Mapping[str, Any]) -> bool:
    """Whether a comparison is significant: six pairs or more, and a corrected p below 5 %."""
    return num_pairs(versus) >= MIN_SEEDS_TO_TEST and versus["p_holm"] < ALPHA


def num_pairs(versus: Mapping[str, Any]) -> int:
    """How many seeds, or folds, a comparison rests on."""
    return versus["wins"] + versus["ties"] + versus["losses"]


def label(variant: VariantResult) -> str:
    """A variant's name with its strength, said once.

    Example:
        >>> label({"name": "l1_l2", "strength": "l1=1e-05, l2=0.0001"})
        'l1_l2 (l1=1e-05, l2=0.0001)'
        >>> label({"name": "l2", "strength": "l2=0.0005"})
        'l2=0.0005'
    """
    name, strength = variant["name"], variant["strength"]
    first, _, rest = strength.partition(", ")
    if strength and (first == name or first.startswith(f"{name}=")):
        return f"{first} ({rest})" if rest else first
    return f"{name} ({strength})" if strength else name


def best_member(results: Mapping[str, Any], variant: str | None = None) -> dict[str, Any]:
    """The variant with the best mean validation score; in it the seed with the lowest loss.

    A variant that is named is not chosen. The loss is the cross-entropy or the squared error.
    Without validation rows the training part decides. The test part is never looked at.

    Raises:
        SelectionError: no member finished.
    """
    chosen = best_variant(
        [v for v in results["variants"] if variant in (None, v["name"])], unit_in(results)
    )
    if chosen is None:
        raise SelectionError("no member finished: there is none to choose.")
    loss = plain_loss_name(results["dataset"]["task"])
    part = chosen_on(chosen)
    return min(
        (m for m in results["members"] if m["variant"] == chosen["name"] and m["status"] == "done"),
        key=lambda m: m[part][loss],
    )
