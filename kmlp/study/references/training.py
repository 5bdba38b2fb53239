"""References trained on the rows that networks are trained on, and recorded beside them."""

import contextlib
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from kmlp.data import Dataset, DataSpec
from kmlp.data.rows.scoring import score_rows
from kmlp.machine import num_cores
from kmlp.stats.monitoring import plain_loss_name
from kmlp.study.references.estimators import make_estimator
from kmlp.study.references.member import ReferenceMember
from kmlp.study.references.tuning import Settings, candidates, last_step, search
from kmlp.study.run_folder.folder import MemberRecord, RunFolder
from kmlp.study.run_folder.records import outputs_name

_FEW_ROWS = 20_000  # threads that wait for each other cost more than they gain
_SURE = 1e-15  # what a probability of 0 counts as, as in scikit-learn's log loss
Trained = tuple[MemberRecord, dict[str, np.ndarray]]


class ReferenceWatcher(Protocol):
    """Who is told of each reference before it is trained."""

    def reference(self, name: str, number: int, total: int) -> None: ...


class Each(Protocol):
    """Calls a function of each item and the data, wherever; gives items with what it said."""

    def __call__(
        self,
        function: Callable[[ReferenceMember, Dataset], Trained],
        items: Sequence[ReferenceMember],
        data: Dataset,
    ) -> Iterator[tuple[ReferenceMember, Trained]]: ...


def in_turn(
    function: Callable[[ReferenceMember, Dataset], Trained],
    items: Sequence[ReferenceMember],
    data: Dataset,
) -> Iterator[tuple[ReferenceMember, Trained]]:
    """An `Each` of this process: one after the other, each over all cores."""
    for item in items:
        yield item, function(item, data)


def train_references(
    folder: RunFolder,
    wanted: Iterable[ReferenceMember],
    data: Dataset,
    watcher: ReferenceWatcher | None = None,
    *,
    each: Each = in_turn,
) -> None:
    """Trains those without a whole record.

    Args:
        folder: being written.
        wanted: what the study compares its networks with.
        data: what they train on; validation rows are left out, as networks do not learn from them.
        watcher: told of each.
        each: how they are trained: in turn here, or at once on a cluster.
    """
    members, finished = list(wanted), folder.records()
    damaged = folder.damaged([m.id for m in members if m.id in finished])
    missing = [m for m in members if m.id not in finished or m.id in damaged]
    if watcher and missing:
        watcher.reference(missing[0].name, 1, len(missing))
    for number, (_, trained) in enumerate(each(_trained, missing, data), start=1):
        folder.record(*trained)
        if watcher and number < len(missing):
            watcher.reference(missing[number].name, number + 1, len(missing))


def _trained(member: ReferenceMember, data: Dataset) -> Trained:
    start = time.perf_counter()
    rows, held_out = member.network.split(data.rows)
    settings = chosen_settings(member, data) if member.num_trials > 1 else None
    fitted, fold = fit(member, data, settings), member.network.fold(data.rows)
    part = "fold" if len(fold) else "test"
    tested = fitted(data.x_train[fold] if len(fold) else data.x_test)
    parts = {
        "train": score_rows(data, fitted(data.x_train[rows]), rows),
        part: score_rows(data, tested, fold if len(fold) else None),
    }
    arrays = {outputs_name(part, tested): tested}
    if len(fold):
        arrays["fold_rows"] = fold
    if len(held_out):
        val = fitted(data.x_train[held_out])
        parts["val"] = score_rows(data, val, held_out)
        arrays |= {outputs_name("val", val): val, "val_rows": held_out}
    record = MemberRecord(
        id=member.id,
        status="done",
        best_epoch=1,
        stopped_epoch=1,
        metrics=parts,
        seconds=time.perf_counter() - start,
        settings=settings,
    )
    return record, arrays


def chosen_settings(member: ReferenceMember, data: Dataset) -> Settings:
    """Of the settings that are tried of a reference those with the lowest plain loss on the rows
    that validate its network, by which that stops, too; the same of the same member and data."""
    rows, held_out = member.network.split(data.rows)
    estimator = make_estimator(member.name, data.spec, member.seed, member.class_weight)
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    name, are_few = plain_loss_name(data.spec.task), len(rows) < _FEW_ROWS
    if are_few and "n_jobs" in last.get_params():
        last.set_params(n_jobs=1)

    def loss(fitted: Any, x: np.ndarray) -> float:
        return score_rows(data, _outputs(fitted, x, data.spec), held_out)[name]

    with _quietly(len(rows)):
        return search(
            estimator,
            candidates(last, member.num_trials, member.seed),
            (_matrix(data.x_train[rows]), data.y_train[rows]),
            (_matrix(data.x_train[held_out]), data.y_train[held_out]),
            loss,
            weights=None if data.rows.weight is None else data.rows.weight[rows],
            num_jobs=num_cores() if are_few else 1,
        )


def fit(
    member: ReferenceMember, data: Dataset, settings: Mapping[str, float] | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """What a reference says once it is trained: from rows to outputs, as of a network; the same of
    the same member, data and settings."""
    estimator = fitted_estimator(member, data, settings)
    return lambda x: outputs_of(estimator, x, data.spec)


def outputs_of(estimator: Any, x: np.ndarray, spec: DataSpec) -> np.ndarray:
    """What a fitted reference says, as of a network: `(n,)` numbers in the target's unit, or
    `(n, num_classes)` log-probabilities.

    Args:
        estimator: that `fitted_estimator` gave.
        x: `(n, ...)` encoded rows, or pixels.
        spec: of the data.
    """
    with _quietly(len(x)):
        return _outputs(estimator, _matrix(x), spec)


def fitted_estimator(
    member: ReferenceMember, data: Dataset, settings: Mapping[str, float] | None = None
) -> Any:
    """scikit-learn's estimator or pipeline, of the encoded matrix.

    Args:
        member: what is trained.
        data: on what.
        settings: of the estimator, beside the defaults.
    """
    rows, _ = member.network.split(data.rows)
    estimator = make_estimator(member.name, data.spec, member.seed, member.class_weight)
    step, weight = last_step(estimator), data.rows.weight
    estimator.set_params(**{f"{step}{name}": value for name, value in (settings or {}).items()})
    weights = {} if weight is None else {f"{step}sample_weight": weight[rows]}
    with _quietly(len(rows)):
        # As they are stored, like networks: squares of years, or of more, lose what varies.
        return estimator.fit(_matrix(data.x_train[rows]), data.y_train[rows], **weights)


@contextlib.contextmanager
def _quietly(num_rows: int) -> Iterator[None]:
    """Few rows in one thread; a fit that has not converged in its thousand steps is what its
    defaults give."""
    with warnings.catch_warnings(), threadpool_limits(1 if num_rows < _FEW_ROWS else None):
        warnings.simplefilter("ignore")
        yield


def _matrix(x: np.ndarray) -> np.ndarray:
    """`(n, columns)` float64; pixels from 0 to 1."""
    flat = x.reshape(len(x), -1).astype(np.float64)
    return flat / 255 if x.dtype == np.uint8 else flat


def _outputs(estimator: Any, x: np.ndarray, spec: DataSpec) -> np.ndarray:
    """As of a network: `(n,)` numbers in the target's unit, or `(n, num_classes)`
    log-probabilities."""
    if spec.task == "regression":
        return spec.in_unit(np.asarray(estimator.predict(x), np.float32).reshape(-1))
    p = np.zeros((len(x), spec.num_classes))
    p[:, np.asarray(estimator.classes_, int)] = estimator.predict_proba(x)
    return np.log(np.maximum(p, _SURE)).astype(np.float32)
