"""What a machine of a cluster is: its processor or card, and the versions that it computes with."""

import functools
import hashlib
import os
import platform
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kmlp.errors import ClusterError
from kmlp.machine import package_version

# What numbers depend on; the code itself is compared by its hash.
_PACKAGES = ("kmlp", "keras", "numpy", "scipy", "scikit-learn", "ray")
_BACKENDS = ("tensorflow", "jax")
_MOST_NAMED = 5


@dataclass(frozen=True)
class Node:
    """A machine of a cluster.

    Attributes:
        id: Ray's.
        name: the host's.
        versions: of Python, the backend and packages, and the hash of kmlp's code.
        backend, device: what trains there, in words.
    """

    id: str
    name: str
    versions: Mapping[str, str]
    backend: str
    device: str


@functools.cache
def own_versions() -> dict[str, str]:
    """Of all that numbers depend on, in this process."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    named = (*_PACKAGES, backend) if backend in _BACKENDS else _PACKAGES
    found = {name: package_version(name) or "missing" for name in named}
    return {"python": platform.python_version(), "backend": backend, **found, "code": _code()}


def _code() -> str:
    """A hash of kmlp's own modules: two checkouts of one version may differ."""
    root, digest = Path(__file__).parents[2], hashlib.sha256()
    for package in ("kmlp", "tuning"):
        for path in sorted((root / package).rglob("*.py")):
            digest.update(f"{path.relative_to(root).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def this_node(id: str, backend_and_device: tuple[str, str]) -> Node:
    """The machine that this process runs on."""
    return Node(id, socket.gethostname(), own_versions(), *backend_and_device)


def refuse_differing(nodes: Sequence[Node]) -> None:
    """Refuses machines that do not compute with what this one does.

    Raises:
        ClusterError: with each that differs, and in what.
    """
    if found := {n.name: difference for n in nodes if (difference := differences(n))}:
        named = [f"{name} has {difference}" for name, difference in found.items()]
        more = f"; and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        raise ClusterError(
            f"not every node has what this machine has: {'; '.join(named[:_MOST_NAMED])}{more}. "
            "Install the same versions everywhere, from one requirements file."
        )


def differences(node: Node) -> str:
    """In what a node's versions differ from this machine's, in words; empty where in nothing."""
    here = own_versions()
    return ", ".join(
        f"{name} {node.versions.get(name, 'missing')} instead of {here[name]}"
        for name in here
        if node.versions.get(name) != here[name]
    )


def kinds(nodes: Sequence[Node]) -> list[str]:
    """The kinds of processors and cards, each once."""
    return sorted({node.device for node in nodes})
