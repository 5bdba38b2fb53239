"""Estimates are drawn where they are, with their intervals, and labelled."""

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from kmlp.report import plots
from kmlp.report.plots import PALETTE, EstimateRow, Line


@pytest.fixture
def ax():
    with matplotlib.rc_context(plots.style()):
        yield Figure().subplots()


def test_an_estimate_stands_on_its_interval_and_is_hollow_where_unclear(ax):
    rows = [
        EstimateRow(label="a", value=0.7, interval=(0.6, 0.8), role="better"),
        EstimateRow(label="b", value=1.1, is_clear=False),
    ]
    assert plots.draw_estimates(ax, rows, xlabel="ratio", reference=1.0, is_ratio=True) is ax
    reference, bar, filled, hollow = ax.lines
    assert list(reference.get_xdata()) == [1, 1]
    assert list(bar.get_xdata()) == [0.6, 0.8]
    assert [m.get_xdata()[0] for m in (filled, hollow)] == [0.7, 1.1]
    faces = [m.get_markerfacecolor() for m in (filled, hollow)]
    assert faces == [PALETTE["better"], PALETTE["paper"]]
    assert (ax.get_xscale(), ax.get_xlabel()) == ("log", "ratio")
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"]


def test_a_ratios_axis_has_plain_factors_around_one(ax):
    plots.draw_estimates(
        ax, [EstimateRow(label="a", value=0.5, interval=(0.4, 2.2))], xlabel="x", is_ratio=True
    )
    ticks = ax.xaxis.get_major_locator()()
    assert {0.5, 1, 2} <= set(ticks)
    assert ax.xaxis.get_major_formatter()(0.5, 0) == "0.5"


def test_parts_follow_each_other_and_whiskers_span_their_intervals(ax):
    kinds = {"bias": ("baseline", 1.0), "variance": ("train", 0.5)}
    widths = np.array([[3.0, 1.0], [2.0, -0.1]])
    plots.draw_parts(
        ax, ["a", "b"], kinds, widths, intervals=[((2.5, 3.5), (3, 5)), (None, None)], xlabel="e"
    )
    edges = [(p.get_x(), p.get_width()) for p in ax.patches]
    assert edges == [(0, 3), (0, 2), (3, 1), (2, 0)]
    spans = [c.get_segments()[0][:, 0].tolist() for c in ax.collections]
    assert spans == [[2.5, 3.5], [3, 5]]
    assert ax.get_legend_handles_labels()[1] == ["bias", "variance"]


def test_a_sweep_shows_every_value_with_its_interval(ax):
    line = Line(
        label="test",
        values=np.array([1.0, np.nan, 2.0]),
        intervals=np.array([[0.5, 1.5], [np.nan, np.nan], [1, 3]]),
        role="baseline",
    )
    plots.draw_sweep(ax, [1, 10, 100], [line], xlabel="rows", ylabel="error", is_log=True)
    assert ax.lines[0].get_xdata().tolist() == [1, 10, 100]
    first, _, last = ax.collections[0].get_segments()
    assert (first[:, 1].tolist(), last[:, 1].tolist()) == ([0.5, 1.5], [1, 3])
    assert (ax.get_xscale(), ax.get_xlabel(), ax.get_ylabel()) == ("log", "rows", "error")


def test_values_in_any_order_make_one_line_from_left_to_right(ax):
    values, intervals = np.array([3.0, 1.0, 2.0]), np.array([[3, 4], [1, 2], [2, 3]])
    line = Line(label="t", values=values, intervals=intervals, role="train")
    plots.draw_sweep(ax, [30, 10, 20], [line], xlabel="x", ylabel="y")
    assert ax.lines[0].get_xydata().tolist() == [[10, 1], [20, 2], [30, 3]]
    assert [s[:, 1].tolist() for s in ax.collections[0].get_segments()] == [[1, 2], [2, 3], [3, 4]]


def test_values_that_are_no_numbers_are_named(ax):
    line = Line(label="t", values=np.ones(2), intervals=np.ones((2, 2)), role="train")
    plots.draw_sweep(ax, [0, 1], [line], xlabel="x", ylabel="y", names=["64", "64-32"])
    assert [t.get_text() for t in ax.get_xticklabels()] == ["64", "64-32"]


def test_a_look_is_filled_once_it_decides(ax):
    plots.draw_looks(ax, [10, 20], [0.1, 0.2], [None, (0.1, 0.3)], roles=["unclear", "better"])
    _, hollow, bar, filled = ax.lines
    assert list(bar.get_ydata()) == [0.1, 0.3]
    faces = [m.get_markerfacecolor() for m in (hollow, filled)]
    assert faces == [PALETTE["paper"], PALETTE["better"]]
