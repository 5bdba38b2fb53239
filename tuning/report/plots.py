"""Figures of a search: each function draws on the `Axes` it is given and returns it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from kmlp.report.plots import PALETTE, SCALE
from tuning.report.scales import OFF, Scale, is_crowded, readable_limits

_GROUND = {"boxstyle": "square,pad=0.08", "facecolor": PALETTE["paper"], "edgecolor": "none"}
_BESIDE = 0.14  # of the way to the next trial
_MOST_SPREAD = 0.1  # of an axis, of trials that have the same value


@dataclass(frozen=True, kw_only=True)
class Point:
    """What is drawn of one finished trial.

    Attributes:
        number: of the trial.
        score: its mean, in the unit of the axis.
        se: standard error; None draws no bar.
        seeds: the scores of its executions.
        is_picked: drawn as a diamond.
        is_open: drawn in a ring: it cannot be told apart from the best.
    """

    number: int
    score: float
    se: float | None
    seeds: Sequence[float]
    is_picked: bool = False
    is_open: bool = False


def limits_of(
    points: Sequence[Point], *, higher_is_better: bool, with_seeds: bool = False
) -> tuple[float, float]:
    """An axis that holds the better trials whole: their standard errors and, where they are drawn,
    their seeds; the trials that `readable_limits` leaves out stay out."""
    low, high = readable_limits([p.score for p in points], higher_is_better=higher_is_better)
    inside = [p for p in points if low <= p.score <= high]
    ends = [p.score + side * (p.se or 0.0) for p in inside for side in (-1, 1)]
    ends += [seed for p in inside for seed in p.seeds if with_seeds]
    margin = 0.04 * (max(*ends, high) - min(*ends, low))
    return min(low, min(ends) - margin), max(high, max(ends) + margin)


def draw_history(
    ax: Axes,
    points: Sequence[Point],
    failed: Sequence[int],
    *,
    higher_is_better: bool,
    ylabel: str,
) -> Axes:
    """Scores by trial number with standard errors, every seed, and the best so far.

    A trial beyond the axis is a triangle at its edge, a failed one a cross at the bottom.

    Args:
        ax: where to draw.
        points: finished trials in the order of their numbers, one or more.
        failed: numbers of trials without a score.
        higher_is_better: what "best" means.
        ylabel: the quantity with its unit.
    """
    scores = np.array([p.score for p in points])
    limits = limits_of(points, higher_is_better=higher_is_better, with_seeds=True)
    numbers = [p.number for p in points]
    best = (np.maximum if higher_is_better else np.minimum).accumulate(scores)
    end = max([*numbers, *failed]) + 0.5
    ax.step([*numbers, end], [*best, best[-1]], where="post", color=PALETTE["soft"], linewidth=1.1)
    for point in points:
        _draw_point(ax, point.number, point, limits, with_seeds=True)
    for number in failed:
        ax.plot(
            [number],
            [0.025],
            "x",
            color=PALETTE["worse"],
            markersize=4.5,
            transform=ax.get_xaxis_transform(),
        )
    ax.set(ylim=limits, xlim=(min([*numbers, *failed]) - 0.7, end + 0.2))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.set_xlabel("trial")
    ax.set_ylabel(ylabel)
    return ax


def draw_values(
    ax: Axes,
    scale: Scale,
    values: Sequence[object],
    points: Sequence[Point],
    limits: Sequence[float],
    *,
    width: float,
) -> Axes:
    """Scores against the values of one hyperparameter.

    Args:
        ax: where to draw.
        scale: the axis of the hyperparameter.
        values: a value a point; None where it was not active, which draws nothing.
        points: the trials.
        limits: of the scores.
        width: inches that the axis has, to see whether labels fit.
    """
    seen: dict[object, int] = {}
    for value, point in zip(values, points, strict=True):
        if value is None:
            continue
        place = scale.place(value)
        if scale.categories:
            # Side by side in turn, so that equal values stay visible.
            turn = seen[value] = seen.get(value, -1) + 1
            place += 0.22 / len(scale.categories) * (((turn * 2 + 2) % 5) - 2) / 2
        _draw_point(ax, place, point, limits)
    ticks = [tick for tick in scale.ticks(width) if tick[0] != OFF]
    labels = [label for _, label in ticks]
    if is_crowded(ticks, width):
        # Every second one a line lower.
        labels = ["\n" * (i % 2) + label for i, label in enumerate(labels)]
    ax.set_xticks([place for place, _ in ticks], labels)
    ax.set(xlim=(-0.06, 1.06), ylim=limits)
    ax.set_title(scale.name, loc="left", fontweight="normal")
    return ax


def draw_parallel(
    ax: Axes,
    scales: Sequence[Scale],
    places: np.ndarray,
    *,
    picked: int | None = None,
    width: float,
) -> Axes:
    """Parallel coordinates: a line a trial, an axis a row, coloured by the last axis's order.

    Trials that have the same value stand side by side, the best on the right.

    Args:
        ax: where to draw.
        scales: the axes from top to bottom; the last is the score's, better to the right.
        places: `(num_trials, num_scales)` on the axes, from 0 to 1 or `OFF`.
        picked: the row of `places` that is drawn on top, wider.
        width: inches that an axis has, to see whether labels fit.
    """
    rows = np.arange(len(scales))
    order = np.argsort(places[:, -1], kind="stable")
    places = np.column_stack([*(_spread(p, order) for p in places.T[:-1]), places[:, -1]])
    for rank, trial in enumerate(order):
        if trial == picked:
            continue
        shade = PALETTE[SCALE[rank * len(SCALE) // len(order)]]
        ax.plot(places[trial], rows, color=shade, linewidth=1.0, alpha=0.9)
    if picked is not None:
        shade = PALETTE["chosen"]
        ax.plot(places[picked], rows, color=shade, linewidth=2, marker="D", markersize=4)
    ax.hlines(rows, 0, 1, color=PALETTE["soft"], linewidth=0.8, zorder=3)
    for row, scale in enumerate(scales):
        _label_axis(ax, row, scale, width)
    ax.set_yticks(rows, [scale.name for scale in scales])
    ax.get_yticklabels()[-1].set_fontweight("bold")
    ax.tick_params(length=0, labelbottom=False)
    has_off = any(scale.has_off for scale in scales)
    ax.set(xlim=(OFF - 0.05 if has_off else -0.04, 1.04), ylim=(len(scales) - 0.4, -0.35))
    ax.grid(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    return ax


def draw_shares(
    ax: Axes, names: Sequence[str], shares: Sequence[float], sds: Sequence[float]
) -> Axes:
    """Shares of the variance in percent, one bar a name, with standard deviations."""
    rows, percent, sd = np.arange(len(names)), 100 * np.array(shares), 100 * np.array(sds)
    ax.barh(rows, percent, height=0.5, color=PALETTE["baseline"], alpha=0.55)
    ends = np.clip([percent - sd, percent + sd], 0, 100)
    ax.hlines(rows, *ends, color=PALETTE["ink"], linewidth=1.1)
    ax.set_yticks(rows, names)
    ax.tick_params(axis="y", length=0)
    ax.set(ylim=(len(names) - 0.45, -0.55), xlim=(0, min(max(percent + sd) * 1.04, 100)))
    ax.grid(False, axis="y")
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("share of the scores' variance, %")
    return ax


def draw_seconds(
    ax: Axes, numbers: Sequence[int], seconds: Sequence[float], roles: Sequence[str]
) -> Axes:
    """What each trial took, one bar a trial."""
    ax.bar(numbers, seconds, width=0.7, color=[PALETTE[r] for r in roles], alpha=0.55)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.grid(False, axis="x")
    ax.set_xlabel("trial")
    ax.set_ylabel("seconds")
    return ax


def draw_rounds(
    ax: Axes,
    epochs: Sequence[float],
    points: Sequence[Point],
    resumed: Sequence[tuple[int, int]],
    limits: Sequence[float],
) -> Axes:
    """Scores of one bracket by epochs trained; a line joins a trial with the one it goes on from.

    Args:
        ax: where to draw.
        epochs: `(num_points,)`, the mean over a trial's seeds.
        points: the trials of the bracket.
        resumed: pairs of places in `points`.
        limits: of the scores.
    """
    for before, after in resumed:
        ax.plot(
            [epochs[before], epochs[after]],
            [points[before].score, points[after].score],
            color=PALETTE["unclear"],
            linewidth=0.8,
            zorder=1,
        )
    for epoch, point in zip(epochs, points, strict=True):
        _draw_point(ax, epoch, point, limits)
    ax.set(ylim=limits, xlim=(0, None))
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    return ax


def _draw_point(
    ax: Axes, x: float, point: Point, limits: Sequence[float], *, with_seeds: bool = False
) -> None:
    shade = PALETTE["chosen" if point.is_picked else "baseline"]
    low, high = limits
    if not low <= point.score <= high:
        is_low = point.score < low
        ax.plot(
            [x],
            [low if is_low else high],
            "v" if is_low else "^",
            color=shade,
            markersize=4,
            alpha=0.7,
            clip_on=False,
        )
        return
    if with_seeds:
        # Beside the standard error, which would hide them.
        beside = [x + _BESIDE] * len(point.seeds)
        ax.scatter(beside, point.seeds, s=9, color=shade, alpha=0.6, linewidths=0, zorder=2)
    if point.se is not None:
        ends = point.score - point.se, point.score + point.se
        ax.vlines(x, *ends, color=shade, linewidth=1.0, alpha=0.75, zorder=2)
    if point.is_open:
        ring = PALETTE["chosen"]
        ax.plot([x], [point.score], "o", markersize=8, mfc="none", mec=ring, mew=1, zorder=3)
    size, marker = (5.5, "D") if point.is_picked else (3.6, "o")
    ax.plot(
        [x], [point.score], marker, color=shade, markersize=size, zorder=4 + point.is_picked, mew=0
    )


def _label_axis(ax: Axes, row: int, scale: Scale, width: float) -> None:
    """The ticks' labels under their axis, at two heights in turn where they would collide."""
    ticks = scale.ticks(width)
    in_turn = is_crowded(ticks, width)
    for i, (place, label) in enumerate(ticks):
        ax.plot([place] * 2, [row - 0.05, row + 0.05], color=PALETTE["soft"], linewidth=0.8)
        y = row + 0.11 + 0.19 * (in_turn and i % 2)
        box = {**_GROUND, "alpha": 0.8}
        ax.text(place, y, label, ha="center", va="top", fontsize=6.8, zorder=6, bbox=box)


def _spread(places: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Places on one axis, equal ones drawn apart in the order given, as far as there is room."""
    spread = places.astype(float)
    distinct = np.unique(places)
    room = min(_MOST_SPREAD, 0.55 * np.diff(distinct).min()) if len(distinct) > 1 else _MOST_SPREAD
    for place in distinct:
        same = [trial for trial in order if places[trial] == place]
        if len(same) > 1:
            # At the ends of an axis to one side only.
            start = place if place == 0 else place - (room if place == 1 else room / 2)
            spread[same] = np.linspace(start, start + room, len(same))
    return spread
