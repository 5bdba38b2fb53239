"""Figures of scores: what each method gains over the baseline."""

from collections.abc import Sequence

import numpy as np

from kmlp.report.blocks import Figure
from kmlp.report.plots import ForestRow
from kmlp.report.rendering.drawing import draw, draw_in_rows, scaled
from kmlp.report.tabular import points
from kmlp.scores.comparison import Comparison
from kmlp.scores.records import DatasetResult
from kmlp.scores.verdict import across_kind, compared, kind, pairs_of
from kmlp.stats.formatting import Unit


def differences_figure(comparison: Comparison, dataset: DatasetResult, place: int) -> Figure:
    """Differences to the baseline on one data set."""
    found, unit = comparison.found, comparison.unit
    rows = [
        _row(m.name, v.differences or (v.difference,), v.ci95, kind(v, unit), unit)
        for m, v in compared(dataset, unit)
    ]
    where = f" on {dataset.name}" if dataset.name else ""
    dots = f"a dot a {pairs_of(found)[:-1]}, " if found.paired_by else ""
    return draw(
        f"differences-{place + 1}" if dataset.name else "differences",
        draw_in_rows(rows, _axis(comparison), 0.0),
        alt=f"Differences in {unit.title} to {found.baseline}{where} by method.",
        caption=(
            f"Each method's {unit.title}{where} minus {found.baseline}'s{points(unit)}: {dots}the "
            f"diamond their mean, the bar its 95 % interval. {_reading(unit)}"
        ),
    )


def across_figure(comparison: Comparison) -> Figure:
    """Mean differences to the baseline, a dot a data set."""
    found, unit = comparison.found, comparison.unit
    rows = [
        _row(m.name, list(m.differences.values()), m.ci95, across_kind(m, unit), unit)
        for m in sorted(found.across, key=lambda m: -unit.gain(m.difference))
    ]
    return draw(
        "across",
        draw_in_rows(rows, _axis(comparison), 0.0),
        alt=f"Mean differences in {unit.title} to {found.baseline} by method, a dot a data set.",
        caption=(
            f"Mean {unit.title} minus {found.baseline}'s{points(unit)}: a dot a data set, the "
            f"diamond their mean, the bar its 95 % interval. {_reading(unit)}"
        ),
    )


def _row(
    label: str,
    values: Sequence[float],
    interval: tuple[float, float] | None,
    said: str,
    unit: Unit,
) -> ForestRow:
    is_clear = said in ("better", "worse")
    return ForestRow(
        label=label,
        values=unit.scale * np.array(values),
        interval=scaled(interval, unit),
        role=said if is_clear else "unclear",
        is_clear=is_clear,
    )


def _axis(comparison: Comparison) -> str:
    unit = comparison.unit
    return f"{unit.title} minus {comparison.found.baseline}{points(unit)} {unit.arrow}"


def _reading(unit: Unit) -> str:
    right = "right" if unit.higher_is_better else "left"
    logarithm = "A difference of -0.10 is an error that is 9.5 % lower. " * unit.is_log
    return (
        f"{logarithm}Further {right} is better. Filled: the corrected test tells it apart "
        "(green better, orange worse); hollow: it does not."
    )
