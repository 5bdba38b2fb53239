"""`kmlp export`: a network of a run as a model of its own."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from kmlp.cli.app import (
    HideValues,
    app,
    default,
    import_backend_quietly,
    import_tensorflow_quietly,
)
from kmlp.cli.schema import words_said
from kmlp.errors import ConfigError, SelectionError
from kmlp.text import shown

if TYPE_CHECKING:
    from kmlp.study.loading import Study
    from kmlp.study.selection import Selection

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
            help="which variant's, by name or label; or a reference, as boosted_trees, no network",
            show_default=default("the best on validation; of a search's study, the one picked"),
        ),
    ] = None,
    member: Annotated[
        str, Parameter(help="best, a seed, ensemble, or refit: one anew on all rows")
    ] = "best",
    out: Annotated[
        Path | None,
        Parameter(
            help="the model's folder",
            show_default=default("saved_models/NAME, or NAME-RUN where another study has that"),
        ),
    ] = None,
    format: Annotated[
        Literal["savedmodel", "litert", "onnx"],
        Parameter(help="what stands beside the SavedModel: model.tflite or model.onnx"),
    ] = "savedmodel",
    certainty: Certainty | None = None,
    hide_values: HideValues = False,
) -> None:
    """Write a trained network, or all of a variant as one, as a SavedModel.

    --member refit trains one network more, on all rows, those that tested the study's included,
    for the mean best number of epochs: what to expect of it is what the study found.

    Prints where it lies, and on stderr which variant's and seed's it is, and its sha256, by which
    whoever gets it can know it again.

    Where the study kept rows that no network saw (--calibration-fraction), or folds tested it,
    probabilities are calibrated on these, --coverage adds sets of classes or intervals that hold
    the truth so often, and --threshold or --costs say from which probability on the second of two
    classes is called.

    For example:

        kmlp export runs/a --member ensemble --out saved_models/fashion

        kmlp export runs/churn --coverage 0.9 --costs "fp=1,fn=5"
    """
    from kmlp.deploy.manifest import checked_manifest

    formats = () if format == "savedmodel" else (format,)
    said = (certainty or Certainty()).said
    version = write_export(
        run_dir, variant, member, out, hide_values=hide_values, formats=formats, certainty=said
    )
    manifest = checked_manifest(version)
    how = _HOW_TO_HOLD_TO_REFERENCE if "reference" in manifest else _HOW_TO_HOLD_TO_IT
    print(version)
    print(f"{_what_it_is(manifest)}\nsha256 {manifest['sha256']}\n{how}", file=sys.stderr)


def _what_it_is(manifest: Mapping[str, Any]) -> str:
    """Whose networks were exported, in words."""
    if reference := manifest.get("reference"):
        return f"reference {shown(reference['name'])}, seed {reference['seed']}"
    seeds = [str(member["seed"]) for member in manifest["members"]]
    which = f"ensemble of {len(seeds)}" if len(seeds) > 1 else f"one network, seed {seeds[0]}"
    anew = ", trained anew on all rows" if "refit" in manifest else ""
    return f"variant {shown(manifest['variant']['name'])}, {which}{anew}"


def print_model(version: Path) -> None:
    """Where an exported model lies, which of the networks it is, and what the version before could
    that it cannot."""
    from kmlp.deploy.manifest import read_manifest
    from kmlp.deploy.serving import versions

    manifest = read_manifest(version) or {}
    print(f"Model:  {version}\nHolds:  {_what_it_is(manifest)}")
    earlier = [v for v in versions(version.parent) if v < int(version.name)]
    before = version.parent / str(max(earlier, default=0))
    told = (read_manifest(before) or {}) if earlier else {}
    run = told.get("run", {}).get("name")
    if run and run != manifest["run"]["name"]:
        print(
            f"{version.parent}: version {before.name} there is of the same study in run {run}; a "
            "server takes the newest",
            file=sys.stderr,
        )
    coverage = (told.get("calibration") or {}).get("coverage")
    if coverage and not (manifest.get("calibration") or {}).get("coverage"):
        print(
            f"{version.parent}: version {before.name} gives sets or intervals, this one none, and "
            f"a server takes the newest. Export it with --coverage {coverage:g}",
            file=sys.stderr,
        )


def write_export(
    run_dir: Path,
    variant: str | None,
    member: str,
    out: Path | None,
    *,
    hide_values: bool = False,
    formats: Sequence[str] = (),
    certainty: Mapping[str, Any] | None = None,
) -> Path:
    from kmlp.deploy.formats.known import check_formats
    from kmlp.ownership import refuse_foreign_folder
    from kmlp.study.loading import load_study

    check_formats(formats)
    if out:
        refuse_foreign_folder(out, "model")
    words = words_said(
        {
            "variant": variant,
            "member": None if member == "best" else member,
            "format": next(iter(formats), None),
            **(certainty or {}),
            "hide_values": hide_values or None,
        }
    )
    study = load_study(run_dir)
    references = {r.name for r in study.record.references} - set(study.config.variant_names)
    if variant is not None and variant in references:
        if formats:
            raise ConfigError(
                f"--format {formats[0]} is of networks, and {variant} is none: it is exported as "
                "scikit-learn's own. Leave out --format."
            )
        if certainty:
            option = "--" + next(iter(certainty)).replace("_", "-")
            raise ConfigError(f"{option} is of networks, and {variant} is none. Leave it out.")
        return _write_reference(run_dir, variant, member, out, words=words, hide_values=hide_values)
    selection = _refit(study, variant) if member == "refit" else study.select(variant, member)
    out = out or _own_folder(study.results["dataset"]["name"], run_dir, words)
    refuse_foreign_folder(out, "model")
    import_tensorflow_quietly()
    from kmlp.deploy.exporting import export as write

    return write(selection, out, hide_values=hide_values, formats=formats, **(certainty or {}))


def _refit(study: "Study", variant: str | None) -> "Selection":
    from kmlp.study.progress import StudyProgress

    import_backend_quietly()
    with StudyProgress() as progress:
        return study.refit(variant, watcher=progress)


def _write_reference(
    run_dir: Path,
    name: str,
    member: str,
    out: Path | None,
    *,
    words: Sequence[str],
    hide_values: bool,
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
    return export_reference(
        run_dir,
        name,
        out or _own_folder(f"{data}-{name}", run_dir, words),
        seed=None if member == "best" else int(member),
        hide_values=hide_values,
    )


def _own_folder(name: str, run_dir: Path, words: Sequence[str]) -> Path:
    """The model's folder where nobody names one; where another run has the first choice, says so,
    and how the same export goes there.

    Args:
        name: of the model.
        run_dir: the run folder.
        words: the export's options as they are said.
    """
    from kmlp.deploy.folders.belonging import default_folder, other_run, own_folder_for

    first, found = default_folder(name), own_folder_for(name, run_dir)
    if found != first:
        same = " ".join(["kmlp export", quote(str(run_dir)), *words])
        print(
            f"{first}: {other_run(first, run_dir)}. This export goes to {found}; a version there "
            f"takes --out: {same} --out {quote(str(first))}",
            file=sys.stderr,
        )
    return found
