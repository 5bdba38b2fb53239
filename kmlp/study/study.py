"""Plans a study's members, trains what is missing, and says what came of it."""

import contextlib
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from kmlp.cluster.trainer import RayTrainer, on_cluster
from kmlp.config import AUTO, StudyConfig
from kmlp.config.variants import expand_all, refuse_idle, refuse_twins
from kmlp.data import Dataset
from kmlp.data.rows.checks import checked_data, named
from kmlp.engine.member import Member
from kmlp.engine.trainer import Trainer
from kmlp.errors import ConfigError, RunFolderError
from kmlp.stats.group_sequential import Rounds
from kmlp.stats.metrics.own import Metric
from kmlp.study.importance.computing import check_importance, find_importance
from kmlp.study.interim import looks_in, looks_summary, schedule_of
from kmlp.study.judging.checks import check_metric, check_own_metric
from kmlp.study.judging.rescore import judge_by, note_as_read
from kmlp.study.judging.test_rows import load_data, refuse_folds
from kmlp.study.loading import Study, pilot_folder, pilot_results
from kmlp.study.pilot import pilot_study, with_chosen_strengths
from kmlp.study.plan import Plan, plan_study
from kmlp.study.provenance import (
    claim,
    describe,
    metric_named,
    refuse_other_study,
    stored_config,
    stored_environment,
)
from kmlp.study.results.assembly import build_results
from kmlp.study.results.records.study import StudyResults
from kmlp.study.run_folder import RunFolder
from kmlp.study.run_folder.folder import IMPORTANCE
from kmlp.study.runner import StudyWatcher, default_trainer, missing_members, train_missing

logger = logging.getLogger(__name__)


def run_study(
    config: StudyConfig,
    run_dir: str | Path,
    data: Dataset | None = None,
    *,
    metric: Metric | None = None,
    progress: StudyWatcher | None = None,
    trainer: Trainer | None = None,
    cluster: str | None = None,
    storage: str | Path | None = None,
) -> Study:
    """Trains every variant over every seed, in stacks, and writes the results.

    What the folder already holds is not trained again: the same call goes on after an
    interruption, and more seeds or variants train only what is missing.

    With TensorFlow on a CPU each stack has a device of one thread, which TensorFlow then keeps for
    the whole process: a later `model.fit` in it computes each operation with one thread.

    Args:
        config: what to compare.
        run_dir: the run folder; created where it is missing.
        data: the data set; loaded by `config.dataset` where omitted. Without a name of its own it
            is called like that.
        metric: of your own; it takes the place of `config.metric`. See also `kmlp.rescore`.
        progress: told of every epoch and every finished stack.
        trainer: what trains them; Keras, by `kmlp.engine.engine.Engine`, where omitted.
        cluster: trains on the nodes of a Ray cluster: "ray" for the one at hand, or one of this
            machine alone; or its address, HOST:PORT. The run folder stays here.
        storage: of a cluster, for checkpoints of stacks in training: a folder that every node
            sees, or an address of fsspec's as "s3://bucket/runs";
            without it a stack whose node dies starts anew.

    Raises:
        RunFolderError: the folder belongs to another study, has looked at its scores by another
            plan, is in use or cannot be written; a `ForeignFolderError` if it is no study's.
        DataError: the data set cannot be loaded.
        ConfigError: a variant does not fit the data.
        MemoryLimitError: the data, or a member, do not fit the memory there is.
        ClusterError: the cluster cannot be reached, or a node has other versions.
    """
    folder = RunFolder(run_dir)
    refuse_foreign_study(folder.path, config)
    if data is None:
        data, config = load_data(config, folder.path)
    data = named(checked_data(data), config.dataset)
    refuse_folds(config, data)
    config = written_out(config, data)
    plan = plan_study(config, data.provenance.sha256)
    _check(plan, data)
    if metric:
        check_own_metric(metric, config, data)
    with training_on(cluster, trainer or default_trainer(), storage, progress) as trainer:
        if config.strengths == AUTO:
            config = _choose_strengths(config, folder, data, trainer, progress)
            plan = plan_study(config, data.provenance.sha256)
        return _run(plan, folder, data, trainer, progress, metric=metric)


def written_out(config: StudyConfig, data: Dataset) -> StudyConfig:
    """The study with all that follows from its data: see `StudyConfig.for_data`.

    Raises:
        ConfigError: "auto" is asked for of data that are no table, what is said of a field means
            nothing, or two variants are one network.
    """
    found = config.for_data(
        data.spec.task,
        data.spec.input_dtype,
        is_table=data.schema is not None,
        num_rows=len(data.y_train),
        has_test_rows=data.has_test_rows,
        given_folds=data.rows.num_folds,
        kinds={column.kind for column in data.spec.columns} or None,
    )
    # The trials of a search are what it drew.
    if found.searched is None:
        said = [*expand_all(found.variants), *(v for s in found.sweeps for v in s.variants)]
        refuse_idle(said, found.model, found.train)
        refuse_twins(found.resolved_variants, data.spec.task, data.spec.input_dtype)
    return found


def training_on(
    cluster: str | None, trainer: Trainer, storage: str | Path | None, progress: object
) -> AbstractContextManager[Trainer]:
    """What trains: the trainer itself, or the nodes of a cluster by it.

    Args:
        cluster, storage: as of `run_study`.
        trainer: of one machine.
        progress: where it has a method `nodes`, it is told what each node does.
    """
    if cluster is None:
        if storage is not None:
            raise ConfigError("storage is of a cluster: name one, or leave it out.")
        return contextlib.nullcontext(trainer)
    return on_cluster(cluster, trainer, storage=storage, on_nodes=getattr(progress, "nodes", None))


def refuse_foreign_study(run_dir: str | Path, config: StudyConfig) -> None:
    """Refuses a run folder that is someone else's, before anything is loaded or written.

    Raises:
        ForeignFolderError: with what it holds.
    """
    folder = RunFolder(run_dir)
    folder.refuse_foreign()
    if config.strengths == AUTO:
        pilot_folder(folder).refuse_foreign()


def _run(
    plan: Plan,
    folder: RunFolder,
    data: Dataset,
    trainer: Trainer,
    progress: StudyWatcher | None,
    title: str = "",
    metric: Metric | None = None,
) -> Study:
    """Trains what is missing of a study whose plan is checked and whose strengths are known."""
    config = plan.config
    with folder.writing():
        _refuse_other_looks(folder, config, data)
        claim(folder, config, data, trainer)
        if told := getattr(progress, "references_follow", None):
            told(bool(plan.references))
        rounds = _train(plan, folder, data, trainer, progress, title)
        _train_references(plan, rounds, folder, data, trainer, progress)
        trained = plan.of_seeds(rounds.num_seeds)

        def make_results() -> StudyResults:
            return build_results(
                trained,
                folder,
                describe(data, config.validation_fraction, config.calibration_fraction),
                pilot_results(config, folder),
                looks_summary(config, rounds),
            )

        judge_by(metric, folder, trained)
        folder.forget_damaged(IMPORTANCE)
        results = make_results()
        if find_importance(folder, results, trained, data, trainer, progress, metric=metric):
            results = make_results()
        folder.write_json("results.json", results.to_dict())
        note_as_read(folder, results)
    return Study(config, folder.path, results)


def _refuse_other_looks(folder: RunFolder, config: StudyConfig, data: Dataset) -> None:
    """Once a look was taken its plan stands: over it the error rate was split beforehand."""
    if not (folder.path / "study.toml").exists():
        return
    stored, config = (metric_named(one, data) for one in (stored_config(folder), config))
    differences = [
        f"{name} is {getattr(stored, name)!r} there, {getattr(config, name)!r} here"
        for name in ("num_seeds", "max_seeds", "half_width", "metric")
        if getattr(stored, name) != getattr(config, name)
    ]
    if stored.num_seeds != AUTO or not differences:
        return
    dataset = stored_environment(folder)["dataset"]
    rounds = looks_in(folder, plan_study(stored, dataset["sha256"]), dataset["task"])
    if rounds.looks:
        raise RunFolderError(
            f"{folder.path} has looked at its validation scores, {len(rounds.looks)} times so far, "
            f"by another plan: {'; '.join(differences)}. A plan that follows from what was seen "
            "errs more often than it says. Keep the folder's plan, or name another folder with "
            "--out."
        )


def _train(
    plan: Plan,
    folder: RunFolder,
    data: Dataset,
    trainer: Trainer,
    progress: StudyWatcher | None,
    title: str,
) -> Rounds:
    """Trains the members of all looks, and those beside the ordinary ones with the first.

    Returns:
        The looks that were taken, the last included.
    """
    rounds = looks_in(folder, plan, data.spec.task)
    while True:
        wanted = plan.of_seeds(rounds.num_seeds)
        if progress:
            done = wanted.by_id.keys() - missing_members(folder, wanted.by_id).keys()
            words = _title(plan.config, rounds) or f"{wanted.made_of}: "
            progress.start(wanted.titles, done, title + words)
        train_missing(folder, wanted.by_id, data, progress, trainer=trainer)
        folder.stacks.forget()
        if (rounds := looks_in(folder, plan, data.spec.task)).is_over:
            return rounds


def _train_references(
    plan: Plan,
    rounds: Rounds,
    folder: RunFolder,
    data: Dataset,
    trainer: Trainer,
    progress: StudyWatcher | None,
) -> None:
    """Of as many seeds as the variant has that has most of them; of every fold where these test."""
    if not plan.references:
        return
    from kmlp.study.references.training import in_turn, train_references

    seeds = plan.config.seeds[: max(rounds.num_seeds.values())]
    wanted = [by_seed[seed] for by_seed in plan.references.values() for seed in seeds]
    if not data.has_test_rows:
        wanted = [one for by_fold in plan.fold_references.values() for one in by_fold.values()]
    each = trainer.each if isinstance(trainer, RayTrainer) else in_turn
    train_references(folder, wanted, data, progress, each=each)


def _title(config: StudyConfig, rounds: Rounds) -> str:
    """Which look is next, and what it waits for; validation alone has a say in it."""
    if rounds.is_over:
        return ""
    planned, taken = schedule_of(config), len(rounds.looks)
    num_open = sum(status == "open" for status in rounds.status.values())
    undecided = f", {num_open} of {len(rounds.status)} variants undecided" if taken else ""
    return f"Look {taken + 1} of {len(planned)}, at {planned[taken]} seeds{undecided}: "


def _choose_strengths(
    config: StudyConfig,
    folder: RunFolder,
    data: Dataset,
    trainer: Trainer,
    progress: StudyWatcher | None,
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
    plan = plan_study(pilot, data.provenance.sha256)
    chosen = _run(plan, inside, data, trainer, progress, title)
    return with_chosen_strengths(config, chosen.record)


def _check(plan: Plan, data: Dataset) -> None:
    """Refuses a variant that does not fit the data, before anything is written or trained."""
    from kmlp.engine.compatibility import check_member, check_repeats, check_split, thin_classes

    check_importance(plan.config, data)
    first = [(v, by_seed[plan.config.first_seed]) for v, by_seed in plan.members.items()]
    for name, member in first:
        with _naming(name):
            check_member(member, data.spec)
    check_repeats(plan.config.folds, plan.config.num_repeats, data.rows)
    kinds = _split_kinds(plan, data)
    for name, member in kinds.values():
        with contextlib.nullcontext() if member.num_train is None else _naming(name):
            check_split(member, data.y_train, data.spec, data.rows)
    check_metric(plan, data, [member for _, member in kinds.values()])
    told = [
        sentence
        for _, member in kinds.values()
        for sentence in thin_classes(member, data.y_train, data.spec, data.rows)
    ]
    for sentence in dict.fromkeys(told):
        logger.warning("%s", sentence)


def _split_kinds(plan: Plan, data: Dataset) -> dict[Any, tuple[str, Member]]:
    """A variant's name and a member of each kind of split, which all of it share.

    One seed splits alike for every variant, and every part of a sample has as many rows; but not
    where groups stay whole, folds are given or some rows weigh nothing.
    """
    seeds = plan.config.seeds if data.rows.differ_by_draw else plan.config.seeds[:1]
    found = [(v, by_seed[seed]) for v, by_seed in plan.members.items() for seed in seeds]
    if data.rows.differ_by_draw:
        found += [(e.variant, e.member) for e in plan.extras]
        return {(m.sample, m.seeds.split, m.num_train): (v, m) for v, m in found}
    found += [(e.variant, e.member) for e in plan.extras if e.place == 0]
    return {(m.sample and m.sample.of_equal_size, m.num_train): (v, m) for v, m in found}


@contextlib.contextmanager
def _naming(variant: str) -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"variant {variant!r}: {error}") from error
