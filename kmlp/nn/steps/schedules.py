"""How a rate or a strength changes over all steps of a training."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kmlp.config import TrainConfig

# By which part of all steps, and to which fraction, the schedule "step" has lowered the rate.
STEPS = ((0.5, 0.1), (0.75, 0.01))
# Where the cosines of "cosine_restarts" begin and how long they are, in parts of all steps.
RESTARTS = ((0, 1 / 7), (1 / 7, 2 / 7), (3 / 7, 4 / 7))


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
    - "inverse": 1 / (1 + t (1 / `decay_rate` - 1)), which ends at `decay_rate`, too.
    - "cosine_restarts": three half cosines from 1 to 0, each twice as long as the one before.

    In the warm-up it rises from 0 to 1 evenly, as in Keras's `CosineDecay` (Goyal et al. 2017,
    https://arxiv.org/abs/1706.02677).

    Args:
        schedule: one of these.
        step: an integer, or a tensor of them.
        num_steps: of the whole training.
        warm_up: the part of all steps that rises; a number, or a tensor of `step`'s shape.
        decay_rate: the same of "exponential" and "inverse".
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
    if schedule == "inverse":
        return 1 / (1 + t * (1 / ops.cast(decay_rate, t.dtype) - 1))
    if schedule == "cosine_restarts":
        t = _since_restart(step, num_steps)
    return 0.5 * (1 + ops.cos(np.pi * t))


def _since_restart(step: Any, num_steps: Any) -> Any:
    """The part that is done of the cosine in which a step lies; 1 where all are done."""
    done = step / num_steps
    for begins, part in RESTARTS:
        own = (step - begins * num_steps) / (part * num_steps)
        # A step that rounding moves before the restart belongs to it, too.
        done = ops.where(own > -1e-6, own, done) if begins else own
    return ops.clip(done, 0, 1)


def _rounded(value: Any) -> Any:
    return round(value) if isinstance(value, float) else ops.round(value)
