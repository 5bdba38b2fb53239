"""Variants against the baseline and against the best, and intervals that count the test rows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kmlp.stats import paired_tests, resampling, summaries
from kmlp.stats.metrics import HIGHER_IS_BETTER, within_range
from kmlp.study.results.ranking import significant
from kmlp.study.run_folder.folder import MemberRecord

Members = Mapping[int, MemberRecord]
"""The finished members of a variant by seed."""


@dataclass(frozen=True)
class RowScores:
    """What each test row says of each finished member.

    Attributes:
        index: member id -> its place on the first axis.
        values: `(num_members, num_rows)`; a member's score is the mean of its row.
        draws: `(num_members, num_draws)`, the scores on resampled rows, the same for all.
    """

    index: Mapping[str, int]
    values: np.ndarray
    draws: np.ndarray

    def interval(
        self, members: Sequence[str], minus: Sequence[str] = ()
    ) -> tuple[float, float] | None:
        """Of the members' mean score, or of its difference to others', paired in this order."""
        rows = [self.index[id] for id in members]
        values, draws = self.values[rows], self.draws[rows]
        if minus:
            rows = [self.index[id] for id in minus]
            values, draws = values - self.values[rows], draws - self.draws[rows]
        return resampling.two_way_interval(values, draws)


def row_scores(outputs: Mapping[str, np.ndarray], truth: np.ndarray, task: str) -> RowScores | None:
    """Row by row, right or wrong, or the squared error: what accuracy and RMSE are made of.

    Args:
        outputs: member id -> log probabilities `(n, num_classes)` or predictions `(n,)`.
        truth: `(n,)` labels or targets.
        task: decides which.

    Returns:
        None where there are no members.
    """
    if not outputs:
        return None
    index = {id: place for place, id in enumerate(outputs)}
    if task == "regression":
        targets = truth.astype(np.float64)
        squared = np.stack([(o.astype(np.float64) - targets) ** 2 for o in outputs.values()])
        draws = np.sqrt(resampling.resampled_means(squared))
        return RowScores(index, resampling.linear_rmse(squared), draws)
    right = np.stack([o.argmax(axis=1) == truth for o in outputs.values()]).astype(np.float64)
    return RowScores(index, right, resampling.resampled_means(right))


def add_intervals(
    variants: Sequence[dict[str, Any]],
    done: Mapping[str, Members],
    rows: RowScores | None,
    *,
    metric: str,
) -> None:
    """Adds `test_ci95_seeds_and_rows` and `test_ci95_bca` to each variant."""
    for variant in variants:
        records = list(done[variant["name"]].values())
        both = rows.interval([r.id for r in records]) if rows and records else None
        variant["test_ci95_seeds_and_rows"] = both and within_range(metric, both)
        variant["test_ci95_bca"] = resampling.bca_interval(_scores(records, metric))


def add_comparisons(
    variants: Sequence[dict[str, Any]],
    done: Mapping[str, Members],
    rows: RowScores | None,
    *,
    baseline: str,
    metric: str,
    num_looks: int = 1,
) -> None:
    """Adds `versus_baseline` on the test set, paired by seed, Holm over all variants.

    And `selection_difference`, to the baseline on the rows that choices are made on.

    Where earlier looks decided how many seeds there are, p counts them all (`num_looks`).
    """
    compared = _versus(variants, done, baseline, metric, num_looks)
    num_open = num_looks * sum(not significant(versus) for versus in compared.values())
    for variant in variants:
        versus = compared.get(variant["name"])
        variant["selection_difference"] = _selection_difference(
            *_pairs(done[variant["name"]], done[baseline]), metric
        )
        variant["versus_baseline"] = versus
        if versus is None or rows is None:
            continue
        mine, theirs = _pairs(done[variant["name"]], done[baseline])
        differences = _scores(mine, metric) - _scores(theirs, metric)
        better = summaries.probability_better(versus["wins"], versus["ties"], versus["losses"])
        versus |= {
            "p_wilcoxon": paired_tests.wilcoxon_p(differences),
            "probability_better": asdict(better),
            "ci95_seeds_and_rows": rows.interval([r.id for r in mine], [r.id for r in theirs]),
            "more_seeds": _more_seeds(versus, differences, num_open),
        }


def add_ties(
    variants: Sequence[dict[str, Any]],
    done: Mapping[str, Members],
    *,
    best: str | None,
    baseline: str,
    metric: str,
    num_looks: int = 1,
) -> None:
    """Adds `versus_best` and `tied_with_best` to each variant, after `add_comparisons`.

    The best is chosen on validation, the comparisons are on the test set, so none of them is
    flattered by the choice. Tied is what a sign-flip test does not tell from the best, corrected
    by Holm over all others; with fewer than six common seeds nothing is told apart. The best and
    the baseline are compared once, in `versus_baseline`, lest two corrections contradict.
    """
    compared = {}
    if best:
        others = [v for v in variants if best == baseline or v["name"] != baseline]
        compared = _versus(others, done, best, metric, num_looks)
        main = next(v["versus_baseline"] for v in variants if v["name"] == best)
        if main:
            compared[baseline] = _mirrored(main)
    for variant in variants:
        versus = compared.get(variant["name"])
        variant["versus_best"] = versus
        is_clear = versus is not None and significant(versus)
        variant["tied_with_best"] = bool(variant["num_members"]) and not is_clear


def _mirrored(versus: Mapping[str, Any]) -> dict[str, Any]:
    """The same comparison from the other side."""
    return {
        "difference": -versus["difference"],
        "ci95": versus["ci95"] and (-versus["ci95"][1], -versus["ci95"][0]),
        "p": versus["p"],
        "wins": versus["losses"],
        "ties": versus["ties"],
        "losses": versus["wins"],
        "p_holm": versus["p_holm"],
    }


def _versus(
    variants: Sequence[Mapping[str, Any]],
    done: Mapping[str, Members],
    other: str,
    metric: str,
    num_looks: int,
) -> dict[str, dict[str, Any]]:
    """Each variant that shares a seed with the other one, minus it, corrected over all of them."""
    found = {}
    for variant in variants:
        mine, theirs = _pairs(done[variant["name"]], done[other])
        if mine and variant["name"] != other:
            found[variant["name"]] = paired_tests.compare_paired(
                _scores(mine, metric),
                _scores(theirs, metric),
                higher_is_better=HIGHER_IS_BETTER[metric],
            )
    corrected = paired_tests.holm([comparison.p for comparison in found.values()])
    return {
        name: {**asdict(comparison), "p_holm": min(1.0, num_looks * p_holm)}
        for (name, comparison), p_holm in zip(found.items(), corrected, strict=True)
    }


def _pairs(mine: Members, theirs: Members) -> tuple[list[MemberRecord], list[MemberRecord]]:
    """Those of the seeds that both have finished, in the same order."""
    seeds = [seed for seed in mine if seed in theirs]
    return [mine[seed] for seed in seeds], [theirs[seed] for seed in seeds]


def _scores(records: Sequence[MemberRecord], metric: str, part: str = "test") -> np.ndarray:
    return np.array([record.metrics[part][metric] for record in records])


def _selection_difference(
    mine: Sequence[MemberRecord], theirs: Sequence[MemberRecord], metric: str
) -> float | None:
    """Of the means over common seeds, so that equal scores stay equal; None without any."""
    if not mine:
        return None
    has_val = all(record.metrics.get("val") for record in (*mine, *theirs))
    part = "val" if has_val else "train"
    return float(_scores(mine, metric, part).mean() - _scores(theirs, metric, part).mean())


def _more_seeds(versus: Mapping[str, Any], differences: np.ndarray, num_open: int) -> int | None:
    """0 where nothing is open; None where the spread is unknown or no number would do."""
    if significant(versus):
        return 0
    if len(differences) < paired_tests.MIN_SEEDS_TO_TEST:
        return None
    sd = float(differences.std(ddof=1))
    needed = paired_tests.seeds_to_show(versus["difference"], sd, num_comparisons=num_open)
    return None if needed is None else max(1, needed - len(differences))
