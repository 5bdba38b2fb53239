"""Metrics of predicted numbers: each a formula and its record."""

import numpy as np

from kmlp.stats.metrics.predicted import PredictedNumbers
from kmlp.stats.metrics.record import NUMBERS, MetricRecord


def _rmse(rows: PredictedNumbers) -> float:
    """Root of the mean squared error, in the targets' unit."""
    return _mse(rows) ** 0.5


def _mae(rows: PredictedNumbers) -> float:
    """Mean absolute error, in the targets' unit."""
    return rows.mean(_absolute_errors(rows))


def _absolute_errors(rows: PredictedNumbers) -> np.ndarray:
    return np.abs(rows.errors)


def _mape(rows: PredictedNumbers) -> float:
    """Mean of |error / target|; NaN where a target is 0."""
    if not rows.targets.all():
        return float("nan")
    return rows.mean(_relative_errors(rows))


def _relative_errors(rows: PredictedNumbers) -> np.ndarray:
    return np.abs(rows.errors / rows.targets)


def _r2(rows: PredictedNumbers) -> float:
    """1 - squared error / squared deviation of the targets from their mean; NaN where the targets
    do not vary."""
    varies = rows.targets.min() < rows.targets.max()
    deviation = rows.mean(np.square(rows.targets - rows.mean(rows.targets)))
    return 1 - _mse(rows) / deviation if varies else float("nan")


def _mse(rows: PredictedNumbers) -> float:
    """Mean squared error, in the targets' unit squared."""
    return rows.mean(_squared_errors(rows))


def _squared_errors(rows: PredictedNumbers) -> np.ndarray:
    return np.square(rows.errors)


RECORDS = (
    MetricRecord(
        name="rmse",
        title="RMSE",
        tasks=NUMBERS,
        score=_rmse,
        by_row=_squared_errors,
        is_root=True,
        higher_is_better=False,
        unit="target",
        most=float("inf"),
        on_card=True,
    ),
    MetricRecord(
        name="mae",
        title="MAE",
        tasks=NUMBERS,
        score=_mae,
        by_row=_absolute_errors,
        higher_is_better=False,
        unit="target",
        most=float("inf"),
    ),
    MetricRecord(
        name="mape",
        title="MAPE",
        tasks=NUMBERS,
        score=_mape,
        by_row=_relative_errors,
        higher_is_better=False,
        unit="percent",
        most=float("inf"),
    ),
    MetricRecord(
        name="r2",
        title="R²",
        tasks=NUMBERS,
        score=_r2,
        is_square=True,
        higher_is_better=True,
        least=float("-inf"),
        on_card=True,
    ),
    MetricRecord(
        name="mse",
        title="MSE",
        tasks=NUMBERS,
        score=_mse,
        by_row=_squared_errors,
        is_square=True,
        higher_is_better=False,
        unit="target",
        most=float("inf"),
        logged_in="variance",
        is_loss=True,
    ),
)
