"""Comparisons of scores against SciPy and the studies' own statistics."""

import numpy as np
import pytest
from scipy import stats

from kmlp.errors import ConfigError, DataError
from kmlp.scores.judging import judge
from kmlp.scores.table import read_scores
from kmlp.stats.cross_validation import compare_folds
from kmlp.stats.paired_tests import compare_paired, holm
from tests.scores.made import rows


def versus(results, method: str, dataset: int = 0):
    methods = {m.name: m for m in results.datasets[dataset].methods}
    return methods[method].versus_baseline


def values(table: dict[str, list], method: str) -> np.ndarray:
    score = list(table)[-1]
    return np.array([s for m, s in zip(table["method"], table[score], strict=True) if m == method])


def test_scores_by_seed_are_compared_as_a_studys_are():
    table = rows()
    found = judge(read_scores(table), margin=0.01)
    expected = [
        compare_paired(values(table, m), values(table, "base"), higher_is_better=True)
        for m in ("good", "same", "bad")
    ]
    corrected = holm([e.p for e in expected])
    for method, one, p in zip(("good", "same", "bad"), expected, corrected, strict=True):
        seen = versus(found, method)
        assert (seen.difference, seen.ci95, seen.p) == (one.difference, one.ci95, one.p)
        assert (seen.wins, seen.losses, seen.p_holm) == (one.wins, one.losses, p)
    assert versus(found, "good").is_significant
    assert versus(found, "same").is_equivalent
    assert versus(found, "base") is None


def test_pairs_are_those_of_the_same_seed_in_whatever_order():
    table = rows()
    order = np.random.default_rng(1).permutation(len(table["method"]))
    shuffled = {key: [column[i] for i in order] for key, column in table.items()}
    one, other = (versus(judge(read_scores(t), baseline="base"), "good") for t in (table, shuffled))
    assert other.difference == pytest.approx(one.difference, rel=1e-12)
    assert other.p == one.p


def test_only_common_seeds_are_compared():
    table = {
        "method": ["a"] * 8 + ["b"] * 8,
        "seed": [*range(8), *range(2, 10)],
        "score": [*np.linspace(0.1, 0.8, 8), *np.linspace(0.4, 1.1, 8)],
    }
    seen = versus(judge(read_scores(table)), "b")
    assert seen.num_compared == 6
    assert seen.difference == pytest.approx(0.1)


def test_unpaired_scores_are_compared_by_permutations_and_welch():
    a, b = np.random.default_rng(0).normal([[0.5], [0.0]], 1.0, (2, 8))
    table = {"method": ["a"] * 8 + ["b"] * 7, "score": [*a, *b[:7]]}
    seen = versus(judge(read_scores(table)), "b")
    bounds = stats.ttest_ind(b[:7], a, equal_var=False).confidence_interval()
    assert seen.ci95 == pytest.approx((bounds.low, bounds.high))
    exact = stats.permutation_test(
        (b[:7], a), lambda x, y, axis: x.mean(axis) - y.mean(axis), n_resamples=np.inf, axis=0
    )
    assert (seen.test, seen.num_compared) == ("permutation", 7)
    assert seen.p == pytest.approx(exact.pvalue)


def test_scores_by_fold_are_compared_with_the_corrected_variance():
    table = rows(seeds=3, folds=5)
    seen = versus(judge(read_scores(table)), "good")
    mine, theirs = (values(table, m).reshape(3, 5) for m in ("good", "base"))
    expected = compare_folds(mine, theirs, num_train=4, num_held_out=1, higher_is_better=True)
    assert (seen.test, seen.p, seen.ci95) == ("corrected_t", expected.p, expected.ci95)


def with_rows(table: dict[str, list], **num_train: float | None) -> dict[str, list]:
    """Each method's rows of training, and ten held out; none where it says nothing."""
    trained = [num_train.get(method) for method in table["method"]]
    held_out = [None if n is None else 10 for n in trained]
    score = list(table)[-1]
    return {"num_train": trained, "num_held_out": held_out, **table, score: table[score]}


def test_folds_are_corrected_by_the_rows_that_scores_name():
    """Of two methods by those of the one that trained on fewer, as a study does."""
    table = with_rows(rows(seeds=3, folds=5), base=30, good=20, same=None, bad=None)
    mine, theirs = (values(table, m).reshape(3, 5) for m in ("good", "base"))
    expected = compare_folds(mine, theirs, num_train=20, num_held_out=10, higher_is_better=True)
    found = judge(read_scores(table))
    assert (versus(found, "good").p, versus(found, "good").ci95) == (expected.p, expected.ci95)
    assert (
        versus(found, "same").ci95
        == compare_folds(
            values(table, "same").reshape(3, 5),
            theirs,
            num_train=30,
            num_held_out=10,
            higher_is_better=True,
        ).ci95
    )
    assert not found.notes
    used = versus(found, "good")
    assert (used.num_train, used.num_held_out) == (20, 10)
    assert versus(judge(read_scores(rows(seeds=3, folds=5))), "good").num_train is None


def test_a_number_of_rows_that_is_none_is_refused():
    with pytest.raises(DataError, match=r"'num_train': a number of rows is above 0. Received: 0"):
        read_scores(with_rows(rows(seeds=3, folds=5), base=30, good=0))


def test_repeats_with_other_folds_are_refused():
    table = rows(seeds=2, folds=3)
    last = {key: column[:-4] for key, column in table.items()}
    with pytest.raises(DataError, match="Not in every repeat: fold 2"):
        judge(read_scores(last))


def test_a_data_set_counts_once():
    sets = tuple("abcdefg")
    found = judge(read_scores(rows(datasets=sets, methods=("base", "good"))), margin=0.005)
    (across,) = found.across
    means = [versus(found, "good", i).difference for i in range(7)]
    assert list(across.differences.values()) == means
    assert across.p == pytest.approx(stats.wilcoxon(means, method="exact").pvalue)
    assert (across.wins, across.ties, across.losses) == (7, 0, 0)
    assert across.is_significant


def test_a_method_that_is_missing_on_a_data_set_is_compared_on_the_others():
    table = rows(datasets=("x", "y"))
    keep = [
        i
        for i in range(len(table["method"]))
        if (table["method"][i], table["dataset"][i]) != ("good", "y")
    ]
    found = judge(read_scores({k: [c[i] for i in keep] for k, c in table.items()}))
    by_name = {m.name: m for m in found.across}
    assert list(by_name["good"].differences) == ["x"]
    assert list(by_name["bad"].differences) == ["x", "y"]


def test_an_unknown_baseline_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match="no method is called 'x'"):
        judge(read_scores(rows()), baseline="x")


@pytest.mark.parametrize(("factor", "most"), [(1, 1.0), (100, np.inf)])
def test_an_interval_ends_where_the_metric_does(factor, most):
    """As a study's does; of percent no end is known."""
    scores = [0.99, 0.5, 0.9, 0.8]
    table = {"method": ["a", "a", "b", "b"], "seed": [0, 1] * 2}
    table["accuracy"] = [factor * score for score in scores]
    seen = judge(read_scores(table)).datasets[0].methods[0].summary
    expected = stats.t.interval(0.95, 1, np.mean(scores[:2]), stats.sem(scores[:2]))
    low, high = (factor * bound for bound in expected)
    least = 0.0 if factor == 1 else -np.inf
    assert seen.ci95 == pytest.approx((max(low, least), min(high, most)))


def test_folds_that_are_counted_otherwise_are_refused():
    """Four of five would be paired, each with the rows of another fold."""
    table = rows(seeds=2, folds=5)
    pairs = zip(table["method"], table["fold"], strict=True)
    counted = [fold + (method != "base") for method, fold in pairs]
    with pytest.raises(DataError, match="Folds of one name are compared as the same rows"):
        judge(read_scores({**table, "fold": counted}))


@pytest.mark.parametrize("key", ["seed", "fold"])
def test_scores_that_differ_by_rounding_alone_are_ties(key):
    table = {
        "method": ["a"] * 8 + ["b"] * 8,
        key: [*range(8)] * 2,
        "accuracy": [0.3] * 8 + [0.1 + 0.2] * 8,
    }
    seen = versus(judge(read_scores(table)), "b")
    assert (seen.wins, seen.ties, seen.losses, seen.p) == (0, 8, 0, 1.0)


def test_folds_whose_differences_have_no_spread_show_no_equivalence():
    table = {
        "method": ["a"] * 8 + ["b"] * 8,
        "fold": [*range(8)] * 2,
        "accuracy": [0.90, 0.91] * 4 + [0.89, 0.90] * 4,
    }
    seen = versus(judge(read_scores(table), margin=0.05), "b")
    assert (seen.p, seen.equivalence, seen.is_equivalent) == (1.0, None, False)
