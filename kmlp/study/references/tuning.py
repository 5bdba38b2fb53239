"""Settings of a reference, chosen on the rows that validate the network beside it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import joblib
import numpy as np

Settings = dict[str, float]
_BOOSTED = {
    "learning_rate": (0.01, 0.5),
    "max_iter": [30, 60, 100, 200, 400],
    "max_leaf_nodes": [4, 8, 15, 31, 63, 127],
    "min_samples_leaf": [2, 5, 10, 20, 50, 100],
    "l2_regularization": (1e-3, 100.0),
    "max_features": [0.3, 0.5, 0.7, 1.0],
}
_FOREST = {
    "max_features": (0.05, 1.0),
    "min_samples_leaf": [1, 2, 3, 5, 10, 20],
    "max_samples": [0.3, 0.5, 0.7, 1.0],
}
_LINEAR = (1e-4, 1e4)
SPACES: Mapping[str, Mapping[str, tuple[float, float] | Sequence[float]]] = {
    "LogisticRegression": {"C": _LINEAR},
    "Ridge": {"alpha": _LINEAR},
    "HistGradientBoostingClassifier": _BOOSTED,
    "HistGradientBoostingRegressor": _BOOSTED,
    "RandomForestClassifier": _FOREST,
    "RandomForestRegressor": _FOREST,
}
"""Estimator -> setting -> what it is drawn from: a list, or the ends of a range that is even in
the logarithm."""


def candidates(estimator: Any, num_trials: int, seed: int) -> list[Settings]:
    """The settings that are tried: first none, which leaves scikit-learn's defaults, then draws.

    Args:
        estimator: in `SPACES`.
        num_trials: in all.
        seed: of the draws.

    Example:
        >>> from sklearn.linear_model import Ridge
        >>> [list(settings) for settings in candidates(Ridge(), 3, seed=0)]
        [[], ['alpha'], ['alpha']]
    """
    from scipy.stats import loguniform
    from sklearn.model_selection import ParameterSampler

    space = {
        name: loguniform(*drawn) if isinstance(drawn, tuple) else drawn
        for name, drawn in SPACES[type(estimator).__name__].items()
    }
    drawn = ParameterSampler(space, num_trials - 1, random_state=seed) if num_trials > 1 else ()
    return [{}, *({name: _plain(value) for name, value in one.items()} for one in drawn)]


def _plain(value: Any) -> float:
    return value.item() if isinstance(value, np.generic) else value


def search(
    estimator: Any,
    tried: Sequence[Settings],
    known: tuple[np.ndarray, np.ndarray],
    held_out: tuple[np.ndarray, np.ndarray],
    loss: Callable[[Any, np.ndarray], float],
    *,
    weights: np.ndarray | None = None,
    num_jobs: int = 1,
) -> Settings:
    """Those of the settings with the lowest loss on the rows held out; of equals the first.

    Args:
        estimator: a pipeline's last step is the one that is set.
        tried: settings.
        known: inputs and targets to fit to.
        held_out: inputs and targets to choose by.
        loss: of a fitted estimator, on the inputs held out.
        weights: of the rows known.
        num_jobs: how many are fitted side by side.
    """
    from sklearn.model_selection import GridSearchCV, PredefinedSplit

    step = last_step(estimator)
    grid = [{f"{step}{name}": [value] for name, value in one.items()} for one in tried]
    (x, y), (x_held, y_held) = known, held_out
    parts = PredefinedSplit(np.repeat([-1, 0], [len(x), len(x_held)]))
    found = GridSearchCV(
        estimator,
        grid,
        scoring=lambda fitted, inputs, _: -loss(fitted, inputs),
        cv=parts,
        refit=False,
        n_jobs=num_jobs,
        error_score="raise",
    )
    own = (
        {}
        if weights is None
        else {f"{step}sample_weight": np.concatenate([weights, np.ones(len(x_held))])}
    )
    with joblib.parallel_config("threading"):
        found.fit(np.concatenate([x, x_held]), np.concatenate([y, y_held]), **own)
    return tried[int(np.argmax(found.cv_results_["mean_test_score"]))]


def last_step(estimator: Any) -> str:
    """What stands before the name of a setting or argument of a pipeline's last step."""
    return f"{estimator.steps[-1][0]}__" if hasattr(estimator, "steps") else ""
