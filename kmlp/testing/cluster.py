"""A Ray cluster of this machine, on loopback: for tests of what happens on many."""

import os
from typing import Any, Self

_LOOPBACK = "127.0.0.1"
_SMALL: dict[str, Any] = {"object_store_memory": 100 << 20, "include_dashboard": False}


def stay_on_loopback() -> None:
    """For this process: Ray asks by what address others see this machine, and none shall. Who
    connects to a `LocalCluster` from a process of its own says so first."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray._private.services as services

    services.node_ip_address_from_perspective = lambda *_: _LOOPBACK


class LocalCluster:
    """A head without cores, where drivers are, and nodes that can be added and killed; used as a
    context manager. A start takes some ten seconds.

    Args:
        num_nodes: at the start.
        num_cpus: of each.
    """

    def __init__(self, num_nodes: int = 3, num_cpus: int = 1) -> None:
        self._num_nodes, self._num_cpus = num_nodes, num_cpus
        self.nodes: list[Any] = []

    def __enter__(self) -> Self:
        stay_on_loopback()
        from ray.cluster_utils import Cluster

        self._cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **_SMALL})
        for _ in range(self._num_nodes):
            self.add()
        return self

    def __exit__(self, *exception: object) -> None:
        self._cluster.shutdown()

    @property
    def address(self) -> str:
        """HOST:PORT."""
        return self._cluster.address

    def add(self, **more: Any) -> Any:
        """One more node, which is returned; `num_gpus=1` has a card by name alone."""
        node = self._cluster.add_node(num_cpus=self._num_cpus, **_SMALL, **more)
        self.nodes.append(node)
        return node

    def remove(self, node: Any) -> None:
        """Kills a node with all that runs on it, as a machine that goes dark."""
        self.nodes.remove(node)
        self._cluster.remove_node(node, allow_graceful=False)
