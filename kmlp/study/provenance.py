"""What a run folder is about: its study, its data and its environment; one folder, one study."""

import logging
import platform
from collections.abc import Callable
from typing import Any, TypeVar

from kmlp.config import DataConfig, StudyConfig
from kmlp.data import Dataset
from kmlp.engine.trainer import Trainer
from kmlp.errors import RunFolderError
from kmlp.machine import package_version
from kmlp.stats.metrics import METRICS
from kmlp.study.run_folder import RunFolder

logger = logging.getLogger(__name__)
C = TypeVar("C")
_PACKAGES = ("kmlp", "keras", "tensorflow", "numpy", "scipy")
_STUDY, _ENVIRONMENT = "study.toml", "environment.json"
# What is read back of it; `later` and what trained came after the first folders.
_SHAPE: dict[str, Any] = {
    "python": str,
    "platform": str,
    "packages": dict,
    "data": dict.fromkeys(("name", "source", "location", "sha256"), str),
    "dataset": {
        **dict.fromkeys(("name", "source", "sha256", "task", "input_dtype"), str),
        **dict.fromkeys(("num_train", "num_val", "num_test"), int),
        **dict.fromkeys(("input_shape", "class_names"), list),
    },
}
# What of it does not follow from the data.
_MACHINE = ("python", "platform", "backend", "device", "packages")


def refuse_other_study(folder: RunFolder, config: StudyConfig, data: Dataset) -> None:
    """Refuses a folder that holds another study, with what differs."""
    if not (folder.path / _STUDY).exists():
        return
    if differences := _differences(folder, config, data):
        raise RunFolderError(
            f"{folder.path} holds another study: {'; '.join(differences)}. "
            "Name another folder with --out."
        )


def claim(folder: RunFolder, config: StudyConfig, data: Dataset, trainer: Trainer) -> None:
    """Writes what this study is and runs on."""
    refuse_other_study(folder, config, data)
    is_claimed = (folder.path / _STUDY).exists()
    if is_claimed:
        kept = stored_config(folder)
        tell_of_changes(folder, _STUDY, _ENVIRONMENT)
        if kept.most_seeds > config.most_seeds or set(kept.variant_names) - set(
            config.variant_names
        ):
            logger.warning(
                "%s holds more than is asked for now: its results are narrowed to these variants "
                "and seeds; nothing is deleted",
                folder.path,
            )
    found = environment(data, describe(data, config.validation_fraction), trainer)
    if is_claimed:
        found = with_earlier(stored_environment(folder), found)
    folder.write_json(_ENVIRONMENT, found)
    folder.write_test_labels(data.spec.in_unit(data.y_test))
    # Last: a folder with a study.toml is claimed, and holds all that says by whom.
    folder.write_text(_STUDY, config.to_toml())


def tell_of_changes(folder: RunFolder, *names: str) -> None:
    """Says of files that are written anew that they were changed: nobody reads them as input."""
    for name in names:
        try:
            folder.refuse_changed(name)
        except RunFolderError as error:
            logger.warning("%s", error)


def _differences(folder: RunFolder, config: StudyConfig, data: Dataset) -> list[str]:
    stored = stored_config(folder)
    found: list[tuple[str, Any, Any]] = []
    for name in ("model", "train"):
        old, new = getattr(stored, name).to_dict(), getattr(config, name).to_dict()
        found += [(f"{name}.{key}", old[key], new[key]) for key in new]
    found.append(("dataset", stored.dataset, config.dataset))
    found.append(("data", _said(stored.data), _said(config.data)))
    found.append(("seed_streams", stored.seed_streams, config.seed_streams))
    found.append(("strengths", stored.strengths, config.strengths))
    found.append(("validation_fraction", stored.validation_fraction, config.validation_fraction))
    sha256 = stored_environment(folder)["data"]["sha256"]
    found.append(("the data's sha256", sha256[:12], data.provenance.sha256[:12]))
    return [f"{name} is {old!r} there, {new!r} here" for name, old, new in found if old != new]


def _said(data: DataConfig | None) -> dict[str, Any] | None:
    return data.to_dict() if data else None


def stored_config(folder: RunFolder) -> StudyConfig:
    """The study that a folder was claimed for.

    Raises:
        RunFolderError: it is missing or not what kmlp writes.
    """
    return read_config(folder, _STUDY, StudyConfig.from_toml)


def read_config(folder: RunFolder, name: str, read: Callable[[str], C]) -> C:
    """A config from its file in a run folder."""
    text = folder.read_text(name)
    try:
        return read(text)
    # Whatever TOML can hold and no config takes: only in folders that have no hashes.
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunFolderError(
            f"{folder.path / name}: {said[:200]} It is a record of what was run, not an input: "
            "restore it from a copy, or name another folder with --out."
        ) from error


def stored_environment(folder: RunFolder) -> dict[str, Any]:
    """What a folder says of where it was made.

    Raises:
        RunFolderError: it is missing or not what kmlp writes.
    """
    found = folder.read_json(_ENVIRONMENT)
    if not _fits(found, _SHAPE) or found["dataset"]["task"] not in METRICS:
        raise RunFolderError(
            f"{folder.path / _ENVIRONMENT}: not what kmlp writes there. Restore it from a copy, or "
            "name another folder with --out."
        )
    return found


def _fits(value: Any, shape: Any) -> bool:
    """Whether a table has these fields, of these types, whatever else it has."""
    if isinstance(shape, type):
        return type(value) is shape
    return isinstance(value, dict) and all(
        name in value and _fits(value[name], kind) for name, kind in shape.items()
    )


def environment(data: Dataset, described: dict[str, Any], trainer: Trainer) -> dict[str, Any]:
    """What a run folder says of where it was made: versions, backend, device, the data's origin."""
    backend, device = trainer.backend_and_device()
    packages = (*_PACKAGES, "jax", "jaxlib") if backend == "jax" else _PACKAGES
    schema = {"schema": data.schema.to_dict()} if data.schema else {}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "warnings": list(data.warnings),
        "backend": backend,
        "device": device,
        "packages": {name: package_version(name) for name in packages},
        "data": {"name": data.name, **vars(data.provenance)},
        "dataset": described,
        **schema,
    }


def with_earlier(kept: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """The environment that a folder keeps: the first, and under `later` those that differ from it
    in which the same call went on, or only read what was there."""
    later = kept.get("later", [])
    now = {key: found[key] for key in _MACHINE}
    if now not in [{key: e.get(key) for key in _MACHINE} for e in (kept, *later)]:
        later = [*later, now]
    first = {key: kept[key] for key in _MACHINE if key in kept}
    rest = {key: value for key, value in found.items() if key not in _MACHINE}
    return first | rest | ({"later": later} if later else {})


def describe(data: Dataset, validation_fraction: float) -> dict[str, Any]:
    """The `dataset` part of results: name, origin, task and sizes."""
    num_val = round(validation_fraction * len(data.y_train))
    return {
        "name": data.name,
        "source": data.provenance.source,
        "sha256": data.provenance.sha256,
        "num_train": len(data.y_train) - num_val,
        "num_val": num_val,
        "num_test": len(data.y_test),
        **data.spec.to_dict(),
    }
