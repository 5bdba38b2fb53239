"""The time that is left follows from what each variant's epochs took."""

import pytest

from kmlp.study.pace import Pace


class Stacks:
    """Threads that tell of their epochs at given times."""

    def __init__(self, members: str, done: str = "") -> None:
        self.now, self.thread = 0.0, 0
        self.pace = Pace(lambda: self.now, lambda: self.thread)
        self.pace.start({id: id[0] for id in members.split()}, done.split())

    def epoch(self, thread: int, at: float, ids: str, epoch: int) -> None:
        self.thread, self.now = thread, at
        self.pace.epoch(ids.split(), epoch)


def test_nothing_is_told_before_a_network_has_stopped():
    stacks = Stacks("a1 a2")
    stacks.epoch(1, 1, "a1 a2", 1)
    stacks.epoch(1, 2, "a1 a2", 2)
    assert stacks.pace.seconds_left() is None


def test_compiling_does_not_count_and_each_variant_has_its_own_pace():
    """Two networks of each variant wait; an epoch takes a network of a 1 s, of b 10 s."""
    stacks = Stacks("a1 a2 a3 b1 b2 b3")
    for variant, seconds, start in (("a", 1, 100), ("b", 10, 500)):
        for epoch in range(1, 5):
            stacks.epoch(1, start + seconds * epoch, f"{variant}1", epoch)
        stacks.pace.finished({f"{variant}1": 4})
    assert stacks.pace.seconds_left() == pytest.approx(2 * 4 * 1 + 2 * 4 * 10)


def test_two_threads_take_half_the_time():
    left = []
    for threads in ((1, 1), (1, 2)):
        stacks = Stacks("a1 a2 a3 a4")
        for thread, id in zip(threads, ("a1", "a2"), strict=True):
            for epoch in (1, 2, 3):
                stacks.epoch(thread, 10 * epoch, id, epoch)
            stacks.thread = thread
            stacks.pace.finished({id: 3})
        left.append(stacks.pace.seconds_left())
    assert left == [pytest.approx(2 * 3 * 10), pytest.approx(3 * 10)]


def test_a_network_that_stopped_in_a_stack_that_trains_on_tells_already():
    """Its stack's results come much later."""
    stacks = Stacks("a1 a2 a3", done="a3")
    for epoch in (1, 2):
        stacks.epoch(1, 2 * epoch, "a1 a2", epoch)
    stacks.epoch(1, 5, "a2", 3)
    # The two shared one epoch of 2 s; then a2 had one of 1 s: 1 s an epoch on average.
    assert stacks.pace.seconds_left() == pytest.approx(1.0)


def test_programs_that_are_still_to_be_compiled_take_what_others_took():
    """Small networks compile for longer than they train: a minute was "about 0:01 left"."""
    stacks = Stacks("a1 a2 a3")
    for number, start in ((1, 0), (2, 100)):
        stacks.thread, stacks.now = 1, start
        stacks.pace.compiling(number, 3)
        for epoch in (1, 2, 3):
            stacks.epoch(1, start + 20 + epoch, f"a{number}", epoch)
        stacks.pace.finished({f"a{number}": 3})
        assert stacks.pace.seconds_left() == pytest.approx((3 - number) * (21 + 3 * 1))
    stacks.thread, stacks.now = 1, 200
    stacks.pace.compiling(3, 3)
    stacks.now = 215
    assert stacks.pace.seconds_left() == pytest.approx(6 + 3)
