"""A study as its run folder has it: read, checked, and what of it to take away."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from shlex import quote
from typing import Any

from kmlp.config import AUTO, StudyConfig
from kmlp.data import Dataset
from kmlp.engine.trainer import Trainer
from kmlp.errors import RunFolderError, SelectionError
from kmlp.ownership import PILOT_FOLDER, held_in
from kmlp.study.interim import looks_in, looks_summary
from kmlp.study.plan import Plan, plan_study
from kmlp.study.provenance import stored_config, stored_environment
from kmlp.study.refit.training import refit
from kmlp.study.results.assembly import build_results
from kmlp.study.results.ranking import best_member
from kmlp.study.results.records.members import MemberScores
from kmlp.study.results.records.study import StudyResults
from kmlp.study.run_folder import RunFolder
from kmlp.study.runner import StudyWatcher
from kmlp.study.selection import Selection
from kmlp.text import did_you_mean, shown

_NAMED = 6


@dataclass(frozen=True)
class Study:
    """A finished study.

    Attributes:
        config: what was asked.
        run_dir: its run folder.
        record: its results, with names and types.
        num_missing: how many members have no result yet.
    """

    config: StudyConfig
    run_dir: Path
    record: StudyResults
    num_missing: int = 0

    def __repr__(self) -> str:
        names = [variant.name for variant in self.record.variants]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        seeds = len({member.seed for member in self.record.members})
        said = f" {self.record.answer.text}" if self.record.answer else ""
        return (
            f"<Study of {shown(self.record.dataset.name)} in {self.run_dir}: "
            f"{', '.join(names[:_NAMED])}{more}; seeds: {seeds}.{said}>"
        )

    @cached_property
    def results(self) -> dict[str, Any]:
        """What `results.json` holds, as plain types."""
        return self.record.to_dict()

    def best(self, variant: str | None = None) -> Selection:
        """The member to take away: of the variant with the best mean validation accuracy, or of
        the one named, the seed with the lowest validation loss."""
        if variant is not None:
            variant = self._named(variant)
            if not self.record.finished(variant):
                self._select(variant, ())
        member = best_member(self.record, variant)
        return self._select(member.variant, [member])

    def member(self, variant: str, seed: int) -> Selection:
        """The member of a variant and a seed.

        Raises:
            SelectionError: there is none that finished.
        """
        variant = self._named(variant)
        return self._select(variant, [m for m in self.record.finished(variant) if m.seed == seed])

    def ensemble(self, variant: str | None = None) -> Selection:
        """All finished members of a variant; of the best one's where none is named."""
        variant = self._named(variant)
        return self._select(variant, self.record.finished(variant))

    def refit(
        self,
        variant: str | None = None,
        *,
        data: Dataset | None = None,
        trainer: Trainer | None = None,
        watcher: StudyWatcher | None = None,
    ) -> Selection:
        """A network trained anew on all rows, those that validate and test included, for as many
        epochs as the variant's networks trained best, on the mean; of the best variant where none
        is named. No row is left to score it: what to expect of it is what the study found.

        Args:
            variant: its name, or its label.
            data: of the study; loaded where omitted.
            trainer: as of `run_study`.
            watcher: told of every epoch.

        Raises:
            SelectionError: the variant has no finished network, or this one does not finish.
            RunFolderError: the data are others, or the run folder cannot be written.
        """
        variant = self._named(variant)
        selection = self.ensemble(variant)
        found = refit(
            RunFolder(self.run_dir),
            self.config,
            self.record.finished(variant),
            data,
            data_sha256=self.record.dataset.sha256,
            trainer=trainer,
            watcher=watcher,
        )
        (like,) = [one for one in selection.members if one["seed"] == found.seed]
        own = {"id": found.id, "seed": found.seed, "best_epoch": found.epochs}
        unknown = {"stopped_epoch": found.epochs, "test": {}, "val": {}, "train": {}}
        return replace(selection, members=({**like, **own, **unknown},), refit=found.to_dict())

    def select(self, variant: str | None, member: str) -> Selection:
        """By words: `member` is "best", "ensemble", "refit" or a seed; no variant means the best
        one.

        Raises:
            SelectionError: there is none that finished, or `member` is none of these.
        """
        if member == "ensemble":
            return self.ensemble(variant)
        if member == "best":
            return self.best(variant)
        if member == "refit":
            return self.refit(variant)
        # No seed has more digits than this; Python reads no more than some thousands.
        if not (member.isascii() and member.isdecimal() and len(member) <= 10):
            raise SelectionError(
                f"member must be best, ensemble, refit or a seed. Received: {shown(member)}."
            )
        return self.member(self._named(variant), int(member))

    def _named(self, said: str | None) -> str:
        """A variant's name, of its name or of the label that results print: "dropout=0.2"; of the
        best one where nothing is said."""
        if not said:
            return best_member(self.record).variant
        variants = self.record.variants
        found = [v.name for v in variants if said in (v.label, v.full_label)]
        is_label = len(found) == 1 and said not in [v.name for v in variants]
        return found[0] if is_label else said

    def _select(self, variant: str, members: Sequence[MemberScores]) -> Selection:
        if not members:
            known = list(dict.fromkeys(m.variant for m in self.record.members))
            seeds = ", ".join(str(m.seed) for m in self.record.finished(variant)) or "none"
            near = "" if variant in known else did_you_mean(variant, known)
            raise SelectionError(
                f"no finished network of that variant and seed. Received: variant={shown(variant)}."
                f"{near} Variants: {', '.join(known)}; finished seeds of this one: {seeds}."
            )
        return Selection(
            run_dir=self.run_dir,
            variant=self.record.variant(variant).to_dict(),
            members=tuple(member.to_dict() for member in members),
            dataset=self.record.dataset.to_dict(),
            environment=stored_environment(RunFolder(self.run_dir)),
            basis=self.record.basis,
            metric=self.record.metric.name,
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
    everyone = plan_study(config, dataset["sha256"])
    rounds = looks_in(folder, everyone, dataset["task"])
    plan = everyone.of_seeds(rounds.num_seeds)
    _refuse_strangers(folder, plan)
    if not rounds.is_over:
        raise RunFolderError(
            f"{folder.path}: seeds are still being added, after {len(rounds.looks)} looks at the "
            "validation scores. The test set is read when that is over: the same command as before "
            "goes on."
        )
    looks, pilot = looks_summary(config, rounds), pilot_results(config, folder)
    results = build_results(plan, folder, dataset, pilot, looks)
    num_planned = sum(map(len, plan.ids.values())) + len(plan.extras)
    num_known = len(results.members) + len(results.extra_members)
    return Study(config, folder.path, results, num_planned - num_known)


def study_folders(path: str | Path) -> list[Path]:
    """The run folders that lie in a folder of several studies, by name; none of any other."""
    if any((Path(path) / name).exists() for name in ("study.toml", "search.toml", PILOT_FOLDER)):
        return []
    return sorted(found.parent for found in Path(path).glob("*/study.toml"))


def _refuse_no_study(folder: RunFolder) -> None:
    if (folder.path / "study.toml").exists():
        return
    if not folder.path.exists():
        raise RunFolderError(f"{folder.path}: there is no such folder.")
    if (folder.path / PILOT_FOLDER / "study.toml").exists():
        raise RunFolderError(
            f"{folder.path}: the strengths are still being chosen. "
            f"Write kmlp show {quote(str(folder.path / PILOT_FOLDER))}"
        )
    raise RunFolderError(f"{folder.path}: no study.toml; {_instead(folder.path)}")


def _refuse_strangers(folder: RunFolder, plan: Plan) -> None:
    """Refuses a study that none of the recorded members belongs to: a member's id is the hash of
    its config. With hashes the study is known to be the one that was run, whoever is recorded."""
    if folder.has_hashes:
        return
    recorded = folder.records()
    if not recorded or plan.by_id.keys() & recorded.keys():
        return
    raise RunFolderError(
        f"{folder.path}: none of the {len(recorded)} networks recorded here is one of the "
        f"{len(plan.by_id)} that study.toml or environment.json names: a setting, the seeds or the "
        "data were changed after they were trained. These files are records of what was run, not "
        "inputs: restore them, or run the new settings with another folder."
    )


def pilot_results(config: StudyConfig, folder: RunFolder) -> StudyResults | None:
    """The results of the pilot that chose a study's strengths; None where there was none."""
    inside = folder.path / PILOT_FOLDER
    if config.strengths != AUTO or not (inside / "study.toml").exists():
        return None
    return load_study(inside).record


def _instead(path: Path) -> str:
    """What a folder that is no study's is, in words, with what to name instead."""
    if (path / "search.toml").exists():
        inside = sorted(p.parent for p in path.glob("*/study.toml"))
        return f"this is a search, {f'its study is {inside[0]}' if inside else 'without a study'}"
    if several := study_folders(path):
        return f"these are several studies: name one, as {several[0]}"
    if not (held := held_in(path)):
        return "is this a run folder?"
    pages = [page for page in (path / "report.html", path / "comparison.html") if page.exists()]
    return f"this holds {held}{f'; its page is {pages[0]}' if pages else ''}"
