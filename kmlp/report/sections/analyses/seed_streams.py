"""Which randomness matters: deviations by stream."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure as Canvas

from kmlp.report import plots, tabular
from kmlp.report.blocks import Block, Cell, Figure, Section, Table
from kmlp.report.csv_tables import of_records
from kmlp.report.plots import EstimateRow
from kmlp.report.rendering.drawing import draw, row_label, scaled
from kmlp.report.tabular import Column
from kmlp.stats.formatting import STREAM_TITLES, Unit
from kmlp.study.results.records.seed_streams import StreamsOfVariant
from kmlp.study.results.records.study import StudyResults

_STREAMS = {"all": "ordinary seeds", **STREAM_TITLES}


def randomness_section(results: StudyResults) -> Section | None:
    """Deviations by stream; None where no stream was varied alone.

    A sweep would fill the figure with values that differ little: they are in the table alone.
    """
    found, unit, baseline = results.randomness, results.unit(), results.baseline
    if not found:
        return None
    swept = {name for sweep in results.sweeps for name in sweep.variants}
    drawn = [e for e in found if e.variant not in swept - {baseline}]
    blocks: list[Block] = [_streams(drawn, unit)] if drawn else []
    blocks.append(_streams_table(found, baseline, unit))
    rows: list[dict[str, Any]] = [
        {"variant": entry.variant, **spread.to_dict()}
        for entry in found
        for spread in entry.streams
    ]
    tables = {"randomness": of_records(rows)}
    return Section("randomness", "Which randomness matters", blocks, tables)


def _streams(found: Sequence[StreamsOfVariant], unit: Unit) -> Figure:
    rows = [row for entry in found for row in _rows(entry, unit)]
    settings = max(s.num_settings for entry in found for s in entry.streams)

    def draw_at(width: float) -> Canvas:
        canvas = Canvas(figsize=(width, 0.55 + 0.2 * len(rows)), layout="constrained")
        ax = canvas.subplots()
        plots.draw_estimates(ax, rows, xlabel=f"sd of test {unit.title}{tabular.points(unit)}")
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


def _rows(entry: StreamsOfVariant, unit: Unit) -> list[EstimateRow]:
    return [
        EstimateRow(
            label=f"{row_label(entry)}: {words}" if stream == "all" else words,
            value=unit.scale * entry.by_stream[stream].sd.value,
            interval=scaled(entry.by_stream[stream].sd.ci95, unit),
            role="baseline" if stream == "all" else "unclear",
        )
        for stream, words in _STREAMS.items()
        if stream in entry.by_stream
    ]


def _streams_table(found: Sequence[StreamsOfVariant], baseline: str, unit: Unit) -> Table:
    shown = {stream for entry in found for stream in entry.by_stream}
    own: list[Column[StreamsOfVariant]] = [
        Column(head="Variant", cell=lambda e: Cell(row_label(e))),
        *(_column(s, words, unit) for s, words in _STREAMS.items() if s in shown),
    ]
    note = (
        f"Standard deviation of the test {unit.title}{tabular.points(unit)}, with its 95 % "
        "interval; a dash "
        "where a variant draws nothing from the stream, or where fewer than two networks finished."
    )
    return tabular.table(own, found, is_baseline=lambda e: e.variant == baseline, note=note)


def _column(stream: str, words: str, unit: Unit) -> Column[StreamsOfVariant]:
    return Column(
        head=words,
        cell=lambda e: tabular.if_any(
            e.by_stream.get(stream),
            lambda spread: Cell(unit.value(spread.sd.value), unit.interval(spread.sd.ci95)),
        ),
    )
