"""How much of a variance few networks show, by simulation; part of `calibration.py`.

The shares of the error rate and of the cross-entropy are plug-in estimates: the majority, or the
mean, of the networks there are stands for that of endlessly many.
"""

import numpy as np
from simulated import percent, table

from kmlp.stats.decomposition.bias_variance import VARIANCE, decompose

NUM_ROWS = 400
DESIGNS = {
    "5 samples, 3 seeds": (5, 3),
    "10 samples, 2 seeds": (10, 2),
    "20 samples, 5 seeds": (20, 5),
}
_OF_SAMPLE, _OF_SEED = 0.8, 0.8  # standard deviations of a logit
_MANY = (40, 25)


def decomposition_shares(studies: int) -> dict[str, dict[str, float]]:
    """Design -> loss -> the variance that is found, as a share of that of a thousand networks, over
    many made-up tables."""
    sums = {name: dict.fromkeys(VARIANCE, 0.0) for name in (*DESIGNS, "many")}
    for seed in range(max(1, studies // 40)):
        rng = np.random.default_rng(seed)
        logits = rng.normal(scale=1.5, size=NUM_ROWS)
        labels = (rng.random(NUM_ROWS) < 1 / (1 + np.exp(-logits))).astype(int)
        for name, design in {**DESIGNS, "many": _MANY}.items():
            for loss, value in _variances(rng, logits, labels, design).items():
                sums[name][loss] += value
    many = sums.pop("many")
    return {
        name: {loss: round(by_loss[loss] / many[loss], 3) for loss in by_loss}
        for name, by_loss in sums.items()
    }


def _variances(
    rng: np.random.Generator, logits: np.ndarray, labels: np.ndarray, design: tuple[int, int]
) -> dict[str, float]:
    """By loss, of so many samples and seeds each."""
    num_samples, num_seeds = design
    of_sample = rng.normal(scale=_OF_SAMPLE, size=(num_samples, 1, NUM_ROWS))
    of_seed = rng.normal(scale=_OF_SEED, size=(num_samples, num_seeds, NUM_ROWS))
    z = logits + of_sample + of_seed
    log_p = -np.logaddexp(0, np.stack([z, -z], axis=-1))
    found = decompose(log_p, labels)
    return {loss: found[loss][term].value for loss, term in VARIANCE.items()}


def decomposition_table(found: dict[str, dict[str, float]]) -> str:
    """What is found of each variance."""
    losses = list(next(iter(found.values())))
    return table(
        "Variance that few networks show, as a share of what a thousand show",
        losses,
        [(name, *(percent(shares[loss]) for loss in losses)) for name, shares in found.items()],
    )
