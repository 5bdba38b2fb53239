"""What is monitored while training, what is chosen by, and which way is better.

`auto` and directions are resolved here, for studies and searches alike. A name may have `val_`
before it: the metric of the validation rows.
"""

from typing import Literal

from kmlp.errors import ConfigError
from kmlp.stats.metrics import AUTO, BY_NAME, METRICS, RECORDS, TASKS

LOSS = "loss"
"""What is minimized on the training rows, penalty included."""
VALIDATION = "val_"


def primary_metric(task: str) -> str:
    """What a task is compared by, and searched on, where nothing else is said.

    Example:
        >>> primary_metric("binary"), primary_metric("regression")
        ('accuracy', 'rmse')
    """
    return METRICS[task][0]


def metrics_on_card(task: str, metric: str = "") -> list[str]:
    """What a model's card tells: first what its study was decided by, or the primary metric where
    that is the user's own or of an earlier kmlp unknown.

    Example:
        >>> metrics_on_card("binary", "cross_entropy")[:2], metrics_on_card("regression", "cost")[0]
        (['cross_entropy', 'accuracy'], 'rmse')
    """
    first = metric if metric in METRICS[task] else primary_metric(task)
    others = [name for name in METRICS[task] if BY_NAME[name].on_card]
    return list(dict.fromkeys([first, *others]))


def resolved_metric(metric: str, task: str) -> str:
    """What a study is decided by: "auto" is the primary metric of its task.

    Raises:
        ConfigError: no metric of such a task.

    Example:
        >>> resolved_metric("auto", "binary"), resolved_metric("r2", "regression")
        ('accuracy', 'r2')
    """
    if metric == AUTO:
        return primary_metric(task)
    if metric not in METRICS[task]:
        raise ConfigError(
            f"a {task} task is compared by {', '.join(METRICS[task])}. Received: {metric!r}."
        )
    return metric


def plain_loss_name(task: str) -> str:
    """The plain loss of a task: no penalty, no class weight, no smoothing.

    Example:
        >>> plain_loss_name("binary"), plain_loss_name("regression")
        ('cross_entropy', 'mse')
    """
    return next(m.name for m in RECORDS if m.is_loss and task in m.tasks)


def logged(task: str) -> tuple[str, ...]:
    """The metrics in the epoch logs of a task, the plain loss first.

    Example:
        >>> logged("multiclass")
        ('cross_entropy', 'accuracy')
    """
    found = [m for m in RECORDS if m.logged_in and task in m.tasks]
    return tuple(m.name for m in sorted(found, key=lambda m: not m.is_loss))


def monitors(*tasks: str) -> tuple[str, ...]:
    """What `monitor` may be for any of these tasks.

    Example:
        >>> monitors("regression")
        ('auto', 'loss', 'mse', 'val_mse')
    """
    names = tuple(dict.fromkeys(name for task in tasks for name in logged(task)))
    return (AUTO, LOSS, *names, *(VALIDATION + name for name in names))


MONITORS = monitors(*TASKS)
"""What `monitor` may be, whatever the task."""


def resolved_monitor(monitor: str, task: str, *, validated: bool) -> str:
    """What is monitored: "auto" is the plain loss of the validation rows, or without such rows the
    training loss.

    Example:
        >>> resolved_monitor("auto", "binary", validated=True)
        'val_cross_entropy'
    """
    if monitor != AUTO:
        return monitor
    return VALIDATION + plain_loss_name(task) if validated else LOSS


def resolved_objective(objective: str, task: str) -> str:
    """What a search is on: "auto" is the primary metric of the validation rows."""
    return VALIDATION + primary_metric(task) if objective == AUTO else objective


def direction(name: str) -> Literal["min", "max"]:
    """Where better is, of a metric or a loss: known, never guessed.

    Raises:
        ValueError: no such metric.

    Example:
        >>> direction("val_accuracy"), direction("val_rmse"), direction("val_loss")
        ('max', 'min', 'min')
    """
    plain = name.removeprefix(VALIDATION)
    if plain == LOSS:
        return "min"
    if plain not in BY_NAME:
        raise ValueError(
            f"whether more or less of it is better is known of {LOSS}, {', '.join(BY_NAME)}. "
            f'Received: {name!r}. Say mode="min" or mode="max".'
        )
    return "max" if BY_NAME[plain].higher_is_better else "min"
