"""What the report says of its own statistics was measured, and is within what it promises."""

import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from kmlp.stats import summaries

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
CALIBRATION = json.loads(
    (resources.files("kmlp.report") / "calibration.json").read_text(encoding="utf-8")
)


def test_it_was_measured_in_full():
    """A quick try with fewer studies must not be what the report quotes."""
    assert CALIBRATION["command"] == "python benchmarks/calibration.py"
    assert CALIBRATION["studies"] >= 4000


@pytest.mark.parametrize("num_seeds", ["5", "10", "20"])
def test_the_t_interval_covers_95_of_100_normal_means(num_seeds):
    assert 0.93 <= CALIBRATION["coverage"]["t"]["normal"][num_seeds] <= 0.97


@pytest.mark.parametrize("scores", ["normal", "exponential", "lognormal", "tied accuracies"])
@pytest.mark.parametrize("num_seeds", ["6", "10", "20"])
def test_at_most_5_of_100_studies_of_equal_variants_say_that_they_differ(scores, num_seeds):
    assert CALIBRATION["num_variants"] == 8
    assert CALIBRATION["false_verdicts"][scores][num_seeds] <= 0.05


@pytest.mark.long
def test_what_was_measured_is_what_is_found_again(monkeypatch):
    """Other draws, fewer: within four standard errors of both."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    from calibration import has_verdict
    from simulated import DISTRIBUTIONS, null_scores

    rng = np.random.default_rng(123)
    draws = DISTRIBUTIONS["exponential"](rng, (2000, 10))
    covered = [low < 0 < high for low, high in map(summaries.t_interval, draws)]
    told = [has_verdict(null_scores("tied accuracies", rng, 10)) for _ in range(400)]
    for found, measured, studies in (
        (covered, CALIBRATION["coverage"]["t"]["exponential"]["10"], 20_000),
        (told, CALIBRATION["false_verdicts"]["tied accuracies"]["10"], 4000),
    ):
        error = (measured * (1 - measured) * (1 / len(found) + 1 / studies)) ** 0.5
        assert np.mean(found) == pytest.approx(measured, abs=4 * error)


def test_the_two_way_interval_covers_whatever_the_source_of_variance():
    for shares in CALIBRATION["two_way_coverage"].values():
        assert shares["two-way"] == pytest.approx(0.95, abs=0.02)


def test_the_seeds_asked_for_have_the_power_promised():
    for row in CALIBRATION["power"]:
        assert row["power"] == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("scores", ["normal", "exponential", "lognormal", "tied accuracies"])
@pytest.mark.parametrize("part", ["validation", "test"])
def test_adding_seeds_by_looks_errs_in_at_most_5_of_100_studies(scores, part):
    assert CALIBRATION["rounds_false_verdicts"][scores][part] <= 0.05


def test_adding_seeds_finds_most_of_what_all_seeds_find_and_costs_less():
    for row in CALIBRATION["rounds_power"]:
        assert row["power"] >= row["power_of_all_seeds"] - 0.2
        assert row["share_of_seeds"] < 1


@pytest.mark.parametrize("num_samples", ["5", "10", "20"])
def test_intervals_over_training_samples_cover_where_a_bootstrap_does_not(num_samples):
    """But for effects that are all one skewed direction, which no few samples can tell."""
    covered = CALIBRATION["sample_coverage"]
    for method in ("jackknife", "jackknife of the ratio"):
        by_kind = covered[method][num_samples]
        several = [share for kind, share in by_kind.items() if not kind.startswith("1 ")]
        assert min(several) >= 0.89
    for kind, share in covered["bootstrap"][num_samples].items():
        assert share < covered["jackknife"][num_samples][kind]


def test_of_searches_of_equal_trials_5_of_100_tell_one_from_the_best():
    """But for few seeds of trials of which a few alone differ; pair by pair most would."""
    measured = CALIBRATION["search_false_verdicts"]
    for case, shares in measured.items():
        is_hard = case.startswith(("2 times 10", "11 equal"))
        for seeds, most in (("2", 0.2), ("3", 0.1), ("5", 0.06)):
            assert shares[seeds] <= (most if is_hard else 0.06), case
    assert measured["20 equal trials"]["pair by pair"] > 0.7
    of_folds = CALIBRATION["fold_false_verdicts"]
    assert of_folds["corrected"] <= 0.06
    assert min(of_folds["uncorrected"], of_folds["one seed for all folds"]) > 0.2


def test_the_pick_of_a_search_costs_little_and_is_smaller():
    for rules in CALIBRATION["search_choice"].values():
        lucky, picked = rules["luckiest"], rules["one standard error"]
        assert picked["points"] <= lucky["points"] + 0.05
        assert picked["points"] < rules["simplest of the ties, pair by pair"]["points"] - 0.1
        assert picked["weights"] < 0.9


@pytest.mark.long
def test_rows_of_a_person_on_both_sides_inflate_scores_and_group_on_does_not(monkeypatch):
    """As measured on 200 tables, and again on 10."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    from calibration_groups import group_leak

    for found, near in ((CALIBRATION["group_leak"], 0.02), (group_leak(200), 0.1)):
        for part in ("validation", "test"):
            apart = {kind: scores[part] - scores["truth"] for kind, scores in found.items()}
            assert apart["rows at random"] > 0.3
            assert apart["group_on"] == pytest.approx(0, abs=near)


def test_what_few_networks_show_of_a_variance_is_what_the_page_says():
    """The squared error's is unbiased; of twenty networks some 10 % of the error rate's is missing,
    of fewer it is not taken apart."""
    shares = CALIBRATION["decomposition_shares"]
    assert all(of["squared_error"] == pytest.approx(1, abs=0.02) for of in shares.values())
    assert shares["10 samples, 2 seeds"]["zero_one"] == pytest.approx(0.9, abs=0.05)
    assert shares["5 samples, 3 seeds"]["zero_one"] < 0.85
