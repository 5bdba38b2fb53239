"""References: models that are no networks, beside the best one."""

from dataclasses import replace

import numpy as np

from kmlp.report import tabular
from kmlp.report.blocks import Cell, Section, Table
from kmlp.report.csv_tables import of_records
from kmlp.report.tabular import Column
from kmlp.study.results.baseline import the_network
from kmlp.study.results.records.references import ReferenceResult
from kmlp.study.results.records.study import StudyResults
from kmlp.study.results.records.variants import Versus


def references_section(results: StudyResults) -> Section | None:
    """None where no reference was trained."""
    if not results.references:
        return None
    # Drawn with what the terminal's table need not load.
    from kmlp.report.sections.analyses.references_figure import references_figure

    unit = results.unit()
    ranked = sorted(results.references, key=lambda r: -unit.gain(r.test[unit.metric].mean))
    rows = [
        {"reference": r.name, "seed": m.seed}
        | ({} if m.place is None else {"fold": m.place})
        | {"seconds": m.seconds, "test": m.test, "val": m.val}
        | ({} if m.settings is None else {"settings": m.settings})
        for r in results.references
        for m in r.members
    ]
    return Section(
        "references",
        "Beside other models",
        [references_figure(ranked, results), _table(ranked, results), *_chosen(ranked, results)],
        {"references": of_records(rows)},
    )


def reference_columns(results: StudyResults) -> list[Column[ReferenceResult]]:
    """What is told of a reference; the difference is to the best network."""
    unit, tested = results.unit(), results.tested
    best = results.best.variant if results.best else ""
    versus: list[Column[ReferenceResult]] = tabular.versus_columns(_versus_best, best, unit)
    return [
        Column(head="Model", cell=lambda r: Cell(r.title)),
        Column(
            head=f"{tested.heading} {unit.axis}\N{NO-BREAK SPACE}{unit.arrow}",
            second="95 % interval",
            cell=lambda r: tabular.score(r.test.get(unit.metric), unit),
            terminal=f"{tested.short} {unit.short}{unit.sign} {unit.arrow}",
            second_leaves=3,
        ),
        replace(versus[0], terminal="vs. network"),
        *versus[1:],
        Column(
            head="Seconds",
            cell=lambda r: Cell(f"{np.mean([m.seconds for m in r.members]):.1f}"),
            note="Seconds: to train one, over all cores.",
        ),
    ]


def _versus_best(reference: ReferenceResult) -> Versus | None:
    return reference.versus_best


def _table(ranked: list[ReferenceResult], results: StudyResults) -> Table:
    pair, num_trials = results.tested.pair, max(r.num_trials for r in ranked)
    made = "scikit-learn's estimators as they are, not tuned"
    if num_trials > 1:
        made = (
            f"scikit-learn's estimators, those called tuned with the best of {num_trials} settings "
            f"on the validation rows of each {pair}, its defaults among them"
        )
    note = (
        f"{made}, on the training rows of the baseline's network of the same {pair}, with its "
        "class weights. Holm's correction is over the references alone. Green: better than "
        f"{the_network(results)}.{_over_what(results)}"
    )
    return tabular.table(reference_columns(results), ranked, note=note)


def _over_what(results: StudyResults) -> str:
    """Folds hold the rows' chance themselves."""
    if results.basis == "folds":
        return ""
    rows = f"these {results.dataset.num_test:,} test rows"
    return f" Intervals and p are over seeds, on {rows}: other rows would differ by more."


def _chosen(ranked: list[ReferenceResult], results: StudyResults) -> list[Table]:
    """Which settings won, of those that are tuned."""
    rows = [
        (reference, name)
        for reference in ranked
        for name in sorted({n for m in reference.members for n in m.settings or {}})
    ]
    if not rows:
        return []
    pair = results.tested.pair
    columns = [
        Column[tuple[ReferenceResult, str]](head="Model", cell=lambda row: Cell(row[0].title)),
        Column(head="Setting", cell=lambda row: Cell(row[1])),
        Column(head="Lowest", cell=lambda row: Cell(f"{min(_values(*row)):.3g}")),
        Column(head="Median", cell=lambda row: Cell(f"{np.median(_values(*row)):.3g}")),
        Column(head="Highest", cell=lambda row: Cell(f"{max(_values(*row)):.3g}")),
        Column(
            head="Defaults kept",
            cell=lambda row: Cell(f"{_num_untouched(row[0])} of {row[0].num_members}"),
        ),
    ]
    note = (
        f"What the validation rows of each {pair} chose; every choice is in "
        "tables/references.csv. Where scikit-learn's defaults were best they were kept."
    )
    return [tabular.table(columns, rows, note=note)]


def _values(reference: ReferenceResult, setting: str) -> list[float]:
    return [m.settings[setting] for m in reference.members if m.settings]


def _num_untouched(reference: ReferenceResult) -> int:
    return sum(not m.settings for m in reference.members)
