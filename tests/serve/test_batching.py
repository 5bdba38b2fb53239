"""What comes while a model computes is computed together; nobody answers for another's cell."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kmlp.errors import DataError
from kmlp.serve.batching import Batcher
from kmlp.serve.calls import Call
from kmlp.serve.limits import Limits, Refusal
from tests.serve.stand_in import IMAGES, TABLE, StandIn


class Held(StandIn):
    """Its first batch waits until it is let go."""

    def __init__(self, signature=IMAGES) -> None:
        super().__init__(signature)
        self.begun, self.free = threading.Event(), threading.Event()
        self.wait = self._wait

    def _wait(self) -> None:
        self.begun.set()
        self.free.wait()


def images(*values: int) -> Call:
    rows = np.array(values)[:, None, None] * np.ones((1, 2, 2))
    return Call("serving_default", {"inputs": rows}, len(values), is_by_row=True)


def towns(*names: bytes) -> Call:
    cells = {"age": np.arange(len(names)), "Home_town": np.array(names, object)}
    cells["pays"] = np.array([b""] * len(names), object)
    return Call("serving_default", cells, len(names), is_by_row=True)


def answers(model: Held, first: Call, others: list[Call], limits: Limits) -> list:
    """What each gets where the others come while the first is computed."""

    async def run() -> list:
        with ThreadPoolExecutor(1) as executor:
            batcher = Batcher(model, limits, executor)
            tasks = [asyncio.create_task(batcher.predict(first))]
            await asyncio.to_thread(model.begun.wait)
            tasks += [asyncio.create_task(batcher.predict(call)) for call in others]
            await asyncio.sleep(0)  # each has come to its queue
            model.free.set()
            found = await asyncio.gather(*tasks, return_exceptions=True)
            await batcher.drained()
            assert batcher.queued_rows == 0
            return found

    return asyncio.run(run())


def test_what_comes_meanwhile_is_one_batch_and_each_gets_its_own_rows():
    model = Held()
    found = answers(model, images(1), [images(2, 3), images(4), images(5)], Limits())
    assert model.batches == [1, 4]
    assert [f["label"].tolist() for f in found] == [[4], [8, 12], [16], [20]]


def test_a_batch_holds_no_more_rows_than_it_may_but_a_request_is_never_parted():
    model = Held()
    calls = [images(1, 2), images(3), images(4, 5, 6, 7)]
    answers(model, images(1), calls, Limits(batch_rows=3))
    assert model.batches == [1, 3, 4]


def test_a_refused_cell_is_told_to_whom_it_belongs_and_the_others_are_answered():
    model = Held(TABLE)
    calls = [towns(b"Oslo"), towns(b"Nowhere"), towns(b"", b"Oslo")]
    _, one, refused, two = answers(model, towns(b"Oslo"), calls, Limits())
    assert model.batches == [1, 4, 1, 1, 2]
    assert isinstance(refused, DataError)
    assert one["prediction"].tolist() == [0]
    assert two["prediction"].tolist() == [0, 1]


def test_who_comes_when_too_many_wait_is_sent_away():
    found = answers(Held(), images(1), [images(2, 3), images(4), images(5)], Limits(queued_rows=3))
    assert isinstance(found[3], Refusal)
    assert found[3].status == 429
    assert found[2]["label"].tolist() == [16]


def test_who_has_gone_away_is_not_computed():
    model = Held()

    async def run() -> None:
        with ThreadPoolExecutor(1) as executor:
            batcher = Batcher(model, Limits(), executor)
            first = asyncio.create_task(batcher.predict(images(1)))
            await asyncio.to_thread(model.begun.wait)
            gone = asyncio.create_task(batcher.predict(images(2)))
            await asyncio.sleep(0)
            gone.cancel()
            model.free.set()
            await first
            await batcher.drained()

    asyncio.run(run())
    assert model.batches == [1]


def test_what_fails_otherwise_fails_for_all_of_its_batch_and_the_next_is_computed():
    model = StandIn()

    def fail() -> None:
        model.wait = lambda: None
        raise MemoryError("no memory")

    async def run() -> None:
        model.wait = fail
        with ThreadPoolExecutor(1) as executor:
            batcher = Batcher(model, Limits(), executor)
            with pytest.raises(MemoryError):
                await batcher.predict(images(1))
            assert (await batcher.predict(images(1)))["label"].tolist() == [4]

    asyncio.run(run())
