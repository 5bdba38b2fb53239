"""The command line: parse, call, print. What is heavy is imported inside the commands."""

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import cyclopts
from cyclopts import Parameter

from kmlp.config import MLPConfig, StudyConfig, TrainConfig, read_study_file
from kmlp.errors import ConfigError, KmlpError

if TYPE_CHECKING:
    from rich.console import Console

    from kmlp.data import Dataset
    from kmlp.study import Study

app = cyclopts.App(
    name="kmlp",
    help="Which MLP, which regularizer, and how sure are you?",
    help_format="markdown",
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,  # main says how to go on
)

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
Json = Annotated[bool, Parameter(negative="", help="print JSON only")]


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
    config = _configure(
        target,
        variants=variants,
        num_seeds=seeds,
        strengths=strengths,
        hidden_units=hidden_units,
        max_epochs=max_epochs,
        learning_rate=learning_rate,
        batch_size=batch_size,
    )
    result, _ = _run(config, out or _default_out(target))
    _print_study(result, as_json=json)


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
    out: Out = None,
) -> None:
    """Study, report and export in one go.

    For example:

        kmlp run fashion_mnist
    """
    config = _configure(
        target,
        variants=variants,
        num_seeds=seeds,
        strengths=strengths,
        hidden_units=hidden_units,
        max_epochs=max_epochs,
    )
    result, dataset = _run(config, out or _default_out(target))
    _print_study(result, as_json=False)
    from kmlp.report import write_report

    path = write_report(result.run_dir)
    exported = _export(result.run_dir, None, "best", None)
    _print_examples(exported, dataset)
    print()
    _print_report(path)
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


@app.command
def show(run_dir: Path, /, *, json: Json = False) -> None:
    """Print the results of a run folder: its table and verdict, or its results.json.

    For example:

        kmlp show runs/a --json
    """
    from kmlp.study import load_study, num_missing

    study = load_study(run_dir)
    if missing := num_missing(study):
        print(
            f"{missing} networks are not trained yet; this is what is known so far.",
            file=sys.stderr,
        )
    _print_study(study, as_json=json)


@app.command
def report(
    *run_dirs: Path,
    out: Annotated[
        Path | None, Parameter(help="where to write; the run folder, or runs/A-and-B of several")
    ] = None,
) -> None:
    """Write the report of a run folder again, without training; of several, side by side.

    For example:

        kmlp report runs/a
        kmlp report runs/a runs/b --out runs/a-and-b
    """
    from kmlp.report import write_comparison, write_report

    if not run_dirs:
        raise ConfigError("report needs a run folder, or several to put side by side.")
    if len(run_dirs) == 1:
        page = write_report(run_dirs[0], out)
    else:
        names = "-and-".join(d.resolve().name for d in run_dirs)
        page = write_comparison(run_dirs, out or Path("runs") / names)
    _print_report(page)


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

    For example:

        kmlp export runs/a --member ensemble --out saved_models/fashion
    """
    print(_export(run_dir, variant, member, out))


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
) -> None:
    """Predict .npy, .npz, IDX, PNG and JPEG files, or a folder of images.

    For example:

        kmlp predict saved_models/fashion photo.png --dark-on-light
    """
    from kmlp.prediction import predict_file

    _import_tensorflow_quietly()
    predict_file(model, input, dark_on_light=dark_on_light, out=out, as_json=json)


@app.command
def evaluate(model: Path, dataset: str, /, *, json: Json = False) -> None:
    """Score a SavedModel on a data set's test rows: intervals and the confusion matrix.

    For example:

        kmlp evaluate saved_models/fashion fashion_mnist
    """
    from kmlp.data import load_dataset
    from kmlp.evaluation import evaluate as score
    from kmlp.serving import load_saved

    _import_tensorflow_quietly()
    data = load_dataset(dataset)
    scores = score(load_saved(model), data)
    if json:
        _print_json(scores)
        return
    from kmlp.table import confusion_table, score_lines

    print("\n".join(score_lines(scores, data.provenance.source)))
    if "confusion" in scores:
        print()
        _console().print(confusion_table(scores))


@app.command
def data(*, json: Json = False) -> None:
    """List the data sets: where each may lie and its state.

    For example:

        KMLP_DATA=~/sets kmlp data
    """
    from kmlp.data.sources import survey

    rows = [
        {"dataset": name, "place": place, "path": path, "state": state}
        for name, place, path, state in survey()
    ]
    if json:
        _print_json(rows)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("dataset", "place", "state", "path"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(row["dataset"], row["place"], row["state"], row["path"])
    _console().print(table)
    print(
        "\nThe first full set from the top is used; else it is downloaded, else the sample serves."
    )


def main() -> None:
    """The entry point of the `kmlp` command."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.basicConfig(level=logging.WARNING, format="kmlp: %(message)s", stream=sys.stderr)
    try:
        app()
    except (KmlpError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        # What was recorded before a full disk or a lost permission is still whole.
        print(f"kmlp: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\nkmlp: interrupted; the same command goes on from here.", file=sys.stderr)
        # The stacks have saved themselves; what lingers in other threads must not hold the user up.
        sys.stderr.flush()
        os._exit(130)


def _configure(target: str, **options: str | int | float | None) -> StudyConfig:
    """The study of a file or a data set, with what the command line overrides."""
    given = {name: value for name, value in options.items() if value is not None}
    config = read_study_file(target) if target.endswith(".toml") else StudyConfig(dataset=target)
    values = config.to_dict()
    for name, value in given.items():
        if name == "variants":
            values["variants"] = [v.strip() for v in str(value).split(",") if v.strip()]
        elif name == "hidden_units":
            values["model"]["hidden_units"] = _whole_numbers(str(value))
        elif name in TrainConfig.__dataclass_fields__:
            values["train"][name] = value
        else:
            assert name not in MLPConfig.__dataclass_fields__
            values[name] = value
    return StudyConfig.from_dict(values)


def _whole_numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ConfigError(
            f"--hidden-units takes whole numbers between commas, as 128,64. Received: {text}."
        ) from None


def _default_out(target: str) -> Path:
    return Path("runs") / Path(target).stem


def _run(config: StudyConfig, out: Path) -> tuple["Study", "Dataset"]:
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
    _import_tensorflow_quietly()
    with StudyProgress() as progress:
        return run_study(config, out, dataset, progress=progress), dataset


def _export(run_dir: Path, variant: str | None, member: str, out: Path | None) -> Path:
    from kmlp.study import load_study

    study = load_study(run_dir)
    selection = study.select(variant, member)
    _import_tensorflow_quietly()
    from kmlp.exporting import export as write

    return write(selection, out or Path("saved_models") / study.results["dataset"]["name"])


def _print_examples(model: Path, data: "Dataset") -> None:
    """A few test images as the exported model sees them, with their true classes."""
    from kmlp.prediction import show_images
    from kmlp.serving import load_saved

    if len(data.spec.input_shape) == 2 and data.spec.class_names:
        rows = [int((data.y_test == c).argmax()) for c in range(min(4, data.spec.num_classes))]
        print(f"\nThe exported model on the test images {', '.join(map(str, rows))}:\n")
        truth = [data.spec.class_names[data.y_test[r]] for r in rows]
        show_images(load_saved(model), data.x_test[rows], truth)


def _print_report(page: Path) -> None:
    print(f"Report: {page}")
    print(f"PDF:    {page.with_suffix('.pdf')}")
    for name, what in (("figures", "SVG:    "), ("tables", "CSV:    ")):
        if any((page.parent / name).glob("*")):
            print(f"{what}{page.parent / name}")


def _import_tensorflow_quietly() -> None:
    """TensorFlow writes notes on CUDA and oneDNN to stderr as it loads; its errors still raise."""
    sys.stderr.flush()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        import tensorflow  # noqa: F401
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def _print_study(study: "Study", *, as_json: bool) -> None:
    if as_json:
        _print_json(study.results)
        return
    from kmlp.table import results_table

    results = study.results
    origin = results["dataset"]
    console = _console()
    console.print(results_table(results))
    console.print()
    for sentence in results["verdict"]:
        console.print(f"• {sentence}", highlight=False, markup=False)
    console.print(
        f"\nData: {origin['name']}, {origin['source']}, sha256 {origin['sha256'][:12]}. "
        f"Run folder: {study.run_dir}",
        highlight=False,
        markup=False,
    )


def _print_json(value: object) -> None:
    import json

    print(json.dumps(value, indent=1))


def _console() -> "Console":
    from rich.console import Console

    # Outside a terminal rich assumes 80 columns and would fold tables that nobody sees folded.
    return Console() if sys.stdout.isatty() else Console(width=160)
