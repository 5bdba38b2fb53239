"""A study as its run folder has it: read, checked, and what of it to take away."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Any

from kmlp.config import AUTO, StudyConfig
from kmlp.errors import RunFolderError, SelectionError
from kmlp.ownership import PILOT_FOLDER
from kmlp.stats.group_sequential import Rounds
from kmlp.study.interim import looks_summary, take_looks
from kmlp.study.plan import Plan, ids_of, plan_extras, plan_members
from kmlp.study.provenance import stored_config, stored_environment
from kmlp.study.results.assembly import build_results
from kmlp.study.results.ranking import best_member
from kmlp.study.run_folder import RunFolder
from kmlp.study.runner import given_up
from kmlp.study.selection import Selection
from kmlp.text import shown


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


def pilot_folder(folder: RunFolder) -> RunFolder:
    return RunFolder(folder.path / PILOT_FOLDER)


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
    plan, rounds = current_plan(config, folder, dataset)
    _refuse_strangers(folder, plan)
    if not rounds.is_over:
        raise RunFolderError(
            f"{folder.path}: seeds are still being added, after {len(rounds.looks)} looks at the "
            "validation scores. The test set is read when that is over: the same command as before "
            "goes on."
        )
    results = build_results(plan, folder, dataset, pilot_results(config, folder))
    num_planned = sum(map(len, plan.ids.values())) + len(plan.extras)
    num_known = len(results["members"]) + len(results["extra_members"])
    return Study(config, folder.path, results, num_planned - num_known)


def _refuse_no_study(folder: RunFolder) -> None:
    if (folder.path / "study.toml").exists():
        return
    if (folder.path / PILOT_FOLDER / "study.toml").exists():
        raise RunFolderError(
            f"{folder.path}: the strengths are still being chosen. "
            f"Write kmlp show {quote(str(folder.path / PILOT_FOLDER))}"
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


def pilot_results(config: StudyConfig, folder: RunFolder) -> dict[str, Any] | None:
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


def current_plan(
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
