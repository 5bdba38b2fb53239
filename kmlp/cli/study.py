"""`kmlp study` and `kmlp run`: train, compare, report, export."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from kmlp.cli.app import Json, app, import_tensorflow_quietly
from kmlp.cli.models import write_export
from kmlp.cli.report import print_report, print_study
from kmlp.config import MLPConfig, StudyConfig, TrainConfig, read_study_file
from kmlp.errors import ConfigError

if TYPE_CHECKING:
    from kmlp.data import Dataset
    from kmlp.study import Study

_DEFAULTS = StudyConfig(dataset="fashion_mnist")
Target = Annotated[
    str, Parameter(help="mnist, fashion_mnist, a folder of IDX files, or a study file (.toml)")
]
Variants = Annotated[
    str | None,
    Parameter(help="names, each with =strength if wanted, between commas; all for every one"),
]
Seeds = Annotated[int | None, Parameter(name=["--seeds"], help="seeds a variant")]
Strengths = Annotated[
    str | None,
    Parameter(help="default, or auto: of each variant named without one, chosen on validation"),
]
Hidden = Annotated[
    str | None, Parameter(name=["--hidden-units"], help="units of the hidden layers, as 128,64")
]
Out = Annotated[Path | None, Parameter(help="the run folder; made where it is missing")]


@app.command
def study(
    target: Target,
    /,
    *,
    variants: Variants = None,
    seeds: Seeds = None,
    strengths: Strengths = None,
    hidden_units: Hidden = None,
    max_epochs: int | None = None,
    learning_rate: float | None = None,
    batch_size: int | Literal["full"] | None = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Train every variant over every seed at once and say what helps.

    An interrupted study goes on with the same command; more seeds or variants train only
    what is missing.

    For example:

        kmlp study fashion_mnist --variants none,dropout,l2 --seeds 10 --out runs/a
    """
    config = configure(
        target,
        variants=variants,
        num_seeds=seeds,
        strengths=strengths,
        hidden_units=hidden_units,
        max_epochs=max_epochs,
        learning_rate=learning_rate,
        batch_size=batch_size,
    )
    result, _ = run_with_progress(config, out or default_out(target))
    print_study(result, as_json=json)


@app.command
def run(
    target: Target = _DEFAULTS.dataset,
    /,
    *,
    variants: Variants = None,
    seeds: Seeds = None,
    strengths: Strengths = None,
    hidden_units: Hidden = None,
    max_epochs: int | None = None,
    tune: Annotated[
        bool, Parameter(negative="", help="search first; study what it found against the default")
    ] = False,
    out: Out = None,
) -> None:
    """Study, report and export in one go.

    For example:

        kmlp run fashion_mnist
    """
    if tune:
        given = {"variants": variants, "seeds": seeds, "strengths": strengths}
        run_tuned(target, out, hidden_units, max_epochs, refused=given)
        return
    config = configure(
        target,
        variants=variants,
        num_seeds=seeds,
        strengths=strengths,
        hidden_units=hidden_units,
        max_epochs=max_epochs,
    )
    result, dataset = run_with_progress(config, out or default_out(target))
    print_study(result, as_json=False)
    from kmlp.report import write_report

    path = write_report(result.run_dir)
    exported = write_export(result.run_dir, None, "best", None)
    print_examples(exported, dataset)
    print()
    print_report(path)
    print(f"Model:  {exported}")
    # Without the same settings the run folder would refuse to go on.
    kept = {"strengths": strengths, "hidden-units": hidden_units, "max-epochs": max_epochs}
    options = [f"--{name} {value}" for name, value in kept.items() if value is not None]
    same = " ".join(["kmlp run", target, "--out", str(result.run_dir), *options])
    print("\nNext:")
    print(f"  kmlp evaluate {exported} {config.dataset}")
    print(f"  kmlp show {result.run_dir}")
    print(f"  {same} --seeds {2 * config.num_seeds}")
    if all(isinstance(v, str) for v in config.variants):
        print(f"  {same} --variants {','.join(map(str, config.variants))},dropout=0.5")


def run_tuned(
    target: str,
    out: Path | None,
    hidden_units: str | None,
    max_epochs: int | None,
    *,
    refused: Mapping[str, object],
) -> None:
    """Search, then study its best trials and the default over fresh seeds, report and export."""
    from kmlp.cli import tune as search
    from kmlp.report import write_report

    if named := [name for name, value in refused.items() if value is not None]:
        raise ConfigError(
            f"with --tune the search says what is studied. Received: --{named[0]}. For more, write "
            "kmlp tune, then kmlp study on its best.toml."
        )
    fixed = [f"hidden_units={hidden_units}"] if hidden_units else None
    config = search.configure(target, fixed=fixed, max_epochs=max_epochs)
    place = out or search.default_out(target)
    found = search.search_with_progress(config, place, then_study=True)
    search.print_search(found, as_json=False)
    page = search.report_search(found.run_dir)
    path = write_report(found.run_dir / "study")
    exported = write_export(found.run_dir / "study", None, "best", None)
    from kmlp.data import load_dataset

    print_examples(exported, load_dataset(config.dataset))
    print()
    if page:
        print(f"Search: {page}")
    print_report(path)
    print(f"Model:  {exported}")


def configure(target: str, **options: str | int | float | None) -> StudyConfig:
    """The study of a file or a data set, with what the command line overrides."""
    given = {name: value for name, value in options.items() if value is not None}
    config = read_study_file(target) if target.endswith(".toml") else StudyConfig(dataset=target)
    values = config.to_dict()
    for name, value in given.items():
        if name == "variants":
            values["variants"] = [v.strip() for v in str(value).split(",") if v.strip()]
        elif name == "hidden_units":
            values["model"]["hidden_units"] = whole_numbers(str(value))
        elif name in TrainConfig.__dataclass_fields__:
            values["train"][name] = value
        else:
            assert name not in MLPConfig.__dataclass_fields__
            values[name] = value
    return StudyConfig.from_dict(values)


def whole_numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ConfigError(
            f"--hidden-units takes whole numbers between commas, as 128,64. Received: {text}."
        ) from None


def default_out(target: str) -> Path:
    return Path("runs") / Path(target).stem


def run_with_progress(config: StudyConfig, out: Path) -> tuple["Study", "Dataset"]:
    from kmlp.data import load_dataset
    from kmlp.progress import StudyProgress

    dataset = load_dataset(config.dataset)
    origin = dataset.provenance
    print(
        f"{dataset.name}: {origin.source}, {len(dataset.y_train):,} training and "
        f"{len(dataset.y_test):,} test rows, from {origin.location}, sha256 {origin.sha256[:12]}",
        file=sys.stderr,
    )
    from kmlp.stats import min_seeds_to_test
    from kmlp.study import run_study

    comparisons = len(config.for_data(dataset.spec.task, dataset.spec.input_dtype).variants) - 1
    if comparisons and config.num_seeds < (needed := min_seeds_to_test(comparisons)):
        print(
            f"{config.num_seeds} seeds cannot show any difference, with {comparisons} to compare "
            f"with the baseline; at least {needed} are needed: --seeds {needed}",
            file=sys.stderr,
        )
    import_tensorflow_quietly()
    with StudyProgress() as progress:
        return run_study(config, out, dataset, progress=progress), dataset


def print_examples(model: Path, data: "Dataset") -> None:
    """A few test images as the exported model sees them, with their true classes."""
    from kmlp.prediction import show_images
    from kmlp.serving import load_saved

    if len(data.spec.input_shape) == 2 and data.spec.class_names:
        rows = [int((data.y_test == c).argmax()) for c in range(min(4, data.spec.num_classes))]
        print(f"\nThe exported model on the test images {', '.join(map(str, rows))}:\n")
        truth = [data.spec.class_names[data.y_test[r]] for r in rows]
        show_images(load_saved(model), data.x_test[rows], truth)
