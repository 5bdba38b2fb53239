"""Temperature scaling: one number that makes a classifier as sure as it is right."""

import numpy as np

_LEAST, _MOST = 0.05, 20.0
MIN_ROWS = 30
"""With fewer, the temperature would say more of these rows than of the model."""


def fit_temperature(
    labels: np.ndarray, log_probabilities: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """The T whose softmax(log p / T) has the least log loss (Guo et al. 2017,
    https://arxiv.org/abs/1706.04599); above 1 where the model was too sure.

    The loss is convex in 1 / T: its slope is zero at one place, which halving finds. The order of
    the classes stays, and so does the likeliest.

    Args:
        labels: `(n,)` class indices.
        log_probabilities: `(n, num_classes)` natural logarithms, or logits.
        weights: `(n,)`, how much each row counts; all alike where omitted.

    Raises:
        ValueError: no T is the best, for every row is predicted right, or it would lie outside of
            0.05 to 20.

    Example:
        >>> log_p = np.log([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.1, 0.9]])
        >>> round(fit_temperature(np.array([0, 0, 1, 1]), log_p), 3)  # 3 of 4 are right
        2.0
    """
    logits = np.asarray(log_probabilities, np.float64)
    # Infinite ones would be NaN once multiplied by 0.
    logits = np.maximum(logits - logits.max(axis=1, keepdims=True), -1e6)
    counts = np.ones(len(labels)) if weights is None else np.asarray(weights, np.float64)
    true = logits[np.arange(len(labels)), labels]

    def slope(sharpness: float) -> float:
        p = np.exp(sharpness * logits)
        p /= p.sum(axis=1, keepdims=True)
        return float(counts @ ((p * logits).sum(axis=1) - true))

    low, high = 1 / _MOST, 1 / _LEAST
    if not slope(low) < 0 < slope(high):
        raise ValueError(
            f"no temperature from {_LEAST:g} to {_MOST:g} has the least log loss on these "
            f"{len(labels):,} rows"
        )
    for _ in range(60):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return float(1 / np.sqrt(low * high))


def scaled_log_probabilities(log_probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Log-probabilities `(n, num_classes)` at a temperature, normalized, in float64.

    Example:
        >>> np.exp(scaled_log_probabilities(np.log([[0.9, 0.1]]), 2.0)).round(3).tolist()
        [[0.75, 0.25]]
    """
    scaled = np.asarray(log_probabilities, np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    return scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
