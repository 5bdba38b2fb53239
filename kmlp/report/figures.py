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
from kmlp.verdict import label

_CURVES = {"train": "curve_cross_entropy", "val": "curve_val_cross_entropy"}
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
    height = 1.0 + 0.55 * len(variants)
    scores = {_row_label(v): 100 * _scores(results, v["name"]) for v in variants}
    figures = {
        "scores": _svg(
            (7.2, height),
            lambda ax: plots.draw_scores(ax, scores, xlabel="test accuracy, %"),
        )
    }
    differences = _differences(results, variants)
    if differences:
        colours = [plots.colour(i) for i, v in enumerate(variants) if _row_label(v) in differences]
        figures["differences"] = _svg(
            (7.2, 1.0 + 0.55 * len(differences)),
            lambda ax: plots.draw_differences(
                ax, differences, baseline=results["baseline"], colours=colours
            ),
        )
    figures["curves"] = _draw_curves(folder, results, variants)
    return figures


def _row_label(variant: Mapping[str, Any]) -> str:
    return label(variant).replace(" (", "\n(")


def _scores(results: Mapping[str, Any], variant: str) -> np.ndarray:
    members = [m for m in results["members"] if m["variant"] == variant and m["status"] == "done"]
    return np.array([m["test"]["accuracy"] for m in members])


def _differences(results: Mapping[str, Any], variants: list) -> dict[str, np.ndarray]:
    """Percentage points by label, over the seeds on which both members finished."""

    def by_seed(name: str) -> dict[int, float]:
        done = [m for m in results["members"] if m["variant"] == name and m["status"] == "done"]
        return {m["seed"]: 100 * m["test"]["accuracy"] for m in done}

    baseline = by_seed(results["baseline"])
    differences = {}
    for variant in variants:
        if variant["versus_baseline"]:
            own = by_seed(variant["name"])
            differences[_row_label(variant)] = np.array(
                [own[s] - baseline[s] for s in own if s in baseline]
            )
    return differences


def _draw_curves(folder: RunFolder, results: Mapping[str, Any], variants: list) -> str:
    curves: dict[str, dict[str, list]] = {"train": {}, "val": {}}
    for variant in variants:
        ids = [
            m["id"]
            for m in results["members"]
            if m["variant"] == variant["name"] and m["status"] == "done"
        ]
        for id in ids:
            arrays = folder.arrays(id)
            for part, name in (
                ("train", "curve_cross_entropy"),
                ("val", "curve_val_cross_entropy"),
            ):
                if name in arrays:
                    curves[part].setdefault(label(variant), []).append(arrays[name])
    parts = {part: runs for part, runs in curves.items() if runs}
    titles = {"train": "training", "val": "validation"}
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 3.4), layout="constrained")
        axes = np.atleast_1d(figure.subplots(1, len(parts), sharey=True))
        for ax, (part, runs) in zip(axes, parts.items(), strict=True):
            plots.draw_curves(ax, runs, ylabel="cross-entropy, nats")
            ax.set_title(titles[part], fontsize=10)
        axes[-1].set_ylabel("" if len(parts) > 1 else "cross-entropy, nats")
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
