"""`kmlp ablate`: a recipe beside itself without each of its parts."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from kmlp.cli.app import ClusterName, HideValues, Open, Storage, app, open_page
from kmlp.cli.options import Options, Target, configure
from kmlp.cli.report import Page
from kmlp.cli.study import Out, default_out, own_out, run_one
from kmlp.cli.training import Machines
from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.config.fields import read_widths
from kmlp.config.recipes.ablation import ablation
from kmlp.config.recipes.known import RECIPES
from kmlp.config.records import records_of
from kmlp.errors import ConfigError
from kmlp.terminal import go_on_unread

# What a recipe's study compares follows from the recipe.
_OF_VARIANTS = ("variants", "baseline", "strengths", "sweep")


@app.command
def ablate(
    target: Target,
    /,
    *,
    recipe: Annotated[str, Parameter(help=f"one of {', '.join(RECIPES)}")] = "realmlp_s",
    parts: Annotated[
        str | None,
        Parameter(help="those that are left out, one at a time, between commas; all of them"),
    ] = None,
    options: Options | None = None,
    out: Out = None,
    cluster: ClusterName = None,
    storage: Storage = None,
    page: Page | None = None,
    hide_values: HideValues = False,
    open: Open = False,
) -> None:
    """Train a recipe and the recipe without each of its parts: which part earns its place?

    A study like any other, with its run folder, report and model: an interrupted one goes on with
    the same command. What the command line says of network and training holds for all of them.

    For example:

        kmlp ablate churn.csv --target status --recipe realmlp_s --out runs/parts
        kmlp ablate wine --parts smooth_clip,learned_scale --seeds 20 --max-epochs 64
    """
    go_on_unread()
    options, machines = options or Options(), Machines(cluster, storage)
    folder = out or default_out(f"{Path(target).stem}-{recipe}")
    config = ablation_of(target, recipe, parts, options)
    own_out(folder, {"": config})
    _, written = run_one(config, folder, page=page, hide_values=hide_values, machines=machines)
    if open:
        open_page(written)


def ablation_of(target: str, recipe: str, parts: str | None, options: Options) -> StudyConfig:
    """The study of a recipe without each of its parts.

    Raises:
        ConfigError: there is no such recipe or part, or the target asks for other variants.
    """
    named = [name.strip() for name in (parts or "").split(",") if name.strip()]
    variants = ablation(recipe, named, _fields_of(options))
    if said := options.words(*(n for n in options.given if n not in _OF_VARIANTS)):
        raise ConfigError(
            f"an ablation compares a recipe with itself without each of its parts. Received: "
            f"{said[0]}. Leave it out; --parts says which."
        )
    studies = configure(target, options)
    if "" not in studies:
        raise ConfigError(
            f"{target} holds several studies. Name the data set, or a file of one study."
        )
    return dataclasses.replace(
        studies[""], variants=tuple(variants), baseline=recipe, strengths="default", sweep=()
    )


def _fields_of(options: Options) -> dict[str, Any]:
    """What the command line says of networks and training, which a recipe would override."""
    known = {*records_of(MLPConfig), *records_of(TrainConfig)}
    values = {name: value for name, value in options.given.items() if name in known}
    if "hidden_units" in values:
        values["hidden_units"] = read_widths(values["hidden_units"])
    return values
