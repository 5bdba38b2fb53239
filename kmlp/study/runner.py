"""Trains the members that a run folder lacks, and keeps there what their stacks tell."""

import contextlib
import functools
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import numpy as np

from kmlp.data import Dataset
from kmlp.engine.checkpoint import Checkpoints
from kmlp.engine.member import Member, counted
from kmlp.engine.trainer import MemberResult, Need, Room, Stacks, StacksDied, Trainer
from kmlp.errors import RunFolderError
from kmlp.machine import import_quietly
from kmlp.study.run_folder.folder import MemberRecord, RunFolder
from kmlp.study.run_folder.records import outputs_name
from kmlp.study.run_folder.stack_log import ATTEMPTS_ALONE, ATTEMPTS_TOGETHER

logger = logging.getLogger(__name__)
_OFTEN = 3 * (ATTEMPTS_TOGETHER + ATTEMPTS_ALONE)


class Watcher(Protocol):
    """Who is told of the training; all calls but `need` come from the stacks' threads."""

    def need(self, memory: Need) -> None: ...
    def compiling(self, number: int, total: int) -> None: ...
    def epoch(self, members: Sequence[Member], epoch: int, logs: dict[str, np.ndarray]) -> None: ...
    def finished(self, results: Sequence[MemberResult]) -> None: ...


class StudyWatcher(Watcher, Protocol):
    """Who is told how far a study is; the calls come from the stacks' threads."""

    def start(self, variant_of: dict[str, str], done: Collection[str], title: str) -> None: ...
    def reference(self, name: str, number: int, total: int) -> None: ...
    def importance(self, model: str, num_columns: int) -> None: ...


def train_missing(
    folder: RunFolder,
    wanted: Mapping[str, Member],
    data: Dataset,
    watcher: Watcher | None = None,
    *,
    trainer: Trainer,
    until: int | None = None,
    parts: Sequence[str] = ("train", "val", "test", "fold"),
    plan: Callable[[Sequence[Member], Room], Stacks] | None = None,
) -> None:
    """Trains those of the members that have no whole record, several stacks at once.

    Args:
        folder: being written.
        wanted: by the id they are recorded under: `Member.id`, or `paused_id` with `until`.
        data: what they train on.
        watcher: told of every epoch and every finished stack.
        trainer: what trains them.
        until: train up to this epoch only, and keep what it takes to go on; a later call with
            the same stacks and a later epoch goes on from there, exactly as if never paused.
        parts: whose metrics are kept; without "test" no prediction of a test row is.
        plan: groups members into stacks that fit the room; the trainer does where omitted.

    Raises:
        MemoryLimitError: the data, or a member, do not fit.
    """
    missing = missing_members(folder, wanted)
    if not missing:
        return
    if data.given_rows:
        known = counted(list(missing.values()), data.rows)
        wanted = missing = dict(zip(missing, known, strict=True))
    id_of = {m.id: id for id, m in wanted.items()}
    runner = _Runner(folder, id_of, trainer, watcher, until, parts)
    plan = plan or functools.partial(_planned, trainer, data)
    while missing:
        # Where a stack's process ends and not this one, it goes on as after a restart.
        with contextlib.suppress(StacksDied):
            runner.retry_crashed_members_alone(missing, data)
            room = trainer.make_room(data)
            stacks = _order_stacks(missing_members(folder, wanted), folder, room, plan)
            runner.note(stacks)
            if watcher:
                watcher.need(room.need(stacks))
            runner.train(stacks, data, room)
            return
        missing = missing_members(folder, wanted)


def default_trainer() -> Trainer:
    """The engine. Imported where something is to be trained: it loads Keras."""
    import_quietly("keras")
    from kmlp.engine.engine import Engine

    return Engine()


def paused_id(member: Member, epoch: int) -> str:
    """What a member is recorded under that was trained up to an epoch only."""
    return f"{member.id}-{epoch}"


def missing_members(folder: RunFolder, wanted: Mapping[str, Member]) -> dict[str, Member]:
    """Those to be trained: no record, or damaged arrays; not those given up."""
    finished, lost = folder.records(), folder.stacks.given_up()
    damaged = folder.damaged([id for id in wanted if id in finished])
    for id in damaged:
        logger.warning("the arrays of member %s are damaged; it is trained again", id)
    return {
        id: member
        for id, member in wanted.items()
        if (id not in finished or id in damaged) and id not in lost
    }


class _Proven(Exception):
    """A member got further than where it died in company."""


class _Runner:
    """Keeps in the run folder what the stacks in training tell, from their threads."""

    def __init__(
        self,
        folder: RunFolder,
        id_of: Mapping[str, str],
        trainer: Trainer,
        watcher: Watcher | None,
        until: int | None,
        parts: Sequence[str],
    ) -> None:
        self._folder, self._id_of, self._trainer, self._watcher = folder, id_of, trainer, watcher
        self._until, self._parts = until, parts
        # By member, the stack that it was begun with.
        self._stack_of: dict[str, list[str]] = {}
        # By a stack's members, the last epoch that was told of it.
        self._told: dict[tuple[str, ...], int] = {}
        self._proving = self._alone = False

    def note(self, stacks: Stacks) -> None:
        """Notes who will train together, before anybody does."""
        for stack in stacks:
            self._folder.stacks.note(self._ids(stack))

    def train(
        self, stacks: Sequence[Sequence[Member]], data: Dataset, room: Room | None = None
    ) -> None:
        try:
            self._trainer.train_members(
                stacks,
                data,
                room=room,
                on_start=self._on_start,
                on_epoch=self._on_epoch,
                on_compile=self._on_compile,
                on_result=self._on_result,
                checkpoints=self._checkpoints,
                until=self._until,
                on_death=self._on_death,
            )
        except StacksDied:
            raise
        except BaseException:
            # The process lives: no member is to blame.
            with contextlib.suppress(RunFolderError):
                self._folder.stacks.withdraw(self._stack_of)
            raise

    def retry_crashed_members_alone(self, missing: Mapping[str, Member], data: Dataset) -> None:
        """Trains members whose process died twice in company alone, one by one, until they are
        further than that; then their stack can go on as it was. Who dies alone too is to blame.

        A member that was begun very often only dies in company: it is trained alone to its end.
        """
        attempts, begun = (
            self._folder.stacks.attempts_without_progress(),
            self._folder.stacks.attempts(),
        )
        for id, member in missing.items():
            if attempts.get(id, 0) < ATTEMPTS_TOGETHER:
                continue
            self._alone, self._proving = True, begun[id] < _OFTEN
            try:
                with contextlib.suppress(_Proven):
                    self.train([[member]], data)
            finally:
                self._alone = self._proving = False
            self._forget([member])

    def _ids(self, members: Sequence[Member]) -> list[str]:
        return [self._id_of[m.id] for m in members]

    def _on_start(self, stack: Sequence[Member]) -> None:
        ids = self._ids(stack)
        self._folder.stacks.begin(ids)
        self._stack_of |= dict.fromkeys(ids, ids)

    def _on_compile(self, number: int, total: int) -> None:
        if self._watcher:
            self._watcher.compiling(number, total)

    def _on_epoch(self, trained: Sequence[Member], epoch: int, logs: dict[str, np.ndarray]) -> None:
        ids = self._stack_of[self._id_of[trained[0].id]]
        told = self._told.get(tuple(ids), 0)
        # What is trained anew, for its process ended, is no progress.
        self._folder.stacks.log_epoch(ids, epoch, len(trained), is_new=epoch > told)
        self._told[tuple(ids)] = max(told, epoch)
        if self._watcher:
            self._watcher.epoch(trained, epoch, logs)
        if self._proving and ids[0] not in self._folder.stacks.attempts_without_progress():
            raise _Proven

    def _on_death(self, stack: Sequence[Member], is_machine_gone: bool) -> bool:
        """Whether a stack goes on at once; else its members are suspected, and tried alone.

        A machine that went is no member's doing, unless one was begun very often.
        """
        ids, stacks = self._ids(stack), self._folder.stacks
        begun = stacks.attempts()
        if is_machine_gone and all(begun.get(id, 0) < _OFTEN for id in ids):
            stacks.withdraw(ids)
        for id in ids:
            # It has ended: whatever ends this process is no attempt of it.
            self._stack_of.pop(id, None)
        most = ATTEMPTS_TOGETHER + (ATTEMPTS_ALONE if self._alone else 0)
        barren = stacks.attempts_without_progress()
        return all(barren.get(id, 0) < most for id in ids)

    def _checkpoints(self, stack: Sequence[Member]) -> Checkpoints:
        ids = self._ids(stack)
        # Up to where it once came each epoch is saved: kills in quick succession stop no study,
        # and what dies there again does so at once.
        until = self._folder.stacks.furthest_epoch(ids)
        folder = self._folder.stacks.checkpoint_folder(ids)
        if self._until is not None:
            folder = self._folder.stacks.paused_folder([m.id for m in stack])
        return self._trainer.checkpoints(folder, until)

    def _on_result(self, results: list[MemberResult]) -> None:
        stack = self._folder.stacks.name_of(self._ids([r.member for r in results]))
        self._folder.record_all(
            [
                (
                    _to_record(r, self._id_of[r.member.id], self._parts, stack),
                    _to_arrays(r, self._parts),
                )
                for r in results
            ]
        )
        self._forget([r.member for r in results])
        if self._watcher:
            self._watcher.finished(results)

    def _forget(self, stack: Sequence[Member]) -> None:
        """Removes the note of a stack and its checkpoints, but not those it is paused at."""
        Checkpoints(self._folder.stacks.checkpoint_folder(self._ids(stack))).remove()


def _order_stacks(
    missing: Mapping[str, Member],
    folder: RunFolder,
    room: Room,
    plan: Callable[[Sequence[Member], Room], Stacks],
) -> Stacks:
    """The stacks to train: first those that were planned before, as they were, for their
    checkpoints, and that the end is the same to the bit."""
    left = dict(missing)
    resumed = []
    # Large ones first: who had to prove itself alone goes on with its stack.
    for ids in sorted(folder.stacks.noted(), key=len, reverse=True):
        if not all(id in left for id in ids):
            continue
        stack = [left[id] for id in ids]
        if not room.fits(stack):
            logger.warning(
                "a stack of %d members was planned with more memory than there is now; "
                "they are trained anew in smaller ones",
                len(ids),
            )
            continue
        resumed.append(stack)
        for id in ids:
            del left[id]
    return [*resumed, *plan(list(left.values()), room.reserving(resumed))]


def _planned(trainer: Trainer, data: Dataset, members: Sequence[Member], room: Room) -> Stacks:
    return trainer.plan_stacks(members, data.spec, room=room)


def _to_record(result: MemberResult, id: str, parts: Sequence[str], stack: str) -> MemberRecord:
    return MemberRecord(
        id=id,
        status=result.status,
        best_epoch=result.best_epoch,
        stopped_epoch=result.stopped_epoch,
        metrics={part: scores for part, scores in result.metrics.items() if part in parts},
        seconds=result.seconds,
        device=result.device or None,
        stack=stack if result.place else None,
        place=result.place or None,
    )


def _to_arrays(result: MemberResult, parts: Sequence[str]) -> dict[str, np.ndarray]:
    part, outputs = "fold" if len(result.fold) else "test", result.predictions
    # A search's trials are told apart by what is logged: only a study scores them once more.
    is_scored, validation = part in parts and len(result.validation) > 0, result.validation
    # What is calibrated is taken away, and that is trained on all that may be trained on.
    is_kept = part in parts and len(result.calibration) > 0 and result.member.sample is None
    return {
        **({outputs_name(part, outputs): outputs} if part in parts and len(outputs) else {}),
        **({"fold_rows": result.fold} if len(result.fold) else {}),
        **({outputs_name("val", validation): validation} if is_scored else {}),
        **({"val_rows": result.validation_rows} if is_scored else {}),
        **({outputs_name("cal", result.calibration): result.calibration} if is_kept else {}),
        **({"cal_rows": result.calibration_rows} if is_kept else {}),
        **{f"weight/{path}": weight for path, weight in result.weights.items()},
        **{f"curve_{name}": curve for name, curve in result.curves.items()},
    }
