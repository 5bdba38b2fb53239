"""The figures of a search's report, each at two widths, from its results."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from kmlp.report.blocks import Figure
from kmlp.report.plots import PALETTE, SCALE, small_multiples
from kmlp.report.rendering.drawing import draw
from tuning.report import plots
from tuning.report.plots import Point
from tuning.report.scales import Scale, readable_limits, scale_of
from tuning.results.records.search import Importance, SearchedParameter, SearchFindings
from tuning.results.records.trials import FinishedTrial, TrialResult


def points(results: SearchFindings, trials: Sequence[FinishedTrial]) -> list[Point]:
    """Trials as they are drawn, in the unit of the axes."""
    scale, is_open = results.unit.scale, results.open_trials
    return [
        Point(
            number=t.number,
            score=scale * t.score,
            se=None if t.se is None else scale * t.se,
            seeds=[scale * score for score in t.scores],
            is_picked=t.number == results.picked,
            is_open=t.number in is_open,
        )
        for t in trials
    ]


def history(results: SearchFindings) -> Figure:
    """Every trial's score in the order of the search."""
    unit, trials = results.unit, results.finished
    drawn = points(results, trials)
    failed = [t.number for t in results.unfinished if t.status != "running"]
    networks = "seeds and folds" if results.settings.folds else "seeds"

    def draw_at(width: float) -> Canvas:
        canvas = Canvas(figsize=(width, 2.9), layout="constrained")
        plots.draw_history(
            canvas.subplots(),
            drawn,
            failed,
            higher_is_better=unit.higher_is_better,
            ylabel=f"{results.kind_of_score} {unit.axis} {unit.arrow}",
        )
        _key(canvas, width, has_failed=bool(failed), has_open=bool(results.open_trials))
        return canvas

    return draw(
        "history",
        draw_at,
        alt=f"{_titled(results)} by trial with standard errors, and the best so far.",
        caption=(
            f"Large dots: a trial's mean {_what(results)} over its {networks}, with the standard "
            f"error; small dots beside it: the {networks}. The stepped line is the best so far. A "
            "triangle at the edge is a trial beyond the axis. The best of many trials owes part of "
            "its height to luck."
        ),
    )


def parallel(results: SearchFindings) -> Figure | None:
    """Parallel coordinates of the hyperparameters; None where fewer than two were varied."""
    trials, unit = results.concluded, results.unit
    scales = [scale_of(p, trials) for p in _active(results)]
    if len(scales) < 2 or len(trials) < 2:
        return None
    score = _score_scale(results)
    places = np.array(
        [
            [*(s.place(t.values.get(s.name)) for s in scales), _clipped(score, t, unit.scale)]
            for t in trials
        ]
    )
    numbers = [t.number for t in trials]
    picked = numbers.index(results.picked) if results.picked in numbers else None
    axes = [*scales, score]

    def draw_at(width: float) -> Canvas:
        canvas = Canvas(figsize=(width, 0.5 + 0.52 * len(axes)), layout="constrained")
        ax = canvas.subplots()
        plots.draw_parallel(ax, axes, places, picked=picked, width=width - 1.5)
        _scale_key(canvas, has_picked=picked is not None)
        return canvas

    return draw(
        "parallel",
        draw_at,
        alt=f"Parallel coordinates: hyperparameters of every trial, by {_what(results)}.",
        caption=(
            "A line a trial, an axis a hyperparameter; the lowest axis is its mean "
            f"{results.kind_of_score} {unit.axis}, better to the right, where trials beyond the "
            "axis stand at its left end. Colour: sixths of the trials by rank. Trials with the "
            "same value stand side by side, the best on the right. Axes are logarithmic where "
            'values were drawn so; "off": not active.'
        ),
    )


def values(results: SearchFindings) -> Figure | None:
    """Score against each hyperparameter, a small panel each, and against size."""
    trials, unit = results.concluded, results.unit
    if not _active(results) or len(trials) < 2:
        return None
    drawn = points(results, trials)
    limits = plots.limits_of(drawn, higher_is_better=unit.higher_is_better)
    panels: list[tuple[Scale, list[Any]]] = [
        (scale_of(p), [t.values.get(p.name) for t in trials]) for p in _active(results)
    ]
    weights = [t.num_weights for t in trials]
    if min(weights) < max(weights):
        size = Scale(name="weights", low=min(weights), high=max(weights), is_log=True)
        panels.append((size, weights))

    def draw_at(width: float) -> Canvas:
        found = small_multiples(len(panels), width, row_height=1.3, margin=0.4)
        room = width / found.num_columns - 0.5
        for ax, (scale, own) in zip(found.axes, panels, strict=True):
            plots.draw_values(ax, scale, own, drawn, limits, width=room)
            ax.tick_params(labelsize=6.8)
        canvas = found.canvas
        canvas.supylabel(f"{results.kind_of_score} {unit.axis} {unit.arrow}", fontsize=8.5)
        return canvas

    return draw(
        "values",
        draw_at,
        alt=f"{_titled(results)} against each hyperparameter, a panel each.",
        caption=(
            "A dot a trial with its standard error, at its value of one hyperparameter while all "
            "others vary too; purple: the picked trial, rings: not told apart from the best. A "
            "search does not visit all values alike, so many dots in one place say that it liked "
            "it there."
        ),
    )


def importances(rows: Sequence[Importance]) -> Figure:
    """Share of the variance that each hyperparameter explains."""

    def draw_at(width: float) -> Canvas:
        canvas = Canvas(figsize=(width, 0.55 + 0.26 * len(rows)), layout="constrained")
        columns = zip(*((r.name, r.importance, r.sd) for r in rows), strict=True)
        plots.draw_shares(canvas.subplots(), *columns)
        return canvas

    return draw(
        "importance",
        draw_at,
        alt="Share of the scores' variance that each hyperparameter explains.",
        caption=(
            "Functional ANOVA (Hutter, Hoos and Leyton-Brown 2014) of a random forest fitted to "
            "the trials: what each hyperparameter explains by itself over the whole space; "
            "interactions make up the rest. Scores below the lower quartile count as it: what "
            "breaks a network would explain everything. Lines: one standard deviation over the "
            "forest's trees. Where one was not active it counts with its default."
        ),
    )


def seconds(results: SearchFindings) -> Figure | None:
    """What each trial took; None with fewer than two."""
    trials = [t for t in results.trials if t.seconds]
    if len(trials) < 2:
        return None

    def role(trial: TrialResult) -> str:
        if trial.number == results.picked:
            return "chosen"
        return "baseline" if isinstance(trial, FinishedTrial) else "worse"

    def draw_at(width: float) -> Canvas:
        canvas = Canvas(figsize=(width, 1.6), layout="constrained")
        numbers, own = [t.number for t in trials], [t.seconds for t in trials]
        plots.draw_seconds(canvas.subplots(), numbers, own, [role(t) for t in trials])
        return canvas

    return draw(
        "seconds",
        draw_at,
        alt="Seconds that each trial took.",
        caption="Seconds by trial, all seeds together; purple: the picked trial, orange: no score.",
    )


def rounds(results: SearchFindings) -> Figure | None:
    """Hyperband's brackets: scores by epochs trained; None where there are none."""
    trials, unit = results.finished, results.unit
    brackets = sorted({t.bracket for t in trials if t.bracket is not None})
    if not brackets:
        return None
    drawn = points(results, trials)
    limits = plots.limits_of(drawn, higher_is_better=unit.higher_is_better)

    def draw_at(width: float) -> Canvas:
        found = small_multiples(len(brackets), width, row_height=1.5, margin=0.5)
        canvas = found.canvas
        for ax, bracket in zip(found.axes, brackets, strict=True):
            own = [t for t in trials if t.bracket == bracket]
            places = {t.number: i for i, t in enumerate(own)}
            resumed = [
                (places[t.resumed_from], places[t.number]) for t in own if t.resumed_from in places
            ]
            epochs = [float(np.mean(t.epochs)) for t in own]
            plots.draw_rounds(ax, epochs, points(results, own), resumed, limits)
            ax.set_title(f"bracket {bracket}", loc="left", fontweight="normal")
        canvas.supxlabel("epochs trained", fontsize=8.5)
        canvas.supylabel(f"{results.kind_of_score} {unit.axis} {unit.arrow}", fontsize=8.5)
        return canvas

    return draw(
        "rounds",
        draw_at,
        alt=f"{_titled(results)} by epochs trained, a panel a bracket.",
        caption=(
            "Hyperband trains many trials a little and goes on with the best: a line joins a trial "
            "with the one that goes on from it."
        ),
    )


def _what(results: SearchFindings) -> str:
    """ "validation accuracy"."""
    return f"{results.kind_of_score} {results.unit.title}"


def _titled(results: SearchFindings) -> str:
    """ "Validation RMSE", to begin a sentence."""
    return f"{results.kind_of_score.capitalize()} {results.unit.title}"


def _active(results: SearchFindings) -> list[SearchedParameter]:
    """The hyperparameters that were varied and that some finished trial had."""
    names = {name for trial in results.concluded for name in trial.values}
    return [p for p in results.varied if p.name in names]


def _score_scale(results: SearchFindings) -> Scale:
    """The scores' axis, better to the right."""
    unit = results.unit
    low, high = _limits(results)
    is_reversed = not unit.higher_is_better
    return Scale(name=unit.title, low=low, high=high, is_score=True, is_reversed=is_reversed)


def _clipped(scale: Scale, trial: FinishedTrial, factor: float) -> float:
    return min(max(scale.place(factor * trial.score), 0.0), 1.0)


def _limits(results: SearchFindings) -> tuple[float, float]:
    unit = results.unit
    scores = [unit.scale * t.score for t in results.finished]
    return readable_limits(scores, higher_is_better=unit.higher_is_better)


def _key(canvas: Canvas, width: float, *, has_failed: bool, has_open: bool) -> None:
    """What the marks of the history mean."""
    marks = [
        _mark("trial", "baseline", "o", 3.6, line=1),
        _mark("best so far", "soft", "", 0, line=1.1),
        _mark("picked", "chosen", "D", 5),
    ]
    if has_open:
        marks.append(_mark("not told apart from the best", "chosen", "o", 8))
        marks[-1].set_markerfacecolor("none")
    if has_failed:
        marks.append(_mark("failed", "worse", "x", 4.5))
    columns = len(marks) if width > 5 else 3
    canvas.legend(
        handles=marks, loc="outside upper left", ncols=columns, handlelength=1.5, columnspacing=1.2
    )


def _scale_key(canvas: Canvas, *, has_picked: bool) -> None:
    """The colours from the worst sixth to the best."""
    ends = {SCALE[0]: "worst sixth", SCALE[-1]: "best sixth"}
    marks = [_mark(ends.get(role, ""), role, "", 0, line=3) for role in SCALE]
    if has_picked:
        marks.append(_mark("picked", "chosen", "D", 4, line=2))
    canvas.legend(
        handles=marks,
        loc="outside upper left",
        ncols=len(marks),
        handlelength=1.2,
        handletextpad=0.4,
        columnspacing=0.6,
    )


def _mark(label: str, role: str, marker: str, size: float, line: float = 0) -> Line2D:
    return Line2D(
        [], [], color=PALETTE[role], marker=marker, markersize=size, linewidth=line, label=label
    )
