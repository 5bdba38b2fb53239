"""The fields of the two configs that say what a network is and how it is trained, as one."""

from collections.abc import Mapping
from typing import Any

from kmlp.config.network import MLPConfig
from kmlp.config.records import NOT_OFF, Condition, Record, records_of
from kmlp.config.training import TrainConfig
from kmlp.stats.formatting import listed

RECORDS: dict[str, Record] = {**records_of(MLPConfig), **records_of(TrainConfig)}


def setting(name: str, model: MLPConfig, train: TrainConfig) -> Any:
    """The value of a field of either config."""
    return getattr(model if name in records_of(MLPConfig) else train, name)


def split(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values of fields by config: the network's and the training's; others are left out."""
    model, train = (
        {k: v for k, v in values.items() if k in records_of(config)}
        for config in (MLPConfig, TrainConfig)
    )
    return model, train


def switched_on(model: MLPConfig, train: TrainConfig) -> list[Record]:
    """The records of the fields that these configs switch on, in the fields' order."""
    return [r for name, r in RECORDS.items() if r.is_on(setting(name, model, train))]


def lacks(name: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Which other fields would have to have another value for a field to mean something; none
    where it does. A field that is not among the values is no hindrance.

    Example:
        >>> lacks("num_subnetworks", {"weight_sharing": "none"})
        ('weight_sharing',)
        >>> lacks("penalty_reduction", {"l1": 0.0, "l2": 1e-4})
        ()
    """
    record = RECORDS[name]
    missing = tuple(c[0] for c in record.needs if not _holds(c, values))
    one_of = [(c, NOT_OFF) if isinstance(c, str) else c for c in record.acts_with]
    if not missing and one_of and not any(_holds(c, values) for c in one_of):
        missing = tuple(other for other, _ in one_of)
    return missing or next((found for c in record.needs if (found := lacks(c[0], values))), ())


def why_idle(name: str, values: Mapping[str, Any]) -> str:
    """That a field means nothing beside the others, in words; "" where it does.

    Example:
        >>> why_idle("num_subnetworks", {"weight_sharing": "none"})
        "num_subnetworks means nothing where weight_sharing='none'"
    """
    beside = [f"{other}={values[other]!r}" for other in lacks(name, values)]
    return f"{name} means nothing where {listed(beside)}" if beside else ""


def _holds(condition: Condition, values: Mapping[str, Any]) -> bool:
    other, allowed = condition
    if other not in values:
        return True
    value = values[other]
    return RECORDS[other].is_on(value) if allowed is NOT_OFF else value in allowed
