"""Identities hold to rounding, and estimates hit what is known in closed form."""

import numpy as np
import pytest
from scipy.special import log_softmax, rel_entr

from kmlp.stats.decomposition.bias_variance import (
    cross_entropy,
    decompose,
    ratios,
    squared_error,
    zero_one,
)


def classifiers(samples=5, seeds=3, rows=40, classes=4, seed=0):
    """Log probabilities that differ by sample, by seed and by both, and labels."""
    rng = np.random.default_rng(seed)
    logits = (
        2 * rng.normal(size=(1, 1, rows, classes))
        + rng.normal(size=(samples, 1, rows, classes))
        + 0.6 * rng.normal(size=(1, seeds, rows, classes))
        + 0.4 * rng.normal(size=(samples, seeds, rows, classes))
    )
    return log_softmax(logits, axis=3), rng.integers(classes, size=rows)


def value(terms, name):
    return terms[name].value


@pytest.mark.parametrize("seeds", [1, 3])
def test_squared_error_adds_up_and_is_a_plain_two_way_analysis(seeds):
    logs, labels = classifiers(seeds=seeds)
    found, p = squared_error(logs, labels), np.exp(logs)
    target = np.eye(4)[labels]
    assert value(found, "risk") == pytest.approx(((p - target) ** 2).sum(axis=3).mean())
    assert value(found, "bias2_plus_noise") == pytest.approx(
        value(found, "risk") - value(found, "variance"), rel=1e-12
    )
    of_samples = p.mean(axis=1)
    between = of_samples.var(axis=0, ddof=1).sum(axis=1).mean()
    if seeds == 1:
        assert value(found, "variance") == pytest.approx(between)
        assert "variance_sample" not in found
        return
    rest = p - of_samples[:, None] - p.mean(axis=0) + p.mean(axis=(0, 1))
    interaction = (rest**2).sum(axis=(0, 1, 3)).mean() / ((5 - 1) * (seeds - 1))
    within = p.var(axis=1, ddof=1).sum(axis=2).mean()
    assert value(found, "variance_optimization") == pytest.approx(within)
    assert value(found, "variance_sample") == pytest.approx(between - interaction / seeds)
    assert value(found, "variance") == pytest.approx(between - interaction / seeds + within)


def test_without_a_sample_is_what_the_others_give():
    logs, labels = classifiers()
    for decomposition in (squared_error, cross_entropy, zero_one):
        for name, term in decomposition(logs, labels).items():
            others = decomposition(np.delete(logs, 2, axis=0), labels)
            assert term.without[2] == pytest.approx(value(others, name), abs=1e-12), name


@pytest.mark.parametrize("are_shared", [True, False])
def test_variances_are_unbiased_whether_samples_share_their_seeds_or_not(are_shared):
    """Sample 1, seed 2 (the same on every sample where shared), interaction 0.5."""
    rng, studies, samples, seeds = np.random.default_rng(1), 20_000, 3, 2
    shape = (samples, seeds, studies)
    predictions = (
        rng.normal(size=(samples, 1, studies))
        + 2**0.5 * rng.normal(size=(1 if are_shared else samples, seeds, studies))
        + 0.5**0.5 * rng.normal(size=shape)
        + 3.0
    )
    # A row is a study of its own: the means over rows are expectations.
    found = squared_error(predictions, np.zeros(studies))
    assert value(found, "variance_sample") == pytest.approx(1.0, abs=0.05)
    assert value(found, "variance_optimization") == pytest.approx(2.5, abs=0.05)
    assert value(found, "bias2_plus_noise") == pytest.approx(9.0, abs=0.15)


def ridge(penalty, samples, seeds, rng, noise=0.5, jitter=0.3):
    """Ridge fits of a known line on a fixed design; seeds add an error of their own.

    Returns:
        `(samples, seeds, rows)` predictions, truths without noise, and the exact bias by row,
        variance of the sample and of the seeds.
    """
    design, rows = np.random.default_rng(0).normal(size=(30, 6)), np.eye(6) * 2
    weights = np.linspace(-1, 1, 6)
    fit = np.linalg.solve(design.T @ design + penalty * np.eye(6), design.T)
    targets = design @ weights + noise * rng.normal(size=(samples, 30))
    predictions = (targets @ fit.T @ rows.T)[:, None]
    predictions = predictions + jitter * rng.normal(size=(samples, seeds, 6))
    truth = rows @ weights
    bias = rows @ fit @ design @ weights - truth
    return predictions, truth, bias, noise**2 * np.mean((rows @ fit) ** 2) * 30, jitter**2


def exact(risk, sample, optimization):
    return {
        "bias2_plus_noise": risk - sample - optimization,
        "variance_sample": sample,
        "variance_optimization": optimization,
        "variance": sample + optimization,
        "risk": risk,
    }


@pytest.mark.long
@pytest.mark.parametrize("penalty", [1.0, 40.0])
def test_intervals_hold_what_ridge_regression_has_in_closed_form(penalty):
    rng, held, means = np.random.default_rng(3), [], []
    for _ in range(200):
        predictions, truth, bias, sample, optimization = ridge(penalty, 5, 3, rng)
        expected = exact(np.mean(bias**2) + sample + optimization, sample, optimization)
        found = squared_error(predictions, truth)
        intervals = [found[name].interval() for name in expected]
        pairs = zip(intervals, expected.values(), strict=True)
        held.append([low <= exact <= high for (low, high), exact in pairs])
        means.append([value(found, name) for name in expected])
    assert np.mean(held, axis=0).min() > 0.9
    risk = expected["risk"]
    np.testing.assert_allclose(np.mean(means, axis=0), list(expected.values()), atol=0.03 * risk)


@pytest.mark.long
def test_with_seeds_that_samples_share_intervals_are_for_these_seeds():
    """As a study has it. Of what endless seeds would do the samples know nothing."""
    rng, held, held_of_all = np.random.default_rng(4), [], []
    for _ in range(200):
        predictions, truth, bias, sample, own = ridge(1.0, 5, 3, rng, jitter=0.2)
        effects = 0.6 * rng.normal(size=(3, 6))
        found = squared_error(predictions + effects, truth)
        optimization = effects.var(axis=0, ddof=1).mean() + own
        risk = ((bias + effects) ** 2).mean() + sample + own
        of_all = exact(np.mean(bias**2) + 0.6**2 + sample + own, sample, 0.6**2 + own)
        for expected, into in ((exact(risk, sample, optimization), held), (of_all, held_of_all)):
            intervals = {name: found[name].interval() for name in expected}
            into.append([low <= expected[n] <= high for n, (low, high) in intervals.items()])
    assert np.mean(held, axis=0).min() > 0.85
    covered = dict(zip(expected, np.mean(held_of_all, axis=0), strict=True))
    assert covered["variance_sample"] > 0.9
    assert max(covered["risk"], covered["variance_optimization"]) < 0.8, covered


def test_a_penalty_lowers_the_variance_by_the_ratio_known_in_closed_form():
    weak = ridge(1.0, 20, 2, np.random.default_rng(5), jitter=0.05)
    strong = ridge(40.0, 20, 2, np.random.default_rng(5), jitter=0.05)
    terms = [squared_error(study[0], study[1]) for study in (strong, weak)]
    found = ratios(*terms)
    low, high = found["variance_sample"].interval()
    exact = strong[3] / weak[3]
    assert low < exact < high < 0.6
    # Paired by sample it is narrower than the two intervals would make it.
    apart = [t["variance_sample"].interval() for t in terms]
    assert high / low < apart[0][1] / apart[0][0] * apart[1][1] / apart[1][0]


def test_cross_entropy_is_bias_and_mean_divergence_exactly():
    logs, labels = classifiers()
    found, rows = cross_entropy(logs, labels), np.arange(len(labels))
    main = log_softmax(logs.mean(axis=(0, 1)), axis=1)
    divergence = rel_entr(np.exp(main), np.exp(logs)).sum(axis=3)
    assert value(found, "risk") == pytest.approx(-logs[:, :, rows, labels].mean(), rel=1e-12)
    assert value(found, "bias_plus_noise") == pytest.approx(-main[rows, labels].mean(), rel=1e-12)
    assert value(found, "variance") == pytest.approx(divergence.mean(), rel=1e-12)
    # A sample's share would be part noise of few seeds: it is told of the squared error alone.
    assert set(found) == {"risk", "bias_plus_noise", "variance"}


@pytest.mark.long
@pytest.mark.parametrize(
    ("sample", "seed", "both", "share"), [(1, 0, 0, 1 / 2), (0, 1, 0, 2 / 3), (0, 0, 1, 5 / 6)]
)
def test_the_divergence_lacks_of_each_source_what_two_samples_and_three_seeds_cannot_show(
    sample, seed, both, share
):
    rng, rows = np.random.default_rng(0), 20_000

    def divergence(samples, seeds, sample, seed, both):
        sizes = ((sample, (samples, 1)), (seed, (1, seeds)), (both, (samples, seeds)))
        logits = sum(0.1 * s * rng.normal(size=(*n, rows, 3)) for s, n in sizes if s)
        logits = np.broadcast_to(logits, (samples, seeds, rows, 3))
        return value(cross_entropy(log_softmax(logits, axis=3), np.zeros(rows)), "variance")

    endless = divergence(20, 1, 1, 0, 0) * 20 / 19
    assert divergence(2, 3, sample, seed, both) / endless == pytest.approx(share, rel=0.02)


@pytest.mark.parametrize("classes", [2, 4])
def test_zero_one_adds_up_and_counts_what_deviations_do(classes):
    logs, labels = classifiers(classes=classes)
    found, said = zero_one(logs, labels), logs.argmax(axis=3).reshape(15, -1)
    assert value(found, "risk") == pytest.approx((said != labels).mean(), rel=1e-12)
    assert value(found, "risk") == pytest.approx(
        value(found, "bias_plus_noise") + value(found, "net_variance"), rel=1e-12
    )
    main = np.array([np.bincount(column).argmax() for column in said.T])
    biased = main != labels
    assert value(found, "bias_plus_noise") == biased.mean()
    assert value(found, "variance") == pytest.approx((said != main).mean())
    unbiased = ((said != main) & ~biased).mean()
    assert value(found, "unbiased_variance") == pytest.approx(unbiased)
    deviating = ((said != main) & biased).mean()
    if classes == 2:
        # Every deviation from a wrong class is right.
        assert value(found, "biased_variance") == pytest.approx(deviating)
    else:
        factor = ((said == labels) & biased).sum() / ((said != main) & biased).sum()
        assert 0 < factor < 1
        assert value(found, "biased_variance") == pytest.approx(factor * deviating)


def test_networks_that_agree_have_no_variance_and_no_variance_ratio():
    logs, labels = classifiers()
    same = np.broadcast_to(logs[:1, :1], logs.shape)
    found = decompose(same, labels)
    for terms, name in zip(found.values(), ("variance", "variance", "net_variance"), strict=True):
        assert value(terms, name) == pytest.approx(0, abs=1e-12)
    assert "net_variance" not in ratios(found["zero_one"], decompose(logs, labels)["zero_one"])


def test_chunks_of_rows_change_nothing(monkeypatch):
    logs, labels = classifiers(rows=37)
    whole = decompose(logs, labels)
    monkeypatch.setattr("kmlp.stats.decomposition.bias_variance._CHUNK", 600)
    for loss, terms in decompose(logs, labels).items():
        for name, term in terms.items():
            assert term.value == pytest.approx(whole[loss][name].value, rel=1e-12)
            np.testing.assert_allclose(term.without, whole[loss][name].without, rtol=1e-10)


def test_a_regression_has_the_squared_error_alone():
    assert list(decompose(np.zeros((2, 2, 3)), np.zeros(3))) == ["squared_error"]


@pytest.mark.parametrize(
    ("shape", "rows", "message"),
    [
        ((1, 2, 3), 3, "two training samples or more. Received: 1"),
        ((2, 2, 3), 4, r"outputs of shape \(2, 2, 3\), 4 truths"),
        ((2, 3), 3, r"outputs must be \(samples, seeds, rows\)"),
    ],
)
def test_what_cannot_be_decomposed_is_refused(shape, rows, message):
    with pytest.raises(ValueError, match=message):
        decompose(np.zeros(shape), np.zeros(rows))
