"""The report of one search, block by block."""

from pathlib import Path
from shlex import quote

from kmlp.report.blocks import Block, Bullets, Code, Report, Section, Text, facts_table
from kmlp.report.limits import Calibration, calibration
from kmlp.study.environment import Environment
from tuning.report import figures, tables, trials
from tuning.report.folds import folds_table
from tuning.report.remarks import remarks, why_no_importance
from tuning.results.folds import in_words
from tuning.results.records.search import SearchResults
from tuning.results.trials import commented, export_commands, study_command, study_folder


def search_report(
    results: SearchResults, environment: Environment, run_dir: Path, best: str | None
) -> Report:
    """What the report of a search says.

    Args:
        results: of the search.
        environment: where it was made.
        run_dir: the run folder, as it stands in the commands to type.
        best: the picked configuration as a study file; None where none is picked.
    """
    return Report(
        kicker="Hyperparameter search",
        title=f"Which MLP for {results.dataset.name}?",
        facts=_facts(results),
        verdict=results.verdict,
        also=remarks(results),
        lead=[figures.history(results)] if results.finished else (),
        sections=[
            *(_findings(results, run_dir, best) if best else ()),
            *_without_score(results),
            Section("space", "What was searched", [tables.space(results)]),
            _spent(results),
            Section("limits", "Limits", [Bullets(_limits(results))]),
            _again(results, environment, run_dir),
        ],
    )


def _facts(results: SearchResults) -> str:
    dataset, settings = results.dataset, results.settings
    begun, done = len(results.trials), len(results.finished)
    rows = f"{dataset.num_train:,} training, {dataset.num_val:,} validation"
    if settings.folds:
        rows = f"{dataset.num_train + dataset.num_val:,} training rows in folds"
    return (
        f"{settings.tuner} · {begun} trial{'s' * (begun != 1)}, {done} finished, "
        f"{in_words(settings)} each, by {settings.objective.name} · "
        f"{rows}, {dataset.num_test:,} test rows · data: {dataset.name}, {dataset.source}"
    )


def _findings(results: SearchResults, run_dir: Path, best: str) -> list[Section]:
    outcome: list[Block] = [b for b in (tables.fresh(results), tables.tested(results)) if b]
    rounds: list[Block] = [b for b in (figures.rounds(results), tables.rounds(results)) if b]
    by_fold = folds_table(results)
    title = "The picked configuration beside the best others, in the search"
    return [
        Section("picked", title, [tables.beside(results)]),
        *([Section("expect", "What to expect of it", outcome)] if outcome else ()),
        _next(results, run_dir),
        Section("file", "The study file, best.toml", [Code(best.strip())]),
        _hyperparameters(results),
        *([Section("rounds", "Hyperband's rounds", rounds)] if rounds else ()),
        *([Section("folds", "Fold by fold", [by_fold])] if by_fold else ()),
        Section("trials", "Every trial", [trials.page_table(results)]),
    ]


def _hyperparameters(results: SearchResults) -> Section:
    """How much each hyperparameter mattered, and where its good values lie."""
    first: Block = Text(why_no_importance(results))
    if results.importance:
        first = figures.importances(results.importance)
    drawn = [b for b in (figures.parallel(results), figures.values(results)) if b]
    return Section("hyperparameters", "What matters", [first, *drawn])


def _without_score(results: SearchResults) -> list[Section]:
    table = tables.without_score(results)
    return [Section("failed", "Trials without a score", [table])] if table else []


def _next(results: SearchResults, run_dir: Path) -> Section:
    return Section(
        "next",
        "Take it from here",
        [
            Text(
                "The picked configuration beside the one that the search began from is a study "
                "file, best.toml beside this page."
            ),
            *_study_commands(results, run_dir),
            Text("Look at every trial's curves, filter and sort them:"),
            Code(f"tensorboard --logdir {quote(f'{run_dir}/tensorboard')}"),
        ],
    )


def _study_commands(results: SearchResults, run_dir: Path) -> list[Block]:
    """What to type next: the follow-up study's results, or how to get some."""
    if exports := export_commands(results, run_dir):
        return [
            Text("The best trials beside the default, seed by seed, and models to take away:"),
            Code("\n".join([f"kmlp report {quote(f'{run_dir}/study')}", *commented(exports)])),
        ]
    return [
        Text("Train both over fresh seeds and read the test set; then take the model away:"),
        Code(f"{study_command(run_dir)}\nkmlp export {quote(str(study_folder(run_dir)))}"),
    ]


def _spent(results: SearchResults) -> Section:
    figure = figures.seconds(results)
    facts = facts_table(tables.budget(results))
    return Section("budget", "What was spent", [facts, *([figure] if figure else [])])


def _limits(results: SearchResults) -> list[str]:
    what = f"{results.kind_of_score} {results.unit.title}"
    return [
        f"Trials were compared by their mean {what} over {in_words(results.settings)}. The best of "
        "many is better in the search than with other seeds; only fresh seeds say by how much.",
        "The same validation rows, or rows drawn from the same training set, judged all trials: "
        "the more trials, the better the picked one is fitted to them. The test set had no say.",
        "What was not searched was not compared: other ranges, other data and other sizes of the "
        "data may want another network.",
        "A search looks where it hopes for good scores: from its trials alone the effect of one "
        "hyperparameter cannot be told exactly. A study compares two values seed by seed.",
        *_simulated(calibration()),
    ]


def _simulated(found: Calibration) -> list[str]:
    """How far ties and the pick can be trusted."""
    sentences = []
    if equal := found.search_false_verdicts.get("20 equal trials"):
        twins = found.search_false_verdicts["2 times 10 near twins"]
        sentences.append(
            f"Of 20 equal trials of 3 seeds, simulated, {100 * equal['3']:.1f} % of searches tell "
            f"any from the best; {100 * twins['3']:.1f} % where they are two kinds of near "
            "twins."
        )
    if rules := found.search_choice.get("0.5"):
        lucky, simple = rules["luckiest"], rules["one standard error"]
        sentences.append(
            f"The pick within one standard error lies {simple['points']:.2f} points below the best "
            f"true trial on average, the trial with the best mean {lucky['points']:.2f}; it has "
            f"{100 * simple['weights']:.0f} % of its weights (simulated: 20 trials of 3 seeds, "
            "whose true means spread by 0.5 points and networks by 0.4)."
        )
    return sentences


def _again(results: SearchResults, environment: Environment, run_dir: Path) -> Section:
    data = environment.data
    facts = {
        "data": f"{data.name}, {data.source}, from {data.location}",
        **data.hashes,
        "Python": f"{environment.python} on {environment.platform}",
        "packages": environment.versions,
    }
    blocks: list[Block] = [Text("All settings lie in search.toml in the run folder.")]
    if results.dataset.source != "arrays":
        search, again = quote(f"{run_dir}/search.toml"), quote(f"{run_dir}-again")
        blocks.append(Code(f"kmlp tune {search} --out {again}"))
    note = Text(
        "All numbers of this report follow from the run folder: tables/ holds them as CSV, "
        "figures/ holds the figures as SVG."
    )
    return Section("again", "How to make it again", [*blocks, note, facts_table(facts)])
