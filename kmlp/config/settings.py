"""The fields of the two configs that say what a network is and how it is trained, as one."""

from collections.abc import Mapping
from typing import Any

from kmlp.config.network import MLPConfig
from kmlp.config.records import Record, records_of
from kmlp.config.training import TrainConfig

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
