"""A trained member, or all members of a variant, as a SavedModel that anyone can serve.

The layout is TensorFlow Serving's, `NAME/1`, `NAME/2`, ...; a version is written aside and
renamed when whole. Raw examples go in, scaling is inside. Beside the graph lie `manifest.json`
(config, data, metrics, versions, sha256 of every file) and a readable `model_card.md`.
"""

import dataclasses
import datetime
import hashlib
import json
import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kmlp.config import MLPConfig
from kmlp.data.columns import DataSpec, Schema
from kmlp.deploy.calibration.asked import Asked
from kmlp.deploy.calibration.fitting import calibrated
from kmlp.deploy.calibration.record import Calibration
from kmlp.deploy.cards.model_card import model_card
from kmlp.deploy.folders.belonging import other_run, run_of
from kmlp.deploy.folders.publishing import CARD, MANIFEST, publish
from kmlp.deploy.formats.known import check_formats
from kmlp.deploy.graph.answers import AnswersGraph, Graph
from kmlp.deploy.graph.networks import EnsembleGraph, MemberGraph, plain_network, write_graph
from kmlp.deploy.graph.raw_inputs import raw_inputs
from kmlp.deploy.manifest import manifest_sha256
from kmlp.errors import KmlpError, SelectionError
from kmlp.files import write_atomically
from kmlp.ownership import refuse_foreign_folder
from kmlp.study.run_folder import RunFolder
from kmlp.study.selection import Selection

logger = logging.getLogger(__name__)

# What is written into a version, TensorFlow's own files and halves of files included: by these
# names one that fails is taken back.
_WRITTEN = {
    "variables/variables_temp": r"part-.*",
    "variables": r"variables\.(index|data-[0-9]{5}-of-[0-9]{5})",
    "assets": r"",
    ".": r"(saved_model|fingerprint)\.pb|model_card\.md|manifest\.json"
    r"|model\.(tflite|onnx)|encoder\.json|encode\.py",
}


def export(
    selection: Selection,
    path: str | Path,
    *,
    hide_values: bool = False,
    formats: Collection[str] = (),
    calibrate: bool = True,
    coverage: float | None = None,
    threshold: str | float | None = None,
    costs: str | Mapping[str, float] | None = None,
) -> Path:
    """Writes the next version of a SavedModel.

    Signatures: `serving_default` gives `probabilities` `(batch, num_classes)` and `label`
    `(batch,)`, of several members also `stddev` `(batch, num_classes)` over the members and
    `entropy` `(batch,)` in nats; `logits` gives `logits`. A regression gives `prediction`
    `(batch,)` in the target's own unit, of several members also their `stddev` `(batch,)`. A
    `stddev` is that of these members (divided by their number).

    Where the study kept rows that no network saw (`calibration_fraction`), or folds test,
    `probabilities` are at the temperature that has the least log loss there; `logits` stay the
    network's own. `set` `(batch, num_classes)`, or `lower` and `upper` `(batch,)`, hold the truth
    as often as `coverage` says; `label` follows the threshold. `out_of_range` flags what training
    did not see: `(batch, columns)` of a table, `(batch,)` of numbers of arrays.

    The input is named `inputs`. Of a table's model the inputs are its raw columns, by the names
    that its card and manifest list; a third signature, `encoded`, takes the encoded matrix.

    Args:
        selection: `study.best()`, `study.member(variant, seed)`, `study.ensemble(variant)` or
            `study.refit(variant)`.
        path: the model's folder; the version becomes a folder in it. Where its newest version is
            of another run, this one takes over from that all the same, and it is logged.
        hide_values: whether the card leaves out what stood in a table's cells. The graph and the
            manifest hold categories and ranges all the same: nothing is encoded without them.
        formats: for which other runtimes the network stands beside it: "litert", as
            `model.tflite`, "onnx", as `model.onnx`; of a table with how raw columns become its
            input, `encoder.json` and, in Python, `encode.py`.
        calibrate: whether probabilities are scaled where there are rows for it.
        coverage: how often sets or intervals hold the truth, as 0.9; None makes none.
        threshold: of two classes, the metric for which it is chosen on these rows, one of
            `kmlp.stats.metrics.counts`, as "f1"; or a number. The second class is the positive one.
        costs: instead, what a row costs that is wrongly called positive, `fp`, or negative, `fn`.

    Returns:
        The folder of the version.

    Raises:
        KmlpError: Keras does not run on TensorFlow; what a format needs is not installed; or the
            network that was converted gives something else.
        ConfigError: a coverage, threshold or costs out of range.
        SelectionError: nothing was chosen of a study; or no rows to find out on what was asked, or
            too few.
        RunFolderError: the member's weights are missing or damaged; a `ForeignFolderError` if the
            folder is no model's.
    """
    if not isinstance(selection, Selection):
        raise SelectionError(
            "export takes what is chosen of a study: study.best(), study.ensemble(VARIANT), "
            "study.member(VARIANT, SEED) or study.refit(VARIANT). Received: "
            f"{type(selection).__name__}."
        )
    target = Path(path)
    refuse_foreign_folder(target, "model")
    if keras.backend.backend() != "tensorflow":
        raise KmlpError("a SavedModel is TensorFlow's. Set KERAS_BACKEND=tensorflow to export.")

    check_formats(formats)
    asked = Asked.read(calibrate=calibrate, coverage=coverage, threshold=threshold, costs=costs)
    calibration = calibrated(selection, asked)

    def write(aside: Path) -> None:
        is_table = selection.schema is not None
        graph = _answers(_graph(selection), selection.spec, calibration)
        _write_formats(graph, selection, aside, formats)
        write_graph(graph, selection.spec, aside, is_table=is_table)
        write_atomically(aside / CARD, _card(selection, hide_values, calibration))
        manifest = _manifest(selection, aside, hide_values, calibration)
        manifest["sha256"] = manifest_sha256(manifest)
        write_atomically(aside / MANIFEST, json.dumps(manifest, indent=1).encode())

    before = other_run(target, selection.run_dir)
    version = publish(target, _WRITTEN, write)
    if before:
        logger.warning("%s: version %s takes over, and %s", target, version.name, before)
    return version


def _write_formats(
    graph: Graph, selection: Selection, aside: Path, formats: Collection[str]
) -> None:
    """The network for other runtimes; of what is encoded before, how."""
    from kmlp.deploy.formats import encode, litert, onnx
    from kmlp.deploy.formats.specification import specification

    if "litert" in formats:
        write_atomically(aside / litert.NAME, litert.litert_model(graph, selection.spec))
    if "onnx" in formats:
        write_atomically(aside / onnx.NAME, onnx.onnx_model(graph, selection.spec))
    said = specification(selection.spec)
    if formats and (said["columns"] or said["target"]):
        write_atomically(aside / "encoder.json", json.dumps(said, indent=1).encode())
        write_atomically(aside / "encode.py", Path(encode.__file__).read_bytes())


def load_models(selection: Selection) -> list[keras.Model]:
    """The selected members as plain Keras models with their trained weights."""
    config = _network(selection)
    return [plain_network(config, selection.spec, each) for each in _weights(selection)]


def _network(selection: Selection) -> MLPConfig:
    return MLPConfig.from_dict(selection.variant["config"]["model"])


def _weights(selection: Selection) -> list[dict[str, np.ndarray]]:
    """Each member's weights by their path in the plain model."""
    folder, prefix = RunFolder(selection.run_dir), "weight/"
    arrays = [folder.arrays(member["id"]) for member in selection.members]
    return [
        {name.removeprefix(prefix): v for name, v in a.items() if name.startswith(prefix)}
        for a in arrays
    ]


def _graph(selection: Selection) -> MemberGraph | EnsembleGraph:
    if len(selection.members) == 1:
        return MemberGraph(load_models(selection)[0], selection.spec.task)
    return EnsembleGraph(_network(selection), selection.spec, _weights(selection))


def _answers(
    graph: MemberGraph | EnsembleGraph, spec: DataSpec, calibration: Calibration | None
) -> Graph:
    """The graph as it is where nothing is added to its answers."""
    if spec.has_ranges or (calibration and not calibration.says_nothing):
        return AnswersGraph(graph, spec, calibration)
    return graph


def _card(selection: Selection, hide_values: bool, calibration: Calibration | None) -> bytes:
    return model_card(selection, hide_values=hide_values, calibration=calibration).encode()


def _manifest(
    selection: Selection, folder: Path, hide_values: bool, calibration: Calibration | None
) -> dict[str, Any]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    schema, spec = selection.schema, selection.spec
    # A table's columns stand in its schema, once; what else is told of its rows, in the run folder.
    told = ("schema", "warnings") if schema else ()
    of_columns = ("columns", "target", "feature_names", "parted_by") if schema else ()
    return {
        "kmlp": 1,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "run": run_of(selection.run_dir),
        "members": [{"id": m["id"], "seed": m["seed"]} for m in selection.members],
        # Of a network that trained on all rows: how long, and why so long. It has no score.
        **({"refit": selection.refit} if selection.refit else {}),
        "variant": selection.variant,
        # What the variant's expected scores are of: rows set aside, or folds of all rows.
        "basis": selection.basis,
        # By which the study is decided.
        "metric": selection.metric,
        "dataset": _without(selection.dataset, of_columns),
        "spec": {**_without(spec.to_dict(), of_columns), "num_classes": spec.num_classes},
        "environment": _without(selection.environment, (*told, *of_columns), inside="dataset"),
        **(_of_table(schema, hide_values) if schema else {}),
        **({"calibration": calibration.to_dict()} if calibration else {}),
        "files": {
            str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
        },
    }


def _without(values: Mapping[str, Any], names: Sequence[str], inside: str = "") -> dict[str, Any]:
    """What is left without these names, also in the part that lies inside."""
    kept = {name: value for name, value in values.items() if name not in names}
    if inside in kept:
        kept[inside] = _without(kept[inside], names)
    return kept


def _of_table(schema: Schema, hide_values: bool) -> dict[str, Any]:
    """What a table's columns are, and by which names the signature takes them."""
    if hide_values:
        schema = dataclasses.replace(schema, shown=(), notes=(), warnings=())
    inputs = [
        {"name": i.name, "kind": i.kind, "dtype": i.dtype, "columns": list(i.columns)}
        for i in raw_inputs(schema.columns)
    ]
    return {"schema": schema.to_dict(), "inputs": inputs}
