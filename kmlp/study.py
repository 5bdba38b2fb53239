"""Plans a study's members, trains what is missing, and says what came of it."""

import contextlib
import importlib.metadata
import logging
import platform
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from kmlp.config import StudyConfig
from kmlp.data import Dataset, load_dataset
from kmlp.errors import ConfigError, RunFolderError, SelectionError
from kmlp.ledger import ATTEMPTS_ALONE, ATTEMPTS_TOGETHER, MemberRecord, RunFolder
from kmlp.member import Member, Seeds
from kmlp.results import PILOT_FOLDER, Plan, best_member, build_results
from kmlp.selection import Selection
from kmlp.strengths import pilot_study, with_chosen_strengths

if TYPE_CHECKING:
    from kmlp.checkpoint import Checkpoints
    from kmlp.memory import Need, Room
    from kmlp.training import MemberResult

logger = logging.getLogger(__name__)
CHECKPOINT_SECONDS = 30.0
_OFTEN = 3 * (ATTEMPTS_TOGETHER + ATTEMPTS_ALONE)
_PACKAGES = ("kmlp", "keras", "tensorflow", "numpy", "scipy")


class Progress(Protocol):
    """What a study tells of its progress; the calls come from the stacks' threads."""

    def start(self, variant_of: dict[str, str], done: Collection[str], title: str) -> None: ...
    def need(self, memory: "Need") -> None: ...
    def epoch(self, members: Sequence[Member], epoch: int, logs: dict[str, np.ndarray]) -> None: ...
    def finished(self, results: Sequence["MemberResult"]) -> None: ...


@dataclass(frozen=True)
class Study:
    """A finished study.

    Attributes:
        config: what was asked.
        run_dir: its run folder.
        results: what `results.json` holds.
    """

    config: StudyConfig
    run_dir: Path
    results: dict[str, Any] = field(repr=False)

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
        if not member.isdecimal():
            raise SelectionError(f"member must be best, ensemble or a seed. Received: {member!r}.")
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
                f"no finished member of that variant and seed. Received: variant={variant!r}. "
                f"Variants: {found}; finished seeds of this one: {seeds}."
            )
        return Selection(
            run_dir=self.run_dir,
            variant=next(v for v in self.results["variants"] if v["name"] == variant),
            members=tuple(members),
            dataset=self.results["dataset"],
            environment=RunFolder(self.run_dir).read_json("environment.json"),
        )


def run_study(
    config: StudyConfig,
    run_dir: str | Path,
    data: Dataset | None = None,
    *,
    progress: Progress | None = None,
) -> Study:
    """Trains every variant over every seed, in stacks, and writes the results.

    What the folder already holds is not trained again: the same call goes on after an
    interruption, and more seeds or variants train only what is missing.

    Args:
        config: what to compare.
        run_dir: the run folder; created where it is missing.
        data: the data set; loaded by `config.dataset` where omitted.
        progress: told of every epoch and every finished stack.

    Raises:
        RunFolderError: the folder belongs to another study, is in use or cannot be written.
        DataError: the data set cannot be loaded.
    """
    folder = RunFolder(run_dir)
    data = data if data is not None else load_dataset(config.dataset)
    config = config.for_data(data.spec.task, data.spec.input_dtype)
    _check(config, data)
    if config.strengths == "auto":
        config = _choose_strengths(config, folder, data, progress)
    return _run(config, folder, data, progress)


def _run(
    config: StudyConfig,
    folder: RunFolder,
    data: Dataset,
    progress: Progress | None,
    title: str = "",
) -> Study:
    """Trains what is missing of a study whose config is checked and whose strengths are known."""
    with folder.writing():
        _claim(folder, config, data)
        dataset = _describe(data, config)
        members = _plan_members(config, dataset["sha256"])
        _train_missing(folder, members, data, progress, title)
        results = build_results(_plan(config, folder, dataset["sha256"]), folder, dataset)
        folder.write_json("results.json", results)
    return Study(config, folder.path, results)


def _choose_strengths(
    config: StudyConfig, folder: RunFolder, data: Dataset, progress: Progress | None
) -> StudyConfig:
    """Runs the pilot in a run folder of its own inside the study's, where it is kept."""
    pilot = pilot_study(config)
    if pilot is None:
        return config
    _refuse_other_study(folder, config, data)
    inside, title = RunFolder(folder.path / PILOT_FOLDER), "Pilot, to choose the strengths: "
    return with_chosen_strengths(config, _run(pilot, inside, data, progress, title).results)


def load_study(run_dir: str | Path) -> Study:
    """A study from its run folder; nothing is trained, no Keras is loaded.

    While it runs, or after an interruption, the results are those of the members that have
    finished so far.

    Raises:
        RunFolderError: no run folder.
    """
    folder = RunFolder(run_dir)
    if not (folder.path / "study.toml").exists():
        if (folder.path / PILOT_FOLDER / "study.toml").exists():
            raise RunFolderError(
                f"{folder.path}: the strengths are still being chosen. "
                f"Write kmlp show {folder.path / PILOT_FOLDER}"
            )
        raise RunFolderError(f"{folder.path}: no study.toml; is this a run folder?")
    config, environment = _stored_config(folder), folder.read_json("environment.json")
    plan = _plan(config, folder, environment["data"]["sha256"])
    return Study(config, folder.path, build_results(plan, folder, environment["dataset"]))


def num_missing(study: Study) -> int:
    """How many members of a study have no result yet."""
    return len(study.config.variants) * study.config.num_seeds - len(study.results["members"])


def _check(config: StudyConfig, data: Dataset) -> None:
    """Refuses a variant that does not fit the data, before anything is written or trained."""
    from kmlp.requirements import check_member, check_split

    planned = _plan_members(config, data.provenance.sha256)
    for name, members in planned.items():
        try:
            check_member(members[config.first_seed], data.spec)
        except ConfigError as error:
            raise ConfigError(f"variant {name!r}: {error}") from error
    # One seed splits alike for every variant.
    check_split(planned[config.baseline][config.first_seed], data.y_train, data.spec)


def _plan_members(config: StudyConfig, data_sha256: str) -> dict[str, dict[int, Member]]:
    """Members by variant and seed; one seed pairs all variants."""
    return {
        variant.name: {
            seed: Member(
                model=variant.model,
                train=variant.train,
                seeds=Seeds.all(seed, config.seed_streams),
                validation_fraction=config.validation_fraction,
                data_sha256=data_sha256,
            )
            for seed in config.seeds
        }
        for variant in config.resolved_variants
    }


def _plan(config: StudyConfig, folder: RunFolder, data_sha256: str) -> Plan:
    ids = {
        name: {seed: m.id for seed, m in members.items()}
        for name, members in _plan_members(config, data_sha256).items()
    }
    return Plan(config, ids, _given_up(folder))


def _given_up(folder: RunFolder) -> frozenset[str]:
    attempts = folder.barren_attempts().items()
    return frozenset(id for id, count in attempts if count >= ATTEMPTS_TOGETHER + ATTEMPTS_ALONE)


def _train_missing(
    folder: RunFolder,
    members: dict[str, dict[int, Member]],
    data: Dataset,
    progress: Progress | None,
    title: str,
) -> None:
    wanted = {m.id: m for ms in members.values() for m in ms.values()}
    missing = _missing(folder, wanted)
    if progress:
        variant_of = {m.id: name for name, ms in members.items() for m in ms.values()}
        progress.start(variant_of, wanted.keys() - {m.id for m in missing}, title)
    if missing:
        from kmlp.training import make_room

        keeper = _Keeper(folder, progress)
        keeper.let_suspects_prove_themselves(missing, data)
        room = make_room(data)
        stacks = _order_stacks(_missing(folder, wanted), folder, data, room)
        if progress:
            progress.need(room.need(stacks))
        keeper.train(stacks, data, room)
    folder.forget_stacks()


class _Proven(Exception):
    """A member got further than where it died in company."""


class _Keeper:
    """Keeps in the run folder what the stacks in training tell, from their threads."""

    def __init__(self, folder: RunFolder, progress: Progress | None) -> None:
        self._folder, self._progress = folder, progress
        # By member, the stack that it was begun with.
        self._stack_of: dict[str, list[str]] = {}
        self._proving = False

    def train(
        self, stacks: Sequence[Sequence[Member]], data: Dataset, room: "Room | None" = None
    ) -> None:
        from kmlp.training import train_members

        try:
            train_members(
                stacks,
                data,
                room=room,
                on_start=self._on_start,
                on_epoch=self._on_epoch,
                on_result=self._on_result,
                checkpoints=self._checkpoints,
            )
        except BaseException:
            # The process lives: no member is to blame.
            with contextlib.suppress(RunFolderError):
                self._folder.withdraw_attempts(self._stack_of)
            raise

    def let_suspects_prove_themselves(self, missing: Sequence[Member], data: Dataset) -> None:
        """Trains members whose process died twice in company alone, one by one, until they are
        further than that; then their stack can go on as it was. Who dies alone too is to blame.

        A member that was begun very often only dies in company: it is trained alone to its end.
        """
        attempts, begun = self._folder.barren_attempts(), self._folder.attempts()
        for member in missing:
            if attempts.get(member.id, 0) < ATTEMPTS_TOGETHER:
                continue
            self._proving = begun[member.id] < _OFTEN
            with contextlib.suppress(_Proven):
                self.train([[member]], data)
            self._checkpoints([member]).remove()
        self._proving = False

    def _on_start(self, stack: Sequence[Member]) -> None:
        ids = [m.id for m in stack]
        self._folder.begin_stack(ids)
        self._stack_of |= dict.fromkeys(ids, ids)

    def _on_epoch(self, trained: Sequence[Member], epoch: int, logs: dict[str, np.ndarray]) -> None:
        ids = self._stack_of[trained[0].id]
        self._folder.log_epoch(ids, epoch, len(trained))
        if self._progress:
            self._progress.epoch(trained, epoch, logs)
        if self._proving and ids[0] not in self._folder.barren_attempts():
            raise _Proven

    def _checkpoints(self, stack: Sequence[Member]) -> "Checkpoints":
        from kmlp.checkpoint import Checkpoints

        ids = [m.id for m in stack]
        # Up to where it once came each epoch is saved: kills in quick succession stop no study,
        # and what dies there again does so at once.
        until = self._folder.furthest_epoch(ids)
        return Checkpoints(self._folder.checkpoint_folder(ids), CHECKPOINT_SECONDS, until)

    def _on_result(self, results: list["MemberResult"]) -> None:
        self._folder.record_all([(_to_record(r), _to_arrays(r)) for r in results])
        self._checkpoints([r.member for r in results]).remove()
        if self._progress:
            self._progress.finished(results)


def _order_stacks(
    missing: list[Member], folder: RunFolder, data: Dataset, room: "Room"
) -> list[list[Member]]:
    """The stacks to train: first those that were begun, as they were, for their checkpoints."""
    from kmlp.training import plan_stacks

    left = {m.id: m for m in missing}
    resumed = []
    # Large ones first: who had to prove itself alone goes on with its stack.
    for ids in sorted(folder.begun_stacks(), key=len, reverse=True):
        if all(id in left for id in ids):
            resumed.append([left.pop(id) for id in ids])
    return [*resumed, *plan_stacks(list(left.values()), data.spec, room=room)]


def _missing(folder: RunFolder, wanted: dict[str, Member]) -> list[Member]:
    """The members that are to be trained: no record, or damaged arrays; not those given up."""
    finished, given_up = folder.records(), _given_up(folder)
    damaged = folder.damaged([id for id in wanted if id in finished])
    for id in damaged:
        logger.warning("the arrays of member %s are damaged; it is trained again", id)
    return [
        member
        for id, member in wanted.items()
        if (id not in finished or id in damaged) and id not in given_up
    ]


def _to_record(result: "MemberResult") -> MemberRecord:
    return MemberRecord(
        id=result.member.id,
        status=result.status,
        best_epoch=result.best_epoch,
        stopped_epoch=result.stopped_epoch,
        metrics=result.metrics,
        seconds=result.seconds,
    )


def _to_arrays(result: "MemberResult") -> dict[str, np.ndarray]:
    is_regression = result.test_predictions.ndim == 1
    predicted = "test_predictions" if is_regression else "test_log_probabilities"
    return {
        predicted: result.test_predictions,
        **{f"weight/{path}": weight for path, weight in result.weights.items()},
        **{f"curve_{name}": curve for name, curve in result.curves.items()},
    }


def _describe(data: Dataset, config: StudyConfig) -> dict[str, Any]:
    num_val = round(config.validation_fraction * len(data.y_train))
    return {
        "name": data.name,
        "source": data.provenance.source,
        "sha256": data.provenance.sha256,
        "task": data.spec.task,
        "num_train": len(data.y_train) - num_val,
        "num_val": num_val,
        "num_test": len(data.y_test),
        "input_shape": list(data.spec.input_shape),
        "input_dtype": data.spec.input_dtype,
        "class_names": list(data.spec.class_names),
    }


def _refuse_other_study(folder: RunFolder, config: StudyConfig, data: Dataset) -> None:
    """Refuses a folder that holds another study, with what differs."""
    if not (folder.path / "study.toml").exists():
        return
    if differences := _differences(folder, config, data):
        raise RunFolderError(
            f"{folder.path} holds another study: {'; '.join(differences)}. "
            "Name another folder with --out."
        )


def _claim(folder: RunFolder, config: StudyConfig, data: Dataset) -> None:
    """Writes what this study is and runs on."""
    _refuse_other_study(folder, config, data)
    if (folder.path / "study.toml").exists():
        kept = _stored_config(folder)
        if kept.num_seeds > config.num_seeds or set(kept.variant_names) - set(config.variant_names):
            logger.warning(
                "%s holds more than is asked for now: its results are narrowed to these variants "
                "and seeds; nothing is deleted",
                folder.path,
            )
    folder.write_json("environment.json", _environment(data, config))
    folder.write_test_labels(data.y_test)
    # Last: a folder with a study.toml is claimed, and holds all that says by whom.
    folder.write_text("study.toml", config.to_toml())


def _differences(folder: RunFolder, config: StudyConfig, data: Dataset) -> list[str]:
    stored = _stored_config(folder)
    found: list[tuple[str, Any, Any]] = []
    for name in ("model", "train"):
        old, new = getattr(stored, name).to_dict(), getattr(config, name).to_dict()
        found += [(f"{name}.{key}", old[key], new[key]) for key in new]
    found.append(("dataset", stored.dataset, config.dataset))
    found.append(("seed_streams", stored.seed_streams, config.seed_streams))
    found.append(("strengths", stored.strengths, config.strengths))
    found.append(("validation_fraction", stored.validation_fraction, config.validation_fraction))
    sha256 = folder.read_json("environment.json")["data"]["sha256"]
    found.append(("the data's sha256", sha256[:12], data.provenance.sha256[:12]))
    return [f"{name} is {old!r} there, {new!r} here" for name, old, new in found if old != new]


def _stored_config(folder: RunFolder) -> StudyConfig:
    from kmlp.config import read_study_file

    return read_study_file(folder.path / "study.toml")


def _environment(data: Dataset, config: StudyConfig) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "data": {"name": data.name, **vars(data.provenance)},
        "dataset": _describe(data, config),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
