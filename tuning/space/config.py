"""What to search, on what, how: a frozen dataclass of plain types, as the study's config is."""

import dataclasses
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kmlp.config import MLPConfig, TrainConfig, fields
from kmlp.config.base import Config, parse_toml
from kmlp.config.study import MOST_SEEDS, NUM_FOLDS
from kmlp.config.study_file import beside_file
from kmlp.config.tables.table import DataConfig, read_data
from kmlp.data import DataSpec
from kmlp.data.sampling import FOLDS, TEST_SHARE
from kmlp.errors import ConfigError
from kmlp.stats.metrics import HIGHER_IS_BETTER, METRICS
from kmlp.stats.monitoring import VALIDATION, direction, resolved_objective
from kmlp.study.pilot import FIRST_PILOT_SEED
from kmlp.text import did_you_mean, shown
from tuning.space.reading import Held, Narrowing, read_narrowing
from tuning.space.space import Space, make_space

logger = logging.getLogger(__name__)

TUNERS = ("random", "grid", "bayesian", "hyperband")
MAX_EPOCHS = 30
"""Of every training in a search, where nothing else is said: early stopping mostly ends sooner, and
a cosine schedule gets time to fall."""


@dataclass(frozen=True, kw_only=True)
class SearchConfig(Config):
    """What to search.

    Attributes:
        dataset: a name or a path.
        data: of a table's file, its target and the rows that test.
        tuner: "random", "grid", "bayesian" or "hyperband".
        max_trials: trials; of Hyperband, its budget in full trainings.
        num_seeds, first_seed: every trial trains these seeds; the score is their mean.
        folds: where it is given, so many seeds are trained for each fold of the training rows and
            scored on it; their validation rows, of the other folds, only stop them.
        repeats: how often the folds are cut anew.
        seed: of the draws.
        objective: a validation metric, as "val_accuracy"; "auto" is the task's first.
        parallel_trials: trials that a Bayesian search draws at once, each without the others'
            scores.
        space, fixed: see `make_space`; tables in TOML.
        model, train: the base configs.
        validation_fraction: of the training rows, held out by each seed; without folds it decides
            everything.

    Raises:
        ConfigError: a value is out of range.
    """

    dataset: str
    data: DataConfig | None = None
    tuner: str = "bayesian"
    max_trials: int = 20
    num_seeds: int = 3
    first_seed: int = 0
    folds: int | None = None
    repeats: int = 1
    seed: int = 0
    objective: str = "auto"
    parallel_trials: int = 2
    space: Mapping[str, Any] = field(default_factory=dict)
    fixed: Held = field(default_factory=dict)
    model: MLPConfig = field(default_factory=MLPConfig)
    train: TrainConfig = field(default_factory=lambda: TrainConfig(max_epochs=MAX_EPOCHS))
    validation_fraction: float = 1 / 6

    def __post_init__(self) -> None:
        for name, kind in (("model", MLPConfig), ("train", TrainConfig)):
            value = getattr(self, name)
            if isinstance(value, Mapping):
                defaults = {"max_epochs": MAX_EPOCHS} if kind is TrainConfig else {}
                object.__setattr__(self, name, kind.from_dict({**defaults, **value}))
            elif not isinstance(value, kind):
                raise ConfigError(fields.wanted(self, name, f"a table of {kind.__name__}'s fields"))
        object.__setattr__(self, "data", read_data(self.data))
        for name in ("space", "fixed"):
            if not isinstance(getattr(self, name), Mapping):
                raise ConfigError(fields.wanted(self, name, "a table"))
        if not isinstance(self.dataset, str) or not self.dataset:
            raise ConfigError(fields.wanted(self, "dataset", "a name or a path, as text"))
        object.__setattr__(self, "objective", _objective_name(self.objective))
        fields.check_choice(self, "tuner", TUNERS)
        for name in ("max_trials", "num_seeds", "parallel_trials", "repeats"):
            fields.check_whole(self, name, 1, highest=MOST_SEEDS)
        for name in ("first_seed", "seed"):
            fields.check_whole(self, name, 0)
        fields.check_rate(self, "validation_fraction")
        self._check_held_out()
        if self.seeds[-1] >= FIRST_PILOT_SEED:
            raise ConfigError(
                f"the seeds from {FIRST_PILOT_SEED} are for pilots. Received: first_seed="
                f"{self.first_seed}, num_seeds={self.num_seeds}. Take smaller ones."
            )
        fields.as_floats(self)

    def _check_held_out(self) -> None:
        """Refuses a search that nothing would be chosen on."""
        if self.folds is not None:
            fields.check_whole(self, "folds", 2, highest=MOST_SEEDS)
        elif self.repeats > 1:
            raise ConfigError(
                f"repeats are of folds, of which there are none. Received: repeats={self.repeats}. "
                "Name folds too, as folds=5."
            )
        elif not self.validation_fraction:
            raise ConfigError(
                "a search chooses on validation rows, of which there are none. Received: "
                "validation_fraction=0. Hold some rows out, or name folds, as folds=5."
            )

    def setting_aside(self) -> "SearchConfig":
        """The same search where `test = "cv"` would have folds test all rows: a fifth is set aside
        first, and folds of the others are searched on, so that nothing is chosen on rows that
        test."""
        if self.data is None or self.data.test != FOLDS:
            return self
        folds = self.folds or NUM_FOLDS
        logger.warning(
            "a search chooses, and what it chooses on must not test: a fifth of the rows is set "
            "aside, and trials are scored on %d folds of the others (test=%g, folds=%d)",
            folds,
            TEST_SHARE,
            folds,
        )
        data = dataclasses.replace(self.data, test=TEST_SHARE)
        return dataclasses.replace(self, data=data, folds=folds)

    @property
    def seeds(self) -> range:
        """Of every network; with folds each of their networks has its own."""
        num_networks = self.num_seeds * self.repeats * (self.folds or 1)
        return range(self.first_seed, self.first_seed + num_networks)

    def make_space(self, spec: DataSpec) -> Space:
        """The search space for these data."""
        return make_space(spec, self.space, self.fixed, model=self.model, train=self.train)

    def for_data(self, spec: DataSpec) -> "SearchConfig":
        """The same search with its space and objective written out: what is kept must not change
        with the defaults of a later release.

        Raises:
            ConfigError: the objective is no metric of the task.
        """
        names = [VALIDATION + metric for metric in METRICS[spec.task]]
        objective = resolved_objective(self.objective, spec.task)
        if objective not in names:
            raise ConfigError(
                f"the objective of a {spec.task} task is one of {', '.join(names)}. "
                f"Received: {shown(self.objective)}.{did_you_mean(self.objective, names)}"
            )
        space = self.make_space(spec)
        return dataclasses.replace(
            self, objective=objective, space=_written_out(space), fixed=dict(space.fixed)
        )

    @property
    def metric(self) -> str:
        """The objective without its `val_`; once `for_data` has named it."""
        return self.objective.removeprefix(VALIDATION)

    @property
    def direction(self) -> str:
        """ "max" or "min": known, never guessed from the name."""
        return direction(self.metric)


def _objective_name(objective: Any) -> str:
    """The name of a metric; KerasTuner's own objective gives its name and direction."""
    if isinstance(objective, str):
        return objective
    name, direction = getattr(objective, "name", None), getattr(objective, "direction", None)
    if not isinstance(name, str):
        raise ConfigError(
            "objective must be the name of a validation metric, as val_accuracy. Received: "
            f"{shown(objective)}."
        )
    better = HIGHER_IS_BETTER.get(name.removeprefix("val_"))
    if better is not None and direction != ("max" if better else "min"):
        raise ConfigError(
            f"the direction of {name} is {'max' if better else 'min'}. Received: "
            f"objective={shown(objective)}, direction={direction!r}. Write objective={name!r}."
        )
    return name


def read_search_file(path: str | Path) -> SearchConfig:
    """Reads a search from a TOML file.

    Raises:
        ConfigError: the file is missing, is no TOML, or holds a value that is refused; the
            message names the file.
    """
    path = Path(path)
    try:
        table = parse_toml(path.read_text(encoding="utf-8-sig"))
        if {"variants", "study"} & set(table):
            raise ConfigError(f"this is a study file, not a search's. Write kmlp study {path}")
        return SearchConfig.from_dict(beside_file(table, path))
    except (OSError, UnicodeDecodeError, ConfigError, TypeError, RecursionError) as error:
        raise ConfigError(f"{path}: {error}") from error


def as_table(space: Narrowing) -> dict[str, Any]:
    """A space in any of `make_space`'s forms as a table, which TOML can hold."""
    preset, narrowed = read_narrowing(space)
    return {"preset": preset, **narrowed}


def _written_out(space: Space) -> dict[str, Any]:
    table: dict[str, Any] = {"preset": "none"}
    for p in space.parameters:
        if p.is_range:
            own = {"min": p.min, "max": p.max, "step": p.step, "sampling": p.sampling}
            table[p.name] = {k: v for k, v in own.items() if v is not None} | {"default": p.default}
        else:
            table[p.name] = {"values": list(p.values), "default": p.default}
    return table
