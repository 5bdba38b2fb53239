"""Trains stacks: runs several at once, each in a place of its own, and saves them on the way."""

import contextlib
import dataclasses
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from kmlp.data.dataset import Dataset
from kmlp.engine.checkpoint import Checkpoints
from kmlp.engine.member import Member
from kmlp.engine.memory import Room as MemoryRoom
from kmlp.engine.planning.width import filled
from kmlp.engine.programs import disk
from kmlp.engine.programs.kept import PROGRAMS
from kmlp.engine.programs.told import Compiling
from kmlp.engine.stack import Stack, build_stack
from kmlp.engine.stack_training import DeviceData, StackRun
from kmlp.engine.trainer import MemberResult, OnCompile, OnDeath, OnEpoch, Room
from kmlp.nn import backend


class Interrupted(Exception):
    """Training was asked to stop; what was done is in the checkpoint."""


def fit_stack(
    stack: Stack,
    data: DeviceData,
    *,
    on_epoch: OnEpoch | None = None,
    checkpoints: Checkpoints | None = None,
    interrupted: threading.Event | None = None,
    until: int | None = None,
    place: int = 0,
    num_members: int | None = None,
) -> list[MemberResult]:
    """Trains a stack until every member has stopped, and evaluates each at its restored epoch.

    Args:
        stack: as `build_stack` made it.
        data: on the device.
        on_epoch: called after each epoch with the members that trained in it, the number of
            finished epochs, and the logs, `(k,)` each.
        checkpoints: where the run is saved from time to time, and from where it goes on.
        interrupted: once set, the run is saved at the end of its epoch and given up.
        until: pause after this epoch, counted from 1: the run is saved there, and the same call
            with a later epoch goes on as if it had never paused.
        place: the index of the device's place that this thread is in.
        num_members: where the last slots of the stack stand for nobody, how many do not.

    Returns:
        One result a member, in the stack's order: what is the best so far, if paused.

    Raises:
        Interrupted: `interrupted` was set.
        OSError: a checkpoint cannot be written.
    """
    run = StackRun(stack, data, place, num_members)
    last = min(until or stack.signature.train.max_epochs, stack.signature.train.max_epochs)
    if checkpoints:
        _go_on(run, checkpoints, last)
    started_at = run.epoch
    while not run.stop_training and run.epoch < last:
        run.train_epoch()
        if on_epoch:
            on_epoch(*run.report())
        if not run.stop_training:
            run.compact()
        stop = interrupted is not None and interrupted.is_set()
        if checkpoints and (stop or checkpoints.due(run.epoch)):
            checkpoints.save(run.epoch, run.snapshot())
        if stop:
            raise Interrupted
    if checkpoints and until is not None and run.epoch > started_at:
        checkpoints.save(run.epoch, run.snapshot())
    return run.results()


def _go_on(run: StackRun, checkpoints: Checkpoints, last: int) -> None:
    """From the newest checkpoint, if there is one; its arrays are not kept."""
    if saved := checkpoints.load(last):
        run.restore(saved)


def make_room(data: Dataset) -> MemoryRoom:
    """The memory that training on this data may take; prepares the device.

    Raises:
        MemoryLimitError: the data alone do not fit.
    """
    PROGRAMS.keep_on_disk()
    num_places, copied = backend.num_places(), backend.copies_data()
    return MemoryRoom(data, num_places, backend.device_memory(), is_copied=copied)


def train_members(
    stacks: Sequence[Sequence[Member]],
    data: Dataset,
    *,
    on_result: Callable[[list[MemberResult]], None],
    room: Room | None = None,
    on_start: Callable[[Sequence[Member]], None] | None = None,
    on_epoch: OnEpoch | None = None,
    on_compile: OnCompile | None = None,
    checkpoints: Callable[[Sequence[Member]], Checkpoints] | None = None,
    until: int | None = None,
    on_death: OnDeath | None = None,
) -> None:
    """Trains stacks, several at once, one a core, or one an accelerator.

    When the caller is interrupted, the running stacks finish their epoch and save themselves
    before the exception goes on.

    Args:
        stacks: the members of each stack, as `kmlp.engine.planning.stacks` groups them.
        data: what they train on.
        on_result: called with each finished stack's results, in its thread, as are the others.
        room: the memory there is; fewer stacks train at once where more do not fit.
        on_start: called with a stack's members right before it trains.
        on_compile: called with the number of a program and how many are compiled, before the first
            epoch of the first stack that needs it.
        on_epoch, checkpoints, until: as for `fit_stack`.
        on_death: never called: a stack's process is this one.

    Raises:
        ConfigError: a member does not fit the data, or members cannot share a stack.
        MemoryLimitError: the data, or a stack, do not fit even alone.
        OSError: a checkpoint cannot be written.
    """
    room = room or make_room(data)
    at_once = room.need(stacks).at_once
    places = queue.SimpleQueue[int]()
    for index in range(at_once):
        places.put(index)
    data_in = _data_in_places(data, at_once)
    interrupted = threading.Event()
    compiling = Compiling(stacks, data.spec, on_compile)
    # Of accelerators of several kinds each member says which one it was.
    kinds = [backend.place_name(index)[0] for index in range(backend.num_places())]

    def train(members: Sequence[Member]) -> None:
        if interrupted.is_set():
            return
        with _free_one_of(places) as place:
            slots, group = filled(members, data.spec)
            stack = build_stack(slots, data.spec, group)
            if on_start:
                on_start(members)
            compiling.tell(stack)
            results = fit_stack(
                stack,
                data_in[place],
                on_epoch=on_epoch,
                checkpoints=checkpoints(members) if checkpoints else None,
                interrupted=interrupted,
                until=until,
                place=place,
                num_members=len(members),
            )
            # Its own reference would be the last to a program that is not kept.
            del stack
            PROGRAMS.forget_dropped(place)
        kind = kinds[place] if len({*kinds}) > 1 else ""
        on_result([dataclasses.replace(r, device=kind, place=place_name(place)) for r in results])

    with PROGRAMS.used(), disk.noted(PROGRAMS.folder), ThreadPoolExecutor(at_once) as pool:
        futures = [pool.submit(train, members) for members in stacks]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            interrupted.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _data_in_places(data: Dataset, num_places: int) -> list[DeviceData]:
    """What stacks in each place read: from one memory, or from its own."""
    if not backend.copies_data():
        return [DeviceData(data)] * num_places
    held: list[DeviceData] = []
    for index in range(num_places):
        with backend.place(index):
            held.append(DeviceData(data))
    return held


def place_name(index: int) -> str:
    """A place as reports name it: "cpu:0", or with an accelerator's model."""
    model, name = backend.place_name(index)
    return f"{model} ({name})" if model else name


@contextlib.contextmanager
def _free_one_of(places: queue.SimpleQueue[int]) -> Iterator[int]:
    """One of the device's places, for this thread alone; its index."""
    index = places.get()
    try:
        with backend.place(index):
            yield index
    finally:
        places.put(index)
