"""Coverage of intervals over a few training samples, by simulation; part of `calibration.py`."""

import numpy as np
from simulated import DISTRIBUTIONS, percent, table

from kmlp.stats.decomposition.jackknife import Jackknifed


def sample_coverage(studies: int) -> dict[str, dict[str, dict[str, float]]]:
    """How often intervals over few training samples hold a variance, and a ratio of two.

    Method -> number of samples -> directions in which the predictions vary, and the effects'
    distribution. The second variant shares most of its effects with the first.
    """
    names = ("jackknife", "jackknife of the ratio", "bootstrap", "bootstrap of the ratio")
    found: dict[str, dict[str, dict[str, float]]] = {name: {} for name in names}
    for n in (5, 10, 20):
        for directions in (1, 5, 30):
            for distribution in ("normal", "exponential"):
                draw, rng = DISTRIBUTIONS[distribution], np.random.default_rng(n)
                shape = (n, directions)
                held = [
                    _holds(draw(rng, shape), draw(rng, shape), rng) for _ in range(studies // 4)
                ]
                kind = f"{directions} direction{'s' * (directions > 1)}, {distribution}"
                for name, value in zip(names, np.mean(held, axis=0).round(4).tolist(), strict=True):
                    found[name].setdefault(str(n), {})[kind] = value
    return found


def _holds(x: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> list[bool]:
    """Whether each method's interval holds the truth, for `(samples, directions)` effects."""
    y, (n, directions) = 0.7 * x + 0.5 * other, x.shape
    variances = [
        Jackknifed(
            float(z.var(axis=0, ddof=1).sum()),
            np.array([np.delete(z, i, 0).var(axis=0, ddof=1).sum() for i in range(n)]),
        )
        for z in (x, y)
    ]
    ratio, true_ratio = variances[1].over(variances[0]), 0.7**2 + 0.5**2
    drawn = rng.integers(n, size=(300, n))
    of_x, of_y = (z[drawn].var(axis=1, ddof=1).sum(axis=1) for z in (x, y))
    found = [
        (variances[0].interval(), directions),
        (ratio.interval() if ratio else None, true_ratio),
        (np.quantile(of_x, (0.025, 0.975)), directions),
        (np.quantile(of_y / np.where(of_x > 0, of_x, np.nan), (0.025, 0.975)), true_ratio),
    ]
    return [bool(i is not None and i[0] < truth < i[1]) for i, truth in found]


def sample_table(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """Coverage over training samples."""
    kinds = list(next(iter(next(iter(found.values())).values())))
    return table(
        "Coverage of 95 % intervals over training samples, of a variance and of a ratio of two",
        kinds,
        [
            (f"{method}, {n} samples", *(percent(shares[k]) for k in kinds))
            for method, by_number in found.items()
            for n, shares in by_number.items()
        ],
    )
