"""Every figure is labelled with its unit, and draws the numbers that it is given."""

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from kmlp.report import plots
from kmlp.report.plots import PALETTE, ForestRow
from kmlp.report.sections import training


@pytest.fixture
def ax():
    with matplotlib.rc_context(plots.style()):
        yield Figure().subplots()


def rows(*values, **more):
    return [
        ForestRow(label=f"v{i}", values=np.array(v, float), **more) for i, v in enumerate(values)
    ]


def texts(ax):
    return [t.get_text() for t in ax.texts]


def test_curves_are_seen_beyond_their_steep_first_epochs():
    """From 10 to 90 % in two epochs: all that follows, where variants differ, was a flat line."""
    run = np.array([10.0, 80.0, *np.linspace(90, 94, 22)])
    low, high = training._readable([{"train": [run], "baseline": [run - 1]}])
    assert 88 < low < 89.2
    assert 94 < high < 94.5
    low, high = training._readable([{"train": [np.array([10.0, 80.0])]}])
    assert low < 10 < 80 < high


def test_rows_show_every_seed_and_the_interval_that_was_given(ax):
    drawn = plots.draw_rows(ax, rows([1, 2, 6], interval=(2, 4)), xlabel="accuracy, %")
    assert drawn is ax
    assert sorted(ax.collections[0].get_offsets()[:, 0]) == [1, 2, 6]
    bar, diamond = ax.lines
    assert (list(bar.get_xdata()), list(diamond.get_xdata())) == ([2, 4], [3])
    assert (ax.get_xlabel(), ax.get_yticklabels()[0].get_text()) == ("accuracy, %", "v0")


def test_what_no_test_tells_apart_is_hollow(ax):
    row, clear = rows([1], is_clear=False)[0], rows([1], role="better")[0]
    plots.draw_rows(ax, [row, clear], xlabel="x")
    hollow, filled = (line.get_markerfacecolor() for line in ax.lines)
    assert (hollow, filled) == (PALETTE["paper"], PALETTE["better"])


def test_one_row_far_away_does_not_squeeze_the_others(ax):
    plots.draw_rows(ax, rows([1, 2], [2, 3], [1, 3], [2, 2], [-400, -402]), xlabel="x")
    low, high = ax.get_xlim()
    assert 0 < low < 1
    assert 3 < high < 4
    assert texts(ax) == ["◀ -401"]


def test_two_large_effects_among_small_ones_are_shown(ax):
    values = [[-1.4], [-0.07], [-0.02], [0.0], [0.01], [1.3]]
    plots.draw_rows(ax, rows(*values), xlabel="x", reference=0.0)
    assert texts(ax) == []


def test_epochs_run_from_the_best_to_the_last(ax):
    epochs = [("a", np.array([3, 5]), np.array([8, 9]))]
    plots.draw_epochs(ax, epochs, max_epochs=20, roles=["unclear"])
    lines, dots = ax.collections
    assert [segment[:, 0].tolist() for segment in lines.get_segments()] == [[3, 8], [5, 9]]
    assert dots.get_offsets()[:, 0].tolist() == [3, 5]
    assert ax.get_xlabel() == "epoch"


def test_two_variants_that_are_written_alike_have_a_row_each(ax):
    """As `dropout` and `dropout=0.2`, which are one network by two names."""
    epochs = [("dropout=0.2", np.array([3]), np.array([8]))] * 2
    plots.draw_epochs(ax, epochs, max_epochs=20, roles=["unclear"] * 2)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["dropout=0.2"] * 2


def test_a_curve_is_the_mean_and_ends_with_half_of_its_seeds(ax):
    runs = [np.array([3.0, 1.0, 9.0]), np.array([1.0, 3.0]), np.array([2.0, 2.0])]
    plots.draw_curves(ax, {"train": runs}, ylabel="cross-entropy, nats")
    assert ax.lines[0].get_ydata().tolist() == [2, 2]
    assert ax.lines[0].get_xdata().tolist() == [1, 2]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "cross-entropy, nats")


def test_a_long_curve_is_thinned_but_keeps_its_ends(ax):
    plots.draw_curves(ax, {"train": [np.arange(5000.0)]}, ylabel="y")
    x = ax.lines[0].get_xdata()
    assert (len(x), x[0], x[-1]) == (80, 1, 5000)


def test_a_confusion_matrix_is_in_percent_and_leaves_nothings_out(ax):
    shares = np.array([[0.9, 0.1, 0.0], [0.004, 0.996, 0.0], [np.nan] * 3])
    plots.draw_confusion(ax, shares, ["a", "b", "c"])
    assert texts(ax) == ["90", "10", "100"]
    assert ax.get_ylabel() == "true class, % of its rows"
    assert [t.get_text() for t in ax.get_xticklabels()] == ["a", "b", "c"]


def test_reliability_is_in_percent(ax):
    half, counts = np.array([0.5, 0.9]), np.array([3, 97])
    plots.draw_reliability(ax, half, half - 0.1, np.array([[0.2, 0.6], [0.7, 0.9]]), counts)
    assert ax.collections[1].get_offsets().tolist() == [[50, 40], [90, 80]]
    # Three rows say too little to be joined to the others.
    assert ax.lines[1].get_xdata().tolist() == [90]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("confidence, %", "right, %")


def test_a_regressions_figures_are_in_the_targets_unit(ax):
    truth, predicted = np.array([1.0, 2.0]), np.array([1.5, 1.0])
    plots.draw_predicted(ax, truth, predicted)
    assert ax.collections[0].get_offsets().tolist() == [[1, 1.5], [2, 1]]
    assert ax.get_xlabel() == "true, the target's unit"
    other = plots.draw_residuals(Figure().subplots(), truth, predicted)
    assert other.collections[0].get_offsets().tolist() == [[1.5, 0.5], [1, -1]]


def test_no_figure_holds_more_dots_than_a_page_carries(ax):
    plots.draw_predicted(ax, np.arange(1e5), np.arange(1e5))
    assert len(ax.collections[0].get_offsets()) == 1500


def test_every_column_of_panels_has_numbers_below_its_last_one():
    """Two side by side: the third panel leaves the place under the second one empty."""
    panels = plots.titled_panels(["none", "dropout", "l2"], 3.6, row_height=1.0, margin=0.5)
    panels.canvas.canvas.draw()
    shown = [any(t.label1.get_visible() for t in ax.xaxis.majorTicks) for ax in panels.axes]
    assert shown == [False, True, True]
    assert [ax.get_title(loc="left") for ax in panels.axes] == ["none", "dropout", "l2"]
