"""Which randomness matters: deviations by stream."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure as Canvas

from kmlp.report import plots
from kmlp.report.blocks import NONE, Block, Cell, Figure, Row, Section, Table
from kmlp.report.plots import Estimate
from kmlp.report.rendering.drawing import draw, entry_label
from kmlp.stats.formatting import STREAM_TITLES, Unit, unit_in

Results = Mapping[str, Any]


_STREAMS = {"all": "ordinary seeds", **STREAM_TITLES}


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
                    label=f"{entry_label(entry)}: {words}" if stream == "all" else words,
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
        rows.append(Row([Cell(entry_label(entry)), *cells], entry["variant"] == baseline))
    note = (
        f"Standard deviation of the test {unit.title}{points}, with its 95 % interval; a dash "
        "where a variant draws nothing from the stream, or where fewer than two networks finished."
    )
    return Table([Cell("Variant"), *map(Cell, streams.values())], rows, note)
