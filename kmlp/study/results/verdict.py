"""Sentences that follow from the numbers, and from nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

from kmlp.stats.formatting import Unit, listed, p_equals, unit_in
from kmlp.stats.paired_tests import MAX_SEEDS, MIN_SEEDS_TO_TEST, min_seeds_to_test
from kmlp.study.results.ranking import (
    VariantResult,
    best_variant,
    chosen_on,
    is_imbalanced,
    is_significant,
    label,
    num_pairs,
    on_shared_seeds,
    rank,
    significant,
)

_IN_FULL = 3
_BY_NAME = 5


def verdict(results: Mapping[str, Any]) -> list[str]:
    """What a study shows, for a reader in a hurry: the first three sentences are the outcome.

    First the best variant and what is tied with it; then what helps; then what cannot be told
    apart from the baseline and how many seeds more would tell; then what hurts and what limits
    all this. Nothing is called better without its interval and its corrected p.

    Args:
        results: as in `results.json`.
    """
    unit, variants = unit_in(results), results["variants"]
    best = best_variant(variants, unit)
    if best is None:
        return ["No member finished: nothing can be said.", *_limits(results, unit)]
    return [
        _best(best, results, unit),
        *_comparisons(results, unit),
        *_surprises(best, results, unit),
        *_limits(results, unit),
    ]


def _best(best: VariantResult, results: Mapping[str, Any], unit: Unit) -> str:
    test, rows = best["test"][unit.metric], best["test_ci95_seeds_and_rows"]
    spread = " (one seed: no interval)"
    if test["ci95"]:
        seeds = f"{unit.interval(test['ci95'])} over {best['num_members']} seeds"
        both = f", {unit.interval(rows)} over seeds and test rows" if rows else ""
        spread = f" (95 % interval {seeds}{both})"
    where = "validation" if chosen_on(best) == "val" else "training"
    return (
        f"{label(best)} has the best mean {where} {unit.title}"
        f"{on_shared_seeds(results['variants'])}; expect "
        f"{unit.with_unit(test['mean'])} on the test set{spread}{_ties(best, results)}."
    )


def _ties(best: VariantResult, results: Mapping[str, Any]) -> str:
    """What is tied with the best, but for the baseline, which is compared in its own sentence."""
    baseline = results["baseline"]
    others = [v for v in results["variants"] if v["versus_best"] and v["name"] != baseline]
    tested = [v for v in others if num_pairs(v["versus_best"]) >= MIN_SEEDS_TO_TEST]
    tied = [v for v in others if v["tied_with_best"]]
    if best["name"] == baseline or not tested:
        return ""
    if not tied:
        with_baseline = best["versus_baseline"] is not None and not is_significant(best)
        return f"; no other variant{' but the baseline' * with_baseline} is tied with it"
    if len(tied) > _BY_NAME:
        every = "the" if len(tied) == len(others) else f"{len(tied)} of"
        return f"; {every} {len(others)} other variants cannot be told apart from it"
    return f"; {listed(map(label, tied))} cannot be told apart from it"


def _comparisons(results: Mapping[str, Any], unit: Unit) -> list[str]:
    """What helps; what cannot be told apart; what has too few seeds; what hurts."""
    baseline = results["baseline"]
    compared = [v for v in rank(results["variants"], unit) if v["versus_baseline"]]
    needed = min_seeds_to_test(len(compared))
    few = [v for v in compared if num_pairs(v["versus_baseline"]) < MIN_SEEDS_TO_TEST]
    tested = [v for v in compared if v not in few]
    unsettled = [v for v in tested if not is_significant(v)]
    settled = [v for v in tested if is_significant(v)]
    better = [v for v in settled if unit.gain(v["versus_baseline"]["difference"]) > 0]
    worse = [v for v in reversed(settled) if v not in better]
    sentences = []
    if better:
        sentences.append(_significant(better, baseline, unit))
    elif len(tested) > 1 or worse:
        sentences.append(f"No variant is shown to beat the baseline, {baseline}.")
    if unsettled:
        sentences.append(_unsettled(unsettled, compared, needed, baseline, unit))
    if few:
        sentences.append(_too_few(few, baseline, unit, needed))
    if worse:
        sentences.append(_significant(worse, baseline, unit))
    return sentences


def _significant(variants: Sequence[VariantResult], baseline: str, unit: Unit) -> str:
    """Those that beat the baseline, or lose to it: the first three in full, then their range."""
    in_full, rest = variants[:_IN_FULL], variants[_IN_FULL:]
    clauses = [_clause(v, unit) for v in in_full]
    is_better = unit.gain(variants[0]["versus_baseline"]["difference"]) > 0
    verb = "beats" if is_better else "loses to"
    clauses[0] = f"{label(in_full[0])} {verb} {baseline} {clauses[0]}"
    clauses[1:] = [f"{label(v)} {c}" for v, c in zip(in_full[1:], clauses[1:], strict=True)]
    sentence = listed(clauses)
    if rest:
        versus = [v["versus_baseline"] for v in rest]
        sizes = [abs(c["difference"]) for c in versus]
        bounds = [bound for c in versus for bound in _towards(c)]
        p = p_equals(max(c["p_holm"] for c in versus), "at most")
        sentence += (
            f"; so {'do' if len(rest) > 1 else 'does'} {listed(map(label, rest))} by "
            f"{unit.range(sizes)} {unit.of_difference} (95 % intervals within "
            f"{unit.interval((min(bounds), max(bounds)))}, Holm p {p})"
        )
    return f"{sentence}."


def _clause(variant: VariantResult, unit: Unit) -> str:
    """ "by 0.61 points (95 % interval 0.53 to 0.69, Holm p = 0.006, 10 of 10 seeds)"."""
    versus = variant["versus_baseline"]
    is_better = unit.gain(versus["difference"]) > 0
    seeds = f"{versus['wins']}" if is_better else f"worse on {versus['losses']}"
    return (
        f"by {unit.value(abs(versus['difference']))} {unit.of_difference} "
        f"(95 % interval {unit.interval(_towards(versus))}, Holm p {p_equals(versus['p_holm'])}, "
        f"{seeds} of {num_pairs(versus)} seeds)"
    )


def _towards(versus: Mapping[str, Any]) -> list[float]:
    """The interval towards the sentence's side: "by 0.61 (0.53 to 0.69)", whatever the sign."""
    return sorted(bound if versus["difference"] > 0 else -bound for bound in versus["ci95"])


def _open(variant: VariantResult, baseline: str, unit: Unit) -> str:
    """One variant that cannot be told apart, without the stop."""
    versus = variant["versus_baseline"]
    return (
        f"{label(variant)} cannot be told apart from {baseline}: "
        f"{unit.signed(versus['difference'])} {unit.of_difference} "
        f"(95 % interval {unit.interval(versus['ci95'], signed=True)}, "
        f"Holm p {p_equals(versus['p_holm'])}, better on "
        f"{versus['wins']} of {num_pairs(versus)} seeds)"
    )


def _unsettled(
    variants: Sequence[VariantResult],
    compared: Sequence[VariantResult],
    needed: int,
    baseline: str,
    unit: Unit,
) -> str:
    """Those that cannot be told apart in one sentence, and what it would take to tell."""
    versus = [v["versus_baseline"] for v in variants]
    if len(variants) == 1:
        sentence = _open(variants[0], baseline, unit)
    else:
        names = listed(map(label, variants))
        if len(variants) > _BY_NAME:
            every = "The" if len(variants) == len(compared) else f"{len(variants)} of"
            names = f"{every} {len(compared)} variants"
        differences = unit.range([c["difference"] for c in versus], signed=True)
        p = p_equals(min(c["p_holm"] for c in versus), "at least")
        sentence = (
            f"{names} cannot be told apart from {baseline} (differences {differences} "
            f"{unit.of_difference}, Holm p {p}, {_seeds(versus)})"
        )
    most = max(num_pairs(v["versus_baseline"]) for v in compared)
    if most < needed:
        among = f"{len(compared)} comparisons" if len(compared) > 1 else "one comparison"
        sentence += f": {most} seeds cannot show any among {among}, at least {needed} are needed"
    return f"{sentence}; {_more_seeds(variants)}."


def _more_seeds(variants: Sequence[VariantResult]) -> str:
    """How many seeds would settle what is open, were the differences seen the true ones."""
    more = {label(v): v["versus_baseline"]["more_seeds"] for v in variants}
    shown = sorted((n, name) for name, n in more.items() if n is not None)
    beyond = len(more) - len(shown)
    if not shown:
        these = "differences as small as these" if beyond > 1 else "a difference as small as this"
        return f"{these} would take more than {MAX_SEEDS} seeds to show"
    (fewest, first), (most, last) = shown[0], shown[-1]
    if len(more) == 1:
        return (
            f"about {fewest} more seeds would show a true difference of this size with 80 % power"
        )
    if len(shown) == 1:
        sentence = f"about {fewest} more seeds would show a true difference like that of {first}"
    elif fewest == most:
        sentence = f"about {fewest} more seeds would show true differences of these sizes"
    else:
        sentence = (
            f"from {fewest} more seeds ({first}) to {most} more ({last}) would show true "
            "differences of these sizes"
        )
    others = "the remaining one" if beyond == 1 else f"the other {beyond}"
    rest = f", {others} would take more than {MAX_SEEDS} in all" if beyond else ""
    return f"{sentence} with 80 % power{rest}"


def _too_few(variants: Sequence[VariantResult], baseline: str, unit: Unit, needed: int) -> str:
    versus = [v["versus_baseline"] for v in variants]
    names = listed(map(label, variants))
    if len(variants) > _BY_NAME:
        names = f"{len(variants)} variants"
    return (
        f"{names} {'differ' if len(variants) > 1 else 'differs'} from {baseline} by "
        f"{unit.range([c['difference'] for c in versus], signed=True)} {unit.of_difference} on "
        f"{_seeds(versus)}: too few to test; at least {needed} are needed."
    )


def _surprises(best: VariantResult, results: Mapping[str, Any], unit: Unit) -> list[str]:
    """Variants that the test set tells to be better than the one that validation chose."""
    sentences = []
    for variant in results["variants"]:
        versus = variant["versus_best"]
        # The baseline's comparison with the best is already told.
        if versus is None or variant["name"] == results["baseline"]:
            continue
        if best["name"] == results["baseline"] or not significant(versus):
            continue
        if unit.gain(versus["difference"]) > 0:
            sentences.append(
                f"On the test set {label(variant)} beats {label(best)}, which validation chose, "
                f"{_clause({'versus_baseline': versus}, unit)}."
            )
    return sentences


def _seeds(versus: Sequence[Mapping[str, Any]]) -> str:
    """ "10 seeds", "8 to 10 seeds", "1 seed"."""
    fewest, most = min(map(num_pairs, versus)), max(map(num_pairs, versus))
    number = f"{most}" if fewest == most else f"{fewest} to {most}"
    return f"{number} seed{'s' * (most > 1)}"


def _limits(results: Mapping[str, Any], unit: Unit) -> list[str]:
    limits = [*_not_compared(results), *_other_rows(results, unit)]
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
                f"{member['variant']} with seed {member['seed']} ended its process four times in "
                "a row, twice of them alone, and was given up: kept out of every mean."
            )
    limits += _cut_short(results)
    if pilot := results.get("pilot"):
        limits.append(
            f"The strengths were chosen on validation, by {pilot['num_seeds']} pilot seeds of "
            "their own; the seeds compared here had no part in it."
        )
    shares = results["class_shares"]
    if is_imbalanced(shares):
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


def _cut_short(results: Mapping[str, Any]) -> list[str]:
    """Whether many networks were at their best in the last epoch that they were given."""
    done = [m for m in results["members"] if m["status"] == "done"]
    improving = [m for m in done if m["best_epoch"] == m["stopped_epoch"]]
    if 4 * len(improving) < len(done) or not improving:
        return []
    return [
        f"{len(improving)} of {len(done)} networks were still getting better when max_epochs ended "
        "their training: more epochs may change the scores, and the ranking."
    ]


def _not_compared(results: Mapping[str, Any]) -> list[str]:
    """Variants without a seed that finished in them and in the baseline."""
    missing = [
        v
        for v in results["variants"]
        if v["name"] != results["baseline"]
        and v["versus_baseline"] is None
        and (v["num_members"] or not v["num_diverged"])
    ]
    if not missing:
        return []
    names = listed(map(label, missing))
    return [f"{names} cannot be compared with {results['baseline']}: no seed finished in both."]


def _other_rows(results: Mapping[str, Any], unit: Unit) -> list[str]:
    """Differences that hold over seeds, but not over other test rows as well."""
    sentences = []
    for variant in results["variants"]:
        versus = variant["versus_baseline"]
        interval = versus and versus["ci95_seeds_and_rows"]
        if interval and is_significant(variant) and interval[0] <= 0 <= interval[1]:
            sentences.append(
                f"The difference of {label(variant)} from {results['baseline']} holds for these "
                f"test rows; over other rows as well zero is in its 95 % interval, "
                f"{unit.interval(interval, signed=True)} {unit.of_difference}."
            )
    return sentences
