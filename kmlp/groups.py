"""What the members beside the ordinary ones give, as arrays. NumPy only, no Keras.

They stand in `results["extra_members"]`, each with its group, variant, place and seed; their arrays
lie in the run folder as all others do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kmlp.ledger import RunFolder

Results = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Resampled:
    """What the networks of one variant predict that were trained on samples of the training rows.

    Attributes:
        kind: "splits", disjoint parts of equal size, or "bootstrap", draws with replacement.
        samples, seeds: the numbers of the R samples and the S seeds on the first two axes.
        outputs: on the test set, `(R, S, n, num_classes)` log-probabilities or `(R, S, n)`
            numbers of a regression; `float32`.
        truth: `(n,)` class indices or targets.
        left_out: samples of which a network diverged or is not trained, in none of the arrays.
    """

    kind: str
    samples: tuple[int, ...]
    seeds: tuple[int, ...]
    outputs: np.ndarray
    truth: np.ndarray
    left_out: tuple[int, ...] = ()


def resampled(folder: RunFolder, results: Results, variant: str) -> Resampled | None:
    """Reads the predictions of one variant's resampled networks.

    Returns:
        None where the study has no whole sample of this variant.

    Raises:
        RunFolderError: arrays are missing or damaged.
    """
    members = _members(results, "resample", variant)
    seeds, samples = _axis(members, "seed"), _axis(members, "place")
    done = {(m["place"], m["seed"]): m["id"] for m in members if m["status"] == "done"}
    whole = [r for r in samples if all((r, s) in done for s in seeds)]
    if not whole:
        return None
    regression = results["dataset"]["task"] == "regression"
    name = "test_predictions" if regression else "test_log_probabilities"
    return Resampled(
        kind=results["groups"]["resample"]["kind"],
        samples=tuple(whole),
        seeds=tuple(seeds),
        outputs=np.stack(
            [np.stack([folder.arrays(done[r, s])[name] for s in seeds]) for r in whole]
        ),
        truth=folder.test_labels(),
        left_out=tuple(r for r in samples if r not in whole),
    )


def resampled_scores(results: Results, variant: str, metric: str, part: str = "test") -> np.ndarray:
    """Scores of one variant's resampled networks, `(R, S)`; NaN where there is none."""
    members = _members(results, "resample", variant)
    return _table(members, "place", "seed", part, metric)


def fold_scores(results: Results, variant: str, metric: str, part: str = "fold") -> np.ndarray:
    """Scores of one variant in cross-validation, `(repeats, folds)`; NaN where there is none.

    Args:
        results: as in `results.json`.
        variant: its name.
        metric: one of the task's.
        part: "fold" is the rows that were held out; "val" those that stopped the training.
    """
    return _table(_members(results, "folds", variant), "seed", "place", part, metric)


def stream_scores(
    results: Results, variant: str, metric: str, part: str = "test"
) -> dict[str, np.ndarray]:
    """Scores by the stream that varies, `(num_settings, num_seeds)` each; NaN where there is none.

    In a row one stream takes a seed after the other, and the others are held; the next row holds
    them elsewhere, and varies the stream over seeds of its own. Streams that a variant draws
    nothing from are left out. The ordinary members, of which all streams vary, are in
    `results["members"]`.
    """
    members = _members(results, "randomness", variant)
    streams = dict.fromkeys(m["stream"] for m in members)
    # Setting s takes every third seed from the one that it holds the others at: a turn a column.
    turns = [{**m, "turn": m["seed"] - m["place"]} for m in members]
    return {
        stream: _table([m for m in turns if m["stream"] == stream], "place", "turn", part, metric)
        for stream in streams
    }


def _members(results: Results, group: str, variant: str) -> list[Mapping[str, Any]]:
    extra = results.get("extra_members", ())
    return [m for m in extra if m["group"] == group and m["variant"] == variant]


def _axis(members: Sequence[Mapping[str, Any]], name: str) -> list[int]:
    return sorted({m[name] for m in members})


def _table(
    members: Sequence[Mapping[str, Any]], rows: str, columns: str, part: str, metric: str
) -> np.ndarray:
    row, column = _axis(members, rows), _axis(members, columns)
    table = np.full((len(row), len(column)), np.nan)
    for m in members:
        value = m.get(part, {}).get(metric) if m["status"] == "done" else None
        if value is not None:
            table[row.index(m[rows]), column.index(m[columns])] = value
    return table
