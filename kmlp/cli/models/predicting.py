"""`kmlp predict` and `evaluate`: what an exported model says, and how good that is."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from kmlp.cli.app import Json, app, console, default, print_json
from kmlp.cli.schema import OfTable, option_of
from kmlp.errors import ConfigError
from kmlp.text import visible

if TYPE_CHECKING:
    from kmlp.deploy.serving import LoadedModel

Digest = Annotated[
    str | None, Parameter(help="of the model, as kmlp export printed it; another is refused")
]


@app.command
def predict(
    model: Path,
    input: Path,
    /,
    *,
    keep: Annotated[
        list[str] | None,
        Parameter(help="of a table: a column to stand beside; may be said again", negative=""),
    ] = None,
    dark_on_light: Annotated[
        bool, Parameter(negative="", help="images show dark on light: invert them")
    ] = False,
    out: Annotated[
        Path | None, Parameter(help="a .csv or .jsonl file", show_default=default("the terminal"))
    ] = None,
    json: Annotated[bool, Parameter(negative="", help="print JSON lines")] = False,
    force: Annotated[
        bool,
        Parameter(
            negative="",
            help="predict also on arrays of another unit than the training's, as pixels up to 255 "
            "where these reached 1",
        ),
    ] = False,
    sha256: Digest = None,
) -> None:
    """Predict a table's file, .npy, .npz, IDX and image files, or a folder of images.

    A table's columns are found by their names, in any order; labels and other columns may stand
    beside. What should be looked at, as categories that training lacked, is told on stderr.

    For example:

        kmlp predict saved_models/churn new.csv --keep id --out predictions.csv

        kmlp predict saved_models/fashion photo.png --dark-on-light
    """
    from kmlp.cli.printing.predictions import print_predictions
    from kmlp.deploy.inputs import check_input
    from kmlp.deploy.prediction import predict_file, refuse_out
    from kmlp.deploy.serving import load_saved

    if out:
        refuse_out(out, input)
    check_input(input)
    loaded = load_saved(model, sha256=sha256)
    predictions = predict_file(
        loaded, input, dark_on_light=dark_on_light, keep=keep or (), force=force
    )
    print_predictions(predictions, out, as_json=json)
    _tell_how_sure(loaded)


def _tell_how_sure(loaded: "LoadedModel") -> None:
    """What stands beside predictions is of: an ensemble's spread, and sets or intervals."""
    coverage = loaded.calibration.coverage if loaded.calibration else None
    if "stddev" in loaded.output_names:
        instead = "" if coverage else "; for that: kmlp export RUN --coverage 0.9"
        print(
            "± and stddev are the spread of the ensemble's networks, not how far off it may be"
            f"{instead}",
            file=sys.stderr,
        )
    if coverage:
        what = "the set was" if loaded.class_names else "lower and upper were"
        others = ", and not of those in out_of_range" * ("out_of_range" in loaded.output_names)
        print(
            f"{what} made to hold the truth of {100 * coverage:g} % of rows like those of "
            f"training{others}; the model's card says how far",
            file=sys.stderr,
        )


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
    """Score a SavedModel on a table's labelled rows, or on a data set's test rows.

    Of a table all rows are scored, by the model's own columns and classes; with --test only those
    that a study held out. Scores come with intervals, classes with the confusion matrix.

    For example:

        kmlp evaluate saved_models/churn labelled.csv

        kmlp evaluate saved_models/churn churn.csv --test 0.2

        kmlp evaluate saved_models/fashion fashion_mnist
    """
    from kmlp.deploy.serving import load_saved

    scores, rows = _scored(load_saved(model, sha256=sha256), dataset, of.said if of else {})
    for line in scores.get("told", ()):
        print(f"look at: {visible(line)}", file=sys.stderr)
    if json:
        print_json(scores)
        return
    from kmlp.cli.printing.tables import confusion_table, score_lines

    print("\n".join(score_lines(scores, rows)))
    if "confusion" in scores:
        print()
        console().print(confusion_table(scores))


def _scored(model: "LoadedModel", dataset: str, said: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Scores, and of which rows they are."""
    from kmlp.data import load_dataset
    from kmlp.data.loading import has_own_test_rows, is_table_name
    from kmlp.data.sampling import TEST_SHARE
    from kmlp.deploy.evaluation import evaluate

    is_table = not os.path.isdir(dataset) and is_table_name(dataset)
    if not is_table or "test" in said or len(model.input_shape) > 1:
        if is_table and model.schema:
            said = {"target": model.schema.target.source, **said}
        if "test" not in said and not has_own_test_rows(dataset):
            said = {**said, "test": TEST_SHARE}
        data = load_dataset(dataset, **said)
        return evaluate(model, data), f"test rows ({data.provenance.source})"
    if others := [name for name in said if name != "target"]:
        raise ConfigError(
            f"{option_of(others[0])} is said before training: the model knows its columns. Of the "
            "training file's held-out rows say --test as well, and all that was said in training."
        )
    return evaluate(model, Path(dataset), **said), f"rows of {dataset}"
