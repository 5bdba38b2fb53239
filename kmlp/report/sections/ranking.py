"""The variants by rank, those that cannot be told apart in one group."""

from collections.abc import Mapping, Sequence
from typing import Any

from kmlp.report.blocks import NONE, Cell, Row, Table
from kmlp.report.standing import standing
from kmlp.stats.formatting import Unit, p_value, unit_in
from kmlp.study.results.ranking import best_variant, label, num_pairs, rank, shown_beside


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
            Cell(unit.signed(versus["difference"]), bounds, difference_mark(variant, unit)),
            Cell(p_value(versus["p_holm"])),
            Cell(f"{versus['wins']} of {num_pairs(versus)}"),
        ]
    return Row(
        [
            Cell(variant["name"], strength),
            *([Cell(str(variant["num_members"]), diverged)] if with_seeds else []),
            score_cell(variant["test"][unit.metric], unit, mark="strong"),
            _standard_error(variant["test"][unit.metric], unit),
            *compared,
            *(score_cell(variant["test"].get(u.metric), u, with_interval=False) for u in beside),
            Cell(unit.value(variant["ensemble"][unit.metric])),
        ],
        is_baseline,
    )


def score_cell(
    summary: Mapping[str, Any] | None, unit: Unit, *, mark: str = "", with_interval: bool = True
) -> Cell:
    if summary is None:
        return NONE
    bounds = unit.interval(summary["ci95"]) if summary["ci95"] and with_interval else ""
    return Cell(unit.value(summary["mean"]), bounds, mark)


def _standard_error(summary: Mapping[str, Any], unit: Unit) -> Cell:
    return NONE if summary["se"] is None else Cell(unit.value(summary["se"]))


def difference_mark(variant: Mapping[str, Any], unit: Unit) -> str:
    role = standing(variant, unit)
    return "" if role == "unclear" else role
