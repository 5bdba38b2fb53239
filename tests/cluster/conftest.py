"""Three nodes on this machine, for the tests that need a cluster."""

from collections.abc import Iterator

import pytest

from kmlp.testing.cluster import LocalCluster


@pytest.fixture(scope="package")
def nodes() -> Iterator[LocalCluster]:
    """One cluster for all: a start takes half a minute. Who removes a node adds one."""
    with LocalCluster() as nodes:
        yield nodes
