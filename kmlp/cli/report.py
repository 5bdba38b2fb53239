"""`kmlp show`, `kmlp report` and `kmlp rescore`: what a run folder holds, and how it is judged."""

import runpy
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from kmlp.cli.app import HideValues, Json, Open, app, console, default, open_page, print_json
from kmlp.errors import ConfigError
from kmlp.ownership import SEARCH_FOLDER
from kmlp.text import shown, visible

if TYPE_CHECKING:
    from kmlp.report.blocks import Section
    from kmlp.report.paper.document import TitlePage
    from kmlp.stats.metrics.own import Metric
    from kmlp.study.loading import Study

_MISSING = "networks are not trained yet; this is what is known so far."


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Page:
    """What the author of a PDF says of it."""

    title: Annotated[str | None, Parameter(help="of the PDF; what it is about")] = None
    author: Annotated[str | None, Parameter(help="whose name stands in the PDF")] = None
    date: Annotated[
        str | None, Parameter(help="in the PDF; the day on which the last network was trained")
    ] = None

    @property
    def of_paper(self) -> "TitlePage":
        """As reports take it."""
        from kmlp.report.paper.document import TitlePage

        return TitlePage(**{name: value or "" for name, value in vars(self).items()})


@app.command
def show(run_dir: Path, /, *, json: Json = False) -> None:
    """Print the results of a run folder: its table and verdict, or its results.json.

    Of a folder that holds several studies: each in turn. Of a folder that kmlp compare wrote: what
    the scores showed.

    For example:

        kmlp show runs/a --json
    """
    from kmlp.cli.tune import is_search, show_search
    from kmlp.study.loading import load_study, study_folders

    if is_search(run_dir):
        show_search(run_dir, as_json=json)
        return
    # What reads scores takes as long to load as a study's results to be made.
    if not (run_dir / "study.toml").exists() and _show_comparison(run_dir, as_json=json):
        return
    studies = {p.name: load_study(p) for p in study_folders(run_dir)} or {"": load_study(run_dir)}
    for name, study in studies.items():
        if study.num_missing:
            print(f"{name and name + ': '}{study.num_missing} {_MISSING}", file=sys.stderr)
        if name and not json:
            print(f"\n{visible(name)}:\n")
        if not json:
            print_study(study)
    if json:
        found = {name: study.results for name, study in studies.items()}
        print_json(found.get("", found))


def _show_comparison(run_dir: Path, *, as_json: bool) -> bool:
    """Prints what `kmlp compare` wrote into a folder; False where nothing of it lies there."""
    from kmlp.scores.comparison import load_comparison

    compared = load_comparison(run_dir)
    if compared is None:
        return False
    from kmlp.cli.printing.scores import print_comparison

    if not as_json:
        print(f"{run_dir}: scores that kmlp compare compared\n")
    print_comparison(compared, as_json=as_json)
    return True


@app.command
def rescore(
    run_dir: Path,
    /,
    *,
    metric: Annotated[
        str,
        Parameter(
            help="what decides from now on: auto, a metric that kmlp study --metric takes, or one "
            "of your own, FILE.py:NAME, a kmlp.Metric in a Python file that you trust: it is run"
        ),
    ],
    json: Json = False,
) -> None:
    """Judge a study by another metric, without training; its best and its verdict follow.

    For example:

        kmlp rescore runs/a --metric balanced_accuracy
        kmlp rescore runs/a --metric costs.py:profit
    """
    from kmlp.study.judging.rescore import rescore as judged

    study = judged(run_dir, find_metric(metric))
    if (run_dir / "report.html").exists():
        print(
            f"The page there says what was judged before: kmlp report {quote(str(run_dir))} writes "
            "it anew.",
            file=sys.stderr,
        )
    if json:
        print_json(study.results)
    else:
        print_study(study)


def find_metric(said: str) -> "str | Metric":
    """A metric's name, or the one of the user's own that a Python file holds.

    Raises:
        ConfigError: no such file, or nothing of that name that is a metric.
    """
    from kmlp.stats.metrics.own import Metric

    place, colon, name = said.rpartition(":")
    if not (colon and place.endswith(".py")):
        return said
    if not Path(place).is_file():
        raise ConfigError(f"--metric {said}: no file {shown(place)}.")
    try:
        found = runpy.run_path(place).get(name)
    except Exception as error:
        raise ConfigError(
            f"--metric {said}: running {place} fails: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(found, Metric):
        raise ConfigError(
            f"--metric {said}: {name} must be a kmlp.Metric there. Received: {shown(found)}. Write "
            f'{name} = kmlp.Metric("{name}", FUNCTION, higher_is_better=True).'
        )
    return found


@app.command
def report(
    *run_dirs: Path,
    out: Annotated[
        Path | None,
        Parameter(
            help="where to write",
            show_default=default("the run folder, or runs/A-and-B of several"),
        ),
    ] = None,
    page: Page | None = None,
    search: Annotated[
        Path | None,
        Parameter(help="a search's run folder: a chapter on how settings were searched"),
    ] = None,
    scores: Annotated[
        Path | None,
        Parameter(
            name="--with",
            help="a file with scores of other methods on the same test rows: a section beside the "
            "study's own, as kmlp compare judges them",
        ),
    ] = None,
    hide_values: HideValues = False,
    tensorboard: Annotated[
        bool, Parameter(negative="", help="also write the curves of every network for TensorBoard")
    ] = False,
    open: Open = False,
) -> None:
    """Write the report of a study or a search again, without training; of studies, side by side.

    A folder that holds several studies, as a file of several makes it, is put side by side.

    For example:

        kmlp report runs/a --author "A. Student"
        kmlp report runs/a --with mine.csv
        kmlp report runs/assignment
        kmlp report runs/a runs/b --out runs/a-and-b
    """
    from kmlp.cli.tune import is_search
    from kmlp.report import write_comparison, write_report
    from tuning.report import write_search_report

    if not run_dirs:
        raise ConfigError("report needs a run folder, or several to put side by side.")
    searches = [d for d in run_dirs if is_search(d)]
    if hide_values and (searches or len(run_dirs) > 1):
        raise ConfigError("--hide-values is of the report of one study: kmlp report RUN.")
    if scores and (searches or len(run_dirs) > 1):
        raise ConfigError("--with is of the report of one study: kmlp report RUN --with FILE.")
    said = (page or Page()).of_paper
    chapter = search_chapter(search or _search_inside(run_dirs))
    if len(run_dirs) == 1:
        if searches:
            _refuse_for_a_search(page, search)
            written = write_search_report(run_dirs[0], out)
        else:
            written = write_report(
                run_dirs[0],
                out,
                hide_values=hide_values,
                page=said,
                search=chapter,
                scores=scores,
            )
    elif searches:
        raise ConfigError(
            f"only studies are put side by side. Received: {searches[0]}, a search. Its report: "
            f"kmlp report {quote(str(searches[0]))}"
        )
    else:
        names = "-and-".join(d.resolve().name for d in run_dirs)
        place = out or Path("runs") / names
        written = write_comparison(run_dirs, place, page=said, search=chapter)
    if scores:
        _print_beside(run_dirs[0], scores)
    print_report(written)
    if tensorboard:
        _write_tensorboard(run_dirs)
    if open:
        open_page(written)


def _print_beside(run_dir: Path, scores: Path) -> None:
    """What scores from outside show beside a study."""
    from kmlp.scores.beside import beside_study
    from kmlp.study.loading import load_study

    if found := beside_study(load_study(run_dir), scores):
        out = console()
        for sentence in (*found.verdict, *found.found.notes):
            out.print(f"• {sentence}")
        out.print()


def _write_tensorboard(run_dirs: Sequence[Path]) -> None:
    """Of every study and search, wherever its report goes."""
    from kmlp.cli.tune import is_search
    from kmlp.study.loading import study_folders
    from kmlp.study.tensorboard import write_tensorboard
    from tuning import write_tensorboard as write_of_search

    for run_dir in run_dirs:
        for folder in study_folders(run_dir) or [run_dir]:
            out = (write_of_search if is_search(folder) else write_tensorboard)(folder)
            print(f"Curves: tensorboard --logdir {quote(str(out))}")


def _search_inside(run_dirs: Sequence[Path]) -> Path | None:
    """The search that lies in a folder of several studies, as `kmlp run` of their file makes it."""
    from kmlp.cli.tune import is_search
    from kmlp.study.loading import study_folders

    inside = run_dirs[0] / SEARCH_FOLDER
    is_several = len(run_dirs) == 1 and bool(study_folders(run_dirs[0]))
    return inside if is_several and is_search(inside) else None


def search_chapter(folder: Path | None) -> "Section | None":
    """How settings were searched, of a search's run folder; only here both rooms are known."""
    if folder is None:
        return None
    from kmlp.cli.tune import is_search
    from tuning.report.section import search_section

    if not is_search(folder):
        raise ConfigError(f"--search names the run folder of a search. Received: {folder}, none.")
    return search_section(folder)


def _refuse_for_a_search(page: Page | None, search: Path | None) -> None:
    if search or any(vars(page or Page()).values()):
        raise ConfigError(
            "--title, --author, --date and --search are of studies' reports; a search has a page "
            "of its own."
        )


def print_report(page: Path) -> None:
    print(f"Report: {page}")
    print(f"PDF:    {page.with_suffix('.pdf')}")
    if page.with_suffix(".tex").exists():
        print(f"LaTeX:  {page.with_suffix('.tex')}")
    for name, what in (("figures", "SVG:    "), ("tables", "CSV:    ")):
        if any((page.parent / name).glob("*")):
            print(f"{what}{page.parent / name}")


_PLACES = (
    "place compares with the {}, not the baseline: open cannot be told apart from it, worse and "
    "better are told apart."
)


def print_study(study: "Study") -> None:
    from kmlp.cli.printing.tables import references_table, results_table
    from kmlp.study.results.caveats import RESCORE
    from kmlp.study.results.records.members import stacks_in_words

    results, origin = study.record, study.record.dataset
    out = console()
    if results.answer:
        out.print(results.answer.text, style="bold")
        out.print()
    out.print(results_table(results))
    if results.best and len(results.variants) > 1:
        out.print(_PLACES.format("pick" if results.picked else "best on validation"), style="dim")
    if results.references:
        out.print()
        out.print(references_table(results))
    out.print()
    here = f"kmlp rescore {quote(str(study.run_dir))}"
    for sentence in results.verdict:
        out.print(f"• {sentence.replace(RESCORE, here)}")
    trained = f"Trained in {stacks_in_words(results.stacks)}. " if results.stacks else ""
    out.print(
        f"\nData: {origin.name}, {origin.source}, hash of the data as used "
        f"{origin.sha256[:12]}. {trained}Run folder: {study.run_dir}",
    )
