"""Whether a metric can be told of the data, before anything is trained. No Keras."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from kmlp.config import AUTO, StudyConfig
from kmlp.data import Dataset, DataSpec
from kmlp.engine.member import Member
from kmlp.errors import ConfigError
from kmlp.stats.formatting import unit_of
from kmlp.stats.metrics import scorer_of
from kmlp.stats.metrics.own import Metric
from kmlp.stats.monitoring import resolved_metric
from kmlp.study.plan import Plan

_VALIDATION = "validation"


def check_metric(plan: Plan, data: Dataset, kinds: Sequence[Member]) -> None:
    """Refuses what cannot be told of these rows, whatever is predicted.

    Args:
        plan: the study.
        data: its rows.
        kinds: a member of each kind of split: all of a kind validate on as many rows of a class.
    """
    name = resolved_metric(plan.config.metric, data.spec.task)
    unit_of(name).margin(plan.config.equivalence)
    if plan.config.metric == AUTO:
        return
    for rows, truth, weight in _scored_rows(plan, data, kinds):
        if np.isnan(_score_of_nothing_known(name, data.spec.in_unit(truth), weight, data.spec)):
            fewer = ", or fewer folds" * (not data.has_test_rows)
            fewer += ", or hold more rows out" * (rows == _VALIDATION)
            raise ConfigError(
                f"{name} cannot be told of the {rows} rows: they hold one class only, a target of "
                f"0, or targets that do not vary. Choose another metric{fewer}."
            )


Scored = tuple[str, np.ndarray, np.ndarray | None]
"""What rows are scored, their labels, and what these weigh."""


def _scored_rows(plan: Plan, data: Dataset, kinds: Sequence[Member]) -> Iterator[Scored]:
    """All parts that are scored."""
    yield "training", data.y_train, data.rows.weight
    if data.has_test_rows:
        yield "test", data.y_test, data.test_weight
    else:
        yield from _folds(plan, data)
    for member in kinds:
        _, held_out = member.split(data.rows)
        if len(held_out):
            yield _VALIDATION, *_labels(data, held_out)


def _folds(plan: Plan, data: Dataset) -> Iterator[Scored]:
    for extra in plan.extras:
        if extra.group == "folds" and extra.variant == plan.config.baseline:
            rows = extra.member.fold(data.rows)
            yield f"fold {extra.place} (repeat with seed {extra.seed})", *_labels(data, rows)


def _labels(data: Dataset, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    weight = data.rows.weight
    return data.y_train[rows], None if weight is None else weight[rows]


def check_own_metric(metric: Metric, config: StudyConfig, data: Dataset) -> None:
    """Tries a function before anything is trained, and refuses what it cannot decide."""
    refuse_unfit(metric, vars(config))
    spec = data.spec
    for truth, weight in ((data.y_train, data.rows.weight), (data.y_test, data.test_weight)):
        if len(truth):
            metric.of(spec.in_unit(truth), _nothing_known(spec.in_unit(truth), spec), weight)


def _nothing_known(truth: np.ndarray, spec: DataSpec) -> np.ndarray:
    """Outputs of a network that knows nothing of these rows."""
    if spec.task == "regression":
        return truth + 1
    return np.full((len(truth), spec.num_classes), -np.log(spec.num_classes))


def _score_of_nothing_known(
    metric: str, truth: np.ndarray, weight: np.ndarray | None, spec: DataSpec
) -> float:
    return scorer_of(spec.task)(truth, _nothing_known(truth, spec), weight)[metric]


def refuse_unfit(metric: Metric, config_says: Mapping[str, object]) -> None:
    """Refuses what a metric of the user's own cannot decide, with what can.

    Args:
        metric: the user's.
        config_says: `num_seeds`, `strengths` and `validation_fraction` of the study.

    Raises:
        ConfigError: what does not go together.
    """
    for field in ("num_seeds", "strengths"):
        if config_says[field] == "auto":
            raise ConfigError(
                f"{field}='auto' decides by a metric that kmlp has, on the way. Received: "
                f"metric={metric.name!r}. Say {field}, or take metric='auc' or another of kmlp's."
            )
    if not config_says["validation_fraction"]:
        raise ConfigError(
            f"metric={metric.name!r} chooses the best on validation rows, of which there are none. "
            "Received: validation_fraction=0. Hold some rows out."
        )
