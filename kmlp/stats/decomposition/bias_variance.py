"""What of an error is bias and what is variance: arrays in, numbers out. NumPy only.

R training samples by S seeds give R x S networks, which all predict the same test rows. A seed
stands for everything that training draws besides its rows: initial weights, order, masks. The
same seeds train on every sample. Each estimate comes with its values without each of the training
samples, from which intervals and paired ratios follow.

Shapes: classification `(R, S, n, c)` log probabilities and `(n,)` class indices; regression
`(R, S, n)` predictions and `(n,)` targets. Rows are read in chunks, in float64.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from kmlp.stats.decomposition.jackknife import Jackknifed

Terms = dict[str, Jackknifed]
BIAS = {
    "squared_error": "bias2_plus_noise",
    "cross_entropy": "bias_plus_noise",
    "zero_one": "bias_plus_noise",
}
"""The name of each decomposition's bias: labels are seen with their noise, which is in it."""

VARIANCE = {"squared_error": "variance", "cross_entropy": "variance", "zero_one": "net_variance"}
"""The name of the term that adds up with the bias to the risk."""

_CHUNK = 4_000_000


def decompose(outputs: np.ndarray, truth: np.ndarray) -> dict[str, Terms]:
    """All decompositions that the outputs allow: of a regression the squared error's alone.

    Args:
        outputs: see the module; at least two samples.
        truth: `(n,)` class indices or targets.

    Returns:
        "squared_error", "cross_entropy", "zero_one" -> their terms.

    Raises:
        ValueError: shapes that do not fit, or fewer than two samples.

    Example:
        >>> found = decompose(np.array([[[1.0]], [[3.0]]]), np.array([5.0]))["squared_error"]
        >>> {name: term.value for name, term in found.items() if "_" not in name}
        {'risk': 10.0, 'variance': 2.0}
        >>> found["bias2_plus_noise"].value
        8.0
    """
    _check(outputs, truth)
    if outputs.ndim == 3:
        return {"squared_error": squared_error(outputs, truth)}
    return {
        "squared_error": squared_error(outputs, truth),
        "cross_entropy": cross_entropy(outputs, truth),
        "zero_one": zero_one(outputs, truth),
    }


def squared_error(outputs: np.ndarray, truth: np.ndarray) -> Terms:
    """E||f - y||^2 = bias^2 + noise + variance, unbiased; of probabilities against one-hot labels.

    The variance divides by the degrees of freedom, and the bias is the risk less the variance
    (Yang et al. 2020, https://arxiv.org/abs/2002.11328). It is the sum of two (Neal et al. 2018,
    https://arxiv.org/abs/1810.08591):

    * `variance_optimization`, E_S[Var_O]: between the seeds of one sample, mean over samples;
    * `variance_sample`, Var_S[E_O]: between the samples' means over seeds, less what of it comes
      from the finite number of seeds, the interaction's mean square divided by S. What a seed does
      alike on every sample, as its initial weights may, is in no difference between samples: so
      this, and not E_S[Var_O] / S, is unbiased whether samples share their seeds or not.

    With one seed a sample only their sum is known, and lacks what this seed does everywhere.
    An unbiased estimate of a small variance, or bias, may be below 0: it is left so.

    Returns:
        "risk", "bias2_plus_noise", "variance", "variance_sample", "variance_optimization"; the
        last two only from two seeds on. Sums over classes, means over rows.
    """
    _check(outputs, truth)
    num_samples, num_seeds = outputs.shape[:2]
    num_networks = num_samples * num_seeds
    risks, gram = np.zeros(num_networks), np.zeros((num_networks, num_networks))
    for rows in _chunks(outputs):
        predicted, wanted = _as_numbers(outputs[:, :, rows], truth[rows])
        flat = predicted.reshape(num_networks, -1)
        risks += np.square(flat - wanted.reshape(-1)).sum(axis=1)
        flat = flat - flat.mean(axis=0)
        gram += flat @ flat.T
    num_rows = outputs.shape[2]
    by_network = risks.reshape(num_samples, num_seeds) / num_rows
    products = gram.reshape(num_samples, num_seeds, num_samples, num_seeds) / num_rows

    def estimate(kept: np.ndarray) -> dict[str, float]:
        risk = float(by_network[kept].mean())
        variances = _variances(products[kept][:, :, kept])
        return {"risk": risk, "bias2_plus_noise": risk - variances["variance"], **variances}

    everyone = np.arange(num_samples)
    # Of two samples one left out would leave no variance to estimate.
    without = [estimate(np.delete(everyone, r)) for r in everyone if num_samples > 2]
    return {
        name: Jackknifed(
            value, np.array([found[name] for found in without]), name == "variance_sample"
        )
        for name, value in estimate(everyone).items()
    }


def cross_entropy(log_probabilities: np.ndarray, labels: np.ndarray) -> Terms:
    """E[CE(y, p)] = CE(y, pbar) + E[KL(pbar || p)], pbar the normalized geometric mean.

    Exact for the networks at hand (Heskes 1998, https://doi.org/10.1162/089976698300017232), and
    plug-in estimates of what endless networks would give. With R samples and S seeds, what the
    sample does is about (R - 1) / R of its true value, what a seed does alike on every sample
    (S - 1) / S, and their interaction lies between; the bias is too large by what is missing.

    Returns:
        "risk", "bias_plus_noise", "variance", in nats.
    """
    _check(log_probabilities, labels)
    num_samples, _, num_rows = log_probabilities.shape[:3]
    risk, within = np.zeros(num_samples), np.zeros(num_samples)
    between = np.zeros(num_samples + 1)
    for rows in _chunks(log_probabilities):
        logs = log_probabilities[:, :, rows].astype(np.float64)
        picked = np.take_along_axis(logs, labels[rows].astype(int)[None, None, :, None], axis=3)
        risk -= picked.mean(axis=1).sum(axis=(1, 2))
        means = logs.mean(axis=1)
        # KL from a normalized geometric mean, averaged, is minus its normalization's logarithm.
        constants = _log_sum_exp(means)
        within -= constants.sum(axis=1)
        means -= constants[:, :, None]
        total = means.sum(axis=0)
        between[0] -= _log_sum_exp(total / num_samples).sum()
        for r in range(num_samples):
            between[r + 1] -= _log_sum_exp((total - means[r]) / (num_samples - 1)).sum()
    mean_risk = _jackknifed_mean(risk / num_rows)
    # The divergence within the samples and that between their geometric means add up, exactly.
    variance = _sum(
        _jackknifed_mean(within / num_rows),
        Jackknifed(between[0] / num_rows, between[1:] / num_rows),
    )
    bias = _sum(mean_risk, variance, sign=-1)
    return {"risk": mean_risk, "bias_plus_noise": bias, "variance": variance}


def zero_one(log_probabilities: np.ndarray, labels: np.ndarray) -> Terms:
    """The error rate as Domingos splits it: bias + unbiased variance - biased variance.

    The main prediction of a row is the class that most networks say (of equals the first). Where
    it is right, every deviation is an error: unbiased variance. Where it is wrong, a deviation
    that hits the true class mends one: biased variance. With two classes every deviation does;
    with more only the fraction P(f = y | f is not the main prediction). See Domingos 2000,
    https://homes.cs.washington.edu/~pedrod/papers/mlc00a.pdf. Exact for the networks at hand, and
    a plug-in estimate of what endless networks would give.

    Returns:
        "risk", "bias_plus_noise", "net_variance", "unbiased_variance", "biased_variance", and
        "variance", how often a network deviates from the main prediction. Fractions of rows.
    """
    _check(log_probabilities, labels)
    num_samples, num_seeds, num_rows, num_classes = log_probabilities.shape
    names = ("risk", "bias_plus_noise", "unbiased_variance", "biased_variance", "variance")
    sums = np.zeros((num_samples + 1, len(names)))
    for rows in _chunks(log_probabilities):
        said = log_probabilities[:, :, rows].argmax(axis=3)
        votes = (said[..., None] == np.arange(num_classes)).sum(axis=1)
        every, truth = votes.sum(axis=0), labels[rows].astype(int)
        sums[0] += _zero_one_sums(every / (num_samples * num_seeds), truth)
        for r in range(num_samples):
            shares = (every - votes[r]) / ((num_samples - 1) * num_seeds)
            sums[r + 1] += _zero_one_sums(shares, truth)
    means = sums / num_rows
    terms = {n: Jackknifed(float(means[0, i]), means[1:, i]) for i, n in enumerate(names)}
    net = _sum(terms["unbiased_variance"], terms["biased_variance"], sign=-1)
    return {**terms, "net_variance": net}


def ratios(terms: Mapping[str, Jackknifed], others: Mapping[str, Jackknifed]) -> Terms:
    """Each term divided by another variant's, paired by training sample.

    Left out are those that are not positive in both with every sample left out.
    """
    found = {name: term.over(others[name]) for name, term in terms.items() if name in others}
    return {name: ratio for name, ratio in found.items() if ratio is not None}


def _variances(products: np.ndarray) -> dict[str, float]:
    """Of `(R, S, R, S)` inner products of predictions, by a two-way analysis of variance."""
    num_samples, num_seeds = products.shape[:2]
    of_samples = products.mean(axis=(1, 3))
    between = _spread(of_samples)
    if num_seeds == 1:
        return {"variance": between}
    within = np.mean([_spread(products[r, :, r]) for r in range(num_samples)])
    of_seeds = _spread(products.mean(axis=(0, 2)))
    # Within a sample seeds differ by what they do everywhere and by the interaction.
    interaction = (within - of_seeds) * num_samples / (num_samples - 1)
    sample = between - interaction / num_seeds
    return {
        "variance": float(sample + within),
        "variance_sample": float(sample),
        "variance_optimization": float(within),
    }


def _spread(products: np.ndarray) -> float:
    """The variance of things whose `(N, N)` inner products these are, with N - 1 degrees."""
    n = len(products)
    return float((np.trace(products) - products.sum() / n) / (n - 1))


def _zero_one_sums(shares: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Sums over rows of risk, bias, unbiased variance, biased variance, variance.

    Args:
        shares: `(n, c)`, of the networks that say each class.
        labels: `(n,)`.
    """
    rows, main = np.arange(len(labels)), shares.argmax(axis=1)
    right, deviating = shares[rows, labels], 1 - shares[rows, main]
    biased = main != labels
    return np.array(
        [
            (1 - right).sum(),
            biased.sum(),
            deviating[~biased].sum(),
            right[biased].sum(),
            deviating.sum(),
        ]
    )


def _jackknifed_mean(values: np.ndarray) -> Jackknifed:
    n = len(values)
    return Jackknifed(float(values.mean()), (values.sum() - values) / (n - 1))


def _sum(first: Jackknifed, second: Jackknifed, sign: int = 1) -> Jackknifed:
    return Jackknifed(first.value + sign * second.value, first.without + sign * second.without)


def _log_sum_exp(logs: np.ndarray) -> np.ndarray:
    top = logs.max(axis=-1)
    return top + np.log(np.exp(logs - top[..., None]).sum(axis=-1))


def _as_numbers(outputs: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is compared: probabilities with one-hot labels, or predictions with targets."""
    if outputs.ndim == 3:
        return outputs.astype(np.float64), truth.astype(np.float64)
    one_hot = np.eye(outputs.shape[3])[truth.astype(int)]
    return np.exp(outputs.astype(np.float64)), one_hot


def _chunks(outputs: np.ndarray) -> Iterator[slice]:
    """Rows, so many at a time that no temporary array grows beyond some 30 MB."""
    num_rows = outputs.shape[2]
    step = max(1, _CHUNK * num_rows // outputs.size)
    return (slice(start, start + step) for start in range(0, num_rows, step))


def _check(outputs: np.ndarray, truth: np.ndarray) -> None:
    if outputs.ndim not in (3, 4) or outputs.shape[2] != len(truth):
        raise ValueError(
            "outputs must be (samples, seeds, rows) or (samples, seeds, rows, classes) with a row "
            f"a truth. Received: outputs of shape {outputs.shape}, {len(truth)} truths."
        )
    if outputs.shape[0] < 2:
        raise ValueError(
            "bias and variance need networks from two training samples or more. "
            f"Received: {outputs.shape[0]}."
        )
