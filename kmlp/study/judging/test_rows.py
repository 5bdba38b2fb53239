"""Which rows test a study: some that are set aside, or all of them, each held out in its fold."""

import contextlib
from dataclasses import replace
from pathlib import Path

from kmlp.config import AUTO, DataConfig, StudyConfig
from kmlp.config.tables.table import load_configured, setting_aside
from kmlp.data import Dataset
from kmlp.data.sampling import FOLDS
from kmlp.errors import ConfigError, RunFolderError
from kmlp.study.provenance import stored_config, stored_environment
from kmlp.study.run_folder import RunFolder


def load_data(config: StudyConfig, run_dir: str | Path) -> tuple[Dataset, StudyConfig]:
    """A study's data, and the study with what tests written out.

    Where nobody says what does, it is what a run folder has that is there; else a fifth for a study
    that folds cannot test; else it follows from the number of rows: see `DataConfig.test`.

    Raises:
        DataError: they cannot be loaded.
    """
    table = _as_it_was(config, RunFolder(run_dir))
    data, table = load_configured(config.dataset, table, sets_aside=bool(needs_test_rows(config)))
    return data, replace(config, data=table)


def _as_it_was(config: StudyConfig, folder: RunFolder) -> DataConfig | None:
    """A config's `data`, with what tests as in its folder where it leaves that open."""
    asked = config.data
    if (asked is not None and asked.test is not None) or not (folder.path / "study.toml").exists():
        return asked
    # What is wrong with a folder is said where it is written to, after it was mended.
    with contextlib.suppress(RunFolderError):
        kept = stored_config(folder).data
        if kept is not None and kept.test is not None:
            return replace(asked or DataConfig(), test=kept.test)
        if stored_environment(folder)["dataset"]["num_test"]:
            return setting_aside(config.dataset, asked)
    return asked


def needs_test_rows(config: StudyConfig) -> str:
    """What of a study needs rows that are set aside, as it is written; empty if nothing does."""
    needs = {
        "strengths='auto'": config.strengths == AUTO,
        "num_seeds='auto'": config.num_seeds == AUTO,
        f"resample={config.resample!r}": config.resample is not None,
        "randomness": config.randomness,
    }
    return next((option for option, is_asked in needs.items() if is_asked), "")


def refuse_folds(config: StudyConfig, data: Dataset) -> None:
    """Refuses a study that folds cannot test, or need not calibrate, on data that have no test
    rows.

    Raises:
        ConfigError: with what to write instead.
    """
    option = needs_test_rows(config)
    if option and not data.has_test_rows:
        raise ConfigError(
            f"{option} needs rows that are set aside to test. Received: test={FOLDS!r}, which sets "
            f"none aside. Write --test 0.2 (test=0.2 where the data are made), or leave {option} "
            "out."
        )
    if config.calibration_fraction and not data.has_test_rows:
        raise ConfigError(
            f"where folds test (test={FOLDS!r}) each row has been kept from the networks of its "
            "fold, and what these say of it calibrates. Received: calibration_fraction="
            f"{config.calibration_fraction:g}. Leave it out; or write --test 0.2, and rows that no "
            "network saw calibrate."
        )
