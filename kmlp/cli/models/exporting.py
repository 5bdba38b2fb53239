"""`kmlp export`: a network of a run as a model of its own."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from kmlp.cli.app import HideValues, app, default, import_tensorflow_quietly
from kmlp.errors import ConfigError, SelectionError
from kmlp.text import shown

_HOW_TO_HOLD_TO_IT = (
    "Whoever must load just this model says so: kmlp predict MODEL FILE --sha256 DIGEST, "
    "kmlp.load_saved(path, sha256=DIGEST)."
)
_HOW_TO_HOLD_TO_REFERENCE = (
    "It is scikit-learn's, a pickle, and is loaded by its digest: kmlp.load_reference(path, "
    "sha256=DIGEST).predict(frame)."
)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Certainty:
    """How sure the model is to be."""

    calibrate: Annotated[
        bool | None,
        Parameter(
            help="scale probabilities on the calibration rows",
            show_default=default("wherever there are some"),
        ),
    ] = None
    coverage: Annotated[
        float | None,
        Parameter(help="add sets or intervals that hold the truth so often, as 0.9"),
    ] = None
    threshold: Annotated[
        str | None,
        Parameter(
            help="of two classes, where the second begins: f1, macro_f1, accuracy or "
            "balanced_accuracy, for which it is chosen, or a number",
            show_default=default("0.5"),
        ),
    ] = None
    costs: Annotated[
        str | None,
        Parameter(help="instead: what wrong answers cost, as fp=1,fn=5"),
    ] = None

    @property
    def said(self) -> dict[str, Any]:
        """By the arguments of `kmlp.export`."""
        return {name: value for name, value in vars(self).items() if value is not None}


@app.command
def export(
    run_dir: Path,
    /,
    *,
    variant: Annotated[
        str | None,
        Parameter(
            help="which variant's; or a reference, as boosted_trees, which is no network",
            show_default=default("the best on validation"),
        ),
    ] = None,
    member: Annotated[str, Parameter(help="best, a seed, or ensemble")] = "best",
    out: Annotated[
        Path | None,
        Parameter(help="the model's folder", show_default=default("saved_models/NAME")),
    ] = None,
    format: Annotated[
        Literal["savedmodel", "litert"],
        Parameter(help="litert: beside the SavedModel, as model.tflite"),
    ] = "savedmodel",
    certainty: Certainty | None = None,
    hide_values: HideValues = False,
) -> None:
    """Write a trained network, or all of a variant as one, as a SavedModel.

    Prints where it lies, and on stderr its sha256, by which whoever gets it can know it again.

    Where the study kept rows that no network saw (--calibration-fraction), or folds tested it,
    probabilities are calibrated on these, --coverage adds sets of classes or intervals that hold
    the truth so often, and --threshold or --costs say from which probability on the second of two
    classes is called.

    For example:

        kmlp export runs/a --member ensemble --out saved_models/fashion

        kmlp export runs/churn --coverage 0.9 --costs "fp=1,fn=5"
    """
    from kmlp.deploy.manifest import checked_manifest

    version = write_export(
        run_dir,
        variant,
        member,
        out,
        hide_values=hide_values,
        litert=format == "litert",
        certainty=certainty,
    )
    manifest = checked_manifest(version)
    how = _HOW_TO_HOLD_TO_REFERENCE if "reference" in manifest else _HOW_TO_HOLD_TO_IT
    print(version)
    print(f"sha256 {manifest['sha256']}\n{how}", file=sys.stderr)


def write_export(
    run_dir: Path,
    variant: str | None,
    member: str,
    out: Path | None,
    *,
    hide_values: bool = False,
    litert: bool = False,
    certainty: Certainty | None = None,
) -> Path:
    from kmlp.ownership import refuse_foreign_folder
    from kmlp.study.loading import load_study

    said = (certainty or Certainty()).said
    if out:
        refuse_foreign_folder(out, "model")
    study = load_study(run_dir)
    references = {r.name for r in study.record.references} - set(study.config.variant_names)
    if variant is not None and variant in references:
        if litert:
            raise ConfigError(f"--format litert is of networks, and {variant} is none.")
        if said:
            option = "--" + next(iter(said)).replace("_", "-")
            raise ConfigError(f"{option} is of networks, and {variant} is none.")
        return _write_reference(run_dir, variant, member, out, hide_values=hide_values)
    selection = study.select(variant, member)
    out = out or default_model(study.results["dataset"]["name"])
    refuse_foreign_folder(out, "model")
    import_tensorflow_quietly()
    from kmlp.deploy.exporting import export as write

    return write(selection, out, hide_values=hide_values, litert=litert, **said)


def _write_reference(
    run_dir: Path, name: str, member: str, out: Path | None, *, hide_values: bool
) -> Path:
    from kmlp.deploy.references.exporting import export_reference
    from kmlp.study.provenance import stored_environment
    from kmlp.study.run_folder import RunFolder

    if member != "best" and not member.isdecimal():
        raise SelectionError(
            f"--member of a reference is best or a seed: {name} makes no ensemble. Received: "
            f"{shown(member)}."
        )
    data = stored_environment(RunFolder(run_dir))["dataset"]["name"]
    model = default_model(data)
    return export_reference(
        run_dir,
        name,
        out or model.with_name(f"{model.name}-{name}"),
        seed=None if member == "best" else int(member),
        hide_values=hide_values,
    )


def default_model(dataset: str) -> Path:
    """Where exports of a data set go: its name as a folder's, wherever its signs would lead."""
    return Path("saved_models") / (re.sub(r"[^\w.-]+", "_", dataset).strip("._") or "model")
