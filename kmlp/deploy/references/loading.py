"""A reference that was taken away, loaded by whoever knows which one it is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from kmlp.data import DataSpec
from kmlp.data.arrays.given import to_array
from kmlp.data.columns import Schema
from kmlp.deploy.manifest import checked_manifest
from kmlp.deploy.serving import ESTIMATOR, encoded, versions
from kmlp.errors import DataError, ModelError
from kmlp.machine import package_version
from kmlp.study.references.training import outputs_of


def load_reference(
    path: str | Path, *, sha256: str | None = None, trust: bool = False
) -> "LoadedReference":
    """Loads a reference that `export_reference` wrote: its newest version, or the one named.

    It is a pickle, which runs whatever its maker wrote into it. That every file is what the
    manifest says is checked first, but whoever writes a model can write a manifest: so its digest
    is named, which `kmlp export` prints, or its maker is trusted.

    Args:
        path: the model's folder, or that of a version.
        sha256: 64 hexadecimal digits, of the manifest; anything else is refused.
        trust: whether its maker is trusted, where no digest is known.

    Raises:
        ModelError: nothing there, damaged, another model, another scikit-learn, or neither a
            digest nor trust.
    """
    folder = _version(Path(path))
    manifest = checked_manifest(folder, sha256=sha256)
    if sha256 is None and not trust:
        raise ModelError(
            f"{folder}: {ESTIMATOR} is a pickle, which can run any program. Name the digest that "
            "kmlp export printed, sha256=DIGEST, or say trust=True if you know who made it."
        )
    made_by, here = manifest.get("scikit-learn"), package_version("scikit-learn")
    if made_by != here:
        raise ModelError(
            f"{folder}: written by scikit-learn {made_by}, and here is {here}: its models are read "
            f"by the release that wrote them. pip install scikit-learn=={made_by}"
        )
    return LoadedReference(joblib.load(folder / ESTIMATOR), manifest)


class LoadedReference:
    """A reference that predicts; made by `load_reference`.

    Attributes:
        estimator: scikit-learn's, of the encoded matrix.
        manifest: what `manifest.json` holds.
        spec: shapes and classes of its data.
        schema: of a table, what its columns are; None of arrays.
    """

    def __init__(self, estimator: Any, manifest: Mapping[str, Any]) -> None:
        self.estimator, self.manifest = estimator, manifest
        self.spec = DataSpec.from_dict(manifest["spec"])
        self.schema = Schema.from_dict(manifest["schema"]) if "schema" in manifest else None

    def predict(self, x: Any) -> np.ndarray:
        """Class probabilities, `(n, num_classes)`, or the numbers that a regression predicts,
        `(n,)`, in the target's own unit.

        Args:
            x: of a table a frame, a mapping of names to columns, or a file; else raw examples.

        Raises:
            DataError: what does not fit.
        """
        if self.schema is not None:
            rows = encoded(x, self.schema)
        else:
            rows = to_array(x, "inputs")
            if rows.shape[1:] != tuple(self.spec.input_shape):
                wanted = ", ".join(("n", *map(str, self.spec.input_shape)))
                raise DataError(f"inputs must be ({wanted}). Received: {rows.shape}.")
        found = outputs_of(self.estimator, rows, self.spec)
        return found if found.ndim == 1 else np.exp(found)


def _version(path: Path) -> Path:
    if (path / ESTIMATOR).is_file():
        return path
    if found := versions(path, ESTIMATOR):
        return path / str(found[-1])
    raise ModelError(
        f"{path}: no model beside the networks. Make one: kmlp export RUN --variant boosted_trees"
    )
