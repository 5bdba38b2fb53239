"""A search that was run before, from its folder; nothing is trained, no Keras is loaded."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from kmlp.config import MLPConfig, TrainConfig
from kmlp.errors import RunFolderError, SelectionError
from kmlp.study.loading import Study, load_study
from kmlp.study.provenance import read_config, stored_environment
from kmlp.study.results.records.study import StudyResults
from kmlp.study.run_folder import RunFolder
from tuning.results.assembly import build_results
from tuning.results.followup import FOLLOWUP_FILE, STUDY_FOLDER
from tuning.results.records.search import SearchResults
from tuning.results.search_folder import SearchFolder
from tuning.space.config import SearchConfig

SEARCH_FILE = "search.toml"


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

    def arrays(self, number: int, seed: int) -> dict[str, Any]:
        """One execution's arrays: `curve_NAME` by epoch, `weight/PATH`; with folds what it
        predicted on `fold_rows` too.

        Raises:
            SelectionError: it is not there.
            RunFolderError: its file is damaged.
        """
        executions = self.record.trials[number].executions if number < len(self.trials) else ()
        for execution in executions:
            if execution.seed == seed and execution.status != "missing":
                return RunFolder(self.run_dir).arrays(execution.member)
        raise SelectionError(
            f"{self.run_dir}: no finished execution of trial {number} with seed {seed}."
        )


def load_search(run_dir: str | Path) -> Search:
    """A search from its folder; nothing is trained, no Keras is loaded.

    While it runs, or after an interruption, the results are those of what has ended so far.

    Raises:
        RunFolderError: no search's folder.
    """
    folder = SearchFolder(run_dir)
    if not (folder.path / SEARCH_FILE).exists():
        raise RunFolderError(f"{folder.path}: no {SEARCH_FILE}; is this the folder of a search?")
    folder.refuse_changed(*recorded_files(folder))
    config, dataset = stored_config(folder), stored_environment(folder)["dataset"]
    return Search(
        config, folder.path, build_results(config, folder, dataset, study_results(folder))
    )


def recorded_files(folder: SearchFolder) -> list[str]:
    """The files by which a search is read back."""
    has_followup = (folder.path / FOLLOWUP_FILE).exists()
    return [SEARCH_FILE, "environment.json", *([FOLLOWUP_FILE] if has_followup else [])]


def stored_config(folder: SearchFolder) -> SearchConfig:
    return read_config(folder, SEARCH_FILE, SearchConfig.from_toml)


def study_results(folder: SearchFolder) -> StudyResults | None:
    """The results of the follow-up study; None where none has ended yet."""
    inside = folder.path / STUDY_FOLDER
    # Written when it ends; what it says is computed again from the networks.
    return load_study(inside).record if (inside / "results.json").exists() else None
