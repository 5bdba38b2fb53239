"""How far the statistics can be trusted: coverage, false verdicts and power, by simulation.

    python benchmarks/calibration.py [--studies 4000]

Prints Markdown tables and writes what the report quotes to `kmlp/report/calibration.json`. The
functions are those that make a verdict; no network is trained. Some minutes on one core.
"""

import argparse
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from calibration_decompositions import decomposition_shares, decomposition_table
from calibration_folds import fold_calibration, fold_table
from calibration_groups import group_leak, group_table
from calibration_rounds import rounds_false_verdicts, rounds_power, rounds_tables
from calibration_samples import sample_coverage, sample_table
from calibration_searches import (
    fold_false_verdicts,
    search_choice,
    search_false_verdicts,
    search_tables,
)
from simulated import (
    DISTRIBUTIONS,
    NUM_VARIANTS,
    null_scores,
    percent,
    share,
    table,
)

from kmlp.stats import paired_tests, resampling, summaries
from kmlp.study.results.records.variants import Versus

COMMAND = "python benchmarks/calibration.py"
JSON = Path(__file__).parent.parent / "kmlp" / "report" / "calibration.json"
SEEDS = (5, 10, 20)
SEEDS_TESTED = (6, 10, 20)


def coverage(studies: int) -> dict[str, dict[str, dict[str, float]]]:
    """How often 95 % intervals hold the true mean, 0: interval -> distribution -> seeds."""
    intervals: dict[str, tuple[int, Sequence[int], Callable[[np.ndarray], Any]]] = {
        "t": (5 * studies, SEEDS, summaries.t_interval),
        "bca": (
            studies // 2,
            SEEDS[1:],
            lambda x: resampling.bca_interval(x, num_draws=2000, min_values=2),
        ),
    }
    return {
        name: {
            distribution: {
                str(n): share(
                    low < 0 < high
                    for low, high in map(interval, draw(np.random.default_rng(n), (repeats, n)))
                )
                for n in seeds
            }
            for distribution, draw in DISTRIBUTIONS.items()
        }
        for name, (repeats, seeds, interval) in intervals.items()
    }


def two_way_coverage(studies: int) -> dict[str, dict[str, float]]:
    """Of 10 seeds by 500 rows whose true mean is 0, by where the variance comes from."""
    found = {}
    for name, (seeds, rows, rest) in {
        "seeds": (1.0, 0.5, 1.0),
        "rows": (0.0, 1.0, 1.0),
        "both alike": (0.14, 1.0, 1.0),
        "neither: runs that disagree row by row": (0.0, 0.0, 1.0),
    }.items():
        rng, held = np.random.default_rng(1), []
        for _ in range(studies // 4):
            x = seeds * rng.normal(size=(10, 1)) + rows * rng.normal(size=500)
            x = x + rest * rng.normal(size=(10, 500))
            draws = resampling.resampled_means(x, num_draws=500)
            counts = rng.multinomial(10, np.full(10, 0.1), size=500)
            plain = np.quantile(np.einsum("bk,kb->b", counts / 10, draws), (0.025, 0.975))
            two_way = resampling.two_way_interval(x, draws) or (np.nan, np.nan)
            intervals = (two_way, plain, summaries.t_interval(x.mean(axis=1)))
            held.append([low < 0 < high for low, high in intervals])
        methods = ("two-way", "uncorrected", "seeds alone")
        found[name] = dict(zip(methods, np.mean(held, axis=0).round(4).tolist(), strict=True))
    return found


def has_verdict(scores: np.ndarray, num_looks: int = 1) -> bool:
    """Whether a study calls any variant better or worse than the first, p counting these looks."""
    baseline, *variants = scores
    found = [paired_tests.compare_paired(v, baseline, higher_is_better=True) for v in variants]
    corrected = paired_tests.holm([comparison.p for comparison in found])
    return any(
        Versus(**asdict(comparison), p_holm=min(1.0, num_looks * p_holm)).is_significant
        for comparison, p_holm in zip(found, corrected, strict=True)
    )


def false_verdicts(studies: int) -> dict[str, dict[str, float]]:
    """The share of studies with any false "better" or "worse"."""
    names = (*DISTRIBUTIONS, "tied accuracies", "baseline alone skewed")
    found: dict[str, dict[str, float]] = {}
    for name in names:
        found[name] = {}
        for n in SEEDS_TESTED:
            rng = np.random.default_rng(n)
            verdicts = (has_verdict(null_scores(name, rng, n)) for _ in range(studies))
            found[name][str(n)] = share(verdicts)
    return found


def second_look(studies: int) -> float:
    """The same with normal scores, 10 seeds, and 10 more wherever nothing was found."""
    rng, found = np.random.default_rng(0), []
    for _ in range(studies):
        scores = null_scores("normal", rng, 20)
        found.append(has_verdict(scores[:, :10]) or has_verdict(scores))
    return share(found)


def second_look_corrected(studies: int) -> float:
    """The same where the second look's p counts both, as in a run folder that is extended."""
    rng, found = np.random.default_rng(0), []
    for _ in range(studies):
        scores = null_scores("normal", rng, 20)
        found.append(has_verdict(scores[:, :10]) or has_verdict(scores, num_looks=2))
    return share(found)


def choice_coverage(studies: int) -> dict[str, float]:
    """How often the 95 % interval of the chosen variant's mean test score holds the truth, of equal
    variants over 10 seeds: by the correlation of a network's validation and test scores."""
    found = {}
    for correlation in (0.0, 0.5, 0.9):
        rng = np.random.default_rng(2)
        val, rest = rng.normal(size=(2, 5 * studies, NUM_VARIANTS, 10))
        test = correlation * val + (1 - correlation**2) ** 0.5 * rest
        chosen = val.mean(axis=2).argmax(axis=1)
        scores = test[np.arange(len(test)), chosen]
        found[str(correlation)] = share(
            low < 0 < high for low, high in map(summaries.t_interval, scores)
        )
    return found


def power(studies: int) -> list[dict[str, Any]]:
    """How often the seeds asked for show an effect of so many sd of the paired differences."""
    found = []
    for num_comparisons, effect in ((1, 0.5), (1, 0.8), (7, 0.5), (7, 0.8), (7, 1.2), (7, 2.0)):
        n = paired_tests.seeds_to_show(effect, 1.0, num_comparisons=num_comparisons) or 0
        rng = np.random.default_rng(0)
        shown = share(
            paired_tests.sign_flip_p(rng.normal(effect, 1.0, n)) * num_comparisons
            < paired_tests.ALPHA
            for _ in range(studies // 2)
        )
        row = {"comparisons": num_comparisons, "effect": effect, "seeds": n, "power": shown}
        found.append(row)
    return found


def power_after_pilot(studies: int) -> dict[str, float]:
    """The same where effect and spread are what 10 seeds happened to show, as in a verdict.

    Only pilots that settled nothing are planned from. The true effect is 0.8 standard deviations,
    seven comparisons are open.
    """
    rng, shown = np.random.default_rng(0), []
    planned: list[float] = []
    while len(planned) < studies // 4:
        pilot = rng.normal(0.8, 1.0, 10)
        if paired_tests.sign_flip_p(pilot) * 7 < paired_tests.ALPHA:
            continue
        n = paired_tests.seeds_to_show(pilot.mean(), pilot.std(ddof=1), num_comparisons=7)
        planned.append(n or np.inf)
        if n:
            shown.append(paired_tests.sign_flip_p(rng.normal(0.8, 1.0, n)) * 7 < paired_tests.ALPHA)
    return {
        "effect": 0.8,
        "median_seeds": float(np.median(planned)),
        "beyond_500": share(np.isinf(planned)),
        "power": share(shown),
    }


def tables(found: dict[str, Any]) -> str:
    """The numbers as Markdown."""
    covered = found["coverage"]
    by_seeds = [
        (f"{interval}, {distribution}", *(percent(shares.get(str(n))) for n in SEEDS))
        for interval in covered
        for distribution, shares in covered[interval].items()
    ]
    crossed = found["two_way_coverage"]
    methods = ("two-way", "uncorrected", "seeds alone")
    false = found["false_verdicts"]
    pilot = found["power_after_pilot"]
    return "\n".join(
        [
            table("Coverage of 95 % intervals of a mean", [f"{n} seeds" for n in SEEDS], by_seeds),
            table(
                "Coverage over seeds and test rows (10 seeds, 500 rows), by source of variance",
                methods,
                [(name, *(percent(crossed[name][m]) for m in methods)) for name in crossed],
            ),
            table(
                "Studies of 8 equal variants with any false better or worse",
                [f"{n} seeds" for n in SEEDS_TESTED],
                [
                    (name, *(percent(shares[str(n)]) for n in SEEDS_TESTED))
                    for name, shares in false.items()
                ],
            ),
            f"Looked at after 10 seeds and, where nothing was found, again after 20: "
            f"{percent(found['second_look'])} (normal); where p counts both looks "
            f"{percent(found['second_look_corrected'])}.\n",
            table(
                "Coverage of the chosen variant's interval, 8 equal variants, 10 seeds",
                ["coverage"],
                [
                    (f"correlation {r} of validation and test scores", percent(covered))
                    for r, covered in found["choice_coverage"].items()
                ],
            ),
            *rounds_tables(found),
            sample_table(found["sample_coverage"]),
            decomposition_table(found["decomposition_shares"]),
            fold_table(found["folds"]),
            *search_tables(found),
            group_table(found["group_leak"]),
            table(
                "Power of the seeds asked for (aim: 80 %)",
                ["effect in sd", "seeds", "power"],
                [
                    (
                        f"{r['comparisons']} comparisons",
                        r["effect"],
                        r["seeds"],
                        percent(r["power"]),
                    )
                    for r in found["power"]
                ],
            ),
            f"Planned from 10 seeds that settled nothing (true effect {pilot['effect']} sd, 7 "
            f"comparisons): {pilot['median_seeds']:.0f} seeds in the median, power "
            f"{percent(pilot['power'])}; {percent(pilot['beyond_500'])} were told that more than "
            "500 were needed.",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=4000)
    studies = parser.parse_args().studies
    found = {
        "command": COMMAND + (f" --studies {studies}" if studies != 4000 else ""),
        "studies": studies,
        "num_variants": NUM_VARIANTS,
        "coverage": coverage(studies),
        "two_way_coverage": two_way_coverage(studies),
        "false_verdicts": false_verdicts(studies),
        "second_look": second_look(studies),
        "second_look_corrected": second_look_corrected(studies),
        "choice_coverage": choice_coverage(studies),
        "rounds_false_verdicts": rounds_false_verdicts(studies),
        "rounds_power": rounds_power(studies),
        "sample_coverage": sample_coverage(studies),
        "decomposition_shares": decomposition_shares(studies),
        "folds": fold_calibration(studies),
        "search_false_verdicts": search_false_verdicts(studies),
        "fold_false_verdicts": fold_false_verdicts(studies),
        "search_choice": search_choice(studies),
        "group_leak": group_leak(studies),
        "power": power(studies),
        "power_after_pilot": power_after_pilot(studies),
    }
    print(tables(found))
    JSON.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
