"""References: models that are no networks, beside the best one."""

from dataclasses import replace

import numpy as np

from kmlp.report import tabular
from kmlp.report.blocks import Cell, Section, Table
from kmlp.report.csv_tables import of_records
from kmlp.report.tabular import Column
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
        for r in results.references
        for m in r.members
    ]
    return Section(
        "references",
        "Beside other models",
        [references_figure(ranked, results), _table(ranked, results)],
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
    note = (
        "scikit-learn's estimators as they are, not tuned, on the training rows of the "
        f"baseline's network of the same {results.tested.pair}, with its class weights. Holm's "
        "correction is over the references alone. Green: better than the best network."
    )
    return tabular.table(reference_columns(results), ranked, note=note)
