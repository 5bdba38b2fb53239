"""Plans a study's members, trains what is missing, and says what came of it."""

import contextlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Protocol

from kmlp.config import AUTO, StudyConfig
from kmlp.config.table import load_configured
from kmlp.data import Dataset
from kmlp.data.dataset import checked_data
from kmlp.engine.trainer import Trainer
from kmlp.errors import ConfigError, RunFolderError
from kmlp.stats.group_sequential import Rounds
from kmlp.study.interim import planned_looks, take_looks
from kmlp.study.loading import Study, current_plan, pilot_folder, pilot_results
from kmlp.study.pilot import pilot_study, with_chosen_strengths
from kmlp.study.plan import ids_of, plan_extras, plan_members
from kmlp.study.provenance import (
    claim,
    describe,
    refuse_other_study,
    stored_config,
    stored_environment,
)
from kmlp.study.results.assembly import build_results
from kmlp.study.run_folder import RunFolder
from kmlp.study.runner import Watcher, given_up, missing_members, train_missing


class Progress(Watcher, Protocol):
    """What a study tells of its progress; the calls come from the stacks' threads."""

    def start(self, variant_of: dict[str, str], done: Collection[str], title: str) -> None: ...


def run_study(
    config: StudyConfig,
    run_dir: str | Path,
    data: Dataset | None = None,
    *,
    progress: Progress | None = None,
    trainer: Trainer | None = None,
) -> Study:
    """Trains every variant over every seed, in stacks, and writes the results.

    What the folder already holds is not trained again: the same call goes on after an
    interruption, and more seeds or variants train only what is missing.

    With TensorFlow on a CPU each stack has a device of one thread, which TensorFlow then keeps for
    the whole process: a later `model.fit` in it computes each operation with one thread.

    Args:
        config: what to compare.
        run_dir: the run folder; created where it is missing.
        data: the data set; loaded by `config.dataset` where omitted.
        progress: told of every epoch and every finished stack.
        trainer: what trains them; Keras, by `kmlp.engine.engine.Engine`, where omitted.

    Raises:
        RunFolderError: the folder belongs to another study, has looked at its scores by another
            plan, is in use or cannot be written; a `ForeignFolderError` if it is no study's.
        DataError: the data set cannot be loaded.
        ConfigError: a variant does not fit the data.
        MemoryLimitError: the data, or a member, do not fit the memory there is.
    """
    folder = RunFolder(run_dir)
    refuse_foreign_study(folder.path, config)
    data = checked_data(data) if data is not None else load_configured(config.dataset, config.data)
    config = config.for_data(data.spec.task, data.spec.input_dtype)
    _check(config, data)
    trainer = trainer or default_trainer()
    if config.strengths == "auto":
        config = _choose_strengths(config, folder, data, trainer, progress)
    return _run(config, folder, data, trainer, progress)


def default_trainer() -> Trainer:
    """The engine. Imported where something is to be trained: it loads Keras."""
    from kmlp.engine.engine import Engine

    return Engine()


def refuse_foreign_study(run_dir: str | Path, config: StudyConfig) -> None:
    """Refuses a run folder that is someone else's, before anything is loaded or written.

    Raises:
        ForeignFolderError: with what it holds.
    """
    folder = RunFolder(run_dir)
    folder.refuse_foreign()
    if config.strengths == "auto":
        pilot_folder(folder).refuse_foreign()


def _run(
    config: StudyConfig,
    folder: RunFolder,
    data: Dataset,
    trainer: Trainer,
    progress: Progress | None,
    title: str = "",
) -> Study:
    """Trains what is missing of a study whose config is checked and whose strengths are known."""
    with folder.writing():
        _refuse_other_looks(folder, config)
        claim(folder, config, data, trainer)
        dataset = describe(data, config.validation_fraction)
        _train(config, folder, data, trainer, progress, title)
        plan, _ = current_plan(config, folder, dataset)
        results = build_results(plan, folder, dataset, pilot_results(config, folder))
        folder.write_json("results.json", results.to_dict())
    return Study(config, folder.path, results)


def _refuse_other_looks(folder: RunFolder, config: StudyConfig) -> None:
    """Once a look was taken its plan stands: over it the error rate was split beforehand."""
    if not (folder.path / "study.toml").exists():
        return
    stored = stored_config(folder)
    differences = [
        f"{name} is {getattr(stored, name)!r} there, {getattr(config, name)!r} here"
        for name in ("num_seeds", "max_seeds", "half_width")
        if getattr(stored, name) != getattr(config, name)
    ]
    if stored.num_seeds != AUTO or not differences:
        return
    _, rounds = current_plan(stored, folder, stored_environment(folder)["dataset"])
    if rounds.looks:
        raise RunFolderError(
            f"{folder.path} has looked at its validation scores, {len(rounds.looks)} times so far, "
            f"by another plan: {'; '.join(differences)}. A plan that follows from what was seen "
            "errs more often than it says. Keep the folder's plan, or name another folder with "
            "--out."
        )


def _train(
    config: StudyConfig,
    folder: RunFolder,
    data: Dataset,
    trainer: Trainer,
    progress: Progress | None,
    title: str,
) -> None:
    """Trains the members of all looks, and those beside the ordinary ones with the first."""
    members = plan_members(config, data.provenance.sha256)
    ids = ids_of(members)
    extras = [(e.title, e.member) for e in plan_extras(config, data.provenance.sha256)]

    def look() -> Rounds:
        return take_looks(config, ids, folder.records(), given_up(folder), data.spec.task)

    rounds = look()
    while True:
        ordinary = [
            (name, by_seed[seed])
            for name, by_seed in members.items()
            for seed in config.seeds[: rounds.num_seeds[name]]
        ]
        wanted = {member.id: member for _, member in [*ordinary, *extras]}
        if progress:
            names = {member.id: name for name, member in reversed([*ordinary, *extras])}
            done = wanted.keys() - missing_members(folder, wanted).keys()
            progress.start({id: names[id] for id in wanted}, done, title + _title(config, rounds))
        train_missing(folder, wanted, data, progress, trainer=trainer)
        folder.stacks.forget()
        if (rounds := look()).is_over:
            return


def _title(config: StudyConfig, rounds: Rounds) -> str:
    """Which look is next, and what it waits for; validation alone has a say in it."""
    if rounds.is_over:
        return ""
    planned, taken = planned_looks(config), len(rounds.looks)
    num_open = sum(status == "open" for status in rounds.status.values())
    undecided = f", {num_open} of {len(rounds.status)} variants undecided" if taken else ""
    return f"Look {taken + 1} of {len(planned)}, at {planned[taken]} seeds{undecided}: "


def _choose_strengths(
    config: StudyConfig,
    folder: RunFolder,
    data: Dataset,
    trainer: Trainer,
    progress: Progress | None,
) -> StudyConfig:
    """Runs the pilot in a run folder of its own inside the study's, where it is kept."""
    pilot = pilot_study(config)
    if pilot is None:
        return config
    if (folder.path / "study.toml").exists():
        # Being written, a damaged ledger is mended first.
        with folder.writing():
            refuse_other_study(folder, config, data)
    folder.own()
    inside, title = pilot_folder(folder), "Pilot, to choose the strengths: "
    chosen = _run(pilot, inside, data, trainer, progress, title)
    return with_chosen_strengths(config, chosen.record)


def _check(config: StudyConfig, data: Dataset) -> None:
    """Refuses a variant that does not fit the data, before anything is written or trained."""
    from kmlp.engine.compatibility import check_member, check_split

    sha256 = data.provenance.sha256
    first = [(v, seeds[config.first_seed]) for v, seeds in plan_members(config, sha256).items()]
    extras = [(e.variant, e.member) for e in plan_extras(config, sha256) if e.place == 0]
    for name, member in first:
        with _naming(name):
            check_member(member, data.spec)
    # One seed splits alike for every variant, and every part of a sample has as many rows.
    kinds = {(m.sample and m.sample.of_equal_size, m.num_train): (v, m) for v, m in first + extras}
    for name, member in kinds.values():
        with contextlib.nullcontext() if member.num_train is None else _naming(name):
            check_split(member, data.y_train, data.spec)


@contextlib.contextmanager
def _naming(variant: str) -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"variant {variant!r}: {error}") from error
