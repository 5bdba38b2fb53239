"""Stacks in training on a cluster, as the driver sees them: started, told of, ended or dead."""

import logging
import math
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kmlp.cluster.connection import Cluster, cause_of, first_line
from kmlp.cluster.nodes import Node, refuse_differing
from kmlp.cluster.task import Told
from kmlp.engine.member import Member
from kmlp.engine.trainer import MemberResult, OnDeath, OnEpoch, StacksDied
from kmlp.errors import ClusterError

logger = logging.getLogger(__name__)
# Beside those that train, so many wait in Ray's queue for a place that gets free, or a new node.
_WAITING = 16
_WAIT_SECONDS = 1.0
# Nodes join and leave.
_COUNT_EVERY_SECONDS = 5.0
# A process that dies before its stack has started tells nothing of any member.
_MOST_FALSE_STARTS = 20

OnNodes = Callable[[Mapping[str, str]], None]
"""Called with what each node does, by its name."""


@dataclass
class _Flight:
    """A stack that was handed to Ray."""

    stack: Sequence[Member]
    node: Node | None = None
    doing: str = ""


@dataclass(frozen=True, kw_only=True)
class Listeners:
    """Who is told; see `kmlp.engine.trainer.Trainer.train_members`."""

    on_result: Callable[[list[MemberResult]], None]
    on_start: Callable[[Sequence[Member]], None] | None = None
    on_epoch: OnEpoch | None = None
    on_death: OnDeath | None = None
    on_nodes: OnNodes | None = None


class Flights:
    """Trains stacks on a cluster, each as a task, as many at once as there is room.

    Args:
        cluster: connected.
        start: starts a stack's task, and returns what it tells, in order.
        listeners: who is told.
    """

    def __init__(
        self,
        cluster: Cluster,
        start: Callable[[Sequence[Member]], Any],
        listeners: Listeners,
    ) -> None:
        self._cluster, self._start, self._told = cluster, start, listeners
        self._live: dict[Any, _Flight] = {}
        self._waiting: deque[Sequence[Member]] = deque()
        self._false_starts: Counter[str] = Counter()
        self._num_dead = 0
        self._most, self._counted = _WAITING, -math.inf

    def run(self, stacks: Sequence[Sequence[Member]]) -> None:
        """Until every stack is recorded or dead.

        Raises:
            StacksDied: some are dead.
            ClusterError: a node differs from this machine, or processes do not start.
            Exception: whatever training raised; the others are ended.
        """
        self._waiting.extend(stacks)
        try:
            while self._waiting or self._live:
                self._submit()
                for flight in self._ready():
                    self._listen(flight)
        except BaseException:
            for flight in self._live:
                self._cluster.ray.cancel(flight, force=True)
            raise
        finally:
            self._tell_nodes(force=True)
        if self._num_dead:
            raise StacksDied(f"{self._num_dead} stacks")

    def _submit(self) -> None:
        if time.monotonic() > self._counted + _COUNT_EVERY_SECONDS:
            self._most = self._cluster.places() + _WAITING
            self._counted = time.monotonic()
        while self._waiting and len(self._live) < self._most:
            stack = self._waiting.popleft()
            self._live[self._start(stack)] = _Flight(stack)

    def _ready(self) -> list[Any]:
        """Those that have something to tell."""
        wait, live = self._cluster.ray.wait, list(self._live)
        if not wait(live, num_returns=1, timeout=_WAIT_SECONDS)[0]:
            return []
        return wait(live, num_returns=len(live), timeout=0)[0]

    def _listen(self, reference: Any) -> None:
        exceptions = self._cluster.ray.exceptions
        flight = self._live[reference]
        try:
            told: Told = self._cluster.ray.get(next(reference))
        except exceptions.RayTaskError as error:
            raise cause_of(error) from None
        except (exceptions.RayError, StopIteration) as error:
            del self._live[reference]
            self._died(flight, error)
            return
        self._take(reference, flight, told)
        self._tell_nodes()

    def _take(self, reference: Any, flight: _Flight, told: Told) -> None:
        stack, listeners = flight.stack, self._told
        if told.node:
            refuse_differing([told.node])
            flight.node = told.node
            if listeners.on_start:
                listeners.on_start(stack)
        if told.is_compiling:
            flight.doing = "compiling"
        for places, epoch, logs in told.epochs:
            flight.doing = f"epoch {epoch}"
            if listeners.on_epoch:
                listeners.on_epoch([stack[k] for k in places], epoch, logs)
        if told.results is not None:
            del self._live[reference]
            listeners.on_result(told.results)

    def _died(self, flight: _Flight, error: BaseException) -> None:
        """The stack is trained again, now, or when its members have proved themselves."""
        exceptions = self._cluster.ray.exceptions
        where = flight.node.name if flight.node else "a node"
        logger.warning(
            "a stack of %d networks ended on %s before it was done: %s",
            len(flight.stack),
            where,
            first_line(error) or type(error).__name__,
        )
        if flight.node is None:
            self._start_over(flight, error)
            return
        is_gone = isinstance(error, exceptions.NodeDiedError | exceptions.ObjectLostError)
        on_death = self._told.on_death
        if on_death and on_death(flight.stack, is_gone):
            self._waiting.append(flight.stack)
        else:
            self._num_dead += 1

    def _start_over(self, flight: _Flight, error: BaseException) -> None:
        key = flight.stack[0].id
        self._false_starts[key] += 1
        if self._false_starts[key] > _MOST_FALSE_STARTS:
            raise ClusterError(
                f"a stack was given to the cluster {_MOST_FALSE_STARTS} times and never started: "
                f"{first_line(error)} What was recorded stands; kmlp doctor --cluster tells more."
            ) from error
        self._waiting.append(flight.stack)

    def _tell_nodes(self, *, force: bool = False) -> None:
        if self._told.on_nodes is None:
            return
        doing: dict[str, list[str]] = {}
        for flight in self._live.values():
            if flight.node and (flight.doing or force):
                said = f"{len(flight.stack)} networks at {flight.doing or 'the start'}"
                doing.setdefault(flight.node.name, []).append(said)
        self._told.on_nodes({name: ", ".join(what) for name, what in sorted(doing.items())})
