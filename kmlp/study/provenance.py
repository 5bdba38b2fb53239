"""What a run folder is about: its study, its data and its environment; one folder, one study."""

import dataclasses
import hashlib
import json
import logging
import platform
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from kmlp.config import AUTO, StudyConfig
from kmlp.config.base import Config
from kmlp.config.records import identity
from kmlp.config.tables.table import apart_from_test
from kmlp.data import Dataset
from kmlp.data.rows.holding_out import calibration_rows, hold_out
from kmlp.data.rows.record import Rows
from kmlp.data.rows.telling import calibration_note, validation_note
from kmlp.engine.trainer import Trainer
from kmlp.errors import RunFolderError
from kmlp.machine import package_version
from kmlp.stats.metrics import METRICS
from kmlp.stats.monitoring import resolved_metric
from kmlp.study.run_folder import RunFolder

logger = logging.getLogger(__name__)
C = TypeVar("C")
_PACKAGES = ("kmlp", "keras", "tensorflow", "numpy", "scipy", "scikit-learn")
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
# Of a study's config what another value of makes another study, wherever it lies.
_IDENTITY = ("model", "train", "seed_streams", "strengths", "validation_fraction")
# What of it does not follow from the data.
_MACHINE = ("python", "platform", "backend", "device", "packages")


def refuse_other_study(folder: RunFolder, config: StudyConfig, data: Dataset) -> None:
    """Refuses a folder that holds another study, with what differs."""
    if (folder.path / _STUDY).exists():
        there, here = (metric_named(one, data) for one in (stored_config(folder), config))
        refuse_differences(folder, _differences(there, here), data)


def study_id(folder: RunFolder) -> str:
    """16 hexadecimal digits that stand for a study and its data, whichever variants and seeds its
    folder has so far: the same study in another folder has the same."""
    config, environment = stored_config(folder), stored_environment(folder)
    said = {name: identity(getattr(config, name)) for name in _IDENTITY}
    # As the id is without what came later, where nobody asks for that.
    if config.calibration_fraction:
        said["calibration_fraction"] = config.calibration_fraction
    canonical = json.dumps(said | {"data": environment["data"]["sha256"]}, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def metric_named(config: StudyConfig, data: Dataset) -> StudyConfig:
    """The same study with its metric by name: to write out what "auto" means asks nothing else."""
    return dataclasses.replace(config, metric=resolved_metric(config.metric, data.spec.task))


def refuse_differences(folder: RunFolder, differences: Sequence[str], data: Dataset) -> None:
    """Refuses a folder that was claimed for something else.

    Args:
        folder: claimed.
        differences: of its config to the one that is asked for now, in words.
        data: that are meant now; others are a difference as well.
    """
    there, here = stored_environment(folder)["data"]["sha256"], data.provenance.sha256
    others = [f"the hash of the data as used is {there[:12]!r} there, {here[:12]!r} here"]
    if found := [*differences, *(others if there != here else ())]:
        raise RunFolderError(
            f"{folder.path} holds another {folder.kind}: {'; '.join(found)}. "
            f"Name another folder with --out.{_of_other_rows(folder, data)}"
        )


def _of_other_rows(folder: RunFolder, data: Dataset) -> str:
    """What to write where one of the two sets rows aside to test, and the other does not."""
    had_test_rows = stored_environment(folder)["dataset"]["num_test"] > 0
    if had_test_rows == data.has_test_rows:
        return ""
    if had_test_rows:
        return " It has rows that are set aside to test, these data have none: say test=0.2."
    return " It sets no rows aside to test, these data do: say test='cv'."


def claim(folder: RunFolder, config: StudyConfig, data: Dataset, trainer: Trainer) -> None:
    """Writes what this study is and runs on."""
    refuse_other_study(folder, config, data)
    if (folder.path / _STUDY).exists():
        tell_of_changes(folder, _STUDY, _ENVIRONMENT)
        there, here = (metric_named(one, data) for one in (stored_config(folder), config))
        _tell_of_another_question(folder, there, here)
    # Where no row is set aside, each is held out once a repeat.
    tested = data.y_test if data.has_test_rows else data.y_train
    weight = data.test_weight if data.has_test_rows else data.rows.weight
    folder.write_test_labels(data.spec.in_unit(tested), weight)
    folder.write_train_labels(data.spec.in_unit(data.y_train), data.rows.weight)
    described = describe(data, config.validation_fraction, config.calibration_fraction)
    write_claim(folder, _STUDY, config, environment(data, described, trainer))


def _tell_of_another_question(folder: RunFolder, kept: StudyConfig, config: StudyConfig) -> None:
    """What a folder holds and is not asked for now; and that it was judged by something else."""
    asked = config.resolved_variants
    # By what they train: another release may have called one by another name.
    is_narrower = not all(any(map(old.trains_as, asked)) for old in kept.resolved_variants)
    if kept.most_seeds > config.most_seeds or is_narrower:
        logger.warning(
            "%s holds more than is asked for now: its results are narrowed to these variants "
            "and seeds; nothing is deleted",
            folder.path,
        )
    if kept.metric != config.metric:
        logger.warning(
            "%s was judged by %s before, and is by %s now: say in what you write which you chose "
            "before you saw the scores",
            folder.path,
            kept.metric,
            config.metric,
        )


def write_claim(folder: RunFolder, name: str, config: Config, found: dict[str, Any]) -> None:
    """Writes what is run in a folder, and on what.

    Args:
        folder: being written; of the same study or search, if of any.
        name: of the file that the config goes into.
        config: what is run.
        found: see `environment`; the first that a folder was claimed in stays.
    """
    if (folder.path / name).exists():
        found = with_earlier(stored_environment(folder), found)
    folder.write_json(_ENVIRONMENT, found)
    # Last: a folder that has its config is claimed, and holds all that says by whom.
    folder.write_text(name, config.to_toml())


def tell_of_changes(folder: RunFolder, *names: str) -> None:
    """Says of files that are written anew that they were changed: nobody reads them as input."""
    for name in names:
        try:
            folder.refuse_changed(name)
        except RunFolderError as error:
            logger.warning("%s", error)


def _differences(stored: StudyConfig, config: StudyConfig) -> list[str]:
    found: list[tuple[str, Any, Any]] = []
    for name in ("model", "train"):
        old, new = getattr(stored, name).to_dict(), getattr(config, name).to_dict()
        found += [(f"{name}.{key}", old[key], new[key]) for key in new]
    found.append(("dataset", stored.dataset, config.dataset))
    there, here = apart_from_test(stored.data, config.data)
    names = dict.fromkeys((*there, *here))
    found += [(f"data.{name}", there.get(name), here.get(name)) for name in names]
    found.append(("seed_streams", stored.seed_streams, config.seed_streams))
    found.append(("strengths", stored.strengths, config.strengths))
    if stored.strengths == AUTO:
        # The strengths that were trained were chosen by it.
        found.append(("metric", stored.metric, config.metric))
    for name in ("validation_fraction", "calibration_fraction"):
        found.append((name, getattr(stored, name), getattr(config, name)))
    return [
        f"{name} is {_shown(old)} there, {_shown(new)} here"
        for name, old, new in found
        if old != new
    ]


def _shown(value: Any) -> str:
    return "not said" if value is None else repr(value)


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


def describe(
    data: Dataset, validation_fraction: float, calibration_fraction: float = 0.0
) -> dict[str, Any]:
    """The `dataset` part of results: name, origin, task and sizes."""
    kept = calibration_rows(data.rows, calibration_fraction)
    num_train, num_val = _num_rows(data, validation_fraction, kept)
    return {
        "name": data.name,
        "source": data.provenance.source,
        "sha256": data.provenance.sha256,
        "num_train": num_train,
        "num_val": num_val,
        "num_test": len(data.y_test),
        **({"num_calibration": len(kept)} if len(kept) else {}),
        **data.spec.to_dict(),
        **_parted_by(data.rows, validation_fraction, kept),
    }


def _num_rows(
    data: Dataset, validation_fraction: float, calibration: np.ndarray
) -> tuple[int, int]:
    """Training and validation rows of a member; where groups stay whole, about as many."""
    if data.given_rows is None:
        num_usable = len(data.y_train) - len(calibration)
        num_val = round(validation_fraction * num_usable)
        return num_usable - num_val, num_val
    known, rng = data.given_rows, np.random.default_rng(0)
    usable = np.setdiff1d(known.others, calibration, assume_unique=True)
    if known.is_validation is not None:
        return len(usable), len(known.given_validation)
    kept, held_out = hold_out(usable, known, validation_fraction, rng)
    return len(kept), len(held_out)


def _parted_by(rows: Rows, validation_fraction: float, kept: np.ndarray) -> dict[str, Any]:
    """What of it is not drawn by each seed, and how rows are parted, in words."""
    found: dict[str, Any] = {}
    if rows.is_validation is not None:
        found["validation"] = "given"
    elif rows.time is not None and validation_fraction:
        found["validation"] = "last"
    own = (validation_note(rows, validation_fraction, kept), calibration_note(rows, kept))
    notes = [*rows.notes, *(note for note in own if note)]
    return found | ({"parted_by": notes} if notes else {})
