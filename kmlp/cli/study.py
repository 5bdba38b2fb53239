"""`kmlp study` and `kmlp run`: train, compare, report, export."""

import sys
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from kmlp.cli.app import (
    ClusterName,
    HideValues,
    Json,
    Open,
    Storage,
    app,
    default,
    open_page,
    print_json,
)
from kmlp.cli.models.exporting import print_model, write_export
from kmlp.cli.options import TABLE, Options, Target, configure
from kmlp.cli.printing.next_steps import called_again, print_next
from kmlp.cli.report import Page, print_report, print_study, search_chapter
from kmlp.cli.schema import words_of, words_said
from kmlp.cli.training import HERE, Machines, Shown, load_data, run_with_progress
from kmlp.config import StudyConfig
from kmlp.config.fields import read_widths
from kmlp.errors import ConfigError
from kmlp.ownership import SEARCH_FOLDER
from kmlp.terminal import go_on_unread

if TYPE_CHECKING:
    from kmlp.data import Dataset
    from kmlp.study.loading import Study

_DEFAULTS = StudyConfig(dataset="fashion_mnist")
Out = Annotated[
    Path | None,
    Parameter(help="the run folder; made where it is missing", show_default=default("runs/NAME")),
]


@app.command
def study(
    target: Target,
    /,
    *,
    options: Options | None = None,
    out: Out = None,
    cluster: ClusterName = None,
    storage: Storage = None,
    json: Json = False,
) -> None:
    """Train every variant over every seed at once and say what helps.

    An interrupted study goes on with the same command; more seeds or variants train only
    what is missing. A file of several studies gives each a run folder inside the run folder.

    For example:

        kmlp study fashion_mnist --variants none,dropout,l2 --seeds 10 --out runs/a
        kmlp study fashion_mnist --variants none,dropout --resample splits:5 --out runs/b
        kmlp study fashion_mnist --sweep dropout=0:0.8:9 --seeds auto --out runs/c
        kmlp study mnist --folds 5 --repeats 3 --randomness --out runs/d
        kmlp study mnist --seeds 1000 --cluster 10.0.0.1:6379 --out runs/e
    """
    go_on_unread()
    machines, found = Machines(cluster, storage), {}
    studies, folder = configure(target, options), out or default_out(target)
    own_out(folder, studies)
    if named := _search_of(target):
        print(f"the search that {target} names, {named}, is made by kmlp run", file=sys.stderr)
    for name, config in studies.items():
        dataset, config = load_data(config, folder / name)
        result = run_with_progress(config, folder / name, dataset, machines=machines)
        found[name] = result.results
        if not json:
            print_study(result)
    if json:
        print_json(found.get("", found))
        return
    print("\nNext:")
    for name in studies:
        print(f"  kmlp report {quote(str(folder / name))}")


@app.command
def run(
    target: Target = _DEFAULTS.dataset,
    /,
    *,
    options: Options | None = None,
    tune: Annotated[
        bool, Parameter(negative="", help="search first; study what it found against the default")
    ] = False,
    out: Out = None,
    cluster: ClusterName = None,
    storage: Storage = None,
    page: Page | None = None,
    hide_values: HideValues = False,
    open: Open = False,
    watch: Annotated[
        bool,
        Parameter(negative="", help="a page that shows how far it is; with --open it is shown"),
    ] = False,
) -> None:
    """Study, report and export in one go.

    A file of several studies ends with one report of them all side by side; the search that it
    names as search is made first, and has a chapter there.

    For example:

        kmlp run fashion_mnist --watch --open
        kmlp run assignment
    """
    go_on_unread()
    options, machines = options or Options(), Machines(cluster, storage)
    if tune:
        if watch:
            raise ConfigError(
                "--watch is of studies; a search with --tune shows how far it is here."
            )
        written = run_tuned(
            target, out, options, page=page, hide_values=hide_values, machines=machines
        )
        if open:
            open_page(written)
        return
    folder = out or default_out(target)
    studies = configure(target, options)
    own_out(folder, studies)
    search = _run_search(target, folder, options, machines)
    shown, found = Shown(is_live=watch, is_opened=open), []
    for name, config in studies.items():
        place = folder / name
        study, written = run_one(
            config, place, page=page, hide_values=hide_values, shown=shown, machines=machines
        )
        found.append(study)
    if "" not in studies:
        from kmlp.report import write_comparison

        print(f"\nAll {len(studies)} studies:")
        said, chapter = (page or Page()).of_paper, search_chapter(search)
        places = [folder / name for name in studies]
        written = write_comparison(places, folder, page=said, search=chapter)
        print_report(written)
    if open and not (watch and "" in studies):
        open_page(written)
    switches = {"hide_values": hide_values or None, "open": open or None, "watch": watch or None}
    beside = {**vars(machines), **vars(page or Page()), **switches}
    print_next(target, folder, options, studies, found, words_said(beside))


def _search_of(target: str) -> Path | None:
    """The file of the search that a study file names."""
    from kmlp.config.study_file import find_file, search_of

    file = find_file(target)
    return search_of(file) if file else None


def _run_search(target: str, folder: Path, options: Options, machines: Machines) -> Path | None:
    """Makes the search that a study file names, in the studies' folder; an interrupted one goes
    on, a finished one stays."""
    named = _search_of(target)
    if named is None:
        return None
    from kmlp.cli import tune as search

    fixed = [f"hidden_units={options.hidden_units}"] if options.hidden_units else None
    config = search.configure(str(named), fixed=fixed, max_epochs=options.max_epochs)
    place = folder / SEARCH_FOLDER
    search.refuse_foreign(place, then_study=False)
    config, data = search.load_data(config)
    found = search.search_with_progress(config, place, data, then_study=False, machines=machines)
    search.print_search(found, as_json=False)
    print(f"\nSearch: {search.report_search(place)}")
    return place


def run_one(
    config: StudyConfig,
    folder: Path,
    *,
    page: Page | None = None,
    hide_values: bool = False,
    shown: Shown | None = None,
    machines: Machines = HERE,
) -> "tuple[Study, Path]":
    """One study with its report, whose page is returned too, and its exported model."""
    from kmlp.deploy.folders.belonging import default_folder
    from kmlp.ownership import refuse_foreign_folder
    from kmlp.report import write_report

    dataset, config = load_data(config, folder)
    refuse_foreign_folder(default_folder(dataset.name), "model")
    result = run_with_progress(config, folder, dataset, shown, machines)
    print_study(result)
    said = (page or Page()).of_paper
    path = write_report(result.run_dir, hide_values=hide_values, page=said)
    exported = write_export(result.run_dir, None, "best", None, hide_values=hide_values)
    print_examples(exported, dataset)
    print()
    print_report(path)
    print_model(exported)
    words = [quote(str(exported)), quote(config.dataset), *words_of(config.data)]
    if dataset.has_test_rows:
        again = called_again(dataset.provenance.source)
        print(f"Test:   {again} evaluate {' '.join(words)}")
    if dataset.schema:
        print(f"Use:    kmlp predict {words[0]} NEW.csv --out predictions.csv")
    return result, path


def run_tuned(
    target: str,
    out: Path | None,
    options: Options,
    *,
    page: Page | None = None,
    hide_values: bool = False,
    machines: Machines = HERE,
) -> Path:
    """Search, then study its best trials and the default over fresh seeds, report and export; the
    page of what came last."""
    from kmlp.cli import tune as search
    from kmlp.deploy.folders.belonging import default_folder
    from kmlp.ownership import refuse_foreign_folder
    from kmlp.report import write_report
    from tuning.results.trials import picked_variant

    if refused := options.words("hidden_units", "max_epochs", *TABLE):
        raise ConfigError(
            f"with --tune the search says what is studied. Received: {refused[0]}. For more, write "
            "kmlp tune, then kmlp study on its best.toml."
        )
    said = options.said
    widths = ",".join(map(str, read_widths(options.hidden_units or "linear")))
    fixed = [f"hidden_units={widths or 'linear'}"] if options.hidden_units else None
    config = search.configure(target, fixed=fixed, max_epochs=options.max_epochs, data=said)
    place = out or search.default_out(target)
    search.refuse_foreign(place, then_study=True)
    config, data = search.load_data(config)
    refuse_foreign_folder(default_folder(data.name), "model")
    found = search.search_with_progress(config, place, data, then_study=True, machines=machines)
    search.print_search(found, as_json=False)
    searched = search.report_search(found.run_dir)
    # On the choice of the search the fresh seeds have no say.
    variant = picked_variant(found.record)
    if variant is None:
        print(f"\nSearch: {searched}")
        return searched
    path = write_report(
        found.run_dir / "study",
        hide_values=hide_values,
        page=(page or Page()).of_paper,
        search=search_chapter(found.run_dir),
    )
    exported = write_export(found.run_dir / "study", variant, "best", None, hide_values=hide_values)
    print_examples(exported, data)
    print(f"\nSearch: {searched}")
    print_report(path)
    print_model(exported)
    search.print_next_commands(found)
    return path


def default_out(target: str) -> Path:
    return Path("runs") / Path(target).stem


def own_out(folder: Path, studies: Mapping[str, StudyConfig]) -> None:
    """Refuses folders that are someone else's before the first study begins; of several studies
    that which holds them is marked."""
    from kmlp.ownership import own_folder, refuse_foreign_folder
    from kmlp.study.study import refuse_foreign_study

    is_one = "" in studies
    if not is_one:
        refuse_foreign_folder(folder, "comparison")
    for name, config in studies.items():
        refuse_foreign_study(folder / name, config)
    if not is_one:
        own_folder(folder, "comparison")


def print_examples(model: Path, data: "Dataset") -> None:
    """A few test images as the exported model sees them, with their true classes."""
    from kmlp.cli.printing.predictions import print_images
    from kmlp.deploy.serving import load_saved

    if len(data.spec.input_shape) == 2 and data.spec.class_names and data.has_test_rows:
        rows = [int((data.y_test == c).argmax()) for c in range(min(4, data.spec.num_classes))]
        print(f"\nThe exported model on the test images {', '.join(map(str, rows))}:\n")
        truth = [data.spec.class_names[data.y_test[r]] for r in rows]
        print_images(load_saved(model), data.x_test[rows], truth)
