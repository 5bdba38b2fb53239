"""The memory of a node that trains, asked for there: the driver need not have its device."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from kmlp.cluster.connection import Cluster
from kmlp.cluster.task import of_room
from kmlp.engine.member import Member
from kmlp.engine.trainer import Need, Room, Stacks, Trainer


class ClusterRoom:
    """A `kmlp.engine.trainer.Room` of a node.

    Args:
        cluster: connected.
        trainer: what trains on the nodes.
        data: its reference in the cluster.
        num_rows: of the training set.
        reserved: stacks for whose programs room is left.
    """

    def __init__(
        self,
        cluster: Cluster,
        trainer: Trainer,
        data: Any,
        num_rows: int,
        reserved: tuple[Stacks, ...] = (),
    ) -> None:
        self._cluster, self._trainer, self._data = cluster, trainer, data
        self.num_rows, self._reserved = num_rows, reserved
        self.is_accelerator = cluster.has_gpus

    def ask(self, name: str, *arguments: Any) -> Any:
        """What a node's own room says."""
        own = (self._trainer, self._data, self._reserved, name)
        return self._cluster.ask(of_room, *own, *arguments)

    def reserving(self, stacks: Sequence[Sequence[Member]]) -> Room:
        own = [list(stack) for stack in stacks]
        if not own:
            return self
        reserved = (*self._reserved, own)
        return ClusterRoom(self._cluster, self._trainer, self._data, self.num_rows, reserved)

    def width(self, member: Member) -> int:
        return self.ask("width", member)

    def fits(self, stack: Sequence[Member]) -> bool:
        return self.ask("fits", list(stack))

    def need(self, stacks: Sequence[Sequence[Member]]) -> Need:
        """Of one node, that trains as many as it has cores."""
        return dataclasses.replace(self.ask("need", list(stacks)), where=" on a node")
