"""What each colour means, and matplotlib's settings for all figures."""

from typing import Any

PALETTE: dict[str, str] = {
    "ink": "#1b1b1c",
    "soft": "#5e6267",
    "rule": "#d6d8d4",
    "paper": "#fdfdfb",
    "better": "#00735c",
    "worse": "#b8430b",
    "unclear": "#777c84",
    "baseline": "#1f5fa9",
    "train": "#a86f00",
    "chosen": "#9c3d86",
    "scale_0": "#c3cbb4",
    "scale_1": "#8fc3b3",
    "scale_2": "#53aebb",
    "scale_3": "#2f8bb8",
    "scale_4": "#2a5f9e",
    "scale_5": "#152c6e",
}
"""By meaning, on a light ground; told apart by the colour-blind. Other grounds replace them."""

SCALE = tuple(role for role in PALETTE if role.startswith("scale_"))
"""The roles of an ordered scale: the further along, the more it stands out from the ground."""


def style() -> Any:
    """Settings for `matplotlib.rc_context`: text stays text, and ids are the same every time.

    What is drawn are names that users gave: a `$` in one is a `$`, never a formula.
    """
    ink, soft, rule = PALETTE["ink"], PALETTE["soft"], PALETTE["rule"]
    return {
        "svg.fonttype": "none",
        "text.parse_math": False,
        "svg.hashsalt": "kmlp",
        "font.family": "DejaVu Sans",
        "font.size": 8.5,
        "axes.titlesize": 8.5,
        "axes.titleweight": "bold",
        "axes.labelsize": 8.5,
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.edgecolor": soft,
        "axes.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": rule,
        "grid.linewidth": 0.6,
        "xtick.color": soft,
        "ytick.color": soft,
        "xtick.labelcolor": ink,
        "ytick.labelcolor": ink,
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
        "legend.frameon": False,
    }
