"""What a run folder is about: its study, its data and its environment; one folder, one study."""

import logging
import platform
from typing import Any

from kmlp.config import StudyConfig
from kmlp.data import Dataset
from kmlp.errors import RunFolderError
from kmlp.ledger import RunFolder
from kmlp.machine import package_version
from kmlp.study_file import read_study_file

logger = logging.getLogger(__name__)
_PACKAGES = ("kmlp", "keras", "tensorflow", "numpy", "scipy")


def refuse_other_study(folder: RunFolder, config: StudyConfig, data: Dataset) -> None:
    """Refuses a folder that holds another study, with what differs."""
    if not (folder.path / "study.toml").exists():
        return
    if differences := _differences(folder, config, data):
        raise RunFolderError(
            f"{folder.path} holds another study: {'; '.join(differences)}. "
            "Name another folder with --out."
        )


def claim(folder: RunFolder, config: StudyConfig, data: Dataset) -> None:
    """Writes what this study is and runs on."""
    refuse_other_study(folder, config, data)
    if (folder.path / "study.toml").exists():
        kept = stored_config(folder)
        if kept.most_seeds > config.most_seeds or set(kept.variant_names) - set(
            config.variant_names
        ):
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
    stored = stored_config(folder)
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


def stored_config(folder: RunFolder) -> StudyConfig:
    return read_study_file(folder.path / "study.toml")


def environment(data: Dataset, described: dict[str, Any]) -> dict[str, Any]:
    """What a run folder says of where it was made: versions, platform, the data's origin."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: package_version(name) for name in _PACKAGES},
        "data": {"name": data.name, **vars(data.provenance)},
        "dataset": described,
    }


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
