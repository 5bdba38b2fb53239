"""What runs on a node: one stack, trained there, that tells its driver how far it is."""

import dataclasses
import os
import queue
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.cluster.connection import node_id
from kmlp.cluster.nodes import Node, this_node
from kmlp.cluster.storage import checkpoints_at
from kmlp.data.dataset import Dataset
from kmlp.engine.checkpoint import Checkpoints
from kmlp.engine.member import Member
from kmlp.engine.trainer import MemberResult, Stacks, Trainer

Epoch = tuple[list[int], int, dict[str, np.ndarray]]
"""Which members of the stack trained, how many epochs are done, and the logs, `(k,)` each."""


@dataclass
class Told:
    """What a stack tells at a time.

    Attributes:
        node: where it trains, at its start.
        is_compiling: whether its program is compiled now.
        epochs: that ended since.
        results: in the end, of all its members.
    """

    node: Node | None = None
    is_compiling: bool = False
    epochs: list[Epoch] = field(default_factory=list)
    results: list[MemberResult] | None = None


@dataclass(frozen=True)
class Saving:
    """Where a stack is saved: for every node the same folder, or address."""

    place: str
    every_epoch_until: int


def train_stack(
    trainer: Trainer,
    members: Sequence[Member],
    data: Dataset,
    until: int | None = None,
    saving: Saving | None = None,
    *,
    tell_every: float,
) -> Iterator[Told]:
    """Trains a stack; tells of its start, every so many seconds of its epochs, then its results."""
    node = look(trainer)
    yield Told(node)
    told = queue.SimpleQueue[Any]()
    threading.Thread(
        target=_train, args=(told, trainer, members, data, until, saving), daemon=True
    ).start()
    while True:
        now = _gathered(told, tell_every)
        if now.results is not None:
            # Each task counts its places from 0, so that their names tell nothing.
            where = f"{node.name} ({node.device})"
            now.results = [
                dataclasses.replace(r, device=node.device, place=where) for r in now.results
            ]
            yield now
            return
        if now.epochs or now.is_compiling:
            yield now


def _gathered(told: queue.SimpleQueue, seconds: float) -> Told:
    """What is told in so many seconds, or up to the end."""
    now, end = Told(), time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and now.results is None:
        try:
            one = told.get(timeout=left)
        except queue.Empty:
            break
        if isinstance(one, BaseException):
            raise one
        if isinstance(one, list):
            now.results = one
        elif isinstance(one, tuple):
            now.epochs.append(one)
        else:
            now.is_compiling = True
    return now


def _train(
    told: queue.SimpleQueue,
    trainer: Trainer,
    members: Sequence[Member],
    data: Dataset,
    until: int | None,
    saving: Saving | None,
) -> None:
    """In a thread of its own: while it trains, what it tells goes out."""
    slot = {member.id: k for k, member in enumerate(members)}
    own = tempfile.TemporaryDirectory()

    def on_epoch(trained: Sequence[Member], epoch: int, logs: dict[str, np.ndarray]) -> None:
        told.put(([slot[m.id] for m in trained], epoch, logs))

    def checkpoints(_: Sequence[Member]) -> Checkpoints:
        assert saving is not None
        folder = Path(own.name)
        return checkpoints_at(saving.place, trainer, folder, saving.every_epoch_until)

    try:
        results: list[MemberResult] = []
        trainer.train_members(
            [members],
            data,
            on_result=results.extend,
            on_epoch=on_epoch,
            on_compile=lambda *_: told.put("compiling"),
            checkpoints=checkpoints if saving else None,
            until=until,
        )
        told.put(results)
    except BaseException as error:
        told.put(error)
    finally:
        own.cleanup()


def look(trainer: Trainer) -> Node:
    """The node that this runs on, and what trains there."""
    _take_one_core()
    return this_node(node_id(), trainer.backend_and_device())


def _take_one_core() -> None:
    """It is what Ray gave: scikit-learn would take them all."""
    os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")


def of_room(
    trainer: Trainer, data: Dataset, reserved: Sequence[Stacks], name: str, *arguments: Any
) -> Any:
    """What the memory of this node has room for: calls a method of `Room`."""
    room = trainer.make_room(data)
    for stacks in reserved:
        room = room.reserving(stacks)
    if name == "plan_stacks":
        members, num_places = arguments
        return trainer.plan_stacks(members, data.spec, num_places, room=room)
    if name == "stack_size":
        (member,) = arguments
        return trainer.stack_size(member, data.spec, room)
    found = getattr(room, name)
    return found(*arguments) if callable(found) else found


def of_item(function: Any, item: Any, data: Dataset) -> Any:
    """Calls a function of an item and the data, on one core."""
    _take_one_core()
    return function(item, data)
