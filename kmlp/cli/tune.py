"""`kmlp tune`: search for the best configuration; only the command line knows `tuning`."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from kmlp.cli.app import (
    ClusterName,
    Json,
    Storage,
    app,
    console,
    default,
    import_backend_quietly,
    print_json,
)
from kmlp.cli.schema import OfTable
from kmlp.cli.training import HERE, Machines, tell_of_data, tell_of_few_test_rows
from kmlp.terminal import go_on_unread

if TYPE_CHECKING:
    from kmlp.data import Dataset
    from tuning import Search, SearchConfig


def searched(field: str, help: str, **more: Any) -> Parameter:
    """An option that overrides a field of a search, whose default the help tells."""
    return Parameter(help=help, show_default=lambda _: _default_of(field), **more)


def _default_of(field: str) -> str:
    """Read when the help is asked for: the search's modules take a while to load."""
    from tuning import SearchConfig

    config = SearchConfig(dataset="none")
    value = getattr(config if hasattr(config, field) else config.train, field)
    return "none" if value is None else str(value)


Space = Annotated[
    list[str] | None,
    Parameter(
        name=["--space"],
        negative="",
        help="default, all or none; and any number of: a parameter, NAME=A,B,C, "
        "NAME=LOW:HIGH:log, NAME=LOW:HIGH:STEP, hidden_units=64,128-64",
    ),
]
Fix = Annotated[
    list[str] | None,
    Parameter(
        name=["--fix"], negative="", help="NAME=VALUE: held, not searched; as hidden_units=128-64"
    ),
]
# What advice of a study is called here.
_OWN_WORDS = {
    "--metric ": "--objective val_",
    "--class-weight balanced": "--fix class_weight=balanced",
}
TunerName = Annotated[
    Literal["random", "grid", "bayesian", "hyperband"] | None,
    searched("tuner", "how trials are drawn"),
]


@app.command
def tune(
    target: Annotated[
        str, Parameter(help="data as of kmlp study, or a search file (.toml), as search.toml is")
    ],
    /,
    *,
    tuner: TunerName = None,
    max_trials: Annotated[
        int | None, searched("max_trials", "trials; of hyperband, its budget in full trainings")
    ] = None,
    seeds: Annotated[int | None, searched("num_seeds", "seeds a trial", name=["--seeds"])] = None,
    folds: Annotated[
        int | None,
        searched(
            "folds", "score trials on so many folds of the training rows, each with every seed"
        ),
    ] = None,
    repeats: Annotated[int | None, searched("repeats", "how often the folds are cut anew")] = None,
    objective: Annotated[
        str | None, searched("objective", "a validation metric, as val_accuracy")
    ] = None,
    space: Space = None,
    fix: Fix = None,
    max_epochs: Annotated[
        int | None, searched("max_epochs", "passes over the training rows, at most")
    ] = None,
    of: OfTable | None = None,
    seed: Annotated[int | None, searched("seed", "of the draws")] = None,
    then: Annotated[
        Literal["study"] | None,
        Parameter(
            help="study: the pick and the two next best meet the default over ten fresh seeds"
        ),
    ] = None,
    out: Annotated[
        Path | None,
        Parameter(
            help="the search's folder; made where missing",
            show_default=default("runs/NAME-search"),
        ),
    ] = None,
    cluster: ClusterName = None,
    storage: Storage = None,
    json: Json = False,
) -> None:
    """Search for the best configuration, each trial over several seeds, chosen on validation.

    An interrupted search goes on with the same command, killed at whatever moment.

    For example:

        kmlp tune fashion_mnist --fix hidden_units=128-64 --then study --out runs/t

        kmlp tune mnist --space none --space learning_rate=1e-4:1e-2:log --space dropout=0,0.2,0.5
    """
    go_on_unread()
    machines = Machines(cluster, storage)
    config = configure(
        target,
        tuner=tuner,
        max_trials=max_trials,
        num_seeds=seeds,
        folds=folds,
        repeats=repeats,
        objective=objective,
        space=space,
        fixed=fix,
        max_epochs=max_epochs,
        seed=seed,
        data=of.said if of else None,
    )
    place, then_study = out or default_out(target), then == "study"
    refuse_foreign(place, then_study=then_study)
    config, data = load_data(config)
    search = search_with_progress(config, place, data, then_study=then_study, machines=machines)
    print_search(search, as_json=json)
    page = report_search(search.run_dir)
    study_page = report_followup(search) if then_study else None
    if not json:
        print_next(search, page, study_page)


def configure(target: str, **options: Any) -> "SearchConfig":
    """The search of a file or a data set, with what the command line overrides."""
    from kmlp.config.study_file import find_file
    from tuning.space.config import SearchConfig, as_table, read_search_file
    from tuning.space.reading import read_fixed

    file = find_file(target)
    config = read_search_file(file) if file else SearchConfig(dataset=target)
    values = config.to_dict()
    for name, value in options.items():
        if value is None:
            continue
        if name == "space":
            # A preset begins anew; without one the file's space is narrowed further.
            given = as_table(value)
            has_preset = given["preset"] in value
            values["space"] = given if has_preset else {**given, **values["space"], **_own(given)}
        elif name == "fixed":
            values["fixed"] = {**values["fixed"], **read_fixed(value)}
        elif name == "data":
            values["data"] = {**(values["data"] or {}), **value} or None
        elif name == "max_epochs":
            values["train"]["max_epochs"] = value
        else:
            values[name] = value
    return SearchConfig.from_dict(values)


def _own(table: Mapping[str, Any]) -> dict[str, Any]:
    """What a space names, without the preset that it begins with."""
    return {k: v for k, v in table.items() if k != "preset"}


def default_out(target: str) -> Path:
    return Path("runs") / f"{Path(target).stem}-search"


def refuse_foreign(out: Path, *, then_study: bool) -> None:
    """Refuses a folder that is someone else's, before anything is loaded."""
    from tuning.results.followup import refuse_foreign_search

    refuse_foreign_search(out, then_study=then_study)


def load_data(config: "SearchConfig") -> "tuple[SearchConfig, Dataset]":
    """The data of a search, and the search with what of them tests written out."""
    from kmlp.config.tables.table import load_configured

    config = config.setting_aside()
    data, table = load_configured(config.dataset, config.data, sets_aside=True)
    tell_of_data(data, config.metric, config.train.class_weight, _OWN_WORDS)
    tell_of_few_test_rows(data, table.test if table else None)
    return replace(config, data=table), data


def search_with_progress(
    config: "SearchConfig",
    out: Path,
    data: "Dataset",
    *,
    then_study: bool,
    machines: Machines = HERE,
) -> "Search":
    from kmlp.study.progress import StudyProgress
    from tuning import SearchProgress, follow_up
    from tuning import tune as search

    import_backend_quietly()
    with SearchProgress() as progress:
        found = search(config, out, data=data, progress=progress, **vars(machines))
    if not then_study:
        return found
    with StudyProgress() as study_progress:
        return follow_up(found, data, progress=study_progress, **vars(machines))


def is_search(run_dir: Path) -> bool:
    """Whether a folder holds a search, not a study."""
    return (run_dir / "search.toml").exists()


def show_search(run_dir: Path, *, as_json: bool) -> None:
    from tuning import load_search
    from tuning.report.remarks import missing

    search = load_search(run_dir)
    for sentence in missing(search.record):
        print(sentence, file=sys.stderr)
    print_search(search, as_json=as_json)


def print_search(search: "Search", *, as_json: bool) -> None:
    if as_json:
        print_json(search.results)
        return
    from tuning.report.remarks import at_the_edge
    from tuning.report.terminal import results_table
    from tuning.report.trials import standings_note
    from tuning.results.search_folder import SearchFolder
    from tuning.search.loading import study_results

    out = console()
    study = study_results(SearchFolder(search.run_dir)) if search.record.fresh else None
    if study and study.answer:
        out.print(study.answer.text, style="bold")
        out.print()
    out.print(results_table(search.record))
    if note := standings_note(search.record):
        out.print(note, style="dim")
    out.print()
    for sentence in (*search.record.verdict, *at_the_edge(search.record)):
        out.print(f"• {sentence}")
    origin = search.record.dataset
    out.print(
        f"\nData: {origin.name}, {origin.source}, hash of the data as used "
        f"{origin.sha256[:12]}. Run folder: {search.run_dir}",
    )


def report_search(run_dir: Path) -> Path:
    """Writes the search's report."""
    from tuning.report import write_search_report

    return write_search_report(run_dir)


def report_followup(search: "Search") -> Path | None:
    """Writes the report of the study that followed; None where no trial was there to study."""
    from kmlp.report import write_report
    from tuning.report.section import search_section

    if search.record.picked is None:
        return None
    return write_report(search.run_dir / "study", search=search_section(search.run_dir))


def print_next(search: "Search", page: Path, study_page: Path | None = None) -> None:
    print(f"\nReport: {page}")
    if study_page:
        print(f"Study:  {study_page}")
    if search.record.picked is None:
        return
    print(f"Picked: {search.run_dir / 'best.toml'}")
    print_next_commands(search)


def print_next_commands(search: "Search") -> None:
    """What goes on from a search with a picked trial."""
    from tuning.results.trials import commented, export_commands, study_command

    commands = [study_command(search.run_dir)]
    if search.record.fresh:
        exports = export_commands(search.record, search.run_dir)
        commands = [f"kmlp show {quote(str(search.run_dir / 'study'))}", *commented(exports)]
    print("\nNext:")
    for command in commands:
        print(f"  {command}")
