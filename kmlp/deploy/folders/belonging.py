"""Whose a model's folder is: a server takes its newest version, whichever run that came from."""

import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kmlp.deploy.manifest import read_manifest
from kmlp.deploy.serving import all_versions
from kmlp.errors import ModelError
from kmlp.ownership import refuse_foreign_folder
from kmlp.study.provenance import stored_environment, study_id
from kmlp.study.run_folder import RunFolder
from kmlp.text import shown

MODELS = Path("saved_models")
"""Where models go where nobody says otherwise."""
_OF_A_SEARCH = "study"
"""What a search calls the folder of its study."""


def run_of(run_dir: str | Path) -> dict[str, str]:
    """What a manifest says of its run: the folder's name, without where it lies, and its study."""
    folder = RunFolder(run_dir)
    return {"name": run_name(folder.path), "study": study_id(folder)}


def other_run(model: Path, run_dir: str | Path) -> str:
    """Which other run the newest version in a model's folder is of, in words.

    Args:
        model: the folder; where it is missing or holds no version, it is nobody's yet.
        run_dir: a run folder. The same study in another folder is no other run.

    Returns:
        Nothing where the folder is nobody's or this run's.
    """
    numbers = all_versions(model)
    if not numbers:
        return ""
    version = model / str(numbers[-1])
    try:
        manifest = read_manifest(version) or {}
        if _is_of(manifest, RunFolder(run_dir)):
            return ""
        return f"version {numbers[-1]} there is of {_told(manifest)}"
    except (ModelError, KeyError, TypeError, AttributeError):
        return f"nobody can say of which run version {numbers[-1]} there is"


def own_folder_for(name: str, run_dir: str | Path, root: Path = MODELS) -> Path:
    """Where a run's exports go: the model's name, or where another run has that, one of its own.

    Args:
        name: of the model, as its data set's; its signs may lead anywhere.
        run_dir: the run folder.
        root: the folder of models.

    Raises:
        ForeignFolderError: no model lies there, but something else.
    """
    for candidate in _names(default_folder(name).name, _as_name(run_name(Path(run_dir)))):
        refuse_foreign_folder(root / candidate, "model")
        if not other_run(root / candidate, run_dir):
            return root / candidate
    raise AssertionError("there is no end of names")


def default_folder(name: str, root: Path = MODELS) -> Path:
    """Where models of this name go: their name as a folder's, wherever its signs would lead."""
    return root / (_as_name(name) or "model")


def _names(base: str, run: str) -> Iterator[str]:
    """A model's name, then such as have the run's in them."""
    yield base
    own = base
    if run not in ("", base):
        own = run if run.startswith(f"{base}-") else f"{base}-{run}"
        yield own
    yield from (f"{own}-{number}" for number in itertools.count(2))


def _is_of(manifest: Mapping[str, Any], folder: RunFolder) -> bool:
    """Whether a version is of a run; those that do not say are known by their networks or data."""
    if "run" in manifest:
        return manifest["run"]["study"] == study_id(folder)
    if members := manifest.get("members"):
        return {member["id"] for member in members} <= folder.records().keys()
    data = stored_environment(folder)["data"]["sha256"]
    return "reference" in manifest and manifest["dataset"]["sha256"] == data


def _told(manifest: Mapping[str, Any]) -> str:
    run, data = manifest.get("run", {}), manifest["dataset"]["name"]
    which = f"another run, {shown(run['name'])}" if run else "another run"
    return f"{which} (data {shown(data)}, made {manifest['created'][:10]})"


def run_name(run_dir: Path) -> str:
    """The run folder's name; of the study in a search's folder, the search's."""
    path = run_dir.resolve()
    is_of_search = path.name == _OF_A_SEARCH and (path.parent / "search.toml").exists()
    return path.parent.name if is_of_search else path.name


def _as_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name).strip("._")
