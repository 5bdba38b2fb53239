"""The report's sections on folds, on which randomness matters, and on seeds added in rounds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas

from kmlp import plots
from kmlp.plots import Estimate
from kmlp.plots import Row as Line
from kmlp.ranking import tells_apart
from kmlp.report.content import Block, Cell, Figure, Row, Section, Table
from kmlp.report.figures import PANEL_TITLE, draw, draw_in_rows, row_label
from kmlp.report.tables import NONE
from kmlp.stats import ALPHA, MIN_SEEDS_TO_TEST
from kmlp.units import STREAMS, Unit, p_value, unit_in

Results = Mapping[str, Any]
_STREAMS = {"all": "ordinary seeds", **STREAMS}


def folds_section(results: Results) -> Section | None:
    """Scores by fold; None without cross-validation."""
    found = results.get("cross_validation")
    if not found:
        return None
    unit = unit_in(results)
    entries = sorted(found["variants"], key=lambda e: -unit.gain(e["mean"]))
    title = f"{found['num_folds']}-fold cross-validation"
    if found["num_repeats"] > 1:
        title += f", {found['num_repeats']} times"
    blocks: list[Block] = [_folds(entries, results, unit), _folds_table(entries, results, unit)]
    return Section("folds", title, blocks)


def randomness_section(results: Results) -> Section | None:
    """Deviations by stream; None where no stream was varied alone.

    A sweep would fill the figure with values that differ little: they are in the table alone.
    """
    found = results.get("randomness", ())
    if not found:
        return None
    unit, baseline = unit_in(results), results["baseline"]
    swept = {name for sweep in results.get("sweeps", ()) for name in sweep["variants"]}
    drawn = [e for e in found if e["variant"] not in swept - {baseline}]
    blocks: list[Block] = [_streams(drawn, unit)] if drawn else []
    return Section(
        "randomness", "Which randomness matters", [*blocks, _streams_table(found, baseline, unit)]
    )


def looks_section(results: Results) -> Section | None:
    """What was decided when seeds were added; None where their number was given."""
    found = results.get("looks")
    if not found or not found["taken"]:
        return None
    blocks: list[Block] = [_looks(found, results), _looks_table(found, results)]
    return Section("looks", "When seeds were enough", blocks)


def _folds(entries: Sequence[Mapping[str, Any]], results: Results, unit: Unit) -> Figure:
    baseline = results["baseline"]
    rows = [
        Line(
            label=_label(entry),
            values=unit.scale * np.ravel(entry["scores"]),
            interval=[unit.scale * bound for bound in entry["ci95"]],
            role="baseline" if entry["variant"] == baseline else _fold_standing(entry, unit),
            is_clear=entry["variant"] == baseline or _fold_standing(entry, unit) != "unclear",
        )
        for entry in entries
    ]
    return draw(
        "folds",
        draw_in_rows(rows, f"{unit.axis} on the fold held out {unit.arrow}", None),
        alt=f"{unit.title} of every fold by variant, with means and corrected intervals.",
        caption=(
            "Every dot is one fold; the diamond is the mean over repeats of their folds' mean, the "
            "bar its 95 % interval with Nadeau and Bengio's correction: folds share training "
            f"rows. Blue: {baseline}; filled green or orange: told apart from it."
        ),
    )


def _fold_standing(entry: Mapping[str, Any], unit: Unit) -> str:
    versus = entry["versus_baseline"]
    if not versus or not tells_apart(versus):
        return "unclear"
    return "better" if unit.gain(versus["difference"]) > 0 else "worse"


def _folds_table(entries: Sequence[Mapping[str, Any]], results: Results, unit: Unit) -> Table:
    points = ", points" if unit.of_difference == "points" else ""
    columns = [
        Cell("Variant"),
        Cell(f"{unit.axis} {unit.arrow}", "95 % interval, corrected"),
        Cell(f"Minus {results['baseline']}{points}", "95 % interval, corrected"),
        Cell("Holm p"),
        Cell("Wins"),
    ]
    rows = []
    for entry in entries:
        cells = [
            Cell(_label(entry)),
            Cell(unit.value(entry["mean"]), unit.interval(entry["ci95"]), "strong"),
        ]
        versus = entry["versus_baseline"]
        if versus:
            standing = _fold_standing(entry, unit)
            num = versus["wins"] + versus["ties"] + versus["losses"]
            cells += [
                Cell(
                    unit.signed(versus["difference"]),
                    unit.interval(versus["ci95"], signed=True),
                    "" if standing == "unclear" else standing,
                ),
                Cell(p_value(versus["p_holm"])),
                Cell(f"{versus['wins']} of {num}"),
            ]
        else:
            is_baseline = entry["variant"] == results["baseline"]
            cells += [Cell("baseline" if is_baseline else "–"), Cell("–"), Cell("–")]
        rows.append(Row(cells, entry["variant"] == results["baseline"]))
    note = (
        "Scored on the fold that was held out, which had no part in when training stopped. p is "
        "that of the corrected resampled t test on differences paired by fold, with Holm's "
        "correction; signs are not flipped over folds, which are not independent. Fewer than "
        f"{MIN_SEEDS_TO_TEST} folds in all tell nothing apart."
    )
    return Table(columns, rows, note)


def _streams(found: Sequence[Mapping[str, Any]], unit: Unit) -> Figure:
    rows = []
    for entry in found:
        by_stream = {s["stream"]: s for s in entry["streams"]}
        for stream, words in _STREAMS.items():
            if stream not in by_stream:
                continue
            sd = by_stream[stream]["sd"]
            rows.append(
                Estimate(
                    label=f"{_label(entry)}: {words}" if stream == "all" else words,
                    value=unit.scale * sd["value"],
                    interval=[unit.scale * bound for bound in sd["ci95"]],
                    role="baseline" if stream == "all" else "unclear",
                )
            )
    points = ", points" if unit.scale > 1 else ""
    settings = max(s["num_settings"] for entry in found for s in entry["streams"])

    def draw_at(width: float) -> Canvas:
        canvas = Canvas(figsize=(width, 0.55 + 0.2 * len(rows)), layout="constrained")
        ax = canvas.subplots()
        plots.draw_estimates(ax, rows, xlabel=f"sd of test {unit.title}{points}")
        ax.set_xlim(left=0)
        return canvas

    return draw(
        "randomness",
        draw_at,
        alt=f"Standard deviation of the test {unit.title} by what was varied, for each variant.",
        caption=(
            f"How much the test {unit.title} varies between the ordinary networks (blue), whose "
            "streams are all drawn anew but those of a fixed seed, and where one stream alone is "
            f"and all others are held (grey), pooled over {settings} settings of these. Bars: "
            "95 % intervals (chi-square)."
        ),
    )


def _streams_table(found: Sequence[Mapping[str, Any]], baseline: str, unit: Unit) -> Table:
    shown = {s["stream"] for entry in found for s in entry["streams"]}
    streams = {stream: words for stream, words in _STREAMS.items() if stream in shown}
    points = ", points" if unit.scale > 1 else ""
    rows = []
    for entry in found:
        sds = {s["stream"]: s["sd"] for s in entry["streams"]}
        cells = [
            Cell(unit.value(sds[s]["value"]), unit.interval(sds[s]["ci95"])) if s in sds else NONE
            for s in streams
        ]
        rows.append(Row([Cell(_label(entry)), *cells], entry["variant"] == baseline))
    note = (
        f"Standard deviation of the test {unit.title}{points}, with its 95 % interval; a dash "
        "where a variant draws nothing from the stream, or where fewer than two networks finished."
    )
    return Table([Cell("Variant"), *map(Cell, streams.values())], rows, note)


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
        columns = min(len(names), 4 if width > 5 else 2)
        lines = -(-len(names) // columns)
        canvas = Canvas(figsize=(width, 0.6 + 1.15 * lines), layout="constrained")
        axes = canvas.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).flat
        for ax in axes[len(names) :]:
            ax.remove()
        for ax, title, decisions in zip(axes, titles, by_name.values(), strict=False):
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


def _label(entry: Mapping[str, Any]) -> str:
    return row_label({"name": entry["variant"], "strength": entry["strength"]})
