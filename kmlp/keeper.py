"""Trains the members that a run folder lacks, and keeps there what their stacks tell."""

import contextlib
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from kmlp.data import Dataset
from kmlp.errors import RunFolderError
from kmlp.ledger import ATTEMPTS_ALONE, ATTEMPTS_TOGETHER, MemberRecord, RunFolder
from kmlp.member import Member

if TYPE_CHECKING:
    from kmlp.checkpoint import Checkpoints
    from kmlp.training import MemberResult

logger = logging.getLogger(__name__)
CHECKPOINT_SECONDS = 30.0
_OFTEN = 3 * (ATTEMPTS_TOGETHER + ATTEMPTS_ALONE)


class Watcher(Protocol):
    """Who is told of the training; the calls come from the stacks' threads."""

    def epoch(self, members: Sequence[Member], epoch: int, logs: dict[str, np.ndarray]) -> None: ...
    def finished(self, results: Sequence["MemberResult"]) -> None: ...


def train_missing(
    folder: RunFolder,
    wanted: Mapping[str, Member],
    data: Dataset,
    watcher: Watcher | None = None,
) -> None:
    """Trains those of the members that have no whole record, several stacks at once.

    Args:
        folder: being written.
        wanted: by `Member.id`.
        data: what they train on.
        watcher: told of every epoch and every finished stack.
    """
    missing = missing_members(folder, wanted)
    if not missing:
        return
    keeper = _Keeper(folder, watcher)
    keeper.let_suspects_prove_themselves(list(missing.values()), data)
    left = list(missing_members(folder, wanted).values())
    keeper.train(_order_stacks(left, folder, data), data)


def missing_members(folder: RunFolder, wanted: Mapping[str, Member]) -> dict[str, Member]:
    """Those to be trained: no record, or damaged arrays; not those given up."""
    finished, lost = folder.records(), given_up(folder)
    damaged = folder.damaged([id for id in wanted if id in finished])
    for id in damaged:
        logger.warning("the arrays of member %s are damaged; it is trained again", id)
    return {
        id: member
        for id, member in wanted.items()
        if (id not in finished or id in damaged) and id not in lost
    }


def given_up(folder: RunFolder) -> frozenset[str]:
    """Ids of members that ended their process too often and are not tried again."""
    attempts = folder.barren_attempts().items()
    return frozenset(id for id, count in attempts if count >= ATTEMPTS_TOGETHER + ATTEMPTS_ALONE)


class _Proven(Exception):
    """A member got further than where it died in company."""


class _Keeper:
    """Keeps in the run folder what the stacks in training tell, from their threads."""

    def __init__(self, folder: RunFolder, watcher: Watcher | None) -> None:
        self._folder, self._watcher = folder, watcher
        # By member, the stack that it was begun with.
        self._stack_of: dict[str, list[str]] = {}
        self._proving = False

    def train(self, stacks: Sequence[Sequence[Member]], data: Dataset) -> None:
        from kmlp.training import train_members

        try:
            train_members(
                stacks,
                data,
                on_start=self._on_start,
                on_epoch=self._on_epoch,
                on_result=self._on_result,
                checkpoints=self._checkpoints,
            )
        except BaseException:
            # The process lives: no member is to blame.
            with contextlib.suppress(RunFolderError):
                self._folder.withdraw_attempts(self._stack_of)
            raise

    def let_suspects_prove_themselves(self, missing: Sequence[Member], data: Dataset) -> None:
        """Trains members whose process died twice in company alone, one by one, until they are
        further than that; then their stack can go on as it was. Who dies alone too is to blame.

        A member that was begun very often only dies in company: it is trained alone to its end.
        """
        attempts, begun = self._folder.barren_attempts(), self._folder.attempts()
        for member in missing:
            if attempts.get(member.id, 0) < ATTEMPTS_TOGETHER:
                continue
            self._proving = begun[member.id] < _OFTEN
            with contextlib.suppress(_Proven):
                self.train([[member]], data)
            self._checkpoints([member]).remove()
        self._proving = False

    def _on_start(self, stack: Sequence[Member]) -> None:
        ids = [m.id for m in stack]
        self._folder.begin_stack(ids)
        self._stack_of |= dict.fromkeys(ids, ids)

    def _on_epoch(self, trained: Sequence[Member], epoch: int, logs: dict[str, np.ndarray]) -> None:
        ids = self._stack_of[trained[0].id]
        self._folder.log_epoch(ids, epoch, len(trained))
        if self._watcher:
            self._watcher.epoch(trained, epoch, logs)
        if self._proving and ids[0] not in self._folder.barren_attempts():
            raise _Proven

    def _checkpoints(self, stack: Sequence[Member]) -> "Checkpoints":
        from kmlp.checkpoint import Checkpoints

        ids = [m.id for m in stack]
        # Up to where it once came each epoch is saved: kills in quick succession stop no study,
        # and what dies there again does so at once.
        until = self._folder.furthest_epoch(ids)
        return Checkpoints(self._folder.checkpoint_folder(ids), CHECKPOINT_SECONDS, until)

    def _on_result(self, results: list["MemberResult"]) -> None:
        self._folder.record_all([(_to_record(r), _to_arrays(r)) for r in results])
        self._checkpoints([r.member for r in results]).remove()
        if self._watcher:
            self._watcher.finished(results)


def _order_stacks(missing: list[Member], folder: RunFolder, data: Dataset) -> list[list[Member]]:
    """The stacks to train: first those that were begun, as they were, for their checkpoints."""
    from kmlp.training import plan_stacks

    left = {m.id: m for m in missing}
    resumed = []
    # Large ones first: who had to prove itself alone goes on with its stack.
    for ids in sorted(folder.begun_stacks(), key=len, reverse=True):
        if all(id in left for id in ids):
            resumed.append([left.pop(id) for id in ids])
    return [*resumed, *plan_stacks(list(left.values()), data.spec)]


def _to_record(result: "MemberResult") -> MemberRecord:
    return MemberRecord(
        id=result.member.id,
        status=result.status,
        best_epoch=result.best_epoch,
        stopped_epoch=result.stopped_epoch,
        metrics=result.metrics,
        seconds=result.seconds,
    )


def _to_arrays(result: "MemberResult") -> dict[str, np.ndarray]:
    kind = "predictions" if result.predictions.ndim == 1 else "log_probabilities"
    part = "fold" if len(result.fold) else "test"
    return {
        f"{part}_{kind}": result.predictions,
        **({"fold_rows": result.fold} if len(result.fold) else {}),
        **{f"weight/{path}": weight for path, weight in result.weights.items()},
        **{f"curve_{name}": curve for name, curve in result.curves.items()},
    }
