"""`--seeds auto` by simulation: false verdicts, power and cost; part of `calibration.py`."""

from typing import Any

import numpy as np
from simulated import DISTRIBUTIONS, NUM_VARIANTS, null_scores, percent, share, table

from kmlp.stats import group_sequential, paired_tests


def added_in_rounds(scores: np.ndarray) -> group_sequential.Rounds:
    """What `--seeds auto` makes of `(variants, most seeds)` validation scores; the first is the
    baseline."""
    looks = group_sequential.useful_schedule(len(scores) - 1)
    by_name = {str(i): list(row) for i, row in enumerate(scores)}
    return group_sequential.replay(by_name, baseline="0", schedule=looks)


def rounds_false_verdicts(studies: int) -> dict[str, dict[str, float]]:
    """Any false verdict of `--seeds auto`: on validation, and afterwards on the test set.

    The test scores are the validation scores, the worst case for a study that these have stopped.
    Uncorrected: as it would be, were their p-values not multiplied by the number of looks.
    """
    names = (*DISTRIBUTIONS, "tied accuracies", "baseline alone skewed")
    return {name: rounds_false_shares(name, studies // 8) for name in names}


def rounds_false_shares(name: str, studies: int) -> dict[str, float]:
    """The shares for one kind of scores."""
    rng, wrong = np.random.default_rng(40), []
    for _ in range(studies):
        scores = null_scores(name, rng, group_sequential.SCHEDULE[-1])
        rounds = added_in_rounds(scores)
        p = paired_tests.holm(
            [
                paired_tests.sign_flip_p((scores[int(n)] - scores[0])[: rounds.num_seeds[n]])
                for n in rounds.status
            ]
        )
        on_validation = not {"better", "worse"}.isdisjoint(rounds.status.values())
        smallest, looks = min(p), len(group_sequential.SCHEDULE)
        wrong.append(
            (on_validation, looks * smallest < paired_tests.ALPHA, smallest < paired_tests.ALPHA)
        )
    kinds = ("validation", "test", "test, uncorrected")
    return dict(zip(kinds, np.mean(wrong, axis=0).round(4).tolist(), strict=True))


def rounds_power(studies: int) -> list[dict[str, Any]]:
    """What `--seeds auto` finds and costs where some of 7 variants differ from the baseline.

    Beside it, what all 8 with the most seeds would find. Effects are in standard deviations of the
    paired differences.
    """
    found, most = [], group_sequential.SCHEDULE[-1]
    for num_effects, effect in ((7, 0.5), (7, 0.8), (7, 1.2), (7, 2.0), (3, 1.2), (1, 1.2)):
        rng, shown, cost, at_once = np.random.default_rng(0), [], [], []
        for _ in range(studies // 8):
            scores = rng.normal(size=(NUM_VARIANTS, most)) / 2**0.5
            scores[1 : num_effects + 1] += effect
            rounds = added_in_rounds(scores)
            found_better = [rounds.status[str(i + 1)] == "better" for i in range(num_effects)]
            shown.append(np.mean(found_better))
            cost.append(sum(rounds.num_seeds.values()) / (NUM_VARIANTS * most))
            p = paired_tests.holm([paired_tests.sign_flip_p(s - scores[0]) for s in scores[1:]])
            at_once.append(np.mean(np.array(p[:num_effects]) < paired_tests.ALPHA))
        found.append(
            {
                "variants_that_differ": num_effects,
                "effect": effect,
                "power": share(shown),
                "power_of_all_seeds": share(at_once),
                "share_of_seeds": share(cost),
            }
        )
    return found


def rounds_tables(found: dict[str, Any]) -> list[str]:
    """What `--seeds auto` gets wrong and finds."""
    kinds = ("validation", "test", "test, uncorrected")
    return [
        table(
            f"Studies of 8 equal variants with any false verdict of --seeds auto, looks at "
            f"{', '.join(map(str, group_sequential.SCHEDULE))} seeds",
            kinds,
            [
                (name, *(percent(shares[k]) for k in kinds))
                for name, shares in found["rounds_false_verdicts"].items()
            ],
        ),
        table(
            "What --seeds auto finds and costs with 7 variants and a baseline",
            ["effect in sd", "power", "power of 40 seeds at once", "share of their seeds"],
            [
                (
                    f"{r['variants_that_differ']} differ",
                    r["effect"],
                    percent(r["power"]),
                    percent(r["power_of_all_seeds"]),
                    percent(r["share_of_seeds"]),
                )
                for r in found["rounds_power"]
            ],
        ),
    ]
