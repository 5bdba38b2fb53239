"""A trained member, or all members of a variant, as a SavedModel that anyone can serve.

The layout is TensorFlow Serving's, `NAME/1`, `NAME/2`, ...; a version is written aside and
renamed when whole. Raw examples go in, scaling is inside. Beside the graph lie `manifest.json`
(config, data, metrics, versions, sha256 of every file) and a readable `model_card.md`.
"""

import contextlib
import datetime
import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.seeds import Seeds
from kmlp.data.dataset import DataSpec
from kmlp.deploy.manifest import manifest_sha256
from kmlp.deploy.model_card import model_card
from kmlp.deploy.serving import versions
from kmlp.engine.member import Member
from kmlp.engine.stack import Stack, build_stack
from kmlp.errors import KmlpError
from kmlp.files import flush_folder, make_folder, remove_files, write_atomically
from kmlp.nn.losses import class_logits
from kmlp.nn.mlp import build_mlp, load_member_weights
from kmlp.nn.topology import OUTPUT
from kmlp.ownership import own_folder, refuse_foreign_folder
from kmlp.study.run_folder import RunFolder
from kmlp.study.selection import Selection

# What is written into a version, TensorFlow's own files and halves of files included: by these
# names one that fails is taken back.
_WRITTEN = {
    "variables/variables_temp": r"part-.*",
    "variables": r"variables\.(index|data-[0-9]{5}-of-[0-9]{5})",
    "assets": r"",
    ".": r"(saved_model|fingerprint)\.pb|model_card\.md|manifest\.json",
}


def export(selection: Selection, path: str | Path) -> Path:
    """Writes the next version of a SavedModel.

    Signatures: `serving_default` gives `probabilities` `(batch, num_classes)` and `label`
    `(batch,)`, of several members also `stddev` `(batch, num_classes)` over the members and
    `entropy` `(batch,)` in nats; `logits` gives `logits`. A regression gives `prediction`
    `(batch,)` in the target's own unit, of several members also their `stddev` `(batch,)`. A
    `stddev` is that of these members (divided by their number). The input is named `inputs`.

    Args:
        selection: `study.best()`, `study.member(variant, seed)` or `study.ensemble(variant)`.
        path: the model's folder; the version becomes a folder in it.

    Returns:
        The folder of the version.

    Raises:
        KmlpError: Keras does not run on TensorFlow.
        RunFolderError: the member's weights are missing or damaged; a `ForeignFolderError` if the
            folder is no model's.
    """
    target = Path(path)
    refuse_foreign_folder(target, "model")
    if keras.backend.backend() != "tensorflow":
        raise KmlpError("a SavedModel is TensorFlow's. Set KERAS_BACKEND=tensorflow to export.")
    own_folder(target, "model")
    aside = target / f".writing-{secrets.token_hex(8)}"
    make_folder(aside)
    try:
        _write_graph(_graph(selection), selection.spec, aside)
        write_atomically(aside / "model_card.md", model_card(selection).encode())
        manifest = _manifest(selection, aside)
        manifest["sha256"] = manifest_sha256(manifest)
        write_atomically(aside / "manifest.json", json.dumps(manifest, indent=1).encode())
        _flush(aside)
        version = _publish(aside, target)
        flush_folder(target)
        return version
    except BaseException:
        _take_back(aside)
        raise


def _take_back(aside: Path) -> None:
    """Removes what was written of a version that failed."""
    for folder, names in _WRITTEN.items():
        with contextlib.suppress(OSError):
            remove_files(aside / folder, re.compile(names))


def load_models(selection: Selection) -> list[keras.Model]:
    """The selected members as plain Keras models with their trained weights."""
    config, models = MLPConfig.from_dict(selection.variant["config"]["model"]), []
    for weights in _weights(selection):
        models.append(build_mlp(config, selection.spec))
        load_member_weights(models[-1], weights)
    return models


def _weights(selection: Selection) -> list[dict[str, np.ndarray]]:
    """Each member's weights by their path in the plain model."""
    folder, prefix = RunFolder(selection.run_dir), "weight/"
    arrays = [folder.arrays(member["id"]) for member in selection.members]
    return [
        {name.removeprefix(prefix): v for name, v in a.items() if name.startswith(prefix)}
        for a in arrays
    ]


def _graph(selection: Selection) -> "_MemberGraph | _EnsembleGraph":
    if len(selection.members) == 1:
        return _MemberGraph(load_models(selection)[0], selection.spec.task)
    config = selection.variant["config"]
    members = [
        Member(
            model=MLPConfig.from_dict(config["model"]),
            train=TrainConfig.from_dict(config["train"]),
            seeds=Seeds.all(member["seed"]),
            validation_fraction=1 / 6,
            data_sha256=selection.dataset["sha256"],
        )
        for member in selection.members
    ]
    stack = build_stack(members, selection.spec)
    stack.load(_weights(selection))
    return _EnsembleGraph(stack)


def _write_graph(graph: "_MemberGraph | _EnsembleGraph", spec: DataSpec, folder: Path) -> None:
    signature = tf.TensorSpec((None, *spec.input_shape), spec.raw_dtype, name="inputs")
    functions = {"serving_default": graph.predict}
    if spec.task != "regression":
        functions["logits"] = graph.logits
    compiled = {
        name: tf.function(_of_raw(function, spec), input_signature=[signature], autograph=False)
        for name, function in functions.items()
    }
    tf.saved_model.save(
        graph,
        str(folder),
        signatures={name: f.get_concrete_function() for name, f in compiled.items()},
    )


def _of_raw(function: Callable[[Any], dict[str, Any]], spec: DataSpec) -> Callable[[Any], Any]:
    """The same of examples as they come, with predictions in the target's own unit: in float64
    where float32 would not keep the digits."""
    exponents = np.array([column.exponent for column in spec.columns], int)
    scales = np.ldexp(1.0, -exponents)
    offsets = np.array([column.offset for column in spec.columns], float) * scales

    def call(inputs: Any) -> dict[str, Any]:
        if spec.is_scaled:
            largest = np.finfo(np.float32).max
            scaled = tf.clip_by_value(inputs * scales - offsets, -largest, largest)
            inputs = tf.cast(scaled, tf.float32)
        outputs = function(inputs)
        if spec.target is None:
            return outputs
        unit = np.ldexp(1.0, spec.target.exponent)
        outputs = {name: tf.cast(value, tf.float64) * unit for name, value in outputs.items()}
        return outputs | {"prediction": outputs["prediction"] + spec.target.offset}

    return call


def _label(probabilities: Any) -> Any:
    """TensorFlow's own argmax: what Keras makes of it, TensorFlow Lite does not know."""
    return tf.argmax(probabilities, axis=-1, output_type=tf.int32)


class _MemberGraph(tf.Module):
    """One member: its probabilities and label, or its prediction."""

    def __init__(self, model: keras.Model, task: str) -> None:
        super().__init__()
        self._task, self._model = task, model
        self._to_outputs = keras.Model(model.input, model.get_layer(OUTPUT).output)
        self.variables_kept = [v.value for v in model.weights]

    def predict(self, inputs: Any) -> dict[str, Any]:
        if self._task == "regression":
            return {"prediction": self._model(inputs)[:, 0]}
        probabilities = ops.softmax(class_logits(self._task, self._to_outputs(inputs)))
        return {"probabilities": probabilities, "label": _label(probabilities)}

    def logits(self, inputs: Any) -> dict[str, Any]:
        return {"logits": class_logits(self._task, self._to_outputs(inputs))}


class _EnsembleGraph(tf.Module):
    """Many members as the stack they were trained as: every product batched over the members."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self._task, self._stack = stack.spec.task, stack.model
        self._targets = {
            name: ops.reshape(v, (-1, 1)) for name, v in stack.state["targets"].items()
        }
        self.variables_kept = [v.value for v in self._stack.variables]

    def predict(self, inputs: Any) -> dict[str, Any]:
        each = self._member_predictions(inputs)
        mean, stddev = ops.mean(each, axis=0), ops.std(each, axis=0)
        if self._task == "regression":
            return {"prediction": mean, "stddev": stddev}
        return {
            "probabilities": mean,
            "label": _label(mean),
            "stddev": stddev,
            "entropy": -ops.sum(mean * ops.log(ops.maximum(mean, 1e-30)), axis=-1),
        }

    def logits(self, inputs: Any) -> dict[str, Any]:
        """The logarithms of the mean probabilities, whose softmax they are."""
        mean = ops.mean(self._member_predictions(inputs), axis=0)
        return {"logits": ops.log(ops.maximum(mean, 1e-30))}

    def _member_predictions(self, inputs: Any) -> Any:
        """Probabilities `(k, batch, num_classes)`, or predictions `(k, batch)`: every member sees
        the same rows."""
        num_members, _, num_features = self._stack.input_shape
        rows = ops.reshape(inputs, (1, -1, num_features))
        outputs = self._stack(ops.repeat(rows, num_members, axis=0))
        if self._task != "regression":
            return ops.softmax(class_logits(self._task, outputs))
        return outputs[..., 0] * ops.sqrt(self._targets["variance"]) + self._targets["mean"]


def _publish(aside: Path, target: Path) -> Path:
    """Renames to the next free number; another export may take one in between."""
    while True:
        number = max(versions(target), default=0) + 1
        # What is no version but has its name, as an empty folder, is somebody's: it stays.
        while os.path.lexists(version := target / str(number)):
            number += 1
        try:
            os.rename(aside, version)
            return version
        except OSError:
            if not version.exists():
                raise


def _flush(folder: Path) -> None:
    """Flushes all files to the disk, so that the version's name comes after its content."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            flush_folder(path)
        else:
            with open(path, "rb") as file:
                os.fsync(file.fileno())
    flush_folder(folder)


def _manifest(selection: Selection, folder: Path) -> dict[str, Any]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {
        "kmlp": 1,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "members": [{"id": m["id"], "seed": m["seed"]} for m in selection.members],
        "variant": selection.variant,
        "dataset": selection.dataset,
        "spec": {**selection.spec.to_dict(), "num_classes": selection.spec.num_classes},
        "environment": selection.environment,
        "files": {
            str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
        },
    }
