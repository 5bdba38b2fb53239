"""The cluster: reached, asked what it has, and given tasks; Ray is imported here alone."""

import contextlib
import functools
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kmlp.errors import ClusterError, ConfigError

AT_HAND = "ray"
"""The cluster at hand, or one of this machine alone."""
# What decides how a node computes, and is said by the environment of who starts the study.
_SAID = ("KERAS_BACKEND", "XLA_FLAGS")
_SECONDS_TO_ANSWER = 120.0
# Of a question whose node dies.
_RETRIES = 3


def import_ray() -> Any:
    """Ray, of which kmlp sends no usage statistics.

    Raises:
        ConfigError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            "a cluster needs Ray, which is not installed: pip install 'kmlp[ray]', here and on "
            "every node."
        ) from error
    return ray


@contextlib.contextmanager
def connected(address: str) -> Iterator["Cluster"]:
    """The cluster at an address while it is used; a connection that was there before stays.

    Args:
        address: "ray" for the cluster at hand, or one of this machine alone; else HOST:PORT of a
            cluster that this machine is a node of.

    Raises:
        ClusterError: there is none, or it cannot be joined.
        ConfigError: Ray is not installed, or the address is none.
    """
    ray = import_ray()
    if address.startswith("ray://"):
        raise ConfigError(
            "kmlp runs on a machine of the cluster: ray start --address=HOST:6379, then --cluster "
            f"HOST:6379. Received: {address}."
        )
    is_own = not ray.is_initialized()
    if is_own:
        _connect(ray, None if address == AT_HAND else address)
    cluster = Cluster(ray)
    try:
        yield cluster
    finally:
        cluster.close()
        if is_own:
            ray.shutdown()


def _connect(ray: Any, address: str | None) -> None:
    try:
        ray.init(
            address=address,
            include_dashboard=False if address is None else None,
            logging_level=logging.ERROR,
            log_to_driver=False,
        )
    except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        said = str(error).strip().splitlines()[0]
        raise ClusterError(
            f"no Ray cluster answers at {address or 'hand'}: {said} Start one with ray start "
            "--head, and on every other machine, this one included, ray start --address=HOST:6379."
        ) from error


class Cluster:
    """A connected cluster.

    Args:
        ray: the module, connected.

    Attributes:
        ray: the same.
    """

    def __init__(self, ray: Any) -> None:
        self.ray = ray
        self._desk: Any = None
        # What Ray was told of: a function is sent to the nodes once.
        self._known: dict[tuple[Callable, bool], Any] = {}

    @property
    def has_gpus(self) -> bool:
        """Whether a node has cards: then only these train."""
        return any(has.get("GPU", 0) >= 1 for has in self.resources().values())

    def resources(self) -> dict[str, Mapping[str, float]]:
        """What each node that lives has, by its id."""
        return {n["NodeID"]: n["Resources"] for n in self.ray.nodes() if n["Alive"]}

    def places(self) -> int:
        """How many stacks train at once."""
        what = "GPU" if self.has_gpus else "CPU"
        return max(1, int(sum(has.get(what, 0) for has in self.resources().values())))

    def remote(self, function: Callable, **options: Any) -> Any:
        """The function as a task on a core, or a card where there are any: its `remote` starts one.

        Args:
            function: of a module that nodes have, too.
            options: Ray's, of this call.
        """
        on_card = self.has_gpus
        if (function, on_card) not in self._known:
            # A process that has started with one card would keep it when Ray gives it another.
            takes = {"num_gpus": 1, "max_calls": 1} if on_card else {}
            made = self.ray.remote(num_cpus=1, max_retries=0, **takes)(function)
            self._known[function, on_card] = made
        said = {name: os.environ[name] for name in _SAID if name in os.environ}
        environment = {"runtime_env": {"env_vars": said}} if said else {}
        return self._known[function, on_card].options(**environment, **options)

    def ask(self, function: Callable, *arguments: Any) -> Any:
        """What a function says on a node of the kind that trains.

        Raises:
            Exception: whatever it raised there.
            ClusterError: no node answers.
        """
        if not self.has_gpus:
            return self.result(self.remote(function, max_retries=_RETRIES).remote(*arguments))
        return self.result(self._at_the_desk().do.remote(function, *arguments))

    def result(self, reference: Any) -> Any:
        """What a task came to; raises as `ask`."""
        try:
            return self.ray.get(reference)
        except self.ray.exceptions.RayTaskError as error:
            raise cause_of(error) from None
        except self.ray.exceptions.RayError as error:
            raise ClusterError(f"no node answers: {first_line(error)}") from error

    def on_every_node(self, function: Callable, *arguments: Any) -> Iterator[tuple[str, Any]]:
        """What a function says on each node that trains, by the node's name; an exception where it
        raised one. A node that is too busy to answer, or dies meanwhile, is left out.

        Args:
            function: called on each.
            arguments: of it.
        """
        what = "GPU" if self.has_gpus else "CPU"
        nodes = [n for n in self.ray.nodes() if n["Alive"] and n["Resources"].get(what, 0) >= 1]
        names = {}
        for node in nodes:
            task = self.remote(function, scheduling_strategy=self._on(node["NodeID"]))
            names[task.remote(*arguments)] = node["NodeManagerHostname"]
        ready, busy = (
            self.ray.wait(list(names), num_returns=max(1, len(names)), timeout=_SECONDS_TO_ANSWER)
            if names
            else ([], [])
        )
        for reference in busy:
            self.ray.cancel(reference, force=True)
        exceptions = self.ray.exceptions
        for reference in ready:
            try:
                yield names[reference], self.ray.get(reference)
            except exceptions.RayTaskError as error:
                yield names[reference], cause_of(error)
            except (exceptions.NodeDiedError, exceptions.TaskUnschedulableError):
                continue
            except exceptions.RayError as error:
                yield names[reference], error

    def leave_the_desk(self) -> None:
        """Gives back the card that was kept for questions: now stacks train."""
        if self._desk is not None:
            self.ray.kill(self._desk)
            self._desk = None

    def close(self) -> None:
        """Gives back what is held."""
        with contextlib.suppress(self.ray.exceptions.RayError):
            self.leave_the_desk()

    def _at_the_desk(self) -> Any:
        """A process on a card: it would take longer to start than to answer."""
        if self._desk is None:
            again = {"max_restarts": _RETRIES, "max_task_retries": _RETRIES}
            self._desk = self.ray.remote(num_cpus=1, num_gpus=1, **again)(_Desk).remote()
        return self._desk

    def _on(self, node: str) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return NodeAffinitySchedulingStrategy(node, soft=False)


class _Desk:
    """Answers questions, one after the other."""

    def do(self, function: Callable, *arguments: Any) -> Any:
        return function(*arguments)


def cause_of(error: Any) -> Exception:
    """What a task raised, as it would have here."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, Exception) else error


def first_line(error: BaseException) -> str:
    """Of what an error says."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


@functools.cache
def node_id() -> str:
    """The node that this task runs on; called in a task."""
    return import_ray().get_runtime_context().get_node_id()
