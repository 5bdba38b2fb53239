"""The report's section on sweeps: scores, bias and variance along one field's values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas

from kmlp.config import Variant
from kmlp.config.records import records_of
from kmlp.config.settings import RECORDS
from kmlp.config.sweep import written
from kmlp.report import plots
from kmlp.report.blocks import Block, Figure, Section
from kmlp.report.csv_tables import of_records
from kmlp.report.plots import Line
from kmlp.report.rendering.drawing import draw
from kmlp.study.results.records.base import Estimate
from kmlp.study.results.records.choices import SweptField
from kmlp.study.results.records.study import StudyResults

_WIDE_RANGE = 20
_SCORES = {
    "train": ("training", "train"),
    "val": ("validation", "unclear"),
    "test": ("test", "baseline"),
}
_PARTS = {
    "risk": ("squared error", "ink"),
    "bias2_plus_noise": ("bias² + noise", "baseline"),
    "variance": ("variance", "train"),
}


def sweeps_section(results: StudyResults) -> Section | None:
    """A figure or two a sweep; None without sweeps."""
    blocks: list[Block] = []
    for i, sweep in enumerate(results.sweeps):
        blocks += [_scores(results, sweep, i), *_parts(results, sweep, i)]
    found = [block for block in blocks if block]
    rows: list[dict[str, Any]] = [
        {"field": sweep.field, "value": _in_csv(value), "variant": variant}
        for sweep in results.sweeps
        for value, variant in zip(sweep.values, sweep.variants, strict=True)
    ]
    tables = {"sweeps": of_records(rows)}
    return Section("sweeps", "Along a sweep", found, tables) if found else None


def _in_csv(value: Any) -> Any:
    """A number stays one; widths as a variant's name has them."""
    return written(value) if isinstance(value, list) else value


def field_title(field: str) -> str:
    """What is swept, in words."""
    return {**RECORDS, **records_of(Variant)}[field].axis


def _scores(results: StudyResults, sweep: SweptField, number: int) -> Figure:
    unit = results.unit()
    by_name = {v.name: v for v in results.variants}
    lines = []
    for part, (words, role) in _SCORES.items():
        summaries = [
            getattr(by_name[name], part).get(unit.metric) if name in by_name else None
            for name in sweep.variants
        ]
        estimates = [s and Estimate(value=s.mean, ci95=s.ci95) for s in summaries]
        if any(estimates):
            called = results.tested.adjective if part == "test" else words
            lines.append(_line(called, role, estimates, unit.scale))
    title = field_title(sweep.field)
    return draw(
        f"sweep-{number + 1}-scores",
        _drawer(sweep, lines, f"{unit.axis} {unit.arrow}"),
        alt=f"Training, validation and {results.tested.adjective} {unit.title} by {title}.",
        caption=(
            f"Mean {unit.title} over seeds by {title}, with 95 % intervals. What suits best is to "
            "be chosen by the validation line."
        ),
    )


def _parts(results: StudyResults, sweep: SweptField, number: int) -> list[Figure]:
    entries = {entry.variant: entry for entry in results.bias_variance}
    if not any(name in entries for name in sweep.variants):
        return []
    lines = [
        _line(
            words,
            role,
            [
                getattr(entries[name].squared_error, part) if name in entries else None
                for name in sweep.variants
            ],
            1.0,
        )
        for part, (words, role) in _PARTS.items()
    ]
    title = field_title(sweep.field)
    figure = draw(
        f"sweep-{number + 1}-bias-variance",
        _drawer(sweep, lines, "squared error ↓"),
        alt=f"Squared error, bias and variance by {title}.",
        caption=(
            f"The test squared error and its parts by {title}, with 95 % intervals over training "
            "samples."
        ),
    )
    return [figure]


def _drawer(sweep: SweptField, lines: Sequence[Line], ylabel: str) -> Any:
    places, names, is_log = _axis(sweep)

    def draw_at(width: float) -> Canvas:
        canvas = Canvas(figsize=(width, 2.7), layout="constrained")
        ax = canvas.subplots()
        plots.draw_sweep(
            ax,
            places,
            lines,
            xlabel=field_title(sweep.field),
            ylabel=ylabel,
            names=names,
            is_log=is_log,
        )
        if names and max(map(len, names)) * len(names) > 12 * width:
            ax.tick_params(axis="x", labelrotation=45)
        canvas.legend(
            *ax.get_legend_handles_labels(), loc="outside upper left", ncols=3, handlelength=1.8
        )
        return canvas

    return draw_at


def _axis(sweep: SweptField) -> tuple[list[float], list[str] | None, bool]:
    """Places, their names where they are no numbers, and whether factors are what counts."""
    values = [v[0] if isinstance(v, list) and len(v) == 1 else v for v in sweep.values]
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        names = list(map(written, sweep.values))
        return list(map(float, range(len(values)))), names, False
    is_wide = min(values) > 0 and max(values) / min(values) >= _WIDE_RANGE
    return list(map(float, values)), None, sweep.scale == "log" or is_wide


def _line(label: str, role: str, estimates: Sequence[Estimate | None], scale: float) -> Line:
    """Of each variant; None where it has none."""
    none = (np.nan, np.nan)
    return Line(
        label=label,
        values=scale * np.array([e.value if e else np.nan for e in estimates]),
        intervals=scale * np.array([(e and e.ci95) or none for e in estimates]),
        role=role,
    )
