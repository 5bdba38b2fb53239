"""`kmlp export`, `predict` and `evaluate`: networks that were taken away."""

import re
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from kmlp.cli.app import Json, app, console, import_tensorflow_quietly, print_json
from kmlp.cli.schema import OfTable

_HOW_TO_HOLD_TO_IT = (
    "Whoever must load just this model says so: kmlp predict MODEL FILE --sha256 DIGEST, "
    "kmlp.load_saved(path, sha256=DIGEST)."
)
Digest = Annotated[
    str | None, Parameter(help="of the model, as kmlp export printed it; another is refused")
]


@app.command
def export(
    run_dir: Path,
    /,
    *,
    variant: Annotated[str | None, Parameter(help="the best on validation if omitted")] = None,
    member: Annotated[str, Parameter(help="best, a seed, or ensemble")] = "best",
    out: Annotated[Path | None, Parameter(help="saved_models/NAME of the data set")] = None,
) -> None:
    """Write a trained network, or all of a variant as one, as a SavedModel.

    Prints where it lies, and on stderr its sha256, by which whoever gets it can know it again.

    For example:

        kmlp export runs/a --member ensemble --out saved_models/fashion
    """
    from kmlp.deploy.manifest import checked_manifest

    version = write_export(run_dir, variant, member, out)
    print(version)
    print(f"sha256 {checked_manifest(version)['sha256']}\n{_HOW_TO_HOLD_TO_IT}", file=sys.stderr)


@app.command
def predict(
    model: Path,
    input: Path,
    /,
    *,
    dark_on_light: Annotated[
        bool, Parameter(negative="", help="images show dark on light: invert them")
    ] = False,
    out: Annotated[Path | None, Parameter(help="a .csv or .jsonl file; else the terminal")] = None,
    json: Annotated[bool, Parameter(negative="", help="print JSON lines")] = False,
    sha256: Digest = None,
) -> None:
    """Predict .npy, .npz, IDX and image files, or a folder of images.

    For example:

        kmlp predict saved_models/fashion photo.png --dark-on-light
    """
    from kmlp.deploy.prediction import predict_file

    predict_file(model, input, dark_on_light=dark_on_light, out=out, as_json=json, sha256=sha256)


@app.command
def evaluate(
    model: Path,
    dataset: str,
    /,
    *,
    of: OfTable | None = None,
    json: Json = False,
    sha256: Digest = None,
) -> None:
    """Score a SavedModel on a data set's test rows: intervals and the confusion matrix.

    For example:

        kmlp evaluate saved_models/fashion fashion_mnist

        kmlp evaluate saved_models/churn churn.csv --target status --test 0.2
    """
    from kmlp.data import load_dataset
    from kmlp.deploy.evaluation import evaluate as score
    from kmlp.deploy.serving import load_saved

    data = load_dataset(dataset, **(of.said if of else {}))
    scores = score(load_saved(model, sha256=sha256), data)
    if json:
        print_json(scores)
        return
    from kmlp.cli.tables import confusion_table, score_lines

    print("\n".join(score_lines(scores, data.provenance.source)))
    if "confusion" in scores:
        print()
        console().print(confusion_table(scores))


def write_export(run_dir: Path, variant: str | None, member: str, out: Path | None) -> Path:
    from kmlp.ownership import refuse_foreign_folder
    from kmlp.study.loading import load_study

    if out:
        refuse_foreign_folder(out, "model")
    study = load_study(run_dir)
    selection = study.select(variant, member)
    out = out or default_model(study.results["dataset"]["name"])
    refuse_foreign_folder(out, "model")
    import_tensorflow_quietly()
    from kmlp.deploy.exporting import export as write

    return write(selection, out)


def default_model(dataset: str) -> Path:
    """Where exports of a data set go: its name as a folder's, wherever its signs would lead."""
    return Path("saved_models") / (re.sub(r"[^\w.-]+", "_", dataset).strip("._") or "model")
