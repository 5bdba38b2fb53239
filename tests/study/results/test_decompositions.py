"""Bias and variance by variant: paired with the baseline on the samples that both have."""

import numpy as np
import pytest

from kmlp.stats.decomposition.bias_variance import decompose
from kmlp.study.results.analyses.decompositions import Resampled, bias_variance
from tests.made_results import numbers

STRENGTHS = {"none": "", "dropout": "dropout=0.2"}
TARGETS = np.linspace(-1, 1, 50)


def resampled(scale, samples=(0, 1, 2, 3, 4), left_out=(), noise=0.0):
    """Regression networks whose sample effects are the same but for their size."""
    rng = np.random.default_rng(0)
    effects = rng.normal(size=(5, 1, 50)) + 0.3 * rng.normal(size=(5, 2, 50)) + noise
    outputs = TARGETS + 0.5 + scale * effects[list(samples)]
    return Resampled(
        kind="splits",
        samples=samples,
        seeds=(0, 1),
        outputs=outputs.astype(np.float32),
        truth=TARGETS,
        left_out=left_out,
    )


def entries(strengths=STRENGTHS, **networks):
    groups = {"resample": {"kind": "splits", "num_samples": 5, "num_seeds": 2, "num_train": 20}}
    results = numbers(
        {
            "dataset": {"task": "regression", "class_names": []},
            "metric": {"name": "rmse", "higher_is_better": False},
            "class_shares": [],
            "baseline": "none",
            "variants": [{"name": name, "strength": s} for name, s in strengths.items()],
            "groups": groups,
        }
    )
    return bias_variance(results, networks.get)


def test_every_term_is_there_with_its_interval():
    (none,) = entries(none=resampled(1.0))
    found = decompose(resampled(1.0).outputs, TARGETS)["squared_error"]
    assert {n: t.value for n, t in none.squared_error} == {n: t.value for n, t in found.items()}
    assert none.squared_error.variance.ci95 == found["variance"].interval()
    assert (none.num_samples, none.num_seeds, none.versus_baseline) == (5, 2, None)


def test_halved_effects_are_a_quarter_of_the_variance():
    _, dropout = entries(none=resampled(1.0), dropout=resampled(0.5))
    assert (dropout.variant, dropout.strength) == ("dropout", "dropout=0.2")
    ratio = dropout.versus_baseline.squared_error.variance_ratio
    assert ratio.value == pytest.approx(0.25, rel=1e-5)
    assert ratio.ci95 == pytest.approx((0.25, 0.25), rel=1e-4)


def test_ratios_that_sentences_tell_have_intervals_corrected_for_their_number():
    names = ("none", "dropout", "l2", "l1")
    rng = np.random.default_rng(1)
    networks = {n: resampled(1.0, noise=0.1 * rng.normal(size=(5, 2, 50))) for n in names}
    found = entries(dict.fromkeys(names, ""), **networks)
    own, other = (decompose(networks[n].outputs, TARGETS)["squared_error"] for n in ("l1", "none"))
    written = found[-1].versus_baseline.squared_error
    for part, name in (("bias", "bias2_plus_noise"), ("variance", "variance")):
        # Two ratios of three variants.
        expected = own[name].over(other[name]).interval(1 - 0.05 / 6)
        assert getattr(written, f"{part}_ratio").ci95_corrected == expected
    assert "ci95_corrected" not in written.risk_ratio.to_dict()


def test_what_one_of_them_lacks_is_left_out_of_the_ratio_alone():
    fewer = resampled(0.5, (0, 1, 3), left_out=(2, 4))
    _, dropout = entries(none=resampled(1.0), dropout=fewer)
    assert (dropout.num_samples, dropout.left_out) == (3, (2, 4))
    ratio = dropout.versus_baseline.squared_error.variance_ratio
    assert ratio.value == pytest.approx(0.25, rel=1e-5)


@pytest.mark.parametrize("samples", [(0,), ()])
def test_without_two_samples_there_is_no_entry(samples):
    found = entries(none=resampled(1.0), dropout=resampled(0.5, samples) if samples else None)
    assert [entry.variant for entry in found] == ["none"]


def test_without_two_common_samples_nothing_is_compared():
    _, dropout = entries(none=resampled(1.0, (0, 1)), dropout=resampled(1.0, (1, 2, 3)))
    assert dropout.versus_baseline is None


def test_without_a_baseline_the_others_stand_alone():
    (dropout,) = entries(dropout=resampled(0.5))
    assert dropout.versus_baseline is None


def test_no_part_of_an_error_rate_is_of_more_than_all_rows():
    """Networks of four samples are wrong on every row, those of a fifth on few."""
    outputs = np.full((5, 1, 50, 2), np.log([0.9, 0.1]), np.float32)
    outputs[0, 0, :40] = np.log([0.1, 0.9])
    wrong = Resampled(
        kind="splits",
        samples=tuple(range(5)),
        seeds=(0,),
        outputs=outputs,
        truth=np.ones(50, np.int32),
        left_out=(),
    )
    risk = decompose(outputs, wrong.truth)["zero_one"]["risk"]
    assert risk.interval()[1] > 1
    (entry,) = entries(none=wrong)
    assert entry.zero_one.risk.ci95 == (risk.interval()[0], 1.0)
