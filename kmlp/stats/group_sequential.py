"""When to stop adding seeds: decisions at planned looks, wrong in at most 5 of 100 studies.

Seeds are added in rounds, and after each the variants are compared with the baseline on the
validation rows. Who looks three times at a test of 5 % errs more often than that, so the error
rate is split over the looks beforehand (Bonferroni; Jennison and Turnbull 1999, *Group Sequential
Methods*, on why): of three looks each has 1.67 %, within which Holm's correction covers all
variants that are not yet told apart. Then the chance of any wrong verdict, at any look, is at most
5 %, for whatever scores whose paired differences are symmetric, as sign flips assume (one very
skewed variant among others errs more, as at a single look): by the union over looks; within a look
because as long as none is wrong, all variants that do not differ are still among those that Holm
counts (Holm 1979). Those that stop for other reasons keep being counted.

The test set is read after stopping. Its scores go with the validation scores that stopped the
study, so its p-values are multiplied by the number of looks.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kmlp.stats import paired_tests, summaries

SCHEDULE = (10, 20, 40)
"""At how many seeds the variants are compared."""


@dataclass(frozen=True)
class Decision:
    """What a look says of one variant.

    Attributes:
        variant: its name.
        status: "better" or "worse" than the baseline; "precise" where it is not told apart, but
            its interval is as narrow as was asked; "open" where more seeds may tell; "undecided"
            at the last look.
        num_seeds: pairs that it rests on.
        difference: mean of the paired differences on the validation rows.
        interval: of it, at the level that this look and the number of variants leave: such
            intervals hold the truth together, at all looks, in 95 of 100 studies. None of fewer
            than two pairs.
        p: Holm's correction times the number of looks: below 0.05 decides.
    """

    variant: str
    status: str
    num_seeds: int
    difference: float
    interval: tuple[float, float] | None
    p: float

    @property
    def is_told_apart(self) -> bool:
        """Whether it is better or worse than the baseline."""
        return self.status in ("better", "worse")


def decide(
    differences: Mapping[str, np.ndarray],
    *,
    significant: Collection[str] = (),
    num_looks: int = len(SCHEDULE),
    is_last: bool = False,
    half_width: float | None = None,
    higher_is_better: bool = True,
) -> list[Decision]:
    """What a look decides.

    Args:
        differences: variant -> `(n,)` validation scores minus the baseline's of the same seeds; of
            every variant of the study but the baseline, those that have stopped included, with
            the seeds that they have.
        significant: those that an earlier look called better or worse; they are not tested again,
            nor counted.
        num_looks: how many looks were planned before the first.
        is_last: whether there will be no further one.
        half_width: an interval as narrow as this, to either side, needs no more seeds; in the
            metric's own unit.
        higher_is_better: the metric's direction.

    Returns:
        A decision for each variant that is not in `significant`, in their order. Any that was
        "precise" before may be passed again: what it is called now may be "better" or "worse"
        only where the corrected test says so.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> found = decide({"dropout": rng.normal(2, 1, 10), "l2": rng.normal(0, 1, 10)})
        >>> [(d.variant, d.status) for d in found]
        [('dropout', 'better'), ('l2', 'open')]
    """
    tested = {v: np.asarray(d, float) for v, d in differences.items() if v not in significant}
    corrected = paired_tests.holm([paired_tests.sign_flip_p(d) for d in tested.values()])
    level = 1 - paired_tests.ALPHA / (num_looks * max(1, len(differences)))
    decisions = []
    for (variant, d), p in zip(tested.items(), corrected, strict=True):
        interval = summaries.t_interval(d, level) if len(d) > 1 else None
        mean, p = float(d.mean()) if len(d) else 0.0, min(1.0, p * num_looks)
        status = "undecided" if is_last else "open"
        if p < paired_tests.ALPHA and len(d) >= paired_tests.MIN_SEEDS_TO_TEST:
            status = "better" if (mean > 0) == higher_is_better else "worse"
        elif half_width is not None and interval and interval[1] - interval[0] <= 2 * half_width:
            status = "precise"
        decisions.append(Decision(variant, status, len(d), mean, interval, p))
    return decisions


@dataclass(frozen=True)
class Look:
    """One look: how many seeds had been trained, and what it decided."""

    num_seeds: int
    decisions: tuple[Decision, ...]


@dataclass(frozen=True)
class Rounds:
    """How far a study with added seeds is.

    Attributes:
        looks: those that were taken, in order.
        num_seeds: variant -> how many seeds are wanted of it, the baseline included: for the next
            look, or in the end.
        is_over: whether there is no further look to take.
    """

    looks: tuple[Look, ...]
    num_seeds: Mapping[str, int]
    is_over: bool

    @property
    def status(self) -> dict[str, str]:
        """What each variant but the baseline ended as so far."""
        return {d.variant: d.status for look in self.looks for d in look.decisions}


def replay(
    scores: Mapping[str, Sequence[float]],
    *,
    baseline: str,
    schedule: Sequence[int] = SCHEDULE,
    half_width: float | None = None,
    higher_is_better: bool = True,
) -> Rounds:
    """Takes all looks for which the scores are there; the same scores give the same decisions.

    Args:
        scores: variant -> validation scores of its seeds in order, as far as it has been trained;
            NaN of a seed that gave none, which then counts as trained and is left out of its pair.
        baseline: the variant that all others are compared with.
        schedule: at how many seeds to look, increasing.
        half_width, higher_is_better: as for `decide`.

    Example:
        >>> zeros, ones = [0.0] * 10, [1.0] * 10
        >>> found = replay({"none": zeros, "dropout": ones, "l2": zeros}, baseline="none")
        >>> found.status, found.num_seeds["dropout"], found.num_seeds["l2"]
        ({'dropout': 'better', 'l2': 'open'}, 10, 20)
    """
    others = [name for name in scores if name != baseline]
    taken: list[Look] = []
    wanted, status = dict.fromkeys(scores, schedule[0]), dict.fromkeys(others, "open")
    for num_seeds in schedule:
        going = [name for name in others if status[name] == "open"]
        if not going:
            break
        wanted |= dict.fromkeys([baseline, *going], num_seeds)
        if any(len(scores[name]) < wanted[name] for name in scores):
            return Rounds(tuple(taken), wanted, is_over=False)
        decisions = decide(
            {name: _differences(scores[name], scores[baseline], wanted[name]) for name in others},
            significant=[name for name in others if status[name] in ("better", "worse")],
            num_looks=len(schedule),
            is_last=num_seeds == schedule[-1],
            half_width=half_width,
            higher_is_better=higher_is_better,
        )
        # What has stopped is tested again with the others' correction, and stays stopped.
        settled = {d.variant: d for d in decisions if d.variant in going or d.is_told_apart}
        status |= {name: decision.status for name, decision in settled.items()}
        taken.append(Look(num_seeds, tuple(settled.values())))
    return Rounds(tuple(taken), wanted, is_over=True)


def _differences(scores: Sequence[float], baseline: Sequence[float], num_seeds: int) -> np.ndarray:
    """Of the first seeds, without those that gave no score in either."""
    differences = np.asarray(scores[:num_seeds], float) - np.asarray(baseline[:num_seeds], float)
    return differences[np.isfinite(differences)]


def useful_schedule(num_variants: int, schedule: Sequence[int] = SCHEDULE) -> tuple[int, ...]:
    """A schedule whose every look can decide something: the smallest p must be able to.

    Two-sided sign flips of n pairs cannot give less than 2^(1 - n).

    Args:
        num_variants: without the baseline.
        schedule: as planned.

    Example:
        >>> useful_schedule(4), useful_schedule(13)
        ((10, 20, 40), (11, 20, 40))
    """
    needed = math.ceil(
        1 + math.log2(len(schedule) * max(1, num_variants) / paired_tests.ALPHA) + 1e-9
    )
    return tuple(sorted({max(n, needed) for n in schedule}))
