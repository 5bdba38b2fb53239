"""Requests that come while a model computes are computed together next."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from kmlp.errors import DataError
from kmlp.serve.calls import Call
from kmlp.serve.limits import Limits, Refusal
from kmlp.serve.servable import Arrays, Servable


@dataclass(eq=False)
class _Waiting:
    call: Call
    answer: "asyncio.Future[Arrays]"


class Batcher:
    """A model version's queue; lives in one event loop.

    A batch is what has come while the last one was computed, so that nobody waits for company.
    Where a batch is refused for a cell, its requests are computed one by one: each gets its own
    answer.

    Attributes:
        queued_rows: that wait, without those that are computed just now.

    Args:
        servable: computes.
        limits: of rows that wait, and of a batch.
        executor: the threads that models compute in.
        told: takes the number of rows of each batch.
    """

    def __init__(
        self,
        servable: Servable,
        limits: Limits,
        executor: Executor,
        told: Callable[[int], None] = lambda rows: None,
    ) -> None:
        self._servable, self._limits = servable, limits
        self._executor, self._told = executor, told
        self._waiting: deque[_Waiting] = deque()
        self._worker: asyncio.Task[None] | None = None
        self.queued_rows = 0

    async def predict(self, call: Call) -> Arrays:
        """A request's outputs.

        Raises:
            Refusal: 429, too many rows wait already.
            DataError: one of its cells is refused.
        """
        if self._waiting and self.queued_rows + call.num_rows > self._limits.queued_rows:
            raise Refusal(
                429,
                f"{self.queued_rows:,} rows wait already. Ask again later.",
                {"Retry-After": "1"},
            )
        waiting = _Waiting(call, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self.queued_rows += call.num_rows
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await waiting.answer

    async def drained(self) -> None:
        """Returns when nobody waits any more."""
        while self._worker is not None:
            await asyncio.shield(self._worker)

    async def _work(self) -> None:
        try:
            while self._waiting:
                if batch := self._next_batch():
                    await self._compute(batch)
        finally:
            self._worker = None

    def _next_batch(self) -> list[_Waiting]:
        """Those that came first, of one signature; whoever has gone away is left out."""
        batch: list[_Waiting] = []
        num_rows = 0
        while self._waiting:
            first = self._waiting[0]
            if not first.answer.done():
                is_other = batch and first.call.signature != batch[0].call.signature
                is_full = batch and num_rows + first.call.num_rows > self._limits.batch_rows
                if is_other or is_full:
                    break
                num_rows += first.call.num_rows
                batch.append(first)
            self._waiting.popleft()
            self.queued_rows -= first.call.num_rows
        return batch

    async def _compute(self, batch: Sequence[_Waiting]) -> None:
        try:
            answers = await self._run([each.call for each in batch])
        except Exception as error:
            if len(batch) > 1 and isinstance(error, DataError):
                for each in batch:
                    await self._compute([each])
                return
            for each in batch:
                if not each.answer.done():
                    each.answer.set_exception(error)
            return
        for each, outputs in zip(batch, answers, strict=True):
            if not each.answer.done():
                each.answer.set_result(outputs)

    async def _run(self, calls: Sequence[Call]) -> list[Arrays]:
        self._told(sum(call.num_rows for call in calls))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, computed, self._servable, calls)


def computed(servable: Servable, calls: Sequence[Call]) -> list[Arrays]:
    """The outputs of each of several requests of one signature, computed at once."""
    name = calls[0].signature
    if len(calls) == 1:
        return [servable.predict(name, calls[0].inputs)]
    together = {
        each: np.concatenate([call.inputs[each] for call in calls]) for each in calls[0].inputs
    }
    outputs = servable.predict(name, together)
    ends = np.cumsum([call.num_rows for call in calls])[:-1]
    parts = {each: np.split(values, ends) for each, values in outputs.items()}
    return [{each: part[i] for each, part in parts.items()} for i in range(len(calls))]
