"""How many more seeds would show a difference: a number with a range, for it is a rough one."""

import numpy as np

from kmlp.stats.effect_size import standardized_difference
from kmlp.stats.paired_tests import compare_paired, seeds_to_show
from kmlp.study.results.comparisons import _more_seeds, _more_seeds_range
from kmlp.study.results.records.variants import Versus

rng = np.random.default_rng(0)


def found(differences: np.ndarray, p_holm: float = 0.2):
    compared = compare_paired(differences, 0 * differences, higher_is_better=True)
    versus = Versus(**vars(compared), p_holm=p_holm)
    size, num_seeds = standardized_difference(differences), len(differences)
    return _more_seeds(versus, differences, 2), _more_seeds_range(versus, size, num_seeds, 2)


def test_the_range_is_of_the_ends_of_the_effect_sizes_interval():
    differences = 0.8 + rng.normal(size=12)
    number, (least, most) = found(differences)
    low, high = standardized_difference(differences).ci95
    assert low > 0
    assert least == max(1, seeds_to_show(high, 1.0, num_comparisons=2) - 12)
    beyond = seeds_to_show(low, 1.0, num_comparisons=2)
    assert most == (beyond and beyond - 12)
    assert least <= number


def test_a_difference_that_may_be_none_may_take_endless_seeds():
    _, (least, most) = found(np.array([0.5, -0.4, 0.6, -0.3, 0.4, 0.2, -0.1, 0.3]))
    assert most is None
    assert least is not None


def test_what_is_shown_and_what_is_too_few_have_no_range():
    assert found(1 + 0.1 * rng.normal(size=8), p_holm=0.01)[1] is None
    assert found(1 + rng.normal(size=4))[1] is None
