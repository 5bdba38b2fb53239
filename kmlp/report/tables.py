"""The report's tables, in natural units."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kmlp.evidence import NEAR_ZERO, Evidence
from kmlp.metrics import METRICS
from kmlp.ranking import best_variant, label, num_pairs, rank, shown_beside
from kmlp.report.content import Cell, Row, Table
from kmlp.report.figures import done, row_label
from kmlp.report.standing import standing
from kmlp.units import Unit, p_value, unit_in

NONE = Cell("–")


def ranking(results: Mapping[str, Any]) -> Table:
    """Variants by rank, those that cannot be told apart in one group."""
    unit = unit_in(results)
    beside = [unit_in(results, metric) for metric in shown_beside(results)]
    points = ", points" if unit.of_difference == "points" else ""
    # A column of equal numbers says less than a word in the note.
    counts = len({v["num_members"] for v in results["variants"]}) > 1
    columns = [
        Cell("Variant"),
        *([Cell("Seeds")] if counts else []),
        Cell(f"Test {unit.axis}\N{NO-BREAK SPACE}{unit.arrow}", "95 % interval"),
        Cell("SE"),
        Cell(f"Minus {results['baseline']}{points}", "95 % interval"),
        Cell("Holm p"),
        Cell("Wins"),
        *(Cell(f"{u.axis}\N{NO-BREAK SPACE}{u.arrow}") for u in beside),
        Cell(f"Ensemble{',' + unit.sign if unit.sign else ''}\N{NO-BREAK SPACE}{unit.arrow}"),
    ]
    rows: list[Row] = []
    for title, variants in _groups(results, unit):
        if title:
            rows.append(Row([Cell(title)]))
        rows += [_ranked_row(v, results, unit, beside, with_seeds=counts) for v in variants]
    what = "predictions" if results["dataset"]["task"] == "regression" else "probabilities"
    note = (
        f"By mean test {unit.title}. ↑ higher is better, ↓ lower is better. Intervals are t "
        f"intervals of the mean over {_seeds(results)}, SE is its standard error; p is the "
        "two-sided sign-flip "
        "test's on differences paired by seed, corrected by Holm over all variants; differences "
        f"significant at 5 % are bold. The ensemble averages the {what} of a variant's networks."
    )
    return Table(columns, rows, note)


def paired(results: Mapping[str, Any]) -> Table | None:
    """All that is known of each difference to the baseline; None where none was made."""
    unit = unit_in(results)
    compared = [v for v in rank(results["variants"], unit) if v["versus_baseline"]]
    if not compared:
        return None
    compared.sort(key=lambda v: -unit.gain(v["versus_baseline"]["difference"]))
    columns = [c for c in _PAIRED if any(_has(v["versus_baseline"], c) for v in compared)]
    points = ", points" if unit.of_difference == "points" else ""
    heads = [
        Cell("Variant"),
        Cell(f"Minus {results['baseline']}{points}\N{NO-BREAK SPACE}{unit.arrow}"),
    ]
    heads += [Cell(_PAIRED[c]) for c in columns]
    rows = [
        Row(
            [
                Cell(row_label(v)),
                Cell(unit.signed(v["versus_baseline"]["difference"]), mark=_mark(v, unit)),
                *(_paired_cell(v["versus_baseline"], c, unit) for c in columns),
            ]
        )
        for v in compared
    ]
    return Table(heads, rows, note=_paired_note(columns))


def other_scores(results: Mapping[str, Any]) -> Table | None:
    """The task's other metrics; None where it has none."""
    unit = unit_in(results)
    others = [unit_in(results, m) for m in METRICS[results["dataset"]["task"]] if m != unit.metric]
    if not others:
        return None
    columns = [
        Cell("Variant"),
        *(Cell(f"{u.axis}\N{NO-BREAK SPACE}{u.arrow}", "95 % interval") for u in others),
    ]
    rows = [
        Row(
            [Cell(row_label(v)), *(_score(v["test"].get(u.metric), u) for u in others)],
            v["name"] == results["baseline"],
        )
        for v in rank(results["variants"], unit)
    ]
    note = f"Means over seeds. No test was made on these: the {unit.title} was named before."
    return Table(columns, rows, note)


def pilot(results: Mapping[str, Any]) -> Table | None:
    """How the strengths were chosen; None where they were given."""
    found = results.get("pilot")
    if not found or not found["strengths"]:
        return None
    unit, chosen = unit_in(results), {v["strength"] for v in results["variants"]}
    part = "validation" if found["strengths"][0]["part"] == "val" else "training"
    columns = [Cell("Strength"), Cell(f"Mean {part} {unit.axis}", "standard error"), Cell("Chosen")]
    rows = [
        Row(
            [
                Cell(tried["strength"]),
                Cell(unit.value(tried["mean"]), unit.value(tried["se"]) if tried["se"] else ""),
                Cell("chosen") if tried["strength"] in chosen else NONE,
            ]
        )
        for tried in found["strengths"]
    ]
    note = (
        f"Over {found['num_seeds']} pilot seeds from {found['first_seed']:,} on, which the study "
        "does not use. The best mean is chosen, of equals the weaker. The test set had no say."
    )
    return Table(columns, rows, note)


def cost(results: Mapping[str, Any], evidence: Evidence) -> Table:
    """What each variant costs: time, epochs, weights."""
    columns = [
        Cell("Variant"),
        Cell("Seconds a network", "all seeds"),
        Cell("Epochs trained", "best epoch"),
        Cell("Weights"),
        Cell(f"|w| < {NEAR_ZERO:g}", "% of kernels"),
    ]
    rows = []
    for variant in rank(results["variants"], unit_in(results)):
        members = [m for m in done(results) if m["variant"] == variant["name"]]
        seconds = [m["seconds"] for m in members]
        trained = evidence.of(variant["name"])
        near_zero = float(np.mean([t.near_zero for t in trained]))
        rows.append(
            Row(
                [
                    Cell(row_label(variant)),
                    Cell(f"{np.mean(seconds):.2f}", f"{np.sum(seconds):,.1f}"),
                    Cell(
                        f"{np.mean([m['stopped_epoch'] for m in members]):.1f}",
                        f"{np.mean([m['best_epoch'] for m in members]):.1f}",
                    ),
                    Cell(f"{trained[0].num_weights:,}"),
                    Cell(f"{100 * near_zero:.1f}") if np.isfinite(near_zero) else NONE,
                ],
                variant["name"] == results["baseline"],
            )
        )
    total = sum(m["seconds"] for m in results["members"] if "seconds" in m)
    note = (
        "Means over seeds. Networks train together in stacks: a network's seconds are its share "
        f"of its stack's wall time, {total:,.1f} s in all. The last column is the share of kernel "
        "weights that an L1 penalty, for one, has driven to almost nothing."
    )
    return Table(columns, rows, note)


def _seeds(results: Mapping[str, Any]) -> str:
    numbers = {v["num_members"] for v in results["variants"]}
    return "seeds" if len(numbers) > 1 else f"{numbers.pop()} seeds"


def _groups(results: Mapping[str, Any], unit: Unit) -> list[tuple[str, list[Any]]]:
    """By whether the best can be told from them; without such tests, by the baseline."""
    ranked = rank(results["variants"], unit)
    best = best_variant(results["variants"], unit)
    if best is not None and any(v.get("tied_with_best") is not None for v in ranked):
        tied = [v for v in ranked if v.get("tied_with_best") or v["name"] == best["name"]]
        rest = [v for v in ranked if v not in tied]
        name = label(best)
        better = [v for v in rest if unit.gain(v["versus_best"]["difference"]) > 0]
        groups = [
            (f"Better on the test set than {name}, which validation chose", better),
            (f"The best on validation, {name}, and what cannot be told apart from it", tied),
            (f"Worse than {name}", [v for v in rest if v not in better]),
        ]
    else:
        base = results["baseline"]
        by = {
            "better": f"Better than {base}",
            "unclear": f"{base}, and what cannot be told apart from it",
            "worse": f"Worse than {base}",
        }
        groups = [(by[s], [v for v in ranked if standing(v, unit) == s]) for s in by]
    groups = [(title, variants) for title, variants in groups if variants]
    return groups if len(groups) > 1 else [("", ranked)]


def _ranked_row(
    variant: Mapping[str, Any],
    results: Mapping[str, Any],
    unit: Unit,
    beside: Sequence[Unit],
    *,
    with_seeds: bool,
) -> Row:
    is_baseline = variant["name"] == results["baseline"]
    versus = variant["versus_baseline"]
    strength = variant["strength"] if variant["strength"] != variant["name"] else ""
    diverged = f"{variant['num_diverged']} diverged" if variant["num_diverged"] else ""
    compared = [NONE] * 3
    if is_baseline:
        compared[0] = Cell("baseline")
    if versus:
        bounds = unit.interval(versus["ci95"], signed=True) if versus["ci95"] else ""
        compared = [
            Cell(unit.signed(versus["difference"]), bounds, _mark(variant, unit)),
            Cell(p_value(versus["p_holm"])),
            Cell(f"{versus['wins']} of {num_pairs(versus)}"),
        ]
    return Row(
        [
            Cell(variant["name"], strength),
            *([Cell(str(variant["num_members"]), diverged)] if with_seeds else []),
            _score(variant["test"][unit.metric], unit, mark="strong"),
            _standard_error(variant["test"][unit.metric], unit),
            *compared,
            *(_score(variant["test"].get(u.metric), u, with_interval=False) for u in beside),
            Cell(unit.value(variant["ensemble"][unit.metric])),
        ],
        is_baseline,
    )


def _score(
    summary: Mapping[str, Any] | None, unit: Unit, *, mark: str = "", with_interval: bool = True
) -> Cell:
    if summary is None:
        return NONE
    bounds = unit.interval(summary["ci95"]) if summary["ci95"] and with_interval else ""
    return Cell(unit.value(summary["mean"]), bounds, mark)


def _standard_error(summary: Mapping[str, Any], unit: Unit) -> Cell:
    return NONE if summary["se"] is None else Cell(unit.value(summary["se"]))


def _mark(variant: Mapping[str, Any], unit: Unit) -> str:
    role = standing(variant, unit)
    return "" if role == "unclear" else role


_PAIRED = {
    "ci95": "95 % interval",
    "ci95_seeds_and_rows": "with other test rows",
    "p_holm": "Holm p",
    "p_wilcoxon": "Wilcoxon p",
    "probability_better": "P(better)",
    "wins": "Wins",
    "more_seeds": "More seeds needed",
}


def _has(versus: Mapping[str, Any], column: str) -> bool:
    return versus.get(column) is not None


def _paired_cell(versus: Mapping[str, Any], column: str, unit: Unit) -> Cell:
    value = versus.get(column)
    if value is None:
        return NONE
    if column.startswith("ci95"):
        return Cell(unit.interval(value, signed=True))
    if column.startswith("p_"):
        return Cell(p_value(value))
    if column == "probability_better":
        bounds = value.get("ci95")
        return Cell(
            f"{value['value']:.2f}", f"{bounds[0]:.2f} to {bounds[1]:.2f}" if bounds else ""
        )
    if column == "wins":
        return Cell(f"{value} of {num_pairs(versus)}")
    return Cell(f"{value:,}" if value else NONE.text)


def _paired_note(columns: Sequence[str]) -> str:
    notes = {
        "ci95": (
            "The interval is the paired t interval over seeds, not corrected for the number of "
            "comparisons: one that excludes 0 decides nothing by itself."
        ),
        "ci95_seeds_and_rows": "With other test rows: a bootstrap over seeds and test rows.",
        "p_holm": "Holm p decides; it holds for all comparisons at once.",
        "p_wilcoxon": "Wilcoxon's p is not corrected.",
        "probability_better": "P(better): the chance to beat the baseline with the same seed.",
        "more_seeds": (
            "More seeds needed: to show, with 80 % power, a true difference as large as this one; "
            "a dash where it is shown, or would take more than 500."
        ),
    }
    return " ".join(text for column, text in notes.items() if column in columns)
