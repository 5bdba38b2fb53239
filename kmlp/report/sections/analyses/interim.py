"""When seeds were enough: what was decided as they were added."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from matplotlib.figure import Figure as Canvas

from kmlp.report import plots, tabular
from kmlp.report.blocks import Cell, Figure, Section, Table
from kmlp.report.csv_tables import of_records
from kmlp.report.rendering.drawing import draw, row_label, scaled
from kmlp.report.tabular import Column
from kmlp.stats.formatting import p_value
from kmlp.stats.group_sequential import Decision
from kmlp.stats.paired_tests import ALPHA
from kmlp.study.results.records.choices import Looks
from kmlp.study.results.records.study import StudyResults


def interim_section(results: StudyResults) -> Section | None:
    """What was decided when seeds were added; None where their number was given."""
    found = results.looks
    if not found or not found.taken:
        return None
    rows: list[dict[str, Any]] = [
        {"look": look.num_seeds, **asdict(decision)}
        for look in found.taken
        for decision in look.decisions
    ]
    return Section(
        "looks",
        "When seeds were enough",
        [_looks(found, results), _looks_table(found, results)],
        {"looks": of_records(rows)},
    )


def _looks(found: Looks, results: StudyResults) -> Figure:
    unit, by_name = results.unit(), found.decisions()
    titles = [row_label(results.variant(name)) for name in by_name]

    def draw_at(width: float) -> Canvas:
        panels = plots.titled_panels(titles, width, row_height=1.15, margin=0.6)
        for ax, decisions in zip(panels.axes, by_name.values(), strict=True):
            plots.draw_looks(
                ax,
                [d.num_seeds for d in decisions],
                [unit.scale * d.difference for d in decisions],
                [scaled(d.interval, unit) for d in decisions],
                roles=[_role(d) for d in decisions],
            )
            ax.set_xticks(found.planned)
        panels.canvas.supxlabel("seeds", fontsize=8.5)
        panels.canvas.supylabel(f"difference{tabular.points(unit)} {unit.arrow}", fontsize=8.5)
        return panels.canvas

    return draw(
        "looks",
        draw_at,
        alt="Differences to the baseline at each look, a panel a variant.",
        caption=(
            f"Validation {unit.title} minus {results.baseline}'s at each look, with the "
            "interval that counts all looks and variants. Filled: told apart, and no more seeds "
            "were spent on it."
        ),
    )


def _looks_table(found: Looks, results: StudyResults) -> Table:
    looks = ", ".join(map(str, found.planned))
    note = (
        f"Looks were planned at {looks} seeds, on the validation rows; the chance of any false "
        f"verdict at any of them is at most {100 * ALPHA:.0f} % where paired differences are "
        "symmetric. p decides; the interval, which holds for all looks and variants at once, is "
        "wider. The p-values on the test set are "
        f"multiplied by {len(found.planned)} for the same reason. Sizes and all other intervals "
        "of this report are those of so many seeds fixed beforehand: they are not adjusted for "
        "when the study stopped, which favours large differences."
    )
    last = [decisions[-1] for decisions in found.decisions().values()]
    return tabular.table(_columns(results), last, note=note)


def _columns(results: StudyResults) -> Sequence[Column[Decision]]:
    unit = results.unit()
    return [
        Column(head="Variant", cell=lambda d: Cell(d.variant)),
        Column(head="Seeds", cell=lambda d: Cell(str(d.num_seeds))),
        Column(
            head=f"Minus {results.baseline} on validation",
            second="interval over all looks",
            cell=lambda d: Cell(
                unit.signed(d.difference),
                tabular.bounded(unit, d.interval, signed=True),
                _role(d) if _role(d) != "unclear" else "",
            ),
        ),
        Column(head="p, all corrections", cell=lambda d: Cell(p_value(d.p))),
        Column(head="Then", cell=lambda d: Cell(_THEN[d.status])),
    ]


_THEN = {
    "better": "told apart: better",
    "worse": "told apart: worse",
    "precise": "known precisely enough",
    "open": "goes on",
    "undecided": "undecided at the last look",
}


def _role(decision: Decision) -> str:
    return decision.status if decision.status in ("better", "worse") else "unclear"
