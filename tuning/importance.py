"""How much of the scores' variance each hyperparameter explains: functional ANOVA."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tuning.scales import readable_limits, scale_of
from tuning.trials import Parameter, Results, Trial, concluded, varied

MIN_TRIALS = 30
"""Below as many finished trials a forest of them says nothing that would hold for others."""
_NUM_RESAMPLES = 10


def importance(results: Results, *, seed: int = 0) -> list[dict[str, Any]] | None:
    """The importances of all hyperparameters that were varied, the largest first.

    A random forest learns the score from the hyperparameters; the importance of one is the share
    of the forest's variance over the search space that its marginal explains by itself. What is
    missing from a sum of 1 belongs to interactions. What was sampled by its logarithm counts by
    its logarithm. Where it was not active, a hyperparameter counts with its default, as in the
    paper, so that it explains nothing there. Scores beyond `readable_limits` count as the limit:
    a few hopeless trials would explain everything. A trial that another goes on from is left out.

    Args:
        results: as in `results.json`.
        seed: of the forests and the resamples.

    Returns:
        A mapping of `name`, `importance` (a fraction) and `sd` (over resamples of the trials)
        each; None below `MIN_TRIALS` such trials, or where all scored the same.

    Hutter, Hoos and Leyton-Brown 2014, https://proceedings.mlr.press/v32/hutter14.html
    """
    trials, parameters = _limited(results), varied(results)
    if len(trials) < MIN_TRIALS or len({t["score"] for t in trials}) == 1 or not parameters:
        return None
    found = _fanova(trials, parameters, seed)
    rng = np.random.default_rng(seed)
    resampled: list[dict[str, float]] = []
    while len(resampled) < _NUM_RESAMPLES:
        drawn = [trials[i] for i in rng.integers(len(trials), size=len(trials))]
        if len({t["score"] for t in drawn}) > 1:
            resampled.append(_fanova(drawn, parameters, seed))
    rows = [
        {
            "name": name,
            "importance": share,
            "sd": float(np.std([r[name] for r in resampled], ddof=1)),
        }
        for name, share in found.items()
    ]
    return sorted(rows, key=lambda row: -row["importance"])


def _limited(results: Results) -> list[Trial]:
    """The concluded trials, a hopeless score replaced by the worst one that a figure shows."""
    trials, is_max = concluded(results), results["settings"]["objective"]["direction"] == "max"
    if not trials:
        return []
    scores = [t["score"] for t in trials]
    limits = readable_limits(scores, higher_is_better=is_max)
    return [{**t, "score": float(np.clip(t["score"], *limits))} for t in trials]


def _fanova(
    trials: Sequence[Trial], parameters: Sequence[Parameter], seed: int
) -> dict[str, float]:
    import optuna
    from optuna.importance import FanovaImportanceEvaluator

    spaces = {p["name"]: _distribution(p) for p in parameters}
    with _quiet():
        study = optuna.create_study()
    study.add_trials(
        [
            optuna.trial.create_trial(
                params={p["name"]: _coded(p, t["values"].get(p["name"])) for p in parameters},
                distributions=spaces,
                value=t["score"],
            )
            for t in trials
        ]
    )
    shares = FanovaImportanceEvaluator(seed=seed).evaluate(study)
    return {name: float(share) for name, share in shares.items()}


def _distribution(parameter: Parameter) -> Any:
    """Optuna's fANOVA weighs values evenly: a logarithmic axis is handed over as its logarithm."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    scale = scale_of(parameter)
    if scale.low is None or scale.high is None:
        return CategoricalDistribution(scale.categories)
    if scale.is_log:
        return FloatDistribution(math.log(scale.low), math.log(scale.high))
    return FloatDistribution(scale.low, scale.high)


def _coded(parameter: Parameter, value: Any) -> Any:
    value = parameter["default"] if value is None else value
    scale = scale_of(parameter)
    if scale.low is None:
        return value
    return math.log(value) if scale.is_log else float(value)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Optuna announces each new study on stderr."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
