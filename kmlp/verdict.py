"""Sentences that follow from the numbers, and from nothing else."""

from collections.abc import Mapping
from typing import Any

from kmlp.stats import ALPHA, MIN_SEEDS_TO_TEST
from kmlp.units import Unit, p_value, unit_in

_IMBALANCED = 1.5


def verdict(results: Mapping[str, Any]) -> list[str]:
    """What a study shows: the best variant, each comparison by rank, and what limits them.

    Args:
        results: as in `results.json`.
    """
    unit = unit_in(results)
    ranked = rank(results["variants"], unit)
    sentences = [_best(results["variants"], unit)]
    sentences += [
        comparison_sentence(v, results["baseline"], unit) for v in ranked if v["versus_baseline"]
    ]
    return sentences + _limits(results)


def rank(variants: list[dict[str, Any]], unit: Unit) -> list[dict[str, Any]]:
    """Variants with finished members, best mean test score first."""
    done = [v for v in variants if v["num_members"]]
    return sorted(done, key=lambda v: -unit.gain(v["test"][unit.metric]["mean"]))


def best_variant(variants: list[dict[str, Any]], unit: Unit) -> dict[str, Any] | None:
    """The finished variant with the best mean validation score; None where there is none.

    Without validation rows the training score decides. The test part is never looked at, not
    even for ties: of equals the first in the study's order.
    """
    done = [v for v in variants if v["num_members"]]
    score = {v["name"]: unit.gain(v[chosen_on(v)][unit.metric]["mean"]) for v in done}
    return max(done, key=lambda v: score[v["name"]]) if done else None


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
    return ("balanced_accuracy",) if _is_imbalanced(results["class_shares"]) else ()


def _is_imbalanced(shares: list[float]) -> bool:
    return bool(shares) and max(shares) * len(shares) > _IMBALANCED


def is_significant(variant: Mapping[str, Any]) -> bool:
    """Whether the corrected test tells a variant from the baseline; never below six seeds."""
    return tells_apart(variant["versus_baseline"])


def tells_apart(versus: Mapping[str, Any]) -> bool:
    """Whether a comparison is significant: six seeds or more, and a corrected p below 5 %."""
    return num_pairs(versus) >= MIN_SEEDS_TO_TEST and versus["p_holm"] < ALPHA


def num_pairs(versus: Mapping[str, Any]) -> int:
    """How many seeds a comparison rests on."""
    return versus["wins"] + versus["ties"] + versus["losses"]


def label(variant: Mapping[str, Any]) -> str:
    """A variant's name with its strength, said once."""
    name, strength = variant["name"], variant["strength"]
    if not strength or name.startswith(strength):
        return name
    return strength if strength.startswith(f"{name}=") else f"{name} ({strength})"


def comparison_sentence(variant: Mapping[str, Any], baseline: str, unit: Unit) -> str:
    """One variant against the baseline, with its interval and corrected p."""
    versus = variant["versus_baseline"]
    difference, pairs = versus["difference"], num_pairs(versus)
    signed = f"{unit.signed(difference)} {unit.of_difference}"
    if pairs < MIN_SEEDS_TO_TEST:
        return (
            f"{label(variant)} differs from {baseline} by {signed} on {pairs} "
            f"seed{'s' * (pairs > 1)}: too few to test; at least {MIN_SEEDS_TO_TEST} are needed."
        )
    p = p_value(versus["p_holm"])
    p = p if p.startswith("<") else f"= {p}"
    if not is_significant(variant):
        return (
            f"{label(variant)} cannot be told apart from {baseline}: {signed} "
            f"(95 % interval {unit.interval(versus['ci95'], signed=True)}, Holm p {p}, better on "
            f"{versus['wins']} of {pairs} seeds)."
        )
    by = f"{unit.value(abs(difference))} {unit.of_difference}"
    # Towards the side of the sentence: "by 0.61 (0.53 to 0.69)", whatever the sign.
    towards = sorted(bound if difference > 0 else -bound for bound in versus["ci95"])
    interval = f"95 % interval {unit.interval(towards)}"
    if unit.gain(difference) < 0:
        return (
            f"{label(variant)} loses to {baseline} by {by} ({interval}, Holm p {p}, worse on "
            f"{versus['losses']} of {pairs} seeds)."
        )
    return (
        f"{label(variant)} beats {baseline} by {by} ({interval}, Holm p {p}, "
        f"{versus['wins']} of {pairs} seeds)."
    )


def _best(variants: list[dict[str, Any]], unit: Unit) -> str:
    best = best_variant(variants, unit)
    if best is None:
        return "No member finished: nothing can be said."
    test = best["test"][unit.metric]
    spread = (
        f" (95 % interval {unit.interval(test['ci95'])} over {best['num_members']} seeds)"
        if test["ci95"]
        else " (one seed: no interval)"
    )
    where = "validation" if chosen_on(best) == "val" else "training"
    return (
        f"{label(best)} has the best mean {where} {unit.title}; expect "
        f"{unit.with_unit(test['mean'])} on the test set{spread}."
    )


def _limits(results: Mapping[str, Any]) -> list[str]:
    limits = []
    for variant in results["variants"]:
        if variant["num_diverged"]:
            seeds = [
                f"{m['seed']} (epoch {m['stopped_epoch']})"
                for m in results["members"]
                if m["variant"] == variant["name"] and m["status"] == "diverged"
            ]
            limits.append(
                f"{label(variant)} diverged (a loss was not finite) with seed {', '.join(seeds)}: "
                "kept out of every mean."
            )
    for member in results["members"]:
        if member["status"] == "given_up":
            limits.append(
                f"{member['variant']} with seed {member['seed']} ended its process three times in "
                "a row, the last time alone, and was given up: kept out of every mean."
            )
    shares = results["class_shares"]
    if _is_imbalanced(shares):
        largest = results["dataset"]["class_names"][shares.index(max(shares))]
        limits.append(
            f"Class {largest} holds {100 * max(shares):.0f} % of the test rows: read the balanced "
            "accuracy too, which counts every class alike."
        )
    if results["dataset"]["source"] == "sample":
        limits.append(
            f"This is the bundled sample of {results['dataset']['num_train']:,} training and "
            f"{results['dataset']['num_test']:,} test rows, not the full set: "
            "expect other numbers there."
        )
    return limits
