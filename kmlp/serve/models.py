"""The models that are served: versions come when they lie there whole, and go when none waits."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kmlp.errors import KmlpError
from kmlp.serve.batching import Batcher
from kmlp.serve.folders import Folders, fingerprint
from kmlp.serve.limits import Limits, Refusal
from kmlp.serve.servable import Servable
from kmlp.text import shortened, shown

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Version:
    """One version of a model.

    Attributes:
        name: the model's.
        number: its own.
        state: as TensorFlow Serving calls it: "LOADING", "AVAILABLE", "UNLOADING" or "END".
        error: why it could not be loaded; empty of others.
        seen: the fingerprint of the folder that it was loaded from.
    """

    name: str
    number: int
    state: str = "LOADING"
    error: str = ""
    seen: object = None
    _running: tuple[Servable, Batcher] | None = field(default=None, repr=False)

    @property
    def servable(self) -> Servable:
        """What computes."""
        assert self._running
        return self._running[0]

    @property
    def batcher(self) -> Batcher:
        """Its queue."""
        assert self._running
        return self._running[1]

    def begin(self, servable: Servable, batcher: Batcher) -> None:
        """From now on it answers."""
        self.state, self._running = "AVAILABLE", (servable, batcher)

    async def end(self) -> None:
        """Answers those that wait, and lets go of its memory."""
        await self.batcher.drained()
        self.state, self._running = "END", None

    def status(self) -> dict[str, Any]:
        """As TensorFlow Serving tells it."""
        code = "DATA_LOSS" if self.error else "OK"
        return {
            "version": str(self.number),
            "state": self.state,
            "status": {"error_code": code, "error_message": self.error},
        }


class ServedModels:
    """Models by name, their newest versions in memory; lives in one event loop.

    A version that cannot be loaded leaves those before it answering, and is tried again once its
    files have changed. A model whose folder is gone goes on answering.

    Args:
        find: gives what lies on the disk.
        load: a version's folder in, a model out; called in a thread.
        limits: of each queue.
        executor: the threads that models are loaded and compute in.
        num_versions: how many of the newest of each model are served.
        told: takes a model's name and the rows of each batch.
    """

    def __init__(
        self,
        find: Callable[[], Folders],
        load: Callable[[Path], Servable],
        executor: Executor,
        *,
        limits: Limits,
        num_versions: int = 1,
        told: Callable[[str, int], None] = lambda name, rows: None,
    ) -> None:
        self._find, self._load, self._executor = find, load, executor
        self._limits, self._num_versions, self._told = limits, num_versions, told
        self._models: dict[str, dict[int, Version]] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[Version]:
        """The newest version of each model that answers."""
        for name in sorted(self._models):
            if answering := self._answering(name):
                yield answering[max(answering)]

    def version(self, name: str, number: int | None = None) -> Version:
        """The one that answers: the newest where no number is given.

        Raises:
            Refusal: 404, there is none.
        """
        answering = self._answering(name)
        found = answering.get(max(answering, default=0) if number is None else number)
        if found is None:
            asked = f"Latest({name})" if number is None else f"Specific({name}, {number})"
            raise Refusal(404, f"Servable not found for request: {shown(asked)[1:-1]}")
        return found

    def statuses(self, name: str, number: int | None = None) -> list[dict[str, Any]]:
        """What became of a model's versions, the newest first.

        Raises:
            Refusal: 404, nothing is known of it.
        """
        known = self._models.get(name, {})
        found = [known[n] for n in sorted(known, reverse=True) if number in (None, n)]
        if not found:
            which = "any versions" if number is None else f"version {number}"
            raise Refusal(404, f"Could not find {which} of model {shown(name)[1:-1]}")
        return [each.status() for each in found]

    async def refresh(self) -> None:
        """Loads what is new on the disk, then lets go of what it replaces."""
        for name, folders in self._find().items():
            answering: list[int] = []
            for number in sorted(folders, reverse=True):
                if len(answering) < self._num_versions:
                    answering += [number] * await self._ensure(name, number, folders[number])
            if answering:
                for number, old in self._answering(name).items():
                    if number not in answering:
                        self._let_go(old)

    async def close(self) -> None:
        """Answers all that wait."""
        for name in self._models:
            for each in self._answering(name).values():
                await each.batcher.drained()

    def _answering(self, name: str) -> dict[int, Version]:
        versions = self._models.get(name, {})
        return {n: each for n, each in versions.items() if each.state == "AVAILABLE"}

    async def _ensure(self, name: str, number: int, folder: Path) -> bool:
        """Whether a version answers, which is loaded where it is new or has changed."""
        versions = self._models.setdefault(name, {})
        old, seen = versions.get(number), fingerprint(folder)
        if old is not None and old.seen == seen:
            return old.state == "AVAILABLE"
        is_serving = old is not None and old.state == "AVAILABLE"
        new = Version(name, number, seen=seen)
        if not is_serving:
            versions[number] = new
        await self._begin(new, folder)
        if new.state == "AVAILABLE":
            versions[number] = new
            if is_serving:
                assert old
                self._let_go(old)
        elif is_serving:
            assert old
            old.seen = seen  # goes on answering; what lies there now is not tried again
        return is_serving or new.state == "AVAILABLE"

    async def _begin(self, new: Version, folder: Path) -> None:
        loop = asyncio.get_running_loop()
        try:
            servable = await loop.run_in_executor(self._executor, self._load, folder)
        except Exception as error:
            own = isinstance(error, KmlpError)
            new.state, new.error = "END", shortened(str(error) if own else repr(error))
            logger.warning("%s is not served: %s", folder, new.error)
            return
        name = new.name
        told = lambda rows: self._told(name, rows)  # noqa: E731
        new.begin(servable, Batcher(servable, self._limits, self._executor, told))
        logger.info("%s, version %d, is served", name, new.number)

    def _let_go(self, old: Version) -> None:
        old.state = "UNLOADING"  # at once: who asks from now on is answered by its successor
        task = asyncio.create_task(old.end())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
