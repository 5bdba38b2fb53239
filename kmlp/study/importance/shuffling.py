"""What a model's score loses once a column's values are shuffled over the rows: arrays in, numbers
out. See Breiman 2001, https://doi.org/10.1023/A:1010933404324.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kmlp.study.importance.columns import Places

NUM_SHUFFLES = 5
"""How often each column is shuffled, for every seed."""
_SHUFFLES = 2000  # beside the keys of the streams and of samples
_MOST_ROWS, _FEWEST_ROWS = 5_000, 500
_MOST_COPIES = 250_000  # rows with a shuffled column, of one seed


@dataclass(frozen=True, kw_only=True)
class Shuffled:
    """The scores of one model.

    Attributes:
        whole: `(num_seeds,)` on the rows as they are.
        shuffled: `(num_seeds, num_columns, NUM_SHUFFLES)` on the same rows.
    """

    whole: np.ndarray
    shuffled: np.ndarray


def scored_rows(num_rows: int, num_columns: int) -> np.ndarray:
    """Which test rows are scored, sorted: all of few, and of many a draw that is the same for all
    models and seeds."""
    most = max(_FEWEST_ROWS, _MOST_COPIES // (num_columns * NUM_SHUFFLES))
    number = min(num_rows, _MOST_ROWS, most)
    if number == num_rows:
        return np.arange(num_rows)
    return np.sort(np.random.default_rng(0).permutation(num_rows)[:number])


def shuffled_scores(
    x: np.ndarray,
    columns: Places,
    seeds: Sequence[int],
    predict: Callable[[np.ndarray], np.ndarray],
    score: Callable[[np.ndarray], float],
    *,
    rows_at_once: int,
) -> Shuffled:
    """Scores of one model over its seeds.

    A seed shuffles all columns alike, and each seed otherwise than the others, so that an interval
    over seeds holds what shuffling leaves to chance.

    Args:
        x: `(n, features)` rows.
        columns: what is shuffled at once.
        seeds: one a network.
        predict: of every seed's rows, `(num_seeds, m, features)`, the outputs.
        score: of one seed's outputs of the `n` rows.
        rows_at_once: about how many are predicted in one call, a seed.
    """
    orders = np.array([_orders(seed, len(x)) for seed in seeds])
    places = list(columns.values())
    tasks = [(c, r) for c in range(len(places)) for r in range(NUM_SHUFFLES)]
    found = np.empty((len(seeds), len(places), NUM_SHUFFLES))
    for some in _parts(tasks, max(1, rows_at_once // len(x))):
        copies = [_copy(x, places[c], orders[:, r]) for c, r in some]
        outputs = predict(np.concatenate(copies, axis=1))
        for (c, r), own in zip(some, np.split(outputs, len(some), axis=1), strict=True):
            found[:, c, r] = [score(of_seed) for of_seed in own]
    whole = predict(np.broadcast_to(x, (len(seeds), *x.shape)))
    return Shuffled(whole=np.array([score(of_seed) for of_seed in whole]), shuffled=found)


def _orders(seed: int, num_rows: int) -> np.ndarray:
    """`(NUM_SHUFFLES, n)`: which row each row's values are taken from."""
    key = np.random.SeedSequence(entropy=seed, spawn_key=(_SHUFFLES,))
    rng = np.random.default_rng(key)
    return np.array([rng.permutation(num_rows) for _ in range(NUM_SHUFFLES)])


def _copy(x: np.ndarray, places: Sequence[int], orders: np.ndarray) -> np.ndarray:
    """`(num_seeds, n, features)`: the rows with some columns of each seed's own order."""
    copy = np.repeat(x[None], len(orders), axis=0)
    copy[:, :, places] = x[:, places][orders]
    return copy


def _parts(tasks: Sequence[tuple[int, int]], size: int) -> Iterator[Sequence[tuple[int, int]]]:
    for start in range(0, len(tasks), size):
        yield tasks[start : start + size]
