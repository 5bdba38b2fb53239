"""A SavedModel in, predictions out: NumPy and TensorFlow only, no Keras."""

import logging
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kmlp.data.arrays.given import is_frame, to_array
from kmlp.data.arrays.ranges import in_trained_scale
from kmlp.data.columns import Schema
from kmlp.data.features import frame_in_order
from kmlp.deploy.calibration.record import Calibration
from kmlp.deploy.graph.raw_inputs import ENCODED
from kmlp.deploy.manifest import checked_manifest
from kmlp.errors import DataError, ModelError
from kmlp.machine import import_quietly
from kmlp.text import nearest, shortened

if TYPE_CHECKING:
    from kmlp.data.encoder import Told

logger = logging.getLogger(__name__)

GRAPH = "saved_model.pb"
"""What a SavedModel lies in."""
ESTIMATOR = "estimator.joblib"
"""What a model beside the networks, taken away, lies in."""
_BATCH = 8192
_SIGNATURE = "serving_default"
_DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError)
# No more digits than a version of TensorFlow Serving's has, a 64-bit number.
_VERSION = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


def load_saved(
    path: str | Path, *, trust: bool = False, sha256: str | None = None
) -> "LoadedModel":
    """Loads an exported model: its newest version, or the version that the path names.

    A SavedModel is a program, and loading runs it. What kmlp exported lies beside a manifest with
    the sha256 of every file; all are checked first, so that nothing damaged, changed by accident
    or added is loaded. That says nothing of who made the model: whoever writes a model can write a
    manifest. Who must know that it is one model and no other names its `sha256`, which
    `kmlp export` prints, got from its maker by another way than the files.

    Args:
        path: `saved_models/NAME` or `saved_models/NAME/VERSION`.
        trust: load also what has no manifest, of which nothing can be checked; never what differs
            from its manifest.
        sha256: 64 hexadecimal digits: of the manifest, and through it of every file. Anything
            else is refused.

    Raises:
        ModelError: nothing there, no manifest, damaged, or another model than `sha256` names.
    """
    folder = find_version(Path(path))
    manifest = checked_manifest(folder, trust=trust, sha256=sha256)
    import_quietly("tensorflow")
    import tensorflow as tf

    try:
        return LoadedModel(folder, tf.saved_model.load(str(folder)), manifest)
    except (*_DAMAGED, tf.errors.OpError) as error:
        raise ModelError(f"{folder}: cannot be loaded: {shortened(str(error))}") from error


class LoadedModel:
    """A model that predicts; made by `load_saved`.

    Attributes:
        path: the version's folder.
        manifest: what `manifest.json` holds; empty for a foreign model.
        sha256: of the manifest, as `load_saved` takes it; empty for a foreign model.
        class_names: one name a class; empty for a foreign model.
        feature_names: of the columns, where those of the training set had names.
        schema: of a table's model, what its columns and its target are; None of arrays.
        input_shape, input_dtype: of one raw example, or of a table's encoded row.
        output_names: what `outputs` gives.
        calibration: on which rows, and how, it was found out how sure the model may be; None of
            one that was exported without.
        columns: of `out_of_range` `(n, columns)`, the raw columns; empty of others.
    """

    def __init__(self, path: Path, module: Any, manifest: Mapping[str, Any]) -> None:
        self.path, self.manifest, self._module = path, manifest, module
        self._packed: dict[str, Any] = {}
        self.sha256: str = manifest.get("sha256", "")
        self.schema = Schema.from_dict(manifest["schema"]) if "schema" in manifest else None
        self._call = _signature(path, module, ENCODED if self.schema else _SIGNATURE)
        _, inputs = self._call.structured_input_signature
        (self._input_name, signature), *_ = inputs.items()
        self.input_shape = tuple(signature.shape[1:])
        self.input_dtype = np.dtype(signature.dtype.as_numpy_dtype)
        self.output_names = tuple(self._call.structured_outputs)
        spec = manifest.get("spec", {})
        self.class_names: tuple[str, ...] = tuple(spec.get("class_names", ()))
        self._takes_missing = any(column["has_missing"] for column in spec.get("columns", ()))
        self.feature_names: tuple[str, ...] = tuple(spec.get("feature_names", ()))
        self.calibration = _calibration(path, manifest)
        self.columns = _raw_columns(self.schema, spec)
        self._value_range = tuple(spec["value_range"]) if "value_range" in spec else None
        self._check_names()

    def _check_names(self) -> None:
        """Refuses a manifest, signed anew, that names other classes than the model tells apart."""
        probabilities = self._call.structured_outputs.get("probabilities")
        if probabilities is None or not self.class_names:
            return
        if (count := probabilities.shape[-1]) not in (None, len(self.class_names)):
            raise ModelError(
                f"{self.path}: its manifest names {len(self.class_names)} classes, its "
                f"probabilities are of {count}. Get the whole folder again from who made it."
            )

    def predict(self, x: Any, *, force: bool = False) -> np.ndarray:
        """Class probabilities, `(n, num_classes)` `float32`, or the numbers that a regression
        predicts, `(n,)`, in the target's own unit.

        Args:
            x: raw examples, `(n, *input_shape)`, or a frame, whose columns are matched by name if
                those of the training set had names; `uint8` models take whole numbers 0 to 255.
                Of a table's model a frame of any library, a mapping of names to columns, or a
                file, with the columns of the training table in any order.
            force: take arrays also of another unit than those of training, as pixels up to 255
                where these reached 1, which are refused else.

        Raises:
            DataError: shape, dtype or range is wrong; the message says what to write instead.
        """
        name = "prediction" if "prediction" in self.output_names else "probabilities"
        if name not in self.output_names:
            raise ModelError(
                f"{self.path}: gives neither probabilities nor a prediction, but "
                f"{', '.join(self.output_names)}: call outputs(x) for these."
            )
        return self.outputs(x, force=force)[name]

    def outputs(
        self, x: Any, told: "Told | None" = None, *, force: bool = False
    ) -> dict[str, np.ndarray]:
        """Everything the model gives: `probabilities` and `label`, of an ensemble also `stddev`
        and `entropy`; of a regression `prediction`, of an ensemble also `stddev`. One exported at
        a coverage gives `set`, `(n, num_classes)` truth values, or `lower` and `upper`; numbers
        that training did not see are flagged by `out_of_range`, `(n,)` or by raw column.

        Arguments and errors as for `predict`. `told` takes what a table's rows should be looked at
        for: unseen categories, values far outside the training range; logged where omitted.
        """
        if self.schema is not None:
            return self.encoded_outputs(encoded(x, self.schema, told))
        if self.feature_names and is_frame(x):
            x = frame_in_order(x, self.feature_names, "the table", "the training table")
        return self._batched(self.checked(x, force=force))

    def checked(self, x: Any, *, force: bool = False) -> np.ndarray:
        """Raw examples of arrays as the graph takes them, in its type.

        Raises:
            DataError: as for `predict`.
        """
        return self._check(_without_mask(to_array(x, "inputs"), self._takes_missing), force)

    @property
    def signatures(self) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
        """What can be called: by name, the inputs' and the outputs' `tf.TensorSpec` by theirs."""
        return {
            name: (dict(called.structured_input_signature[1]), dict(called.structured_outputs))
            for name, called in sorted(self._module.signatures.items())
            if isinstance(called.structured_outputs, Mapping)
        }

    def call(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What a signature gives, as TensorFlow alone would: kmlp looks at nothing first.

        Args:
            signature: one of `signatures`.
            inputs: by their names there; text as an array of objects.
        """
        if signature not in self._packed:
            from kmlp.deploy.graph.packing import packed

            self._packed[signature] = packed(self._module.signatures[signature])
        return self._packed[signature](inputs)

    def encoded_outputs(self, matrix: np.ndarray) -> dict[str, np.ndarray]:
        """The same of a table's encoded rows, `(n, columns)` `float32`, NaN where missing."""
        return self._batched(matrix)

    def _batched(self, x: np.ndarray) -> dict[str, np.ndarray]:
        if len(x) <= _BATCH:
            return self._run(x)
        parts = [self._run(x[i : i + _BATCH]) for i in range(0, len(x), _BATCH)]
        return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}

    def _run(self, x: np.ndarray) -> dict[str, np.ndarray]:
        import tensorflow as tf

        outputs = self._call(**{self._input_name: tf.constant(x)})
        return {name: value.numpy() for name, value in outputs.items()}

    def _check(self, x: np.ndarray, force: bool) -> np.ndarray:
        wanted = ", ".join(("n", *map(str, self.input_shape)))
        if x.shape[1:] != self.input_shape:
            hint = " Write x[None] for a single one." if x.shape == self.input_shape else ""
            raise DataError(f"inputs must be ({wanted}). Received: {x.shape}.{hint}")
        if x.dtype == self.input_dtype and self.input_dtype == np.uint8:
            return x
        if not np.issubdtype(x.dtype, np.number) or np.issubdtype(x.dtype, np.complexfloating):
            raise DataError(f"inputs must be {self.input_dtype}. Received: {x.dtype}.")
        if self.input_dtype != np.uint8:
            x = in_trained_scale(x, self._value_range, "inputs", force=force)
            x = x.astype(self.input_dtype)
            if np.isinf(x).any() or (np.isnan(x).any() and not self._takes_missing):
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


def _calibration(path: Path, manifest: Mapping[str, Any]) -> Calibration | None:
    try:
        said = manifest.get("calibration")
        return None if said is None else Calibration.from_dict(said)
    except _DAMAGED as error:
        raise ModelError(f"{path}: manifest.json: calibration is not what kmlp writes.") from error


def _raw_columns(schema: Schema | None, spec: Mapping[str, Any]) -> tuple[str, ...]:
    """By which `out_of_range` tells apart."""
    if schema is not None:
        return tuple(schema.inputs)
    return tuple(dict.fromkeys(column["source"] for column in spec.get("columns", ())))


def encoded(x: Any, schema: Schema, told: "Told | None" = None) -> np.ndarray:
    """A table's rows as networks are given them, `(n, columns)` `float32`, NaN where missing.

    Args:
        x: a frame, a mapping of names to columns, or a file.
        schema: what the columns are.
        told: takes what should be looked at; logged where omitted.
    """
    from kmlp.data.encoder import Told, encode
    from kmlp.data.preparation import known_columns, read_for

    if isinstance(x, list | tuple | np.ndarray) and not is_frame(x):
        raise DataError(
            "the model takes a table's columns by name: a frame, a mapping of names to "
            f"columns, or a file. Received: {type(x).__name__}."
        )
    if isinstance(x, str | Path):
        x = read_for(x, schema.inputs, schema.written)
    found = told if told is not None else Told(known=known_columns(schema))
    matrix = encode(x, schema.columns, found)
    for line in found.lines() if told is None else ():
        logger.warning("%s", line)
    return matrix


def _without_mask(x: np.ndarray, takes_missing: bool) -> np.ndarray:
    """Masked cells are missing values, whatever stands beneath."""
    masked = int(np.ma.getmaskarray(x).sum()) if isinstance(x, np.ma.MaskedArray) else 0
    if masked and takes_missing:
        return np.where(np.ma.getmaskarray(x), np.nan, np.ma.getdata(x))
    if masked:
        raise DataError(f"inputs hold {masked} masked values. Fill them, such as x.filled(0).")
    return np.ma.getdata(x)


def find_version(path: Path) -> Path:
    """The newest version in a model's folder, or the path itself if it is a version."""
    if (path / GRAPH).is_file():
        return path
    if found := versions(path):
        return path / str(found[-1])
    if (path / ESTIMATOR).is_file() or versions(path, ESTIMATOR):
        raise ModelError(
            f"{path} holds a scikit-learn model, no SavedModel of a network. It is used from "
            f"Python, by the digest that kmlp export printed: kmlp.load_reference({str(path)!r}, "
            "sha256=DIGEST).predict(frame)."
        )
    if (path / "study.toml").is_file():
        run = shlex.quote(str(path))
        raise ModelError(
            f"{path} is a run folder, not an exported model. kmlp export {run} --out MODEL makes "
            "one; name that."
        )
    raise ModelError(
        f"{path}: no exported model.{_near(path)} Make one: kmlp export RUN --out "
        f"{shlex.quote(str(path))}"
    )


def _near(path: Path) -> str:
    """The model beside it that may be meant: `kmlp run` names none with spaces."""
    beside = [p.name for p in path.parent.iterdir() if versions(p)] if path.parent.is_dir() else []
    near = nearest(path.name, beside)
    return f" Did you mean {path.parent / near}?" if near else ""


def versions(path: Path, holding: str = GRAPH) -> list[int]:
    """The versions in a model's folder, ascending: folders that hold a model and are called by a
    number as TensorFlow Serving writes it. Whatever else lies there is passed over."""
    names = [p.name for p in path.iterdir()] if path.is_dir() else []
    return sorted(
        int(name)
        for name in names
        if _VERSION.fullmatch(name) and (path / name / holding).is_file()
    )


def all_versions(path: Path) -> list[int]:
    """The same of a model beside the networks, too."""
    return versions(path) or versions(path, ESTIMATOR)


def _signature(path: Path, module: Any, name: str) -> Any:
    """The function that predicts, of one input and named outputs."""
    named = dict(getattr(module, "signatures", {}))
    if name not in named:
        others = ", ".join(sorted(named)) or "none"
        raise ModelError(
            f"{path}: has no signature {name}, by which a model is served. Signatures: "
            f"{others}. Save it with signatures={{'{name}': ...}}."
        )
    _, inputs = named[name].structured_input_signature
    if len(inputs) != 1 or not isinstance(named[name].structured_outputs, Mapping):
        raise ModelError(
            f"{path}: {name} takes {len(inputs)} inputs; one is wanted, and outputs by name."
        )
    return named[name]
