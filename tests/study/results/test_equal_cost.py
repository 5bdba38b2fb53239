"""Networks that are many in one beside ensembles that cost as much: in numbers, in words."""

import numpy as np
import pytest
from scipy import stats

from kmlp.stats.metrics import BY_NAME
from kmlp.study.results.analyses.equal_cost import at_equal_cost, equal_cost_sentences
from kmlp.study.results.evidence import Evidence
from kmlp.study.run_folder.folder import MemberRecord
from tests.made_results import numbers

TRUTH = np.random.default_rng(1).normal(size=40)
SECONDS = {"none": 1.1, "tabm": 3.2, "l2": 1.0}
OF_MANY = {"none": False, "tabm": True, "l2": False}


def predicted(variant: str, seed: int) -> np.ndarray:
    """Independent ones err more, each by itself."""
    rng = np.random.default_rng([seed, *variant.encode()])
    return TRUTH + (0.4 if variant == "tabm" else 0.6) * rng.normal(size=40)


def rmse(outputs: np.ndarray) -> float:
    return float(np.sqrt(np.mean((outputs - TRUTH) ** 2)))


def evidence(num_seeds: int, baseline: str = "none", **more) -> Evidence:
    """Of a regression; a seed's id holds its variant."""
    outputs, records = {}, {}
    for variant, seconds in SECONDS.items():
        records[variant] = {}
        for seed in range(num_seeds):
            id = f"{variant}-{seed}"
            outputs[id] = predicted(variant, seed)
            records[variant][seed] = MemberRecord(
                id=id,
                status="done",
                best_epoch=1,
                stopped_epoch=1,
                metrics={"test": {"rmse": rmse(outputs[id])}},
                seconds=seconds * (0.5 if seed % 2 else 1.5),
            )
    known = {"task": "regression", "metric": "rmse", "known": BY_NAME["rmse"], "num_looks": 1}
    return Evidence(
        **{**known, **more},
        baseline=baseline,
        records=records,
        outputs=outputs,
        truth=TRUTH,
        weight=None,
        rows=None,
    )


def test_ensembles_are_of_as_many_seeds_as_train_in_the_same_time():
    """20 seeds are six ensembles of three, and two that are left over."""
    found = at_equal_cost(evidence(20), OF_MANY)
    assert set(found) == {"tabm"}
    one = found["tabm"]
    assert one.ensemble_size == 3
    assert (one.seconds, one.independent_seconds) == pytest.approx((3.2, 1.1))
    differences = []
    for first in range(0, 18, 3):
        seeds = range(first, first + 3)
        together = rmse(np.mean([predicted("none", s) for s in seeds], axis=0))
        differences.append(np.mean([rmse(predicted("tabm", s)) for s in seeds]) - together)
    assert one.versus.difference == pytest.approx(np.mean(differences))
    low, high = one.versus.ci95
    half = stats.t.ppf(0.975, 5) * np.std(differences, ddof=1) / np.sqrt(6)
    assert (high - low) / 2 == pytest.approx(half)
    assert one.versus.wins == sum(d < 0 for d in differences)
    assert one.versus.num_pairs == 6


def test_an_ensemble_meets_the_networks_that_finished_of_its_seeds():
    """Of six ensembles the second meets one network alone, and the third none."""
    some = evidence(20)
    kept = {s: r for s, r in some.records["tabm"].items() if s not in (3, 5, 6, 7, 8)}
    some.records["tabm"].clear()
    some.records["tabm"].update(kept)
    versus = at_equal_cost(some, OF_MANY)["tabm"].versus
    differences = []
    for first in (0, 3, 9, 12, 15):
        seeds = range(first, first + 3)
        together = rmse(np.mean([predicted("none", s) for s in seeds], axis=0))
        of_many = [rmse(predicted("tabm", s)) for s in seeds if s in kept]
        differences.append(np.mean(of_many) - together)
    assert versus.num_pairs == 5
    assert versus.difference == pytest.approx(np.mean(differences))


def test_where_the_baseline_is_many_the_others_are_the_ensembles():
    """The sign is of the one that is many, and Holm is over both."""
    from_none = at_equal_cost(evidence(24), OF_MANY)["tabm"].versus
    found = at_equal_cost(evidence(24, baseline="tabm"), OF_MANY)
    assert set(found) == {"none", "l2"}
    assert found["none"].versus.difference == from_none.difference
    smaller, larger = sorted(v.versus.p for v in found.values())
    assert max(v.versus.p_holm for v in found.values()) == pytest.approx(max(2 * smaller, larger))


def test_nothing_is_compared_of_too_few_seeds_of_equals_or_by_a_users_own_metric():
    assert at_equal_cost(evidence(2), OF_MANY)["tabm"].versus is None
    assert at_equal_cost(evidence(20), dict.fromkeys(OF_MANY, False)) == {}
    assert at_equal_cost(evidence(20, metric="mine"), OF_MANY) == {}


@pytest.mark.parametrize(
    ("seconds", "size"), [(0.3, 1), (1.1, 1), (1.2, 1), (1.3, 2), (1.65, 2), (3.6, 3), (3.8, 4)]
)
def test_no_ensemble_costs_less_than_the_network_that_is_many_by_more_than_a_tenth(
    seconds, size, monkeypatch
):
    """1.1 s for an independent one: what costs 1.5 times as much meets two, not one."""
    monkeypatch.setitem(SECONDS, "tabm", seconds)
    assert at_equal_cost(evidence(12), OF_MANY)["tabm"].ensemble_size == size


def told(
    difference: float,
    wins: int,
    num_pairs: int,
    p: float = 0.03,
    size: int = 4,
    num_compared: int = 1,
) -> str:
    versus = {
        "difference": difference,
        "ci95": [difference - 0.01, difference + 0.01],
        "p": p,
        "wins": wins,
        "ties": 0,
        "losses": num_pairs - wins,
        "p_holm": p,
    }
    equal = {"seconds": 12.34, "independent_seconds": 3.21, "ensemble_size": size}
    equal["versus"] = versus if num_pairs else None
    summary = {"accuracy": {"mean": 0.88, "ci95": [0.87, 0.89]}}
    variants = [
        {"name": "none", "test": summary, "config": _config("none")},
        *(
            {
                **{"name": name, "test": summary, "config": _config("tabm")},
                "versus_baseline": {**versus, "equal_cost": equal},
            }
            for name in ("tabm", "tabm_mini")[:num_compared]
        ),
    ]
    metric = {"name": "accuracy", "higher_is_better": True}
    results = numbers({"metric": metric, "baseline": "none", "variants": variants})
    sentences = list(equal_cost_sentences(results))
    assert len(sentences) == num_compared
    return sentences[0]


def _config(sharing: str) -> dict:
    return {"model": {"weight_sharing": sharing}, "train": {}}


def test_the_sentence_says_at_which_cost_and_what_it_comes_to():
    assert told(0.02, 6, 6) == (
        "At 12.3 s a network, compiling included, tabm costs 3.84 times as much as one of none "
        "(3.21 s); it beats the mean of 4 of these: +2.00 points (95 % interval +1.00 to +3.00, "
        "Holm p = 0.030, better than 6 of 6 such ensembles)."
    )
    assert "it loses to the mean of 4 of these: -2.00 points" in told(-0.02, 0, 6)
    assert "it cannot be told apart from the mean of 4 of these" in told(0.02, 6, 6, p=0.2)


def test_too_few_ensembles_are_said_to_be_too_few_with_the_seeds_that_would_do():
    assert told(0.02, 2, 2).endswith("too few to test, 24 seeds would do.")
    assert told(0.0, 0, 0).endswith(
        "to compare it with the mean of 4 of these takes at least 4 seeds of both."
    )
    assert "as much as one of none (3.21 s); it beats one of these" in told(0.02, 6, 6, size=1)


def test_of_several_comparisons_more_ensembles_are_needed_as_holm_asks():
    """Of 6 pairs the least p, 1 of 32, is above 0.05 once doubled: no p could have told."""
    few = told(0.02, 6, 6, p=0.0625, num_compared=2)
    assert few.endswith("too few to test, 28 seeds would do.")
    assert "cannot be told apart" in told(0.02, 6, 7, p=0.0625, num_compared=2)
