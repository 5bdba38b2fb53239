"""What lies beside an exported model and lists its files: written, read back, and held to.

The hashes guard against damage and accidents. They do not say who made a model: only a digest that
came from its maker by another way does.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from kmlp.errors import ModelError
from kmlp.text import shortened, shown, visible

NAME = "manifest.json"
_LARGEST = 64 * 2**20  # bytes; one of ten thousand members has two million
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
# TensorFlow makes both, and leaves the first empty.
_MAY_BE_EMPTY = frozenset({"assets", "variables"})


def manifest_sha256(manifest: Mapping[str, Any]) -> str:
    """sha256 of a manifest's content but for its own `sha256`."""
    content = {name: value for name, value in manifest.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def checked_manifest(
    folder: Path, *, trust: bool = False, sha256: str | None = None
) -> dict[str, Any]:
    """The manifest of a version's folder, whose files are all there, whole, and alone.

    Args:
        folder: of one version.
        trust: give an empty manifest where there is none.
        sha256: what the manifest's digest must be.

    Raises:
        ModelError: what is wrong with which file.
    """
    wanted = _wanted(sha256)
    manifest = read_manifest(folder)
    if manifest is None:
        if trust and not wanted:
            return {}
        raise ModelError(_without(folder, wanted))
    if wanted and manifest["sha256"] != wanted:
        raise ModelError(
            f"{folder}: this is another model than was asked for. Its sha256 is "
            f"{manifest['sha256']}; asked for: {wanted}."
        )
    _check_files(folder, manifest["files"])
    return manifest


def _wanted(sha256: str | None) -> str:
    if sha256 is None:
        return ""
    digits = sha256.strip().lower() if isinstance(sha256, str) else ""
    if not _SHA256.fullmatch(digits):
        raise ModelError(
            "sha256 is 64 hexadecimal digits, which kmlp export prints and manifest.json holds. "
            f"Received: sha256={shown(sha256)}."
        )
    return digits


def _without(folder: Path, wanted: str) -> str:
    """The message of a folder that has no manifest."""
    if wanted:
        return (
            f"{folder}: no {NAME}, so its sha256 cannot be known. Asked for: {wanted}. A model of "
            "kmlp's has one; get the whole folder."
        )
    return (
        f"{folder}: no {NAME}, so not written by kmlp, and nothing of it can be checked. A "
        "SavedModel can run any program; load it with trust=True only if you know who made it."
    )


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """A manifest that is what was written; None where there is none."""
    path = folder / NAME
    try:
        if path.is_symlink() or not path.is_file():
            if not os.path.lexists(path):
                return None
            raise ValueError("it is no file")
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"it has more than {_LARGEST:,} bytes")
        manifest = json.loads(path.read_text(encoding="utf-8"))
        _check_form(manifest)
        if manifest["sha256"] != manifest_sha256(manifest):
            raise ValueError("its content is not what was written")
        return manifest
    except RecursionError:
        raise ModelError(f"{path}: damaged: lists in lists without end") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: damaged: {shortened(str(error))}") from error


def _check_form(manifest: Any) -> None:
    """Refuses with a `ValueError` what kmlp did not write so."""
    if not isinstance(manifest, dict):
        raise ValueError(f"it holds {type(manifest).__name__}, not a table")
    files, spec = manifest.get("files"), manifest.get("spec", {})
    if not isinstance(files, dict) or not files:
        raise ValueError("it lists no files")
    for name, digest in files.items():
        if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
            raise ValueError(f"of {shown(name)} it holds no sha256")
    if not isinstance(manifest.get("sha256"), str):
        raise ValueError("it has no sha256 of its own")
    names = spec.get("class_names", []) if isinstance(spec, dict) else None
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise ValueError("its spec lists no class names")


def _check_files(folder: Path, listed: Mapping[str, str]) -> None:
    try:
        present = dict(_entries(folder))
    except OSError as error:
        raise ModelError(f"{folder}: cannot be read: {error}") from error
    parents = {str(p) for name in listed for p in PurePosixPath(name).parents}
    for name, kind in present.items():
        is_known = name in (listed if kind == "file" else parents | _MAY_BE_EMPTY) or name == NAME
        if kind not in ("file", "folder"):
            raise ModelError(f"{folder}: {visible(name)} is a {kind}; kmlp writes files alone")
        if not is_known:
            raise ModelError(f"{folder}: {visible(name)} is not in the manifest")
    for name, sha256 in listed.items():
        if present.get(name) != "file":
            raise ModelError(f"{folder}: {visible(shortened(name))} is missing")
        if _sha256_of(folder / name) != sha256:
            raise ModelError(
                f"{folder}: {visible(name)} is damaged: its hash is not the manifest's"
            )


def _entries(folder: Path, inside: str = "") -> Iterator[tuple[str, str]]:
    """Everything in a folder, by its path in it: "file", "folder", "link" or "special file"."""
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        name = f"{inside}{entry.name}"
        if entry.is_symlink():
            yield name, "link"
        elif entry.is_dir(follow_symlinks=False):
            yield name, "folder"
            yield from _entries(Path(entry.path), f"{name}/")
        else:
            yield name, "file" if entry.is_file(follow_symlinks=False) else "special file"


def _sha256_of(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error}") from error
