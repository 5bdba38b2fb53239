"""Plans a study's members, trains what is missing, and says what came of it."""

import importlib.metadata
import logging
import platform
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from kmlp.config import StudyConfig
from kmlp.data import Dataset, load_dataset
from kmlp.errors import ConfigError, RunFolderError, SelectionError
from kmlp.keeper import Watcher, given_up, missing_members, train_missing
from kmlp.ledger import RunFolder
from kmlp.member import Member, Seeds
from kmlp.results import PILOT_FOLDER, Plan, best_member, build_results
from kmlp.selection import Selection
from kmlp.strengths import pilot_study, with_chosen_strengths

logger = logging.getLogger(__name__)
_PACKAGES = ("kmlp", "keras", "tensorflow", "numpy", "scipy")


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
        dataset = describe(data, config.validation_fraction)
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
    return Plan(config, ids, given_up(folder))


def _train_missing(
    folder: RunFolder,
    members: dict[str, dict[int, Member]],
    data: Dataset,
    progress: Progress | None,
    title: str,
) -> None:
    wanted = {m.id: m for ms in members.values() for m in ms.values()}
    if progress:
        variant_of = {m.id: name for name, ms in members.items() for m in ms.values()}
        progress.start(variant_of, wanted.keys() - missing_members(folder, wanted).keys(), title)
    train_missing(folder, wanted, data, progress)
    folder.forget_stacks()


def describe(data: Dataset, validation_fraction: float) -> dict[str, Any]:
    """The `dataset` part of results: name, origin, task and sizes."""
    num_val = round(validation_fraction * len(data.y_train))
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
    described = describe(data, config.validation_fraction)
    folder.write_json("environment.json", environment(data, described))
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


def environment(data: Dataset, described: dict[str, Any]) -> dict[str, Any]:
    """What a run folder says of where it was made: versions, platform, the data's origin."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "data": {"name": data.name, **vars(data.provenance)},
        "dataset": described,
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
