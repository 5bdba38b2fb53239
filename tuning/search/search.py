"""Searches for the best configuration, each trial over several seeds, in a folder that lasts."""

import dataclasses
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.tables.table import load_configured
from kmlp.data import Dataset
from kmlp.data.dataset import checked_data
from kmlp.engine.trainer import Trainer
from kmlp.errors import ConfigError, RunFolderError, SelectionError
from kmlp.study.loading import Study, load_study
from kmlp.study.provenance import (
    describe,
    environment,
    read_config,
    refuse_differences,
    stored_environment,
    tell_of_changes,
    write_claim,
)
from kmlp.study.results.records.base import Plain
from kmlp.study.results.records.study import StudyResults
from kmlp.study.run_folder import RunFolder
from kmlp.study.study import StudyWatcher, default_trainer
from tuning.results.assembly import build_results
from tuning.results.executions import Executions
from tuning.results.followup import STUDY_FOLDER, followup_of
from tuning.results.records.search import SearchResults
from tuning.results.search_folder import SearchFolder
from tuning.search.followup import FOLLOWUP_FILE, NUM_TRIALS, best_study_file, run_followup
from tuning.search.tensorboard import write_events
from tuning.search.tuner import SearchWatcher, Tuner, make_oracle
from tuning.space.config import SearchConfig, as_table
from tuning.space.parameter import num_points
from tuning.space.reading import read_fixed

logger = logging.getLogger(__name__)

_FILE = "search.toml"
# A search may be asked for more trials later; all else makes it another one.
_GROWS = ("max_trials",)


@dataclass(frozen=True)
class Search:
    """A search and what it found.

    Attributes:
        config: what was asked, the space written out.
        run_dir: its folder.
        record: what it found, with names and types.
    """

    config: SearchConfig
    run_dir: Path
    record: SearchResults = field(repr=False)

    @cached_property
    def results(self) -> dict[str, Any]:
        """What `results.json` holds, as plain types: every trial with every execution, ties and
        pick."""
        return self.record.to_dict()

    @property
    def trials(self) -> list[dict[str, Any]]:
        """Every trial, in the order of drawing."""
        return self.results["trials"]

    @property
    def picked(self) -> dict[str, Any]:
        """The simplest trial within one standard error of the best: see `choose`.

        Raises:
            SelectionError: none has finished.
        """
        return self.record.picked_trial.to_dict()

    @property
    def best(self) -> dict[str, Any]:
        """The trial with the best mean score.

        Raises:
            SelectionError: none has finished.
        """
        return self.record.best_trial.to_dict()

    @property
    def model(self) -> MLPConfig:
        """The network that was picked."""
        return MLPConfig.from_dict(self.record.picked_trial.model)

    @property
    def train(self) -> TrainConfig:
        """How it is trained."""
        return TrainConfig.from_dict(self.record.picked_trial.train)

    def study(self) -> Study:
        """The follow-up study.

        Raises:
            RunFolderError: there is none.
        """
        return load_study(self.run_dir / STUDY_FOLDER)

    def arrays(self, number: int, seed: int, fold: int | None = None) -> dict[str, Any]:
        """One execution's arrays: `curve_NAME` by epoch, `weight/PATH`; with folds, which are
        numbered from 0, what it predicted on `fold_rows` too.

        Raises:
            SelectionError: it is not there.
            RunFolderError: its file is damaged.
        """
        executions = self.record.trials[number].executions if number < len(self.trials) else ()
        for execution in executions:
            if (execution.seed, execution.fold) == (seed, fold) and execution.status != "missing":
                return RunFolder(self.run_dir).arrays(execution.member)
        raise SelectionError(
            f"{self.run_dir}: no finished execution of trial {number} with seed {seed}"
            + ("." if fold is None else f" and fold {fold}.")
        )


def tune(
    dataset: str | Dataset | SearchConfig,
    run_dir: str | Path,
    *,
    data: Dataset | None = None,
    progress: SearchWatcher | None = None,
    then_study: bool | int = False,
    study_progress: StudyWatcher | None = None,
    trainer: Trainer | None = None,
    **settings: Any,
) -> Search:
    """Searches, in a folder where the same call goes on after any interruption.

    Args:
        dataset: a name or path, arrays, or a whole `SearchConfig`.
        run_dir: the search's folder; created where it is missing.
        data: the data set of a `SearchConfig`; loaded by its name where omitted.
        progress: told of every draw, epoch and end; `SearchProgress` shows them.
        then_study: whether the best trials then meet the default configuration in a study with
            fresh seeds, and how many of them; True is three.
        study_progress: told of that study's epochs.
        trainer: what trains the networks; Keras, by `kmlp.engine.engine.Engine`, where omitted.
        settings: the fields of `SearchConfig`; `space` and `fixed` in any form of `make_space`.

    Raises:
        ConfigError: a setting is wrong, or the space does not fit the data.
        RunFolderError: the folder holds another search, is in use or cannot be written; a
            `ForeignFolderError` if it is no search's.
        DataError: the data set cannot be loaded.

    Example:
        search = tune("fashion_mnist", "runs/t", tuner="bayesian", max_trials=20, num_seeds=3)
        search.model, search.train
    """
    folder = SearchFolder(run_dir)
    refuse_foreign_search(run_dir, then_study=bool(then_study))
    config, data = _configured(dataset, data, settings)
    config = config.for_data(data.spec)
    _check(config, data)
    trainer = trainer or default_trainer()
    with folder.writing():
        _claim(folder, config, data, trainer)
        Tuner(config, folder, data, trainer, progress).run()
        search = _write(config, folder, describe(data, config.validation_fraction))
        folder.stacks.forget()
        if then_study and search.record.picked is not None:
            run_followup(
                search.record,
                folder,
                data,
                dataset=config.dataset,
                table=config.data,
                num_trials=NUM_TRIALS if then_study is True else then_study,
                progress=study_progress,
                trainer=trainer,
            )
            search = _write(config, folder, describe(data, config.validation_fraction))
    return search


def refuse_foreign_search(run_dir: str | Path, *, then_study: bool = False) -> None:
    """Refuses a folder that is someone else's, before anything is loaded or written.

    Raises:
        ForeignFolderError: with what it holds.
    """
    SearchFolder(run_dir).refuse_foreign()
    if then_study:
        RunFolder(Path(run_dir) / STUDY_FOLDER).refuse_foreign()


def load_search(run_dir: str | Path) -> Search:
    """A search from its folder; nothing is trained, no Keras is loaded.

    While it runs, or after an interruption, the results are those of what has ended so far.

    Raises:
        RunFolderError: no search's folder.
    """
    folder = SearchFolder(run_dir)
    if not (folder.path / _FILE).exists():
        raise RunFolderError(f"{folder.path}: no {_FILE}; is this the folder of a search?")
    folder.refuse_changed(*_recorded(folder))
    config, dataset = _stored_config(folder), stored_environment(folder)["dataset"]
    return Search(
        config, folder.path, build_results(config, folder, dataset, _study_results(folder))
    )


def _recorded(folder: SearchFolder) -> list[str]:
    """The files by which a search is read back."""
    has_followup = (folder.path / FOLLOWUP_FILE).exists()
    return [_FILE, "environment.json", *([FOLLOWUP_FILE] if has_followup else [])]


def _stored_config(folder: SearchFolder) -> SearchConfig:
    return read_config(folder, _FILE, SearchConfig.from_toml)


def _configured(
    dataset: str | Dataset | SearchConfig, data: Dataset | None, settings: dict[str, Any]
) -> tuple[SearchConfig, Dataset]:
    if isinstance(dataset, SearchConfig):
        config = dataset
    else:
        own = dict(settings)
        if "space" in own:
            own["space"] = as_table(own["space"])
        if "fixed" in own:
            own["fixed"] = read_fixed(own["fixed"])
        for name in ("model", "train"):
            if isinstance(own.get(name), MLPConfig | TrainConfig):
                own[name] = own[name].to_dict()
        name = dataset if isinstance(dataset, str) else checked_data(dataset).name
        config = SearchConfig.from_dict({"dataset": name, **own})
    if isinstance(dataset, SearchConfig) and settings:
        raise ConfigError(
            f"a SearchConfig holds its settings itself. Received: {sorted(settings)}."
        )
    if isinstance(dataset, Dataset):
        data = dataset
    return config, checked_data(data) if data is not None else (
        load_configured(config.dataset, config.data)
    )


def _check(config: SearchConfig, data: Dataset) -> None:
    """Refuses what cannot be trained, before anything is written."""
    from kmlp.engine.compatibility import check_split

    executions = Executions(config, data.spec, data.provenance.sha256)
    defaults = {p.name: p.default for p in executions.space.parameters if not p.conditions}
    check_split(executions.members(defaults)[0], data.y_train, data.spec, data.rows)
    make_oracle(config, executions)
    points = num_points(executions.space.parameters)
    if config.tuner == "grid" and points > config.max_trials:
        logger.warning(
            "the grid has up to %d points, of which the first %d are tried; the last parameter "
            "varies fastest",
            points,
            config.max_trials,
        )


def _claim(folder: SearchFolder, config: SearchConfig, data: Dataset, trainer: Trainer) -> None:
    """Writes what this search is and runs on; refuses the folder of anything else."""
    if (folder.path / _FILE).exists():
        refuse_differences(folder, _differences(_stored_config(folder), config), data)
        tell_of_changes(folder, *_recorded(folder))
        if (followup := followup_of(folder)) is not None:
            folder.write_json(FOLLOWUP_FILE, followup.to_dict())
    described = describe(data, config.validation_fraction)
    write_claim(folder, _FILE, config, environment(data, described, trainer))


def _differences(kept: SearchConfig, asked: SearchConfig) -> list[str]:
    """What makes two searches different ones, part by part."""
    found = []
    for f in dataclasses.fields(SearchConfig):
        old, new = getattr(kept, f.name), getattr(asked, f.name)
        if f.name in ("model", "train", "data"):
            old, new = (value.to_dict() if value else {} for value in (old, new))
        if isinstance(new, Mapping):
            names = [*old, *(n for n in new if n not in old)]
            pairs = [(f"{f.name}.{n}", _of(old, n), _of(new, n)) for n in names]
        else:
            pairs = [(f.name, old, new)]
        found += [(n, a, b) for n, a, b in pairs if a != b and not (n in _GROWS and a < b)]
    return [
        f"{name} is {a!r} there, {b!r} here" + " (it may only grow)" * (name in _GROWS)
        for name, a, b in found
    ]


def _of(table: Mapping[str, Any], name: str) -> Any:
    """A plain value: TOML gives lists where Python may have tuples."""
    value = table.get(name)
    return dict(value) if isinstance(value, Mapping) else value


def _write(config: SearchConfig, folder: SearchFolder, dataset: Plain) -> Search:
    try:
        study = _study_results(folder)
    except RunFolderError as error:
        # To be run again is what mends it.
        logger.warning("%s", error)
        study = None
    search = Search(config, folder.path, build_results(config, folder, dataset, study))
    if search.record.picked is not None:
        best = best_study_file(search.record, config.dataset, config.data)
        folder.write_text("best.toml", best.to_toml())
    folder.write_json("results.json", search.results)
    write_events(folder, search.record)
    return search


def _study_results(folder: SearchFolder) -> StudyResults | None:
    """The results of the follow-up study; None where none has ended yet."""
    inside = folder.path / STUDY_FOLDER
    # Written when it ends; what it says is computed again from the networks.
    return load_study(inside).record if (inside / "results.json").exists() else None
