"""Searches for the best configuration, each trial over several seeds, in a folder that lasts."""

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.tables.table import apart_from_test, load_configured
from kmlp.data import Dataset
from kmlp.data.rows.checks import checked_data, named, with_test_rows
from kmlp.engine.trainer import Trainer
from kmlp.errors import ConfigError, RunFolderError
from kmlp.study.provenance import (
    describe,
    environment,
    refuse_differences,
    tell_of_changes,
    write_claim,
)
from kmlp.study.results.records.base import Plain
from kmlp.study.runner import StudyWatcher, default_trainer
from kmlp.study.study import training_on
from tuning.results.assembly import build_results
from tuning.results.executions import Executions
from tuning.results.followup import followup_of, refuse_foreign_search
from tuning.results.search_folder import COMMONEST_SHARE, SearchFolder
from tuning.search.followup import FOLLOWUP_FILE, NUM_TRIALS, best_study_file, run_followup
from tuning.search.loading import (
    SEARCH_FILE,
    Search,
    recorded_files,
    stored_config,
    study_results,
)
from tuning.search.tensorboard import write_events
from tuning.search.tuner import SearchWatcher, Tuner, make_oracle
from tuning.space.config import SearchConfig, as_table
from tuning.space.parameter import num_points
from tuning.space.reading import read_fixed

logger = logging.getLogger(__name__)

# A search may be asked for more trials later; all else makes it another one.
_GROWS = ("max_trials",)


def tune(
    dataset: str | Dataset | SearchConfig,
    run_dir: str | Path,
    *,
    data: Dataset | None = None,
    progress: SearchWatcher | None = None,
    then_study: bool | int = False,
    study_progress: StudyWatcher | None = None,
    trainer: Trainer | None = None,
    cluster: str | None = None,
    storage: str | Path | None = None,
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
        cluster, storage: trains on the nodes of a Ray cluster, as of `run_study`; what is drawn
            and found is the same.
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
    own = trainer or default_trainer()
    with training_on(cluster, own, storage, progress) as trainer, folder.writing():
        _claim(folder, config, data, trainer)
        Tuner(config, folder, data, trainer, progress).run()
        search = _write(config, folder, describe(data, config.validation_fraction))
        folder.stacks.forget()
    if not then_study:
        return search
    num_trials = NUM_TRIALS if then_study is True else then_study
    return follow_up(
        search,
        data,
        num_trials=num_trials,
        progress=study_progress,
        trainer=own,
        cluster=cluster,
        storage=storage,
    )


def follow_up(
    search: Search,
    data: Dataset,
    *,
    num_trials: int = NUM_TRIALS,
    progress: StudyWatcher | None = None,
    trainer: Trainer | None = None,
    cluster: str | None = None,
    storage: str | Path | None = None,
) -> Search:
    """The search with the study that follows it, in its folder; without a finished trial as it is.

    The best trials meet the default configuration over fresh seeds, and the test set is read.

    Args:
        search: finished, or what has ended of it.
        data: what it searched on.
        num_trials: how many trials, the one picked included.
        progress: told of the study's epochs.
        trainer, cluster, storage: as of `tune`.

    Raises:
        RunFolderError: the folder is in use or cannot be written, or these are other data.
    """
    if search.record.picked is None:
        return search
    config, folder = search.config, SearchFolder(search.run_dir)
    refuse_differences(folder, [], data)
    with folder.writing():
        run_followup(
            search.record,
            folder,
            data,
            dataset=config.dataset,
            table=config.data,
            num_trials=num_trials,
            progress=progress,
            trainer=trainer,
            cluster=cluster,
            storage=storage,
        )
        return _write(config, folder, describe(data, config.validation_fraction))


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
    if data is None:
        config = config.setting_aside()
        data, table = load_configured(config.dataset, config.data, sets_aside=True)
        config = dataclasses.replace(config, data=table)
    data = named(checked_data(data), config.dataset)
    return config, with_test_rows(data, "a search")


def _check(config: SearchConfig, data: Dataset) -> None:
    """Refuses what cannot be trained, before anything is written."""
    from kmlp.engine.compatibility import check_repeats, check_split

    executions = Executions(config, data.spec, data.provenance.sha256)
    defaults = {p.name: p.default for p in executions.space.parameters if not p.conditions}
    check_repeats(config.folds, config.repeats, data.rows)
    members = executions.members(defaults)
    # Every seed's split, and every fold, is like the first, unless groups stay whole or some rows
    # weigh nothing.
    for member in members if data.rows.differ_by_draw else members[:1]:
        check_split(member, data.y_train, data.spec, data.rows)
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
    if (folder.path / SEARCH_FILE).exists():
        refuse_differences(folder, _differences(stored_config(folder), config), data)
        tell_of_changes(folder, *recorded_files(folder))
        if (followup := followup_of(folder)) is not None:
            folder.write_json(FOLLOWUP_FILE, followup.to_dict())
    described = describe(data, config.validation_fraction)
    found = environment(data, described, trainer) | {COMMONEST_SHARE: _commonest_share(data)}
    write_claim(folder, SEARCH_FILE, config, found)


def _commonest_share(data: Dataset) -> float | None:
    """Of the training rows; None of a regression and of rows that weigh differently."""
    if data.spec.task == "regression" or data.rows.weight is not None:
        return None
    return float(np.bincount(data.y_train).max() / len(data.y_train))


def _differences(kept: SearchConfig, asked: SearchConfig) -> list[str]:
    """What makes two searches different ones, part by part."""
    found = []
    for f in dataclasses.fields(SearchConfig):
        old, new = getattr(kept, f.name), getattr(asked, f.name)
        if f.name == "data":
            old, new = apart_from_test(old, new)
        elif f.name in ("model", "train"):
            old, new = old.to_dict(), new.to_dict()
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
        study = study_results(folder)
    except RunFolderError as error:
        # To be run again is what mends it.
        logger.warning("%s", error)
        study = None
    search = Search(config, folder.path, build_results(config, folder, dataset, study))
    if search.record.picked is not None:
        best = best_study_file(search.record, config.dataset, config.data, folder.path)
        folder.write_text("best.toml", best.to_toml())
    folder.write_json("results.json", search.results)
    write_events(folder, search.record)
    return search
