"""References and the best network, seed by seed."""

from collections.abc import Sequence

import numpy as np

from kmlp.report.blocks import Figure
from kmlp.report.plots import ForestRow
from kmlp.report.rendering.drawing import draw, draw_in_rows, scaled
from kmlp.stats.formatting import Unit
from kmlp.study.results.baseline import the_network
from kmlp.study.results.ranking import standing
from kmlp.study.results.records.references import ReferenceResult
from kmlp.study.results.records.study import StudyResults


def references_figure(ranked: Sequence[ReferenceResult], results: StudyResults) -> Figure:
    """A row a reference, and one of the best network."""
    unit, tested = results.unit(), results.tested
    rows = [_row(r, unit) for r in ranked]
    if results.best:
        rows.append(_network(results, unit))
    rows.sort(key=lambda row: -unit.gain(float(row.values.mean())))
    return draw(
        "references",
        draw_in_rows(rows, f"{tested.adjective} {unit.axis} {unit.arrow}", None),
        alt=(
            f"{tested.heading} {unit.title} of every {tested.pair} of each reference and of "
            f"{the_network(results)}."
        ),
        caption=(
            f"Every dot is one {tested.pair}; the diamond is the mean, the bar its 95 % interval. "
            f"Blue: {the_network(results)}; filled green or orange: told apart from it."
        ),
    )


def _row(reference: ReferenceResult, unit: Unit) -> ForestRow:
    role = standing(reference.versus_best, unit)
    values = [m.test[unit.metric] for m in reference.members]
    return ForestRow(
        label=reference.title,
        values=unit.scale * np.array(values, float),
        interval=scaled(reference.test[unit.metric].ci95, unit),
        role=role,
        is_clear=role != "unclear",
    )


def _network(results: StudyResults, unit: Unit) -> ForestRow:
    assert results.best is not None
    variant = results.variant(results.best.variant)
    return ForestRow(
        label=f"network, {variant.name}",
        values=unit.scale * np.array(list(results.by_pair(variant.name).values())),
        interval=scaled(variant.test[unit.metric].ci95, unit),
        role="baseline",
    )
