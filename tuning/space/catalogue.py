"""What can be searched: a sensible range of the configs' fields, and when each counts.

The ranges stand in the fields' records; here are those of what a field is made of, such as the
layers' widths. `None` cannot stand beside numbers in KerasTuner, so 0 stands for "no bound" of
`max_norm` and `clipnorm`, and "none" for no `class_weight`. Zeros that switch something off are
values of a choice: a logarithmic range has no zero.
"""

from collections.abc import Iterable
from typing import Any

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.records import Condition, Record, Search, choice, records_of
from kmlp.config.settings import RECORDS
from kmlp.data import DataSpec
from tuning.space.columns import column_parameters
from tuning.space.parameter import Parameter

MAX_LAYERS = 3
_CONSTANT: Condition = ("learning_rate_schedule", ("constant",))
_PLATEAU: Condition = ("reduce_on_plateau", (True,))
# What each field is made of, behind its own range if it has one.
_MADE: dict[str, dict[str, Search]] = {
    "hidden_units": {
        "num_layers": choice(1, 2, 3, default=2, preset=True),
        "units_1": choice(64, 128, 256, 512, default=128, preset=True),
        "units_2": choice(
            *(32, 64, 128, 256), default=64, when=(("num_layers", (2, 3)),), preset=True
        ),
        "units_3": choice(32, 64, 128, when=(("num_layers", (3,)),), preset=True),
    },
    "learning_rate": {
        "sgd_learning_rate": Search(
            low=1e-3, high=0.5, default=0.1, when=(("optimizer", ("sgd",)),), preset=True
        )
    },
    "reduce_on_plateau": {
        "plateau_factor": choice(0.1, 0.3, 0.5, when=(_CONSTANT, _PLATEAU)),
        "plateau_patience": choice(2, 3, 4, when=(_CONSTANT, _PLATEAU)),
    },
}


def _searches(config: type) -> dict[str, Search]:
    found: dict[str, Search] = {}
    for name, record in records_of(config).items():
        found |= {name: record.search} if record.search else {}
        found |= _MADE.get(name, {})
    return found


_NETWORK, _TRAINING = _searches(MLPConfig), _searches(TrainConfig)
DEFAULT: dict[str, tuple[Any, ...] | None] = {
    name: search.preset if isinstance(search.preset, tuple) else None
    for name, search in {**_NETWORK, **_TRAINING}.items()
    if search.preset
}
"""What is searched unless said otherwise, and over which values where not over all.

It is what pays most often for an MLP.

The optimizer stays, by default Adam, which needs the least tuning; where it is SGD, its own
rate and momentum are searched. "all" adds the other optimizers and regularizers.
"""


def catalogue(spec: DataSpec) -> dict[str, Parameter]:
    """Every parameter there is for these data, parents before what depends on them."""
    of_columns = {p.name: p for p in column_parameters(spec)}
    return {**_parameters(_NETWORK, spec), **of_columns, **_parameters(_TRAINING, spec)}


def decided_by(parameters: Iterable[str]) -> set[str]:
    """The fields that these parameters decide: their own, and what is made of them.

    Example:
        >>> sorted(decided_by(["dropout", "units_1"]))
        ['dropout', 'hidden_units']
    """
    names = set(parameters)
    return names & RECORDS.keys() | {field for field, parts in _MADE.items() if names & set(parts)}


def _parameters(searches: dict[str, Search], spec: DataSpec) -> dict[str, Parameter]:
    return {
        name: _parameter(name, search, spec)
        for name, search in searches.items()
        if name not in RECORDS or _fits(RECORDS[name], spec.task)
    }


def _fits(record: Record, task: str) -> bool:
    return not (record.classes_only if task == "regression" else record.numbers_only)


def _parameter(name: str, search: Search, spec: DataSpec) -> Parameter:
    values = search.values
    if name == "input_scaling":
        is_bytes = spec.input_dtype == "uint8"
        fitting = {"unit": is_bytes, "none": not is_bytes}
        fitting |= dict.fromkeys(("robust", "quantile"), bool(spec.columns))
        values = tuple(v for v in values if fitting.get(v, True))
    wanted = search.default if name not in RECORDS else RECORDS[name].default
    needs = RECORDS[name].needs if name in RECORDS else ()
    common: dict[str, Any] = {"name": name, "conditions": (*search.when, *needs)}
    if not values:
        ends: dict[str, Any] = {"min": search.low, "max": search.high, "sampling": "log"}
        return Parameter(kind="float", **ends, default=wanted, **common)
    kind = "bool" if isinstance(values[0], bool) else "choice"
    # A grid begins at the config's own default, where that is among the values.
    default = wanted if wanted in values else None
    return Parameter(kind=kind, values=values, default=default, **common)
