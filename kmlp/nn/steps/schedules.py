"""How a rate or a strength changes over all steps of a training."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kmlp.config import TrainConfig

# By which part of all steps, and to which fraction, the schedule "step" has lowered the rate.
STEPS = ((0.5, 0.1), (0.75, 0.01))


def schedule_factor(
    schedule: str,
    step: Any,
    num_steps: int,
    *,
    warm_up: Any = 0.0,
    decay_rate: Any = TrainConfig.decay_rate,
) -> Any:
    """What a rate is multiplied with at `step` of `num_steps`, which counts from 0.

    With t from 0 to 1 the part of all steps that is done, or of those after the warm-up:

    - "constant": 1.
    - "cosine": half a cosine from 1 to 0 (Loshchilov and Hutter 2017,
      https://arxiv.org/abs/1608.03983).
    - "step": see `STEPS`.
    - "flat_cosine": 1 in the first half, half a cosine from 1 to 0 in the second.
    - "coslog4": four waves in log time, 0.5 (1 - cos(2 pi log2(1 + 15 t))), from 0 to 0
      (Holzmueller et al. 2024, https://arxiv.org/abs/2407.04491).
    - "exponential": `decay_rate` ^ t.

    In the warm-up it rises from 0 to 1 evenly, as in Keras's `CosineDecay` (Goyal et al. 2017,
    https://arxiv.org/abs/1706.02677).

    Args:
        schedule: one of these.
        step: an integer, or a tensor of them.
        num_steps: of the whole training.
        warm_up: the part of all steps that rises; a number, or a tensor of `step`'s shape.
        decay_rate: the same of "exponential".
    """
    warms_up = not isinstance(warm_up, float) or warm_up > 0
    if schedule == "constant" and not warms_up:
        return 1.0
    step = ops.cast(step, keras.config.floatx())
    if not warms_up:
        return _factor(schedule, step, num_steps, decay_rate)
    rising = warm_up * num_steps
    after = _factor(schedule, ops.maximum(step - rising, 0), num_steps - rising, decay_rate)
    # Without a warm-up nothing is below, and the divisor counts no more.
    return ops.where(step < rising, step / ops.maximum(rising, 1), after)


def _factor(schedule: str, step: Any, num_steps: Any, decay_rate: Any) -> Any:
    """After the warm-up: of so many steps, which need not be whole."""
    if schedule == "constant":
        return ops.ones_like(step)
    if schedule == "step":
        factor = ops.ones_like(step)
        for part, fraction in STEPS:
            factor = ops.where(step >= _rounded(part * num_steps), fraction, factor)
        return factor
    t = ops.minimum(step / num_steps, 1)
    if schedule == "flat_cosine":
        t = ops.maximum(2 * t - 1, 0)
    if schedule == "coslog4":
        return 0.5 * (1 - ops.cos(2 * np.pi * ops.log2(1 + 15 * t)))
    if schedule == "exponential":
        return ops.power(ops.cast(decay_rate, t.dtype), t)
    return 0.5 * (1 + ops.cos(np.pi * t))


def _rounded(value: Any) -> Any:
    return round(value) if isinstance(value, float) else ops.round(value)
