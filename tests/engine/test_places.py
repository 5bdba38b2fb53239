"""Several places train at once: a member comes to the same bits in each, and goes on in any.

The places are this machine's cores, and with JAX several CPUs that stand in for accelerators.
"""

import os
import subprocess
import sys
import threading

import keras
import numpy as np
import pytest

from kmlp.data import Dataset
from kmlp.engine.checkpoint import Checkpoints
from kmlp.engine.member import Member
from kmlp.engine.scheduler import _data_in_places as data_in_places
from kmlp.engine.scheduler import fit_stack, make_room, place_name, train_members
from kmlp.engine.stack import build_stack
from kmlp.engine.stack_training import DeviceData
from kmlp.engine.trainer import MemberResult
from kmlp.nn import backend
from tests.twins import make_member

ON_JAX = keras.backend.backend() == "jax"
LAST = backend.num_places() - 1
several = pytest.mark.skipif(LAST < 1, reason="one place")
DRAWS = {"dropout": 0.3, "gradient_noise": 0.1, "max_epochs": 4}


def one_each(data: Dataset) -> list[list[Member]]:
    """A stack for each place, all of one program."""
    return [[make_member(data, seed, **DRAWS)] for seed in range(LAST + 1)]


def together(stacks: list[list[Member]], data: Dataset) -> list[MemberResult]:
    """Each stack's only member, of stacks that all begin before one goes on."""
    results: list[MemberResult] = []
    all_began = threading.Barrier(len(stacks))
    train_members(
        stacks, data, on_result=results.extend, on_start=lambda _: all_began.wait(timeout=60)
    )
    return results


def alone(member: Member, data: DeviceData, place: int, **options) -> MemberResult:
    with backend.place(place):
        stack = build_stack([member], data.data.spec)
        return fit_stack(stack, data, place=place, **options)[0]


def assert_same_bits(a: MemberResult, b: MemberResult) -> None:
    assert a.weights.keys() == b.weights.keys()
    # A GPU does not sum in the same order twice.
    atol = 0 if backend.device_memory() is None else 1e-4
    for path in a.weights:
        np.testing.assert_allclose(a.weights[path], b.weights[path], rtol=0, atol=atol)
    np.testing.assert_allclose(a.predictions, b.predictions, rtol=0, atol=10 * atol)


@several
@pytest.mark.parametrize("copies", [False, True])
@pytest.mark.slow
def test_stacks_train_in_all_places_and_come_to_the_same_bits_in_any(tiny, monkeypatch, copies):
    """Whether places share the data or hold them each by itself."""
    if not ON_JAX:
        monkeypatch.setattr(backend, "copies_data", lambda: copies)
    held = data_in_places(tiny, LAST + 1)
    assert len({id(data) for data in held}) == (LAST + 1 if backend.copies_data() else 1)
    results = together(one_each(tiny), tiny)
    assert {r.place for r in results} == {place_name(i) for i in range(LAST + 1)}
    for place, data in enumerate(held):
        assert_same_bits(alone(results[0].member, data, place), results[0])


@several
@pytest.mark.slow
def test_a_stack_goes_on_in_another_place_as_if_it_had_never_moved(tiny, tmp_path):
    member, held = make_member(tiny, 3, **DRAWS), data_in_places(tiny, LAST + 1)
    whole = alone(member, held[0], 0)
    checkpoints = Checkpoints(tmp_path / "stack", every_epoch_until=0)
    assert alone(member, held[0], 0, checkpoints=checkpoints, until=2).stopped_epoch == 2
    assert_same_bits(alone(member, held[LAST], LAST, checkpoints=checkpoints), whole)


@several
@pytest.mark.slow
def test_members_name_their_accelerator_where_there_are_several_kinds(tiny, monkeypatch):
    """They round differently, which a study tells by it."""
    monkeypatch.setattr(backend, "place_name", lambda i: (f"CARD {i}", f"gpu:{i}"))
    results = together(one_each(tiny), tiny)
    named = {(r.device, r.place) for r in results}
    assert named == {(f"CARD {i}", f"CARD {i} (gpu:{i})") for i in range(LAST + 1)}


def test_the_room_is_that_of_all_places(tiny):
    stacks = one_each(tiny)
    assert make_room(tiny).need(stacks).at_once == LAST + 1


@pytest.mark.skipif(ON_JAX, reason="starts the other backend")
@pytest.mark.slow
def test_the_same_holds_on_several_devices_of_jax():
    pytest.importorskip("jax")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4"
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": flags.strip(),
    }
    found = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout
    assert "5 passed, 1 skipped" in found.stdout
