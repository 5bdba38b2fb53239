"""The report's figures as inline SVG, from the results and the arrays."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kmlp import plots
from kmlp.ledger import RunFolder
from kmlp.units import Unit, unit_in, unit_of
from kmlp.verdict import label

_STYLE: Any = {
    "svg.fonttype": "path",
    "svg.hashsalt": "kmlp",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw_figures(folder: RunFolder, results: Mapping[str, Any]) -> dict[str, str]:
    """All figures by name: `scores`, `differences`, `curves`, as SVG elements."""
    variants = [v for v in results["variants"] if v["num_members"]]
    unit = unit_in(results)
    scores = {
        _row_label(v): unit.scale * np.array(list(_by_seed(results, v["name"]).values()))
        for v in variants
    }
    figures = {
        "scores": _svg(
            (7.2, 1.0 + 0.55 * len(variants)),
            lambda ax: plots.draw_scores(ax, scores, xlabel=f"test {unit.axis} {unit.arrow}"),
        )
    }
    differences = _differences(results, variants, unit)
    if differences:
        colours = [plots.colour(i) for i, v in enumerate(variants) if _row_label(v) in differences]
        points = ", percentage points" if unit.scale > 1 else ""
        xlabel = f"test {unit.title} minus {results['baseline']}{points} (same seed) {unit.arrow}"
        figures["differences"] = _svg(
            (7.2, 1.0 + 0.55 * len(differences)),
            lambda ax: plots.draw_differences(ax, differences, xlabel=xlabel, colours=colours),
        )
    figures["curves"] = _draw_curves(folder, results, variants)
    return figures


def _row_label(variant: Mapping[str, Any]) -> str:
    return label(variant).replace(" (", "\n(")


def _done(results: Mapping[str, Any], variant: str) -> list[Mapping[str, Any]]:
    members = results["members"]
    return [m for m in members if m["variant"] == variant and m["status"] == "done"]


def _by_seed(results: Mapping[str, Any], variant: str) -> dict[int, float]:
    """The primary metric on the test set of every seed that finished."""
    metric = results["metric"]["name"]
    return {m["seed"]: m["test"][metric] for m in _done(results, variant)}


def _differences(results: Mapping[str, Any], variants: list, unit: Unit) -> dict[str, np.ndarray]:
    """As written, by label, over the seeds on which both members finished."""
    baseline = _by_seed(results, results["baseline"])
    differences = {}
    for variant in variants:
        if variant["versus_baseline"]:
            own = _by_seed(results, variant["name"])
            differences[_row_label(variant)] = unit.scale * np.array(
                [own[s] - baseline[s] for s in own if s in baseline]
            )
    return differences


def _draw_curves(folder: RunFolder, results: Mapping[str, Any], variants: list) -> str:
    is_regression = results["dataset"]["task"] == "regression"
    metric = "mse" if is_regression else "cross_entropy"
    names = {"training": f"curve_{metric}", "validation": f"curve_val_{metric}"}
    curves: dict[str, dict[str, list]] = {title: {} for title in names}
    for variant in variants:
        for member in _done(results, variant["name"]):
            arrays = folder.arrays(member["id"])
            for title, name in names.items():
                if name in arrays:
                    curves[title].setdefault(label(variant), []).append(arrays[name])
    parts = {title: runs for title, runs in curves.items() if runs}
    # Curves of a regression are of standardized targets: 1 is what their mean would get.
    ylabel = "MSE / variance of the targets" if is_regression else unit_of(metric).axis
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 3.4), layout="constrained")
        axes = np.atleast_1d(figure.subplots(1, len(parts), sharey=True))
        for ax, (title, runs) in zip(axes, parts.items(), strict=True):
            plots.draw_curves(ax, runs, ylabel=ylabel)
            ax.set_title(title, fontsize=10)
        axes[-1].set_ylabel("" if len(parts) > 1 else ylabel)
        axes[-1].legend(frameon=False, fontsize=9)
        return _to_svg(figure)


def _svg(size: tuple[float, float], draw: Callable[[Axes], Axes]) -> str:
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots())
        return _to_svg(figure)


def _to_svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
