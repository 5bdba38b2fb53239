"""Plans a study's members, trains what is missing, and says what came of it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kmlp.claim import claim, describe, refuse_other_study, stored_config
from kmlp.config import StudyConfig
from kmlp.data import Dataset, load_dataset
from kmlp.errors import ConfigError, RunFolderError, SelectionError
from kmlp.keeper import Progress, given_up_members, train_missing
from kmlp.ledger import RunFolder
from kmlp.plan import Plan, plan_members
from kmlp.results import PILOT_FOLDER, best_member, build_results
from kmlp.selection import Selection
from kmlp.strengths import pilot_study, with_chosen_strengths


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
        claim(folder, config, data)
        dataset = describe(data, config)
        members = plan_members(config, dataset["sha256"])
        train_missing(folder, members, data, progress, title)
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
    refuse_other_study(folder, config, data)
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
    config, environment = stored_config(folder), folder.read_json("environment.json")
    plan = _plan(config, folder, environment["data"]["sha256"])
    return Study(config, folder.path, build_results(plan, folder, environment["dataset"]))


def num_missing(study: Study) -> int:
    """How many members of a study have no result yet."""
    return len(study.config.variant_names) * study.config.most_seeds - len(study.results["members"])


def _check(config: StudyConfig, data: Dataset) -> None:
    """Refuses a variant that does not fit the data, before anything is written or trained."""
    from kmlp.requirements import check_member, check_split

    planned = plan_members(config, data.provenance.sha256)
    for name, members in planned.items():
        try:
            check_member(members[config.first_seed], data.spec)
        except ConfigError as error:
            raise ConfigError(f"variant {name!r}: {error}") from error
    # One seed splits alike for every variant.
    check_split(planned[config.baseline][config.first_seed], data.y_train, data.spec)


def _plan(config: StudyConfig, folder: RunFolder, data_sha256: str) -> Plan:
    ids = {
        name: {seed: m.id for seed, m in members.items()}
        for name, members in plan_members(config, data_sha256).items()
    }
    return Plan(config, ids, given_up_members(folder))
