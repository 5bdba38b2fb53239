"""Three nodes on this machine, on loopback, for the tests that need a cluster."""

import os
from collections.abc import Iterator

import pytest

from tests.cluster.nodes import ThreeNodes


@pytest.fixture(scope="package")
def nodes() -> Iterator[ThreeNodes]:
    """One cluster for all: a start takes half a minute. Nodes that a test removes it adds again."""
    with ThreeNodes() as nodes:
        os.environ["RAY_ADDRESS"] = nodes.address
        yield nodes
    del os.environ["RAY_ADDRESS"]
