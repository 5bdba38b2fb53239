"""What is minimized and monitored, per example and member, on `keras.ops`.

`outputs` are the network's last, linear values, `(k, batch, num_outputs)`: logits, or the
standardized prediction of a regression; `targets`, `(k, batch)`, are class indices or
standardized targets.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from kmlp.data.dataset import DataSpec


def plain_loss(task: str, targets: Any, outputs: Any) -> Any:
    """Cross-entropy in nats, or squared error in units of the target's variance: `(k, batch)`."""
    if task == "regression":
        return ops.square(targets - outputs[..., 0])
    logits = class_logits(task, outputs)
    losses = keras.losses.sparse_categorical_crossentropy(targets, logits, from_logits=True)
    # On JAX with 64 bits enabled Keras returns float64, whatever the logits are.
    return ops.cast(losses, logits.dtype)


def class_logits(task: str, outputs: Any) -> Any:
    """Logits `(k, batch, num_classes)`; the one logit of a binary task is that of class 1
    against 0, whose softmax is the sigmoid."""
    if task == "multiclass":
        return outputs
    return ops.concatenate([ops.zeros_like(outputs), outputs], axis=-1)


def smooth_labels(losses: Any, logits: Any, smoothing: Any) -> Any:
    """The cross-entropy with (1 - s) on the class plus s / num_classes on each (Szegedy et al.
    2016, https://arxiv.org/abs/1512.00567): it is linear in the target.

    Args:
        losses: the plain cross-entropy, `(k, batch)`.
        logits: `(k, batch, num_classes)`.
        smoothing: s, `(k, 1)`.
    """
    against_uniform = -ops.mean(ops.log_softmax(logits), axis=-1)
    return (1 - smoothing) * losses + smoothing * against_uniform


def hits(targets: Any, logits: Any) -> Any:
    """Whether the most probable class is the right one: `(k, batch)` `int32`."""
    return ops.cast(ops.equal(ops.cast(ops.argmax(logits, -1), targets.dtype), targets), "int32")


def weighed(values: Any, weights: Any) -> Any:
    """`(k, batch)` values times what their rows count; None says that all count alike."""
    return values if weights is None else ops.cast(values, weights.dtype) * weights


def class_weights(
    wanted: str | Mapping[str, float] | None,
    spec: DataSpec,
    labels: np.ndarray,
    weight: np.ndarray | None = None,
) -> np.ndarray:
    """The weight of each class, `(num_classes,)`.

    Args:
        wanted: as `TrainConfig.class_weight`; None weighs all alike.
        spec: the data's classes.
        labels: of the training rows, `(n,)`.
        weight: how much each of them counts; all alike where omitted.
    """
    if isinstance(wanted, str):
        counts = np.bincount(labels, weight, minlength=spec.num_classes)
        return counts.sum() / (spec.num_classes * np.where(counts > 0, counts, 1))
    weights = np.ones(spec.num_classes)
    for key, wanted_weight in (wanted or {}).items():
        weights[spec.class_index(key)] = wanted_weight
    return weights
