"""Embeddings of numbers: trained waves, or how far a number fills each bin."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from kmlp.config.seeds import seed_words
from kmlp.config.tables.encoding import Encoding

# Each weight's place in the stream of initial values; never changed.
_PLACES = {"frequencies": 6, "phases": 7, "mixing": 8, "offsets": 9}


def periodic(x: Any, weights: Mapping[str, Any]) -> Any:
    """cos(2 pi c x + b) of each number, linearly mixed: "PBL" of the "PBLD" embeddings of
    Holzmueller et al. 2024 (https://arxiv.org/abs/2407.04491), after Gorishniy et al. 2022
    (https://arxiv.org/abs/2203.05556); "D" is the number itself, which stands beside it.

    Args:
        x: `(k, batch, numbers)`, scaled.
        weights: `frequencies` and `phases` `(k, numbers, n)`, `mixing` `(k, numbers * n, m)` and
            `offsets` `(k, numbers, m)`.

    Returns:
        `(k, batch, numbers * m)`.
    """
    num_members, numbers, size = weights["frequencies"].shape
    num_mixtures = weights["offsets"].shape[-1]
    each = ops.expand_dims(ops.transpose(x, (0, 2, 1)), -1)
    angles = 2 * np.pi * each * ops.expand_dims(weights["frequencies"], 2)
    waves = ops.cos(angles + ops.expand_dims(weights["phases"], 2))
    mixing = ops.reshape(weights["mixing"], (num_members, numbers, size, num_mixtures))
    mixed = ops.matmul(waves, mixing) + ops.expand_dims(weights["offsets"], 2)
    mixed = ops.transpose(mixed, (0, 2, 1, 3))
    return ops.reshape(mixed, (num_members, -1, numbers * num_mixtures))


def piecewise_linear(x: Any, start: Any, gain: Any, high: Any) -> Any:
    """(x - start) / width in the bin that a number falls into, 1 in those below it, 0 in those
    above; the first bin goes on below its start, the last above its end (Gorishniy et al. 2022,
    equation 1).

    Args:
        x: `(k, batch, numbers)`, not scaled.
        start, gain, high: `(k, 1, numbers * bins)`, as `column_statistics` finds them.

    Returns:
        `(k, batch, numbers * bins)`.
    """
    numbers = x.shape[-1]
    bins = start.shape[-1] // numbers
    low = np.zeros(numbers * bins, "float32")
    low[::bins] = -np.inf
    filled = (ops.repeat(x, bins, axis=-1) - start) * gain
    return ops.minimum(ops.maximum(filled, low), high)


def initial_waves(plan: Encoding, name: str, seed: int | None, dtype: str) -> Any:
    """The initial value of a weight of periodic embeddings, as its authors draw it.

    Args:
        plan: the features.
        name: one of `plan.wave_shapes`.
        seed: keys the draw, as it does the kernels'; None draws anew.
        dtype: of the weight.
    """
    place = (0, _PLACES[name])
    drawn = None if seed is None else int(seed_words(seed, "init", *place, count=1)[0] >> 1)
    if name == "frequencies":
        initializer: Any = keras.initializers.RandomNormal(stddev=plan.frequency_stddev, seed=drawn)
    else:
        bound = np.pi if name == "phases" else plan.num_frequencies**-0.5
        initializer = keras.initializers.RandomUniform(-bound, bound, seed=drawn)
    return initializer(plan.wave_shapes[name], dtype)
