"""A reference as a file of scikit-learn's, beside a manifest and a model card.

The format is joblib's, which scikit-learn itself brings: like every pickle it is a program, and
fits the release of scikit-learn that wrote it. So it is loaded only by whoever names its digest, or
says that its maker is trusted: `kmlp.load_reference`.
"""

import dataclasses
import datetime
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import joblib

from kmlp.data import Dataset
from kmlp.deploy.cards.columns import columns_section
from kmlp.deploy.folders.belonging import run_of
from kmlp.deploy.folders.publishing import CARD, MANIFEST, publish
from kmlp.deploy.manifest import manifest_sha256
from kmlp.deploy.references.fitting import FittedReference, fitted_reference
from kmlp.deploy.serving import ESTIMATOR, versions
from kmlp.errors import ForeignFolderError
from kmlp.files import write_atomically
from kmlp.machine import package_version
from kmlp.ownership import refuse_foreign_folder
from kmlp.stats.formatting import unit_of
from kmlp.stats.monitoring import metrics_on_card
from kmlp.text import code_span

_WRITTEN = {".": r"estimator\.joblib|model_card\.md|manifest\.json"}


def export_reference(
    run_dir: str | Path,
    name: str,
    path: str | Path,
    *,
    seed: int | None = None,
    data: Dataset | None = None,
    hide_values: bool = False,
) -> Path:
    """Writes a reference of a study, fitted again to the rows of its seed.

    A reference is never what `study.best()` gives, nor part of an ensemble: it is named.

    Args:
        run_dir: a run folder.
        name: of the reference, as "boosted_trees".
        path: the model's folder; the version becomes a folder in it.
        seed: which of its models; the best on validation where omitted.
        data: of the study; loaded where omitted.
        hide_values: whether the card leaves out what stood in a table's cells.

    Returns:
        The folder of the version.

    Raises:
        SelectionError: the study has no such reference.
        RunFolderError: the data are others, or what is fitted is not what was recorded.
        ForeignFolderError: the folder is no model's, or that of a network.
    """
    target = Path(path)
    refuse_foreign_folder(target, "model")
    if versions(target):
        raise ForeignFolderError(
            f"{target} holds SavedModels of networks, of which a server takes the newest version. "
            "Name another folder with --out."
        )
    fitted = fitted_reference(run_dir, name, seed=seed, data=data)

    def write(aside: Path) -> None:
        stored = io.BytesIO()
        joblib.dump(fitted.estimator, stored, compress=3)
        write_atomically(aside / ESTIMATOR, stored.getvalue())
        write_atomically(aside / CARD, _card(fitted, hide_values=hide_values).encode())
        manifest = {**_manifest(fitted, aside), "run": run_of(run_dir)}
        manifest["sha256"] = manifest_sha256(manifest)
        write_atomically(aside / MANIFEST, json.dumps(manifest, indent=1).encode())

    return publish(target, _WRITTEN, write)


def _manifest(fitted: FittedReference, folder: Path) -> dict[str, Any]:
    data, result = fitted.data, fitted.result
    schema = {"schema": data.schema.to_dict()} if data.schema else {}
    return {
        "kmlp": 1,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "reference": {
            "name": result.name,
            "title": result.title,
            "seed": fitted.seed,
            "num_trials": result.num_trials,
            "settings": fitted.settings,
            "test": {name: dataclasses.asdict(found) for name, found in result.test.items()},
        },
        "basis": fitted.basis,
        "metric": fitted.metric,
        "scikit-learn": package_version("scikit-learn"),
        "dataset": {"name": data.name, "sha256": data.provenance.sha256},
        "spec": data.spec.to_dict(),
        **schema,
        "files": {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.iterdir())
        },
    }


def _card(fitted: FittedReference, *, hide_values: bool) -> str:
    data, result = fitted.data, fitted.result
    schema = data.schema
    columns = f"## Columns\n{columns_section(schema, hide_values=hide_values)}" if schema else ""
    how = "scikit-learn's defaults"
    if result.num_trials > 1:
        chosen = fitted.settings or "scikit-learn's defaults"
        how = f"the best of {result.num_trials} settings on validation rows: {chosen}"
    return (
        f"# {code_span(result.name)} on {code_span(data.name)}\n"
        f"A model beside the networks of a study, made with kmlp: {result.title}, no network; "
        f"{how}; seed {fitted.seed}.\n\n"
        f"## What to expect\n{_expectation(fitted)}\n"
        f"{columns}## Use\n"
        f"- `kmlp.load_reference(folder, sha256=DIGEST).predict(x)`, with scikit-learn "
        f"{package_version('scikit-learn')}.\n"
        f"- `{ESTIMATOR}` is a pickle: whoever loads it runs it. Load it only by the digest that "
        "its maker gave by another way, or where you made it.\n"
    )


def _expectation(fitted: FittedReference) -> str:
    """What the study found of it, as a list."""
    test, where = fitted.result.test, "Cross-validated" if fitted.basis == "folds" else "Test"
    lines = []
    for metric in metrics_on_card(fitted.data.spec.task, fitted.metric):
        if metric in test:
            found, unit = test[metric], unit_of(metric, [test[metric].mean])
            bounds = f" (95 % interval {unit.interval(found.ci95)})" if found.ci95 else ""
            lines.append(f"- {where} {unit.title}, mean: {unit.with_unit(found.mean)}{bounds}.\n")
    return "".join(lines)
