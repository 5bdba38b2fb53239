"""Whether every node of a cluster computes what it should: `kmlp doctor --cluster`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kmlp.cluster.connection import connected, first_line, node_id
from kmlp.cluster.nodes import Node, differences, kinds, this_node
from kmlp.machine import import_quietly

if TYPE_CHECKING:
    from kmlp.engine.self_test import SelfTest


@dataclass(frozen=True)
class Finding:
    """What was found of a node.

    Attributes:
        name: the host's.
        node: what it is; None where it could not tell.
        differs: in what from this machine, in words; empty where in nothing.
        test: the self-test there; None where it could not run.
        error: why not, in words.
    """

    name: str
    node: Node | None = None
    differs: str = ""
    test: "SelfTest | None" = None
    error: str = ""

    @property
    def passed(self) -> bool:
        return self.test is not None and self.test.passed and not self.differs


def examine_cluster(address: str) -> Iterator[Finding]:
    """Each node that trains and answers.

    Raises:
        ClusterError: the cluster cannot be reached.
        ConfigError: Ray is not installed.
    """
    import_quietly("keras")  # what the nodes answer is made of
    with connected(address) as cluster:
        for name, found in cluster.on_every_node(_examine):
            if isinstance(found, Exception):
                yield Finding(name, error=f"{type(found).__name__}: {first_line(found)}")
            else:
                node, test = found
                yield Finding(name, node, differences(node), test)


def kinds_in(findings: list[Finding]) -> list[str]:
    """The kinds of processors and cards that were found."""
    return kinds([f.node for f in findings if f.node])


def _examine() -> "tuple[Node, SelfTest]":
    """On a node."""
    import_quietly("keras")
    from kmlp.engine.engine import Engine
    from kmlp.engine.self_test import run_self_test

    return this_node(node_id(), Engine().backend_and_device()), run_self_test()
