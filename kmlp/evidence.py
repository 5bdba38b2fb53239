"""What a report shows beyond `results.json`, from a run folder's arrays. NumPy only, no Keras."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kmlp import stats
from kmlp.ledger import RunFolder
from kmlp.results import best_member

NEAR_ZERO = 1e-3
"""A kernel's weight counts as near zero below this absolute value."""

NUM_BINS = 10
_NOT_TRAINED = ("mean", "variance", "moving_mean", "moving_variance")


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What is kept of one finished network.

    Attributes:
        variant, seed: which one.
        curves: name -> `(epochs,)`, such as `cross_entropy` and `val_cross_entropy`.
        num_weights: numbers that training sets.
        near_zero: the share of the kernels' weights below `NEAR_ZERO`; NaN without kernels.
    """

    variant: str
    seed: int
    curves: Mapping[str, np.ndarray]
    num_weights: int
    near_zero: float


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A run folder's arrays, reduced to what its report needs.

    Attributes:
        trained: every finished network, in the order of the results.
        truth: `(n,)` test labels or targets.
        best: the variant that validation chose; None where no member finished.
        best_seed: its seed with the lowest validation loss.
        outputs: seed -> the best variant's test predictions: `(n, num_classes)` log
            probabilities, or `(n,)` numbers of a regression.
    """

    trained: Sequence[Trained]
    truth: np.ndarray
    best: str | None = None
    best_seed: int | None = None
    outputs: Mapping[int, np.ndarray] = field(default_factory=dict)

    def of(self, variant: str) -> list[Trained]:
        """The networks of a variant."""
        return [t for t in self.trained if t.variant == variant]

    def curves(self, variant: str, name: str) -> list[np.ndarray]:
        """One `(epochs,)` array a seed; none where the run has no such curve."""
        return [t.curves[name] for t in self.of(variant) if name in t.curves]

    @property
    def predicted_classes(self) -> np.ndarray:
        """`(num_seeds, n)`: what each network of the best variant takes each test row for."""
        return self.log_probabilities.argmax(axis=2)

    @property
    def log_probabilities(self) -> np.ndarray:
        """`(num_seeds, n, num_classes)` of the best variant's networks."""
        return np.stack(list(self.outputs.values()))

    @property
    def ensemble_output(self) -> np.ndarray:
        """The best variant's ensemble: the logarithm of mean probabilities, or the mean."""
        outputs = np.stack(list(self.outputs.values())).astype(np.float64)
        if outputs.ndim == 2:
            return outputs.mean(axis=0)
        return np.log(np.maximum(np.exp(outputs).mean(axis=0), np.finfo(np.float64).tiny))


@dataclass(frozen=True)
class Reliability:
    """How often predictions are right by how sure they are: bins that hold rows.

    Attributes:
        confidence, accuracy: `(num_bins,)` means, fractions.
        counts: `(num_bins,)` rows.
        intervals: `(num_bins, 2)` Wilson intervals of the accuracies.
        ece: expected calibration error, the mean of |accuracy - confidence| over rows.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    counts: np.ndarray
    intervals: np.ndarray
    ece: float


@dataclass(frozen=True)
class Misread:
    """A test row that many networks get wrong.

    Attributes:
        row: its index in the test set.
        label, taken_for: the true class and the most frequent wrong one.
        num_wrong: networks that are wrong; `num_agreeing` of them say `taken_for`.
    """

    row: int
    label: int
    taken_for: int
    num_wrong: int
    num_agreeing: int


def gather(folder: RunFolder, results: Mapping[str, Any]) -> Evidence:
    """Reads every finished network's arrays once.

    Raises:
        RunFolderError: arrays are missing or damaged.
    """
    truth = folder.test_labels()
    done = [m for m in results["members"] if m["status"] == "done"]
    if not done:
        return Evidence(trained=(), truth=truth)
    best = best_member(results)
    trained, outputs = [], {}
    for member in done:
        arrays = folder.arrays(member["id"])
        trained.append(_reduce(member, arrays))
        if member["variant"] == best["variant"]:
            name = "test_predictions" if "test_predictions" in arrays else "test_log_probabilities"
            outputs[member["seed"]] = arrays[name]
    return Evidence(
        trained=trained,
        truth=truth,
        best=best["variant"],
        best_seed=best["seed"],
        outputs=outputs,
    )


def confusion(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """The share of each true class's rows that is read as each class, mean over networks.

    Args:
        labels: `(n,)` class indices.
        predicted: `(num_networks, n)` class indices.
        num_classes: how many classes there are.

    Returns:
        `(num_classes, num_classes)`, true classes by row; NaN in rows of classes without rows.

    Example:
        >>> confusion(np.array([0, 0, 1]), np.array([[0, 1, 1]]), 2).tolist()
        [[0.5, 0.5], [0.0, 1.0]]
    """
    pairs = labels.astype(np.int64) * num_classes + predicted
    counts = np.bincount(pairs.reshape(-1), minlength=num_classes**2)
    table = counts.reshape(num_classes, num_classes).astype(float)
    rows = table.sum(axis=1, keepdims=True)
    return np.divide(table, rows, out=np.full_like(table, np.nan), where=rows > 0)


def reliability(
    labels: np.ndarray, log_probabilities: np.ndarray, num_bins: int = NUM_BINS
) -> Reliability:
    """Bins of equal width by the probability of the predicted class (Guo et al. 2017).

    See https://arxiv.org/abs/1706.04599. A probability on a bin's upper edge belongs to it.

    Args:
        labels: `(n,)` class indices.
        log_probabilities: `(n, num_classes)`.
        num_bins: bins between 0 and 1; those without rows are left out.

    Example:
        >>> log_p = np.log([[0.95, 0.05], [0.95, 0.05]])
        >>> round(reliability(np.array([0, 1]), log_p).ece, 3)
        0.45
    """
    confidence = np.exp(log_probabilities.max(axis=1).astype(np.float64))
    right = log_probabilities.argmax(axis=1) == labels
    place = np.clip(np.ceil(confidence * num_bins).astype(int) - 1, 0, num_bins - 1)
    counts = np.bincount(place, minlength=num_bins)
    used = counts > 0
    hits = np.bincount(place, weights=right, minlength=num_bins)[used]
    sure = np.bincount(place, weights=confidence, minlength=num_bins)[used] / counts[used]
    accuracy, counts = hits / counts[used], counts[used]
    intervals = [stats.wilson_interval(int(h), int(n)) for h, n in zip(hits, counts, strict=True)]
    ece = float((counts * np.abs(accuracy - sure)).sum() / counts.sum())
    return Reliability(sure, accuracy, counts, np.array(intervals), ece)


def most_misread(labels: np.ndarray, log_probabilities: np.ndarray, limit: int) -> list[Misread]:
    """The test rows that most networks get wrong, of equals the least likely true class first.

    Args:
        labels: `(n,)` class indices.
        log_probabilities: `(num_networks, n, num_classes)`.
        limit: at most so many; rows that no network gets wrong never count.
    """
    predicted = log_probabilities.argmax(axis=2)
    wrong = predicted != labels
    num_wrong = wrong.sum(axis=0)
    likelihood = log_probabilities[:, np.arange(len(labels)), labels].mean(axis=0, dtype=float)
    rows = np.lexsort((likelihood, -num_wrong))[:limit]
    found = []
    for row in rows[num_wrong[rows] > 0]:
        said = np.bincount(predicted[wrong[:, row], row])
        taken_for = int(said.argmax())
        counts = int(num_wrong[row]), int(said[taken_for])
        found.append(Misread(int(row), int(labels[row]), taken_for, *counts))
    return found


def confused_pairs(shares: np.ndarray, limit: int) -> list[tuple[int, int, float]]:
    """The most frequent confusions: true class, predicted class, share of the true one's rows.

    Args:
        shares: as `confusion` gives them.
        limit: at most so many; what never happens does not count.
    """
    off = np.where(np.eye(len(shares), dtype=bool), 0.0, np.nan_to_num(shares))
    order = np.argsort(-off, axis=None, kind="stable")[:limit]
    pairs = [divmod(int(i), len(shares)) for i in order]
    return [(true, read, float(off[true, read])) for true, read in pairs if off[true, read] > 0]


def gaps(results: Mapping[str, Any], variant: str, metric: str) -> np.ndarray:
    """Validation minus training score of every finished network at its restored epoch.

    Returns:
        `(num_seeds,)`; empty where no validation rows were held out.
    """
    members = [m for m in results["members"] if m["variant"] == variant and m["status"] == "done"]
    return np.array([m["val"][metric] - m["train"][metric] for m in members if m["val"]])


def _reduce(member: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Trained:
    weights = {n: a for n, a in arrays.items() if n.startswith("weight/")}
    kernels = [np.abs(a) < NEAR_ZERO for n, a in weights.items() if n.endswith("/kernel")]
    size = sum(k.size for k in kernels)
    return Trained(
        variant=member["variant"],
        seed=member["seed"],
        curves={n.removeprefix("curve_"): a for n, a in arrays.items() if n.startswith("curve_")},
        num_weights=sum(
            a.size for n, a in weights.items() if n.rpartition("/")[2] not in _NOT_TRAINED
        ),
        near_zero=sum(int(k.sum()) for k in kernels) / size if size else float("nan"),
    )
