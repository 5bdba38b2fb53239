"""A Ray cluster of this machine: a head without cores, where drivers are, and nodes with one."""

import os
from typing import Any, Self

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
_LOOPBACK = "127.0.0.1"
_SMALL = {"object_store_memory": 100 << 20, "include_dashboard": False}


class ThreeNodes:
    """Three nodes of a core each, which can be removed and added."""

    def __enter__(self) -> Self:
        import ray._private.services as services
        from ray.cluster_utils import Cluster

        # Ray asks what address others see; here nobody else shall.
        services.node_ip_address_from_perspective = lambda *_: _LOOPBACK
        self.cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **_SMALL})
        self.nodes: list[Any] = []
        for _ in range(3):
            self.add()
        return self

    def __exit__(self, *exception: object) -> None:
        self.cluster.shutdown()

    @property
    def address(self) -> str:
        """HOST:PORT."""
        return self.cluster.address

    def add(self) -> None:
        """One more node."""
        self.nodes.append(self.cluster.add_node(num_cpus=1, **_SMALL))

    def remove(self, index: int = 0) -> None:
        """Kills a node with all that runs on it, as a machine that goes dark."""
        self.cluster.remove_node(self.nodes.pop(index), allow_graceful=False)
