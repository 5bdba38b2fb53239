"""Pictures of what an error consists of: bias and variance, of numbers and of classes."""

import numpy as np
from matplotlib.figure import Figure

from kmlp.report.plots.palette import PALETTE
from kmlp.stats.decomposition.bias_variance import decompose
from tools.site.pictures.picture import Picture

SAMPLES, ROWS = 60, 100
NEIGHBOURS = (1, 2, 3, 5, 8, 13, 21, 34, 55)


def _means_of_neighbours(x: np.ndarray, y: np.ndarray, asked: np.ndarray, k: int) -> np.ndarray:
    """The mean of `y` over the `k` nearest of `x`: a learner that smooths more or less."""
    nearest = np.argsort(np.abs(asked[:, None] - x), axis=1)[:, :k]
    return y[nearest].mean(axis=1)


def squared() -> Picture:
    """Nearest neighbours on a noisy sine: the squared error's parts by how many are averaged."""
    rng = np.random.default_rng(7)
    asked = np.linspace(0.05, 0.95, 200)
    truth = np.sin(2 * np.pi * asked) + rng.normal(0, 0.3, 200)
    xs = rng.random((SAMPLES, ROWS))
    ys = np.sin(2 * np.pi * xs) + rng.normal(0, 0.3, xs.shape)
    terms = {}
    for k in NEIGHBOURS:
        said = [_means_of_neighbours(x, y, asked, k) for x, y in zip(xs, ys, strict=True)]
        terms[k] = decompose(np.array(said)[:, None], truth)["squared_error"]
    parts = {
        "risk": ("error", "ink"),
        "bias2_plus_noise": ("bias² + noise", "chosen"),
        "variance": ("variance", "baseline"),
    }
    best = min(NEIGHBOURS, key=lambda k: terms[k]["risk"].value)

    def draw(width: float) -> Figure:
        figure = Figure(figsize=(width, 2.8), layout="constrained")
        axes = figure.subplots()
        for name, (label, role) in parts.items():
            values = [terms[k][name].value for k in NEIGHBOURS]
            axes.plot(NEIGHBOURS, values, "o-", color=PALETTE[role], label=label, markersize=4)
        axes.set(xscale="log", xlabel="neighbours that are averaged", ylabel="squared error")
        axes.set_xticks(NEIGHBOURS, map(str, NEIGHBOURS))
        axes.minorticks_off()
        axes.set_ylim(0)
        axes.legend()
        return figure

    first, last = terms[1], terms[NEIGHBOURS[-1]]
    return Picture(
        f"A learner that averages more neighbours varies less and errs more alike: variance falls "
        f"from {first['variance'].value:.3f} to {last['variance'].value:.3f}, bias² + noise rises "
        f"from {first['bias2_plus_noise'].value:.3f} to {last['bias2_plus_noise'].value:.3f}; the "
        f"error is least with {best}.",
        draw,
    )


def _chance(x: np.ndarray) -> np.ndarray:
    """Of the second class: it is likely on a narrow stretch and on a wide one."""
    narrow, wide = (np.exp(-(((x - at) / w) ** 2)) for at, w in ((0.3, 0.05), (0.72, 0.14)))
    return 0.08 + 0.84 * np.maximum(narrow, wide)


def zero_one() -> Picture:
    """Nearest neighbours on two classes: where networks disagree, and whether that costs."""
    rng = np.random.default_rng(8)
    asked = np.linspace(0.02, 0.98, 97)
    labels = (_chance(asked) > 0.5).astype(int)
    xs = rng.random((SAMPLES, ROWS))
    ys = (rng.random(xs.shape) < _chance(xs)).astype(float)
    said = [_means_of_neighbours(x, y, asked, 21) for x, y in zip(xs, ys, strict=True)]
    share = (np.array(said) > 0.5).mean(axis=0)
    wrong = np.where(labels == 1, 1 - share, share)
    p = np.clip(np.array(said), 1e-3, 1 - 1e-3)
    log_p = np.log(np.stack([1 - p, p], axis=-1))[:, None]
    terms = decompose(log_p, labels)["zero_one"]

    def draw(width: float) -> Figure:
        figure = Figure(figsize=(width, 2.4), layout="constrained")
        axes = figure.subplots()
        most_are_wrong = wrong > 0.5
        for mask, role, label in (
            (~most_are_wrong, "baseline", "the majority is right: to disagree costs"),
            (most_are_wrong, "chosen", "the majority is wrong: to disagree mends"),
        ):
            axes.bar(asked[mask], 100 * wrong[mask], 0.008, color=PALETTE[role], label=label)
        axes.axhline(50, color=PALETTE["ink"], linewidth=0.8)
        axes.set(xlabel="input", ylabel="networks that are wrong, %", ylim=(0, 100))
        axes.legend(fontsize=8)
        return figure

    error, bias = 100 * terms["risk"].value, 100 * terms["bias_plus_noise"].value
    return Picture(
        f"How many of {SAMPLES} classifiers are wrong at each input. The error of {error:.1f} % is "
        f"{bias:.1f} points of bias, where the majority is wrong, and a net variance of "
        f"{100 * terms['net_variance'].value:.1f} points.",
        draw,
    )


PICTURES = {"squared-error": squared, "zero-one": zero_one}
