"""A trained member, or all members of a variant, as a SavedModel that anyone can serve.

The layout is TensorFlow Serving's, `NAME/1`, `NAME/2`, ...; a version is written aside and
renamed when whole. Raw examples go in, scaling is inside. Beside the graph lie `manifest.json`
(config, data, metrics, versions, sha256 of every file) and a readable `model_card.md`.
"""

import datetime
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from kmlp.config import MLPConfig, TrainConfig
from kmlp.data.dataset import DataSpec
from kmlp.errors import KmlpError
from kmlp.ledger import RunFolder, flush_folder, write_atomically
from kmlp.member import Member, Seeds
from kmlp.model import build_mlp, load_member_weights
from kmlp.selection import Selection
from kmlp.serving import manifest_sha256
from kmlp.stack import build_stack
from kmlp.verdict import label


def export(selection: Selection, path: str | Path) -> Path:
    """Writes the next version of a SavedModel.

    Signatures: `serving_default` gives `probabilities` `(batch, num_classes)` and `label`
    `(batch,)`, of several members also `stddev` `(batch, num_classes)` over the members and
    `entropy` `(batch,)` in nats; `logits` gives `logits`. The input is named `inputs`.

    Args:
        selection: `study.best()`, `study.member(variant, seed)` or `study.ensemble(variant)`.
        path: the model's folder; the version becomes a folder in it.

    Returns:
        The folder of the version.

    Raises:
        KmlpError: Keras does not run on TensorFlow.
        RunFolderError: the member's weights are missing or damaged.
    """
    if keras.backend.backend() != "tensorflow":
        raise KmlpError("a SavedModel is TensorFlow's. Set KERAS_BACKEND=tensorflow to export.")
    target = Path(path)
    target.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".writing-", dir=target))
    try:
        _write_graph(_graph(selection), selection.spec, aside)
        (aside / "model_card.md").write_text(_model_card(selection), encoding="utf-8")
        manifest = _manifest(selection, aside)
        manifest["sha256"] = manifest_sha256(manifest)
        write_atomically(aside / "manifest.json", json.dumps(manifest, indent=1).encode())
        aside.chmod(0o755)
        _flush(aside)
        version = _publish(aside, target)
        flush_folder(target)
        return version
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def load_models(selection: Selection) -> list[keras.Model]:
    """The selected members as plain Keras models with their trained weights."""
    config, models = MLPConfig.from_dict(selection.variant["config"]["model"]), []
    for weights in _weights(selection):
        models.append(build_mlp(config, selection.spec))
        load_member_weights(models[-1], weights)
    return models


def _weights(selection: Selection) -> list[list[np.ndarray]]:
    """Each member's kernels and biases, in the order of the layers."""
    folder = RunFolder(selection.run_dir)
    arrays = [folder.arrays(member["id"]) for member in selection.members]
    count = sum(name.startswith("weight_") for name in arrays[0])
    return [[a[f"weight_{i}"] for i in range(count)] for a in arrays]


def _graph(selection: Selection) -> "_MemberGraph | _EnsembleGraph":
    if len(selection.members) == 1:
        return _MemberGraph(load_models(selection)[0])
    config = selection.variant["config"]
    members = [
        Member(
            model=MLPConfig.from_dict(config["model"]),
            train=TrainConfig.from_dict(config["train"]),
            seeds=Seeds.all(member["seed"]),
            validation_fraction=0.0,
            data_sha256=selection.dataset["sha256"],
        )
        for member in selection.members
    ]
    stack = build_stack(members, selection.spec)
    stacked = zip(*_weights(selection), strict=True)
    stack.state["weights"] = [ops.convert_to_tensor(np.stack(w)) for w in stacked]
    return _EnsembleGraph(stack.model)


def _write_graph(graph: "_MemberGraph | _EnsembleGraph", spec: DataSpec, folder: Path) -> None:
    signature = tf.TensorSpec((None, *spec.input_shape), spec.input_dtype, name="inputs")
    functions = {
        name: tf.function(function, input_signature=[signature], autograph=False)
        for name, function in (("serving_default", graph.predict), ("logits", graph.logits))
    }
    tf.saved_model.save(
        graph,
        str(folder),
        signatures={name: f.get_concrete_function() for name, f in functions.items()},
    )


class _MemberGraph(tf.Module):
    """One member: its probabilities and label."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self._to_logits = keras.Model(model.input, model.get_layer("logits").output)
        self.variables_kept = [v.value for v in model.weights]

    def predict(self, inputs: Any) -> dict[str, Any]:
        probabilities = ops.softmax(self._to_logits(inputs))
        return {"probabilities": probabilities, "label": ops.argmax(probabilities, axis=-1)}

    def logits(self, inputs: Any) -> dict[str, Any]:
        return {"logits": self._to_logits(inputs)}


class _EnsembleGraph(tf.Module):
    """Many members as the stack they were trained as: every product batched over the members."""

    def __init__(self, stack: keras.Model) -> None:
        super().__init__()
        self._stack = stack
        self.variables_kept = [v.value for v in stack.variables]

    def predict(self, inputs: Any) -> dict[str, Any]:
        each = self._member_probabilities(inputs)
        mean = ops.mean(each, axis=0)
        return {
            "probabilities": mean,
            "label": ops.argmax(mean, axis=-1),
            "stddev": ops.std(each, axis=0),
            "entropy": -ops.sum(mean * ops.log(ops.maximum(mean, 1e-30)), axis=-1),
        }

    def logits(self, inputs: Any) -> dict[str, Any]:
        """The logarithms of the mean probabilities, whose softmax they are."""
        mean = ops.mean(self._member_probabilities(inputs), axis=0)
        return {"logits": ops.log(ops.maximum(mean, 1e-30))}

    def _member_probabilities(self, inputs: Any) -> Any:
        """`(k, batch, num_classes)`: every member sees the same rows."""
        num_members, _, num_features = self._stack.input_shape
        rows = ops.reshape(inputs, (1, -1, num_features))
        return ops.softmax(self._stack(ops.repeat(rows, num_members, axis=0)))


def _publish(aside: Path, target: Path) -> Path:
    """Renames to the next free number; another export may take one in between."""
    while True:
        versions = [int(p.name) for p in target.iterdir() if p.name.isdecimal()]
        version = target / str(max(versions, default=0) + 1)
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
        "spec": vars(selection.spec),
        "environment": selection.environment,
        "files": {
            str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
        },
    }


def _model_card(selection: Selection) -> str:
    variant, dataset, spec = selection.variant, selection.dataset, selection.spec
    count, packages = len(selection.members), selection.environment["packages"]
    config = variant["config"]
    shape = ", ".join(map(str, spec.input_shape))
    seeds = ", ".join(str(m["seed"]) for m in selection.members)
    outputs = "`probabilities` (batch, classes), `label` (batch,)"
    if count > 1:
        outputs += ", `stddev` (batch, classes) over the members, `entropy` (batch,) in nats"
    what = f"An ensemble of {count} networks" if count > 1 else "One network"
    return (
        f"# {variant['name']} on {dataset['name']}\n"
        f"{what} of the {variant['num_members']} that were trained of this variant: multilayer "
        "perceptrons, made with kmlp.\n\n"
        "## What to expect\n"
        f"{_expectation(selection)}\n"
        "These numbers are of the test set of the data below. They say nothing of other inputs.\n\n"
        "## Use\n"
        f"- Input `inputs`: {spec.input_dtype} (batch, {shape}), raw; scaling is inside.\n"
        f"- Outputs of `serving_default`: {outputs}; of `logits`: `logits`.\n"
        f"- Classes: {', '.join(spec.class_names)}.\n"
        "- `kmlp.load_saved(folder).predict(x)`, `kmlp predict folder files`, TensorFlow Serving, "
        'or `tf.saved_model.load(folder).signatures["serving_default"](inputs=x)`.\n\n'
        "## Training\n"
        f"- Data: {dataset['name']} ({dataset['source']}, sha256 {dataset['sha256'][:12]}), "
        f"{dataset['num_train']:,} training, {dataset['num_val']:,} validation and "
        f"{dataset['num_test']:,} test rows.\n"
        f"- Variant: {label(variant)}; hidden units "
        f"{', '.join(map(str, config['model']['hidden_units']))}; {config['train']['optimizer']}, "
        f"learning rate {config['train']['learning_rate']:g}, batches of "
        f"{config['train']['batch_size']}. All settings are in `manifest.json`.\n"
        f"- Seed{'s' * (count > 1)}: {seeds}.\n"
        f"- Versions: {', '.join(f'{n} {v}' for n, v in packages.items() if v)}, "
        f"Python {selection.environment['python']}.\n"
    )


def _expectation(selection: Selection) -> str:
    """What the study found of the variant, as a list."""
    variant, lines = selection.variant, []
    for name, scale, digits, unit in (("accuracy", 100, 2, " %"), ("cross_entropy", 1, 4, " nats")):
        found = variant["test"][name]
        interval = "one seed: no interval"
        if found["ci95"]:
            low, high = (f"{scale * bound:.{digits}f}" for bound in found["ci95"])
            interval = f"95 % interval {low} to {high}"
        lines.append(
            f"- Test {name.replace('_', '-')}, mean of {variant['num_members']} seeds: "
            f"{scale * found['mean']:.{digits}f}{unit} ({interval})."
        )
    if len(selection.members) == 1:
        lines.append("- One network's own test score is not what to expect of it; the mean is.")
    elif len(selection.members) == variant["num_members"]:
        lines.append(
            f"- Test accuracy of this ensemble: {100 * variant['ensemble']['accuracy']:.2f} %."
        )
    return "\n".join(lines) + "\n"
