"""The page of scores from anywhere."""

import json
from pathlib import Path

from kmlp.files import write_atomically
from kmlp.ownership import own_folder
from kmlp.report.blocks import Bullets, Report, Section
from kmlp.report.comparing.figures import across_figure, differences_figure
from kmlp.report.comparing.tables import across_table, files, scores_table
from kmlp.report.write import write_files
from kmlp.scores.comparison import Comparison
from kmlp.scores.records import DatasetResult
from kmlp.scores.verdict import are_enough_datasets, compared, pairs_needed
from kmlp.stats.formatting import listed

NUM_SENTENCES = 3
_TESTS = {
    "sign_flip": (
        "Differences by seed: paired t intervals; p of the two-sided sign-flip test, exact up to "
        "14 seeds."
    ),
    "corrected_t": (
        "Differences by fold: the corrected resampled t test (Nadeau and Bengio 2003), which knows "
        "that folds share training rows."
    ),
    "permutation": (
        "Unpaired scores: Welch's t interval; p of the two-sided permutation test of the labels."
    ),
}


def write_scores_report(comparison: Comparison, out: str | Path) -> Path:
    """Writes `report.html`, `report.pdf`, `results.json`, figures, and tables as CSV and LaTeX.

    Args:
        comparison: as `kmlp.compare` gives it.
        out: where to write; created where it is missing.

    Returns:
        The path of the page.

    Raises:
        ForeignFolderError: `out` holds something else.
    """
    out = Path(out)
    own_folder(out, "report")
    content = json.dumps(comparison.results, indent=1, ensure_ascii=False)
    write_atomically(out / "results.json", content.encode())
    return write_files(out, "report", scores_report(comparison), files(comparison))


def scores_report(comparison: Comparison) -> Report:
    """What the page says."""
    found, unit = comparison.found, comparison.unit
    figures = [
        differences_figure(comparison, dataset, place)
        for place, dataset in enumerate(found.datasets)
        if compared(dataset, unit)
    ]
    first = [across_figure(comparison)] if found.across else figures[:1]
    rest = figures if found.across else figures[1:]
    return Report(
        kicker="Comparison of scores",
        title=_question(comparison),
        facts=_facts(comparison),
        verdict=found.verdict[:NUM_SENTENCES],
        also=[*found.verdict[NUM_SENTENCES:], *found.notes],
        lead=first,
        sections=[
            *_tables(comparison),
            *([Section("differences", "Differences on each data set", rest)] if rest else []),
            Section("how", "How it was computed", [Bullets(_how(comparison))]),
            Section("limits", "Limits", [Bullets(_limits(comparison))]),
        ],
    )


def _tables(comparison: Comparison) -> list[Section]:
    found, unit = comparison.found, comparison.unit
    sections = []
    if found.across:
        sections.append(Section("across", "Over all data sets", [across_table(comparison)]))
    for place, dataset in enumerate(found.datasets, start=1):
        block = scores_table(dataset, found.baseline, unit)
        sections.append(Section(f"scores-{place}", _title(dataset), [block]))
    return sections


def _question(comparison: Comparison) -> str:
    datasets = comparison.found.datasets
    where = f" on {datasets[0].name}" if len(datasets) == 1 and datasets[0].name else ""
    over = f" over {len(datasets)} data sets" if len(datasets) > 1 else ""
    return f"Which method beats {comparison.baseline}{where}{over}?"


def _facts(comparison: Comparison) -> str:
    found = comparison.found
    number = sum(len(m.scores) for d in found.datasets for m in d.methods)
    methods = len({m.name for d in found.datasets for m in d.methods})
    paired = " and ".join(found.paired_by)
    better = "more" if found.metric.higher_is_better else "less"
    return (
        f"{number:,} scores of {methods} methods · {comparison.metric.title}, {better} is better · "
        + (f"paired by {paired}" if paired else "not paired")
    )


def _title(dataset: DatasetResult) -> str:
    return f"Scores on {dataset.name}" if dataset.name else "Scores"


def _how(comparison: Comparison) -> list[str]:
    found = comparison.found
    tests = {m.versus_baseline.test for d in found.datasets for m in d.methods if m.versus_baseline}
    items = [text for test, text in _TESTS.items() if test in tests]
    items.append(
        "p is corrected by Holm over all methods compared on a data set; with fewer than "
        f"{pairs_needed(found)} pairs nothing can be called better or worse here: the more methods "
        "a data set has, the more it takes. The 95 % intervals are each by itself."
    )
    if found.margin is not None:
        items.append(
            "Equivalence: two one-sided t tests (Schuirmann 1987), corrected by Holm. "
            '"Equivalent" is shown; "cannot be told apart" is not known. Probabilities are of a t '
            "posterior under a flat prior."
        )
    tests_across = []
    if are_enough_datasets(found):
        tests_across.append("Wilcoxon's signed-rank test (Demsar 2006)")
    if any(m.posterior for m in found.across):
        tests_across.append("the Bayesian signed-rank test (Benavoli et al. 2017)")
    if tests_across:
        items.append(f"Over data sets, on one mean difference each: {listed(tests_across)}.")
    return items


def _limits(comparison: Comparison) -> list[str]:
    folds = "fold" in comparison.found.paired_by
    of_rows = (
        "Folds tell of rows like these: not of how methods do on rows from elsewhere, or of later."
        if folds
        else "A score varies by seed, and by which rows test it; intervals and p know of the first "
        "alone. A difference of a few test rows may turn round on other rows: an accuracy of 90 % "
        "on 700 rows is itself known to ±2.2 points, and differences on the same rows are known "
        "better, but not for sure."
    )
    return [
        of_rows,
        "How much each method was tuned no score tells. One that was chosen by these very scores "
        "is flattered by them.",
    ]
