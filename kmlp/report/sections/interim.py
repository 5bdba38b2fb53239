"""When seeds were enough: what was decided as they were added."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure as Canvas

from kmlp.report import plots
from kmlp.report.blocks import Block, Cell, Figure, Row, Section, Table
from kmlp.report.figures import PANEL_TITLE
from kmlp.report.rendering.drawing import draw
from kmlp.stats.formatting import p_value, unit_in
from kmlp.stats.paired_tests import ALPHA

Results = Mapping[str, Any]


def interim_section(results: Results) -> Section | None:
    """What was decided when seeds were added; None where their number was given."""
    found = results.get("looks")
    if not found or not found["taken"]:
        return None
    blocks: list[Block] = [_looks(found, results), _looks_table(found, results)]
    return Section("looks", "When seeds were enough", blocks)


def _looks(found: Mapping[str, Any], results: Results) -> Figure:
    unit = unit_in(results)
    names = list(dict.fromkeys(d["variant"] for t in found["taken"] for d in t["decisions"]))
    by_name: dict[str, list[Mapping[str, Any]]] = {name: [] for name in names}
    for taken in found["taken"]:
        for decision in taken["decisions"]:
            by_name[decision["variant"]].append(decision)
    points = ", points" if unit.scale > 1 else ""
    titles = plots.fitted_apart(names, PANEL_TITLE, 2)

    def draw_at(width: float) -> Canvas:
        panels = plots.small_multiples(len(names), width, row_height=1.15, margin=0.6, sharex=True)
        canvas = panels.canvas
        for ax, title, decisions in zip(panels.axes, titles, by_name.values(), strict=True):
            plots.draw_looks(
                ax,
                [d["num_seeds"] for d in decisions],
                [unit.scale * d["difference"] for d in decisions],
                [d["interval"] and [unit.scale * b for b in d["interval"]] for d in decisions],
                roles=[_role(d["status"]) for d in decisions],
            )
            ax.set_title(title, loc="left", fontweight="normal")
            ax.set_xticks(found["planned"])
        canvas.supxlabel("seeds", fontsize=8.5)
        canvas.supylabel(f"difference{points} {unit.arrow}", fontsize=8.5)
        return canvas

    return draw(
        "looks",
        draw_at,
        alt="Differences to the baseline at each look, a panel a variant.",
        caption=(
            f"Validation {unit.title} minus {results['baseline']}'s at each look, with the "
            "interval that counts all looks and variants. Filled: told apart, and no more seeds "
            "were spent on it."
        ),
    )


def _looks_table(found: Mapping[str, Any], results: Results) -> Table:
    unit = unit_in(results)
    last = {d["variant"]: d for taken in found["taken"] for d in taken["decisions"]}
    columns = [
        Cell("Variant"),
        Cell("Seeds"),
        Cell(f"Minus {results['baseline']} on validation", "interval over all looks"),
        Cell("p, all corrections"),
        Cell("Then"),
    ]
    rows = [
        Row(
            [
                Cell(name),
                Cell(str(d["num_seeds"])),
                Cell(
                    unit.signed(d["difference"]),
                    unit.interval(d["interval"], signed=True) if d["interval"] else "",
                    _role(d["status"]) if _role(d["status"]) != "unclear" else "",
                ),
                Cell(p_value(d["p"])),
                Cell(_THEN[d["status"]]),
            ]
        )
        for name, d in last.items()
    ]
    looks = ", ".join(map(str, found["planned"]))
    note = (
        f"Looks were planned at {looks} seeds, on the validation rows; the chance of any false "
        f"verdict at any of them is at most {100 * ALPHA:.0f} % where paired differences are "
        "symmetric. p decides; the interval, which holds for all looks and variants at once, is "
        "wider. The p-values on the test set are "
        f"multiplied by {len(found['planned'])} for the same reason. Sizes and all other intervals "
        "of this report are those of so many seeds fixed beforehand: they are not adjusted for "
        "when the study stopped, which favours large differences."
    )
    return Table(columns, rows, note)


_THEN = {
    "better": "told apart: better",
    "worse": "told apart: worse",
    "precise": "known precisely enough",
    "open": "goes on",
    "undecided": "undecided at the last look",
}


def _role(status: str) -> str:
    return status if status in ("better", "worse") else "unclear"
