"""Scores that are made up: what is true of them is known."""

import numpy as np

METHODS = ("base", "good", "same", "bad")
GAINS = {"base": 0.0, "good": 0.02, "same": 0.0, "bad": -0.02}


def rows(
    *,
    seeds: int = 10,
    folds: int = 0,
    datasets: tuple[str, ...] = (),
    methods: tuple[str, ...] = METHODS,
    noise: float = 0.003,
    name: str = "accuracy",
) -> dict[str, list]:
    """A row a score; a seed adds the same to every method, so that pairs tell more."""
    rng = np.random.default_rng(0)
    found: dict[str, list] = {key: [] for key in ("method", "dataset", "seed", "fold", name)}
    for dataset in datasets or ("",):
        for seed in range(seeds):
            for fold in range(folds or 1):
                shared = 0.02 * rng.normal()
                for method in methods:
                    score = 0.8 + shared + GAINS[method] + noise * rng.normal()
                    for key, value in zip(found, (method, dataset, seed, fold, score), strict=True):
                        found[key].append(value)
    absent = {"dataset": not datasets, "fold": not folds, "seed": not seeds}
    return {key: values for key, values in found.items() if not absent.get(key)}
