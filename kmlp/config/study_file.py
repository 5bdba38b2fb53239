"""Study files: TOML that holds one study, or several."""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from kmlp.config import StudyConfig
from kmlp.config.base import parse_toml
from kmlp.data.arrays.image_folders import holds_image_classes
from kmlp.data.loading import is_table_name
from kmlp.errors import ConfigError
from kmlp.ownership import COMPARISON_NAMES, PILOT_FOLDER
from kmlp.text import did_you_mean, shown

_READY = "studies"  # where they lie, and what users may write before their names


def ready_files() -> dict[str, Path]:
    """The study and search files that ship with kmlp, by name."""
    folder = Path(str(resources.files("kmlp"))) / _READY
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def find_file(target: str) -> Path | None:
    """The file that a target names: itself, or the ready one of its name; None of what is data.

    Raises:
        ConfigError: it is neither there nor a ready one's name.

    Example:
        >>> find_file("assignment").name, find_file("studies/assignment.toml").name
        ('assignment.toml', 'assignment.toml')
        >>> find_file("mnist")
    """
    path, ready = Path(target), ready_files()
    is_toml = target.endswith(".toml")
    if os.path.isfile(target):  # whatever is said, however long
        return path if is_toml else None
    name = path.stem if is_toml and str(path.parent) in (".", _READY) else target
    if name in ready and not _holds_data(path):
        return ready[name]
    if not is_toml:
        return None
    raise ConfigError(
        f"{target}: there is no such file.{did_you_mean(path.stem, ready)} Those that ship with "
        f"kmlp: {', '.join(ready)}."
    )


SEARCH = "search"
"""By which a file of several studies names the file of the search behind their settings."""


def _holds_data(folder: Path) -> bool:
    """Whether a folder that is called as a ready file is meant: one of data, not of anything."""
    return folder.is_dir() and (holds_image_classes(folder) or any(folder.glob("*-ubyte*")))


def read_study_file(path: str | Path) -> StudyConfig:
    """Reads a study from a TOML file.

    Raises:
        ConfigError: the file is missing, is no TOML, holds a value that is refused or several
            studies; the message names the file.
    """
    studies = read_studies(path)
    if "" not in studies:
        raise ConfigError(
            f"{path}: one study is wanted. Received: {len(studies)}: {', '.join(studies)}."
        )
    return studies[""]


def read_studies(path: str | Path) -> dict[str, StudyConfig]:
    """Reads all studies of a TOML file, by name.

    A file with `[[study]]` tables holds one for each; a table has a `name`, by which its run
    folder is called, and any fields. What stands beside the tables holds for all of them, unless
    a table has it too, but for `search`, see `search_of`. A file without such tables is one study,
    whose name is empty.

    Raises:
        ConfigError: as for `read_study_file`.
    """
    path = Path(path)
    try:
        return _studies(parse_toml(path.read_text(encoding="utf-8-sig")), path)
    except (OSError, UnicodeDecodeError, ConfigError, TypeError, RecursionError) as error:
        raise ConfigError(f"{path}: {error}") from error


def search_of(path: str | Path) -> Path | None:
    """The search's file that a file of several studies names as `search`, which lies beside it;
    None where it names none.

    Raises:
        ConfigError: as for `read_studies`, or the search's file is missing.
    """
    read_studies(path)
    path = Path(path)
    named = parse_toml(path.read_text(encoding="utf-8-sig")).get(SEARCH)
    if named is None:
        return None
    if not (path.parent / named).is_file():
        raise ConfigError(
            f"{path}: search must name a file of kmlp tune beside this one. Received: "
            f"search={shown(named)}, and {path.parent / named} is no file."
        )
    return path.parent / named


def beside_file(values: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """A config's table with the paths of tables, archives and images that lie beside its file."""
    found = dict(values)
    found["dataset"] = _beside(values.get("dataset"), path)
    if isinstance(data := values.get("data"), Mapping):
        own = {k: _beside(data[k], path) for k in ("test", "validation") if k in data}
        found["data"] = {**data, **own}
    return found if "dataset" in values else {k: v for k, v in found.items() if k != "dataset"}


def seen_from(folder: Path, config: StudyConfig) -> StudyConfig:
    """The study as a file in a folder has to say it: with the ways from there to its data, for the
    same words would mean other files wherever kmlp is started."""
    found = {"dataset": _way(folder, config.dataset)}
    if config.data is None:
        return replace(config, **found)
    own = {k: _way(folder, getattr(config.data, k)) for k in ("test", "validation")}
    return replace(config, **found, data=replace(config.data, **own))


def _beside(value: Any, path: Path) -> Any:
    """What lies beside the file is meant, else what the name says where kmlp was started."""
    if not isinstance(value, str) or "\0" in value or len(value) > 4096:
        return value
    beside = path.parent / value
    return str(beside) if _is_data(beside) else value


def _way(folder: Path, value: Any) -> Any:
    """The inverse of `_beside`; what is no file, or said from the root, stays."""
    is_path = isinstance(value, str) and not Path(value).is_absolute() and _is_data(Path(value))
    return os.path.relpath(value, folder) if is_path else value


def _is_data(path: Path) -> bool:
    if path.is_dir():
        return holds_image_classes(path)
    is_named_so = path.suffix.lower() == ".npz" or is_table_name(str(path))
    return is_named_so and path.is_file()


def _studies(values: dict[str, Any], path: Path) -> dict[str, StudyConfig]:
    if "study" not in values:
        return {"": StudyConfig.from_dict(beside_file(values, path))}
    _check_search(values)
    shared = {k: v for k, v in values.items() if k not in ("study", SEARCH)}
    tables = values["study"]
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise ConfigError(
            f"several studies are written as [[study]] tables. Received: {shown(tables)}."
        )
    studies: dict[str, StudyConfig] = {}
    for table in tables:
        name = table.get("name")
        # It becomes a folder's name.
        if not isinstance(name, str) or not re.fullmatch(r"\w[\w.-]*", name) or name in studies:
            raise ConfigError(
                "each [[study]] needs a name of its own, of letters, digits, hyphens and dots. "
                f"Received: name={shown(name)}."
            )
        if name.casefold() in (*COMPARISON_NAMES, PILOT_FOLDER):
            raise ConfigError(
                f"no study can be called {name}: beside the studies' folders kmlp writes one of "
                "that name itself. Name it otherwise; a folder that was trained under that name "
                "can be renamed with it."
            )
        own = {k: v for k, v in table.items() if k != "name"}
        try:
            studies[name] = StudyConfig.from_dict(beside_file(_merged(shared, own), path))
        except ConfigError as error:
            raise ConfigError(f"study {name!r}: {error}") from error
    return studies


def _check_search(values: Mapping[str, Any]) -> None:
    named = values.get(SEARCH, "")
    if not isinstance(named, str) or "\0" in named:
        raise ConfigError(
            'search names the file of a search, as search = "my-search.toml". '
            f"Received: search={shown(named)}."
        )


def _merged(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """One study's table over what all share; of `model`, `train` and `data` field by field."""
    inner = {
        name: {**shared.get(name, {}), **own.get(name, {})}
        for name in ("model", "train", "data")
        if (name in shared or name in own)
        and isinstance(shared.get(name, {}), dict)
        and isinstance(own.get(name, {}), dict)
    }
    return {**shared, **own, **inner}
