"""What a model's score loses once a column's values are shuffled over the rows: arrays in, numbers
out. See Breiman 2001, https://doi.org/10.1023/A:1010933404324.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kmlp.study.importance.columns import Places

NUM_SHUFFLES = 5
"""How often each column is shuffled, for every network."""
_SHUFFLES = 2000  # beside the keys of the streams and of samples
_MOST_ROWS, _FEWEST_ROWS = 5_000, 500
_MOST_COPIES = 250_000  # rows with a shuffled column, of one network

Draw = tuple[int, ...]
"""What a network's shuffles are drawn by: its seed; of a fold its repeat's, and which fold."""


@dataclass(frozen=True, kw_only=True)
class Shuffled:
    """The scores of one model.

    Attributes:
        whole: `(k,)` of each network, on its rows as they are.
        shuffled: `(k, num_columns, NUM_SHUFFLES)` on the same rows.
    """

    whole: np.ndarray
    shuffled: np.ndarray


def scored_rows(num_rows: int, num_columns: int) -> np.ndarray:
    """Which rows of a test set or of a fold are scored, sorted: all of few, and of many a draw that
    is the same for all models and seeds."""
    most = max(_FEWEST_ROWS, _MOST_COPIES // (num_columns * NUM_SHUFFLES))
    number = min(num_rows, _MOST_ROWS, most)
    if number == num_rows:
        return np.arange(num_rows)
    return np.sort(np.random.default_rng(0).permutation(num_rows)[:number])


def shuffled_scores(
    rows: Sequence[np.ndarray],
    columns: Places,
    draws: Sequence[Draw],
    predict: Callable[[np.ndarray], np.ndarray],
    score: Callable[[int, np.ndarray], float],
    *,
    rows_at_once: int,
) -> Shuffled:
    """Scores of one model's networks, each on rows of its own.

    A network shuffles all columns alike, and each otherwise than the others, so that an interval
    over them holds what shuffling leaves to chance.

    Args:
        rows: of each network `(n, features)`; folds may differ by a row.
        columns: what is shuffled at once.
        draws: one a network.
        predict: of every network's rows, `(k, m, features)`, the outputs.
        score: of a network, by its place, and its outputs of its rows.
        rows_at_once: about how many are predicted in one call, a network.
    """
    longest = max(map(len, rows))
    x = np.stack([own[np.resize(np.arange(len(own)), longest)] for own in rows])
    orders = np.stack(
        [_orders(draw, len(own), longest) for draw, own in zip(draws, rows, strict=True)]
    )

    def scores(outputs: np.ndarray) -> list[float]:
        return [score(i, own[: len(rows[i])]) for i, own in enumerate(outputs)]

    places = list(columns.values())
    tasks = [(c, r) for c in range(len(places)) for r in range(NUM_SHUFFLES)]
    found = np.empty((len(rows), len(places), NUM_SHUFFLES))
    for some in _parts(tasks, max(1, rows_at_once // longest)):
        copies = [_copy(x, places[c], orders[:, r]) for c, r in some]
        outputs = predict(np.concatenate(copies, axis=1))
        for (c, r), own in zip(some, np.split(outputs, len(some), axis=1), strict=True):
            found[:, c, r] = scores(own)
    return Shuffled(whole=np.array(scores(predict(x))), shuffled=found)


def _orders(draw: Draw, num_rows: int, longest: int) -> np.ndarray:
    """`(NUM_SHUFFLES, longest)`: which row each row's values are taken from; what is there to make
    networks' rows equally many begins from the first again."""
    seed, *fold = draw
    key = np.random.SeedSequence(entropy=seed, spawn_key=(_SHUFFLES, *fold))
    rng = np.random.default_rng(key)
    return np.array([np.resize(rng.permutation(num_rows), longest) for _ in range(NUM_SHUFFLES)])


def _copy(x: np.ndarray, places: Sequence[int], orders: np.ndarray) -> np.ndarray:
    """`(k, n, features)`: the rows with some columns of each network's own order."""
    copy, networks = x.copy(), np.arange(len(x))[:, None]
    copy[:, :, places] = x[:, :, places][networks, orders]
    return copy


def _parts(tasks: Sequence[tuple[int, int]], size: int) -> Iterator[Sequence[tuple[int, int]]]:
    for start in range(0, len(tasks), size):
        yield tasks[start : start + size]
