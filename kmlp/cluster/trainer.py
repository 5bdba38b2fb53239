"""The trainer of a cluster: plans what one machine would, and has the nodes train it."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from kmlp.cluster.connection import Cluster, cause_of, connected, first_line
from kmlp.cluster.flight import Flights, Listeners, OnNodes
from kmlp.cluster.nodes import Node, kinds, refuse_differing
from kmlp.cluster.room import ClusterRoom
from kmlp.cluster.storage import StoredCheckpoints, below, checked, checkpoints_at
from kmlp.cluster.task import Saving, look, of_item, train_stack
from kmlp.data.dataset import Dataset, DataSpec
from kmlp.engine.checkpoint import Checkpoints
from kmlp.engine.member import Member
from kmlp.engine.trainer import (
    MemberResult,
    OnCompile,
    OnDeath,
    OnEpoch,
    Predict,
    Room,
    Stacks,
    Trainer,
)
from kmlp.errors import ClusterError

_MOST_ATTEMPTS = 4
# How often stacks tell of their epochs: rarely enough for one driver to listen to all of them.
_TELL_EVERY_SECONDS, _TOLD_A_SECOND = 0.5, 100.0
Item = TypeVar("Item")
Value = TypeVar("Value")


@contextlib.contextmanager
def on_cluster(
    address: str,
    trainer: Trainer,
    *,
    storage: str | Path | None = None,
    on_nodes: OnNodes | None = None,
) -> Iterator["RayTrainer"]:
    """What trains on a cluster, while it is connected.

    Args:
        address: see `kmlp.cluster.connection.connected`.
        trainer: what trains on each node; it is sent there.
        storage: for checkpoints, a folder that every node sees or an address of fsspec's;
            without it a stack whose node dies starts anew.
        on_nodes: told of what each node does.

    Raises:
        ClusterError: it cannot be reached, or a node differs from this machine in what numbers
            depend on.
        ConfigError: Ray is not installed.
    """
    with connected(address) as cluster:
        yield RayTrainer(cluster, trainer, storage=storage, on_nodes=on_nodes)


class RayTrainer:
    """A `kmlp.engine.trainer.Trainer` whose stacks train on the nodes of a cluster.

    The plan, the order and what is recorded are those of one machine; only this process writes.

    Args:
        cluster: connected.
        trainer: what trains on each node.
        storage: see `on_cluster`.
        on_nodes: see `on_cluster`.

    Attributes:
        nodes: that answered when it was made.
    """

    def __init__(
        self,
        cluster: Cluster,
        trainer: Trainer,
        *,
        storage: str | Path | None = None,
        on_nodes: OnNodes | None = None,
    ) -> None:
        self._cluster, self._trainer, self._on_nodes = cluster, trainer, on_nodes
        self._storage = checked(storage) if storage else None
        self._put: tuple[Dataset, Any] | None = None
        self.nodes = nodes_of(cluster, trainer)
        refuse_differing(self.nodes)

    def backend_and_device(self) -> tuple[str, str]:
        """What trains, in words: each kind of processor or card once."""
        return self.nodes[0].backend, "; ".join(kinds(self.nodes))

    def make_room(self, data: Dataset) -> Room:
        """The memory of a node."""
        return self._room(data)

    def stack_size(self, member: Member, spec: DataSpec, room: Room | None = None) -> int:
        """How many members like this one train together on a node."""
        assert isinstance(room, ClusterRoom)
        return room.ask("stack_size", member)

    def predictor(
        self, members: Sequence[Member], weights: Sequence[Mapping[str, np.ndarray]], data: Dataset
    ) -> Predict:
        """What trained members say; computed here, when all has been trained."""
        return self._trainer.predictor(members, weights, data)

    def plan_stacks(
        self,
        members: Sequence[Member],
        spec: DataSpec,
        num_places: int | None = None,
        *,
        room: Room | None = None,
    ) -> Stacks:
        """The stacks of one machine that has as many cores, or cards, as all nodes together."""
        assert isinstance(room, ClusterRoom)
        if not members:
            return []
        places = self._cluster.places() if num_places is None else num_places
        return room.ask("plan_stacks", list(members), places)

    def checkpoints(self, folder: Path, every_epoch_until: int) -> Checkpoints:
        """Where one stack would be saved here: a node's are in the storage, if there is one."""
        if self._storage is None:
            return self._trainer.checkpoints(folder, every_epoch_until)
        place = _place(self._storage, folder)
        return checkpoints_at(place, self._trainer, folder, every_epoch_until)

    def train_members(
        self,
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
        """Trains stacks on the nodes, each as a task; as `Trainer.train_members`."""
        self._cluster.leave_the_desk()
        own = (self._cluster.ray.put(self._trainer), self._reference(data))
        task = self._cluster.remote(train_stack, num_returns="streaming")
        every = max(_TELL_EVERY_SECONDS, self._cluster.places() / _TOLD_A_SECOND)

        def saving(stack: Sequence[Member]) -> Saving | None:
            if not (self._storage and checkpoints):
                return None
            planned = checkpoints(stack)
            place = planned.address if isinstance(planned, StoredCheckpoints) else planned.folder
            return Saving(str(place), planned.every_epoch_until)

        def start(stack: Sequence[Member]) -> Any:
            trainer, shared = own
            members, place = list(stack), saving(stack)
            return task.remote(trainer, members, shared, until, place, tell_every=every)

        def recorded(results: list[MemberResult]) -> None:
            on_result(results)
            if self._storage and checkpoints and until is None:
                checkpoints([r.member for r in results]).remove()

        listeners = Listeners(
            on_result=recorded,
            on_start=on_start,
            on_epoch=on_epoch,
            on_death=on_death,
            on_nodes=self._on_nodes,
        )
        Flights(self._cluster, start, listeners).run(stacks)

    def each(
        self, function: Callable[[Item, Dataset], Value], items: Sequence[Item], data: Dataset
    ) -> Iterator[tuple[Item, Value]]:
        """What a function says of each item and the data, computed on the nodes; in the order in
        which they end.

        Raises:
            ClusterError: one ended its process four times.
            Exception: whatever the function raised.
        """
        ray, shared = self._cluster.ray, self._reference(data)
        task = self._cluster.remote(of_item)
        live = {task.remote(function, item, shared): (item, 1) for item in items}
        while live:
            (reference,), _ = ray.wait(list(live), num_returns=1)
            item, attempts = live.pop(reference)
            try:
                value = ray.get(reference)
            except ray.exceptions.RayTaskError as error:
                raise cause_of(error) from None
            except ray.exceptions.RayError as error:
                if attempts == _MOST_ATTEMPTS:
                    raise ClusterError(
                        f"{item} ended its process {attempts} times: {first_line(error)}"
                    ) from error
                live[task.remote(function, item, shared)] = (item, attempts + 1)
                continue
            yield item, value

    def _room(self, data: Dataset) -> ClusterRoom:
        shared = self._reference(data)
        return ClusterRoom(self._cluster, self._trainer, shared, len(data.y_train))

    def _reference(self, data: Dataset) -> Any:
        """The data in the object store: each node fetches them once."""
        if self._put is None or self._put[0] is not data:
            self._put = (data, self._cluster.ray.put(data))
        return self._put[1]


def _place(storage: str, folder: Path) -> str:
    """In the storage, a stack's own place: two run folders share none."""
    run = folder.parents[1].absolute()
    key = hashlib.sha256(str(run).encode()).hexdigest()[:16]
    return below(storage, f"{run.name}-{key}", folder.parent.name, folder.name)


def nodes_of(cluster: Cluster, trainer: Trainer) -> list[Node]:
    """What the nodes are that train.

    Raises:
        ClusterError: none answers, or one cannot load what trains.
    """
    found = list(cluster.on_every_node(look, trainer))
    for name, node in found:
        if isinstance(node, Exception):
            raise ClusterError(
                f"{name} cannot train: {first_line(node)} Install kmlp there with the same "
                "versions; kmlp doctor --cluster looks at every node."
            ) from node
    if not found:
        raise ClusterError("no node of the cluster has answered: ray status tells what it has.")
    return [node for _, node in found]
