"""Sentences that follow from the numbers, and from nothing else."""

from collections.abc import Mapping
from typing import Any

from kmlp.stats import MIN_SEEDS_TO_TEST

ALPHA = 0.05


def verdict(results: Mapping[str, Any]) -> list[str]:
    """What a study shows: the best variant, each comparison by rank, and what limits them.

    Args:
        results: as in `results.json`.
    """
    ranked = rank(results["variants"])
    sentences = [_best(ranked)] if ranked else ["No member finished: nothing can be said."]
    sentences += [
        comparison_sentence(v, results["baseline"]) for v in ranked if v["versus_baseline"]
    ]
    return sentences + _limits(results)


def rank(variants: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Variants with finished members, best mean test accuracy first."""
    done = [v for v in variants if v["num_members"]]
    return sorted(done, key=lambda v: -v["test"]["accuracy"]["mean"])


def is_significant(variant: Mapping[str, Any]) -> bool:
    """Whether the corrected test tells a variant from the baseline; never below six seeds."""
    versus = variant["versus_baseline"]
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


def comparison_sentence(variant: Mapping[str, Any], baseline: str) -> str:
    """One variant against the baseline, with its interval and corrected p."""
    versus = variant["versus_baseline"]
    points, pairs = 100 * versus["difference"], num_pairs(versus)
    if pairs < MIN_SEEDS_TO_TEST:
        return (
            f"{label(variant)} differs from {baseline} by {points:+.2f} points on {pairs} "
            f"seed{'s' * (pairs > 1)}: too few to test; at least {MIN_SEEDS_TO_TEST} are needed."
        )
    low, high = (100 * bound for bound in versus["ci95"])
    p = _p(versus["p_holm"])
    if not is_significant(variant):
        return (
            f"{label(variant)} cannot be told apart from {baseline}: {points:+.2f} points "
            f"(95 % interval {low:+.2f} to {high:+.2f}, Holm p {p}, better on "
            f"{versus['wins']} of {pairs} seeds)."
        )
    if points < 0:
        return (
            f"{label(variant)} loses to {baseline} by {-points:.2f} points "
            f"(95 % interval {-high:.2f} to {-low:.2f}, Holm p {p}, worse on "
            f"{versus['losses']} of {pairs} seeds)."
        )
    return (
        f"{label(variant)} beats {baseline} by {points:.2f} points (95 % interval {low:.2f} to "
        f"{high:.2f}, Holm p {p}, {versus['wins']} of {pairs} seeds)."
    )


def _best(ranked: list[dict[str, Any]]) -> str:
    part = "val" if ranked[0]["val"] else "train"
    best = max(ranked, key=lambda v: v[part]["accuracy"]["mean"])
    test = best["test"]["accuracy"]
    spread = (
        f" (95 % interval {100 * test['ci95'][0]:.2f} to {100 * test['ci95'][1]:.2f} over "
        f"{best['num_members']} seeds)"
        if test["ci95"]
        else " (one seed: no interval)"
    )
    where = "validation" if part == "val" else "training"
    return (
        f"{label(best)} has the best mean {where} accuracy; expect "
        f"{100 * test['mean']:.2f} % on the test set{spread}."
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
    if results["dataset"]["source"] == "sample":
        limits.append(
            f"This is the bundled sample of {results['dataset']['num_train']:,} training and "
            f"{results['dataset']['num_test']:,} test rows, not the full set: "
            "expect other numbers there."
        )
    return limits


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
