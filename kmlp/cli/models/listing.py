"""`kmlp models`: what has been exported."""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from kmlp.cli.app import Json, app, console, print_json
from kmlp.text import visible


@app.command
def models(
    path: Annotated[Path, Parameter(help="a folder of models, or one of them")] = Path(
        "saved_models"
    ),
    /,
    *,
    json: Json = False,
) -> None:
    """List exported models: what each is expected to score, of which data, how large it is.

    The score is what the study expects of one network of the variant, or one model of
    scikit-learn's: the mean of those that it trained, as the model's card says, and of which rows:
    scores of other rows do not compare.
    What a model itself scores, kmlp evaluate tells. Nothing is loaded, and no file is held to its
    hash: kmlp predict and serve do that.

    For example:

        kmlp models

        kmlp models saved_models/churn --json
    """
    from kmlp.deploy.folders.listing import list_models

    found = list_models(path)
    if json:
        print_json([dataclasses.asdict(each) for each in found])
        return
    if not found:
        print(f"no model in {path}: kmlp export RUN makes one")
        return
    from kmlp.cli.printing.models import models_table

    console().print(models_table(found))
    for each in found:
        if each.trouble:
            print(f"look at {each.name}/{each.version}: {visible(each.trouble)}", file=sys.stderr)
