"""A SavedModel in, predictions out: NumPy and TensorFlow only, no Keras."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.errors import DataError, ModelError
from kmlp.quiet import import_quietly

_BATCH = 8192


def load_saved(path: str | Path, *, trust: bool = False) -> "LoadedModel":
    """Loads an exported model: its newest version, or the version that the path names.

    The files' hashes are checked against the manifest first: a SavedModel holds a program, and
    TensorFlow does not treat one from a stranger as safe to load.

    Args:
        path: `saved_models/NAME` or `saved_models/NAME/VERSION`.
        trust: load also what has no manifest of kmlp's; never what differs from its manifest.

    Raises:
        ModelError: nothing there, not kmlp's, or damaged.
    """
    folder = find_version(Path(path))
    manifest = _read_manifest(folder, trust)
    _verify(folder, manifest)
    import_quietly("tensorflow")
    import tensorflow as tf

    try:
        return LoadedModel(folder, tf.saved_model.load(str(folder)), manifest)
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise ModelError(f"{folder}: cannot be loaded: {error}") from error


class LoadedModel:
    """A model that predicts; made by `load_saved`.

    Attributes:
        path: the version's folder.
        manifest: what `manifest.json` holds; empty for a foreign model.
        class_names: one name a class; empty for a foreign model.
        input_shape, input_dtype: of one raw example.
        output_names: what `outputs` gives.
    """

    def __init__(self, path: Path, module: Any, manifest: Mapping[str, Any]) -> None:
        self.path, self.manifest, self._module = path, manifest, module
        self._call = module.signatures["serving_default"]
        _, inputs = self._call.structured_input_signature
        (self._input_name, signature), *_ = inputs.items()
        self.input_shape = tuple(signature.shape[1:])
        self.input_dtype = np.dtype(signature.dtype.as_numpy_dtype)
        self.output_names = tuple(self._call.structured_outputs)
        spec = manifest.get("spec", {})
        self.class_names: tuple[str, ...] = tuple(spec.get("class_names", ()))

    def predict(self, x: Any) -> np.ndarray:
        """Class probabilities, `(n, num_classes)` `float32`, or the numbers that a regression
        predicts, `(n,)`, in the target's own unit.

        Args:
            x: raw examples, `(n, *input_shape)`; `uint8` models take whole numbers 0 to 255.

        Raises:
            DataError: shape, dtype or range is wrong; the message says what to write instead.
        """
        outputs = self.outputs(x)
        return outputs["prediction" if "prediction" in outputs else "probabilities"]

    def outputs(self, x: Any) -> dict[str, np.ndarray]:
        """Everything the model gives: `probabilities` and `label`, of an ensemble also `stddev`
        and `entropy`; of a regression `prediction`, of an ensemble also `stddev`. Arguments and
        errors as for `predict`."""
        x = self._check(np.asarray(x))
        if len(x) <= _BATCH:
            return self._run(x)
        parts = [self._run(x[i : i + _BATCH]) for i in range(0, len(x), _BATCH)]
        return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}

    def _run(self, x: np.ndarray) -> dict[str, np.ndarray]:
        import tensorflow as tf

        outputs = self._call(**{self._input_name: tf.constant(x)})
        return {name: value.numpy() for name, value in outputs.items()}

    def _check(self, x: np.ndarray) -> np.ndarray:
        wanted = ", ".join(("n", *map(str, self.input_shape)))
        if x.shape[1:] != self.input_shape:
            hint = " Write x[None] for a single one." if x.shape == self.input_shape else ""
            raise DataError(f"inputs must be ({wanted}). Received: {x.shape}.{hint}")
        if x.dtype == self.input_dtype and self.input_dtype == np.uint8:
            return x
        if not np.issubdtype(x.dtype, np.number) or np.issubdtype(x.dtype, np.complexfloating):
            raise DataError(f"inputs must be {self.input_dtype}. Received: {x.dtype}.")
        if self.input_dtype != np.uint8:
            x = x.astype(self.input_dtype)
            if not np.isfinite(x).all():
                raise DataError("inputs hold NaN or infinite values. Fill or drop them.")
            return x
        if not np.issubdtype(x.dtype, np.integer):
            raise DataError(
                f"inputs must be uint8, raw pixels from 0 to 255. Received: {x.dtype}. If they are "
                "scaled to [0, 1], write np.rint(255 * x).astype('uint8')."
            )
        if x.size and (x.min() < 0 or x.max() > 255):
            raise DataError(f"pixels must be 0 to 255. Received: {x.min()} to {x.max()}.")
        return x.astype(np.uint8)


def find_version(path: Path) -> Path:
    """The newest version in a model's folder, or the path itself if it is a version."""
    if (path / "saved_model.pb").is_file():
        return path
    versions = [p for p in path.iterdir() if p.name.isdecimal()] if path.is_dir() else []
    if not versions:
        raise ModelError(f"{path}: no exported model. Make one: kmlp export RUN --out {path}")
    return max(versions, key=lambda p: int(p.name))


def manifest_sha256(manifest: Mapping[str, Any]) -> str:
    """sha256 of a manifest's content but for its own `sha256`."""
    content = {name: value for name, value in manifest.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _read_manifest(folder: Path, trust: bool) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
            raise ValueError("it lists no files")
        if manifest.get("sha256") != manifest_sha256(manifest):
            raise ValueError("its content is not what was written")
        return manifest
    except FileNotFoundError:
        if trust:
            return {}
        raise ModelError(
            f"{folder}: no manifest.json, so not written by kmlp. A SavedModel can run any "
            "program; load it with trust=True only if you know who made it."
        ) from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder}/manifest.json: damaged: {error}") from error


def _verify(folder: Path, manifest: Mapping[str, Any]) -> None:
    if not manifest:
        return
    present = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    listed = manifest["files"]
    if unlisted := sorted(present - set(listed) - {"manifest.json"}):
        raise ModelError(f"{folder}: {unlisted[0]} is not in the manifest")
    for name, sha256 in listed.items():
        if name not in present:
            raise ModelError(f"{folder}: {name} is missing")
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != sha256:
            raise ModelError(f"{folder}: {name} is damaged: its hash is not the manifest's")
