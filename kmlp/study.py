"""Plans a study's members, trains what is missing, and says what came of it."""

import contextlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from kmlp.claim import claim, describe, refuse_other_study, stored_config, stored_environment
from kmlp.config import AUTO, StudyConfig
from kmlp.data import Dataset, load_dataset
from kmlp.errors import ConfigError, RunFolderError, SelectionError
from kmlp.keeper import Watcher, given_up, missing_members, train_missing
from kmlp.ledger import RunFolder
from kmlp.looks import looks_summary, planned_looks, take_looks
from kmlp.ownership import PILOT_FOLDER
from kmlp.plan import Plan, ids_of, plan_extras, plan_members
from kmlp.results import best_member, build_results
from kmlp.selection import Selection
from kmlp.sequential import Rounds
from kmlp.strengths import pilot_study, with_chosen_strengths
from kmlp.text import shown
from kmlp.trainer import Trainer


class Progress(Watcher, Protocol):
    """What a study tells of its progress; the calls come from the stacks' threads."""

    def start(self, variant_of: dict[str, str], done: Collection[str], title: str) -> None: ...


@dataclass(frozen=True)
class Study:
    """A finished study.

    Attributes:
        config: what was asked.
        run_dir: its run folder.
        results: what `results.json` holds.
        num_missing: how many members have no result yet.
    """

    config: StudyConfig
    run_dir: Path
    results: dict[str, Any] = field(repr=False)
    num_missing: int = 0

    def best(self, variant: str | None = None) -> Selection:
        """The member to take away: of the variant with the best mean validation accuracy, or of
        the one named, the seed with the lowest validation loss."""
        if variant is not None and not self._finished(variant):
            self._select(variant, [])
        member = best_member(self.results, variant)
        return self._select(member["variant"], [member])

    def member(self, variant: str, seed: int) -> Selection:
        """The member of a variant and a seed.

        Raises:
            SelectionError: there is none that finished.
        """
        return self._select(variant, [m for m in self._finished(variant) if m["seed"] == seed])

    def ensemble(self, variant: str | None = None) -> Selection:
        """All finished members of a variant; of the best one's where none is named."""
        variant = variant or best_member(self.results)["variant"]
        return self._select(variant, self._finished(variant))

    def select(self, variant: str | None, member: str) -> Selection:
        """By words: `member` is "best", "ensemble" or a seed; no variant means the best one.

        Raises:
            SelectionError: there is none that finished, or `member` is none of these.
        """
        if member == "ensemble":
            return self.ensemble(variant)
        if member == "best":
            return self.best(variant)
        # No seed has more digits than this; Python reads no more than some thousands.
        if not (member.isascii() and member.isdecimal() and len(member) <= 10):
            raise SelectionError(
                f"member must be best, ensemble or a seed. Received: {shown(member)}."
            )
        variant = variant or best_member(self.results)["variant"]
        return self.member(variant, int(member))

    def _finished(self, variant: str) -> list[dict[str, Any]]:
        members = self.results["members"]
        return [m for m in members if m["variant"] == variant and m["status"] == "done"]

    def _select(self, variant: str, members: list[dict[str, Any]]) -> Selection:
        if not members:
            found = ", ".join(dict.fromkeys(m["variant"] for m in self.results["members"]))
            seeds = ", ".join(str(m["seed"]) for m in self._finished(variant)) or "none"
            raise SelectionError(
                f"no finished member of that variant and seed. Received: variant={shown(variant)}. "
                f"Variants: {found}; finished seeds of this one: {seeds}."
            )
        return Selection(
            run_dir=self.run_dir,
            variant=next(v for v in self.results["variants"] if v["name"] == variant),
            members=tuple(members),
            dataset=self.results["dataset"],
            environment=stored_environment(RunFolder(self.run_dir)),
        )


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
        trainer: what trains them; Keras, by `kmlp.engine.Engine`, where omitted.

    Raises:
        RunFolderError: the folder belongs to another study, has looked at its scores by another
            plan, is in use or cannot be written; a `ForeignFolderError` if it is no study's.
        DataError: the data set cannot be loaded.
        ConfigError: a variant does not fit the data.
        MemoryLimitError: the data, or a member, do not fit the memory there is.
    """
    folder = RunFolder(run_dir)
    refuse_foreign_study(folder.path, config)
    data = data if data is not None else load_dataset(config.dataset)
    config = config.for_data(data.spec.task, data.spec.input_dtype)
    _check(config, data)
    trainer = trainer or default_trainer()
    if config.strengths == "auto":
        config = _choose_strengths(config, folder, data, trainer, progress)
    return _run(config, folder, data, trainer, progress)


def default_trainer() -> Trainer:
    """The engine. Imported where something is to be trained: it loads Keras."""
    from kmlp.engine import Engine

    return Engine()


def refuse_foreign_study(run_dir: str | Path, config: StudyConfig) -> None:
    """Refuses a run folder that is someone else's, before anything is loaded or written.

    Raises:
        ForeignFolderError: with what it holds.
    """
    folder = RunFolder(run_dir)
    folder.refuse_foreign()
    if config.strengths == "auto":
        _pilot_folder(folder).refuse_foreign()


def _pilot_folder(folder: RunFolder) -> RunFolder:
    return RunFolder(folder.path / PILOT_FOLDER)


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
        plan, _ = _plan(config, folder, dataset)
        results = build_results(plan, folder, dataset, _pilot_results(config, folder))
        folder.write_json("results.json", results)
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
    _, rounds = _plan(stored, folder, stored_environment(folder)["dataset"])
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
    inside, title = _pilot_folder(folder), "Pilot, to choose the strengths: "
    chosen = _run(pilot, inside, data, trainer, progress, title)
    return with_chosen_strengths(config, chosen.results)


def load_study(run_dir: str | Path) -> Study:
    """A study from its run folder; nothing is trained, no Keras is loaded.

    While it runs, or after an interruption, the results are those of the members that have
    finished so far.

    Raises:
        RunFolderError: no run folder.
    """
    return read_study(RunFolder(run_dir))


def read_study(folder: RunFolder) -> Study:
    """As `load_study`, of a folder that more is read from: no array is hashed twice."""
    _refuse_no_study(folder)
    folder.refuse_changed("study.toml", "environment.json")
    config, dataset = stored_config(folder), stored_environment(folder)["dataset"]
    plan, rounds = _plan(config, folder, dataset)
    _refuse_strangers(folder, plan)
    if not rounds.is_over:
        raise RunFolderError(
            f"{folder.path}: seeds are still being added, after {len(rounds.looks)} looks at the "
            "validation scores. The test set is read when that is over: the same command as before "
            "goes on."
        )
    results = build_results(plan, folder, dataset, _pilot_results(config, folder))
    num_planned = sum(map(len, plan.ids.values())) + len(plan.extras)
    num_known = len(results["members"]) + len(results["extra_members"])
    return Study(config, folder.path, results, num_planned - num_known)


def _refuse_no_study(folder: RunFolder) -> None:
    if (folder.path / "study.toml").exists():
        return
    if (folder.path / PILOT_FOLDER / "study.toml").exists():
        raise RunFolderError(
            f"{folder.path}: the strengths are still being chosen. "
            f"Write kmlp show {folder.path / PILOT_FOLDER}"
        )
    raise RunFolderError(f"{folder.path}: no study.toml; {_instead(folder.path)}")


def _refuse_strangers(folder: RunFolder, plan: Plan) -> None:
    """Refuses a study that none of the recorded members belongs to: a member's id is the hash of
    its config. With hashes the study is known to be the one that was run, whoever is recorded."""
    recorded = folder.records()
    planned = [id for ids in plan.ids.values() for id in ids.values()]
    planned += [extra.member.id for extra in plan.extras]
    if folder.has_hashes or not recorded or any(id in recorded for id in planned):
        return
    raise RunFolderError(
        f"{folder.path}: none of the {len(recorded)} networks recorded here is one of the "
        f"{len(planned)} that study.toml or environment.json names: a setting, the seeds or the "
        "data were changed after they were trained. These files are records of what was run, not "
        "inputs: restore them, or run the new settings with another folder."
    )


def _pilot_results(config: StudyConfig, folder: RunFolder) -> dict[str, Any] | None:
    """The results of the pilot that chose a study's strengths; None where there was none."""
    inside = folder.path / PILOT_FOLDER
    if config.strengths != AUTO or not (inside / "study.toml").exists():
        return None
    return load_study(inside).results


def _instead(path: Path) -> str:
    """What a folder that is no study's is, in words, with what to name instead."""
    inside = sorted(p.parent for p in path.glob("*/study.toml"))
    if (path / "search.toml").exists():
        return f"this is a search, {f'its study is {inside[0]}' if inside else 'without a study'}"
    if inside:
        return f"these are several studies: name one, as {inside[0]}"
    return "is this a run folder?"


def _check(config: StudyConfig, data: Dataset) -> None:
    """Refuses a variant that does not fit the data, before anything is written or trained."""
    from kmlp.requirements import check_member, check_split

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


def _plan(
    config: StudyConfig, folder: RunFolder, dataset: Mapping[str, Any]
) -> tuple[Plan, Rounds]:
    """The members that are wanted by now, and whether that is all."""
    ids = ids_of(plan_members(config, dataset["sha256"]))
    lost = given_up(folder)
    rounds = take_looks(config, ids, folder.records(), lost, dataset["task"])
    wanted = {
        name: {seed: by_seed[seed] for seed in config.seeds[: rounds.num_seeds[name]]}
        for name, by_seed in ids.items()
    }
    extras = plan_extras(config, dataset["sha256"])
    return Plan(config, wanted, lost, extras, looks_summary(config, rounds)), rounds
