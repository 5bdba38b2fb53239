"""Tables of scores: by method, and over data sets."""

import csv
import io
from collections.abc import Sequence

from kmlp.report.blocks import NONE, Cell, Row, Table
from kmlp.report.rendering.latex import booktabs
from kmlp.scores.comparison import Comparison
from kmlp.scores.records import AcrossMethod, DatasetResult, MethodResult, VersusMethod
from kmlp.scores.verdict import kind
from kmlp.stats.formatting import Unit, p_value
from kmlp.text import csv_cell


def _ranked(dataset: DatasetResult, unit: Unit) -> list[MethodResult]:
    return sorted(dataset.methods, key=lambda m: -unit.gain(m.summary.mean))


def scores_table(dataset: DatasetResult, baseline: str, unit: Unit) -> Table:
    points = ", points" if unit.of_difference == "points" else ""
    columns = [
        Cell("Method"),
        Cell("Scores"),
        Cell(f"Mean {unit.axis}\N{NO-BREAK SPACE}{unit.arrow}", "95 % interval"),
        Cell(f"Minus {baseline}{points}", "95 % interval"),
        Cell("Holm p"),
        Cell("Wins"),
        Cell("Effect size", "95 % interval"),
    ]
    rows = [
        Row([Cell(m.name), *_cells(m, unit)], is_baseline=m.name == baseline)
        for m in _ranked(dataset, unit)
    ]
    note = (
        "Holm p holds for all comparisons at once, and decides; the intervals are not corrected. "
        "Bold: told apart. Effect size: the mean difference in standard deviations of the "
        "differences by seed."
    )
    return Table(columns, rows, note)


def _cells(method: MethodResult, unit: Unit) -> list[Cell]:
    summary = method.summary
    score = Cell(unit.value(summary.mean), unit.interval(summary.ci95) if summary.ci95 else "")
    return [Cell(f"{len(method.scores)}"), score, *_versus_cells(method.versus_baseline, unit)]


def _versus_cells(versus: VersusMethod | None, unit: Unit) -> list[Cell]:
    if versus is None:
        return [NONE] * 4
    said = kind(versus, unit)
    mark = said if said in ("better", "worse") else ""
    bounds = unit.interval(versus.ci95, signed=True) if versus.ci95 else ""
    effect = NONE
    if size := versus.effect_size:
        effect = Cell(f"{size.value:+.2f}", "{:+.2f} to {:+.2f}".format(*size.ci95))
    return [
        Cell(unit.signed(versus.difference), bounds, mark),
        Cell(p_value(versus.p_holm)),
        NONE if versus.wins is None else Cell(f"{versus.wins} of {versus.num_compared}"),
        effect,
    ]


def across_table(across: Sequence[AcrossMethod], unit: Unit) -> Table:
    points = ", points" if unit.of_difference == "points" else ""
    columns = [
        Cell("Method"),
        Cell(f"Mean difference{points}", "95 % interval"),
        Cell("Holm p", "signed-rank"),
        Cell("Better / equal / worse", "data sets"),
        Cell("Next data set", "better / equal / worse"),
    ]
    rows = []
    for m in sorted(across, key=lambda m: -unit.gain(m.difference)):
        posterior = m.posterior
        shares = (posterior.better, posterior.equal, posterior.worse) if posterior else ()
        rows.append(
            Row(
                [
                    Cell(m.name),
                    Cell(
                        unit.signed(m.difference),
                        unit.interval(m.ci95, signed=True) if m.ci95 else "",
                    ),
                    Cell(p_value(m.p_holm)),
                    Cell(f"{m.wins} / {m.ties} / {m.losses}"),
                    Cell(" / ".join(f"{s:.2f}" for s in shares)) if shares else NONE,
                ]
            )
        )
    return Table(columns, rows, "A data set counts once, by its mean difference.")


def files(comparison: Comparison) -> dict[str, str]:
    """File name -> content: the tables as CSV for machines, and as LaTeX for papers."""
    found, unit = comparison.found, comparison.unit
    tables = {d.name: scores_table(d, found.baseline, unit) for d in found.datasets}
    latex = "\n\n".join(booktabs(t, caption=_caption(n, unit)) for n, t in tables.items())
    if found.across:
        latex += "\n\n" + booktabs(across_table(found.across, unit), caption="Over data sets.")
    return {"scores.csv": _csv(comparison), "scores.tex": latex}


def _caption(dataset: str, unit: Unit) -> str:
    return f"{unit.title[:1].upper()}{unit.title[1:]}{f' on {dataset}' if dataset else ''}."


def _csv(comparison: Comparison) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    heads = ("dataset", "method", "num_scores", "mean", "sd", "se", "ci95_low", "ci95_high")
    versus = ("difference", "difference_low", "difference_high", "p", "p_holm", "wins", "losses")
    writer.writerow((*heads, *versus))
    for dataset in comparison.found.datasets:
        for m in _ranked(dataset, comparison.unit):
            s, v = m.summary, m.versus_baseline
            row = [
                dataset.name,
                m.name,
                len(m.scores),
                s.mean,
                s.sd,
                s.se,
                *(s.ci95 or (None,) * 2),
            ]
            if v:
                row += [v.difference, *(v.ci95 or (None,) * 2), v.p, v.p_holm, v.wins, v.losses]
            writer.writerow([csv_cell(_digits(x)) for x in row])
    return out.getvalue()


def _digits(value: float | None) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value
