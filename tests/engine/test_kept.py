"""Programs that are no longer needed go, so that a process that trains ever new structures stays
as large as it is."""

import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path
from types import SimpleNamespace

import keras
import pytest

from kmlp.engine.programs.kept import Programs
from kmlp.engine.signature import Signature
from tests.twins import make_member

ROOT = Path(__file__).parents[2]


def stand_ins(num_kept: int, forget=lambda place: True) -> Programs:
    programs = Programs(lambda *_: SimpleNamespace(places=set()), forget)
    programs.num_kept = programs.most_dropped = num_kept
    return programs


def compile_for(programs: Programs, names, *places: int) -> None:
    """One program for each name, compiled in these places."""
    for name in names:
        programs.get(name, 1, None).places.update(places)


@pytest.mark.long
def test_models_and_programs_that_are_not_kept_are_gone(tiny):
    """Not only forgotten here: nothing else holds them."""
    programs = Programs()
    programs.num_kept = 2
    made = []
    for units in range(4, 9):
        signature = Signature.of(make_member(tiny, hidden_units=(units,), dropout=0.1))
        program = programs.get(signature, 2, tiny.spec)
        made += [weakref.ref(program), weakref.ref(program.model)]
    del program
    gc.collect()
    assert len(programs) == 2
    assert [ref() is not None for ref in made] == [False] * 6 + [True] * 4


def test_a_place_is_emptied_when_it_holds_too_many_that_are_not_kept():
    emptied = []
    programs = stand_ins(3, lambda place: emptied.append(place) or True)
    with programs.used():
        compile_for(programs, "abcde", 0, 1)
        programs.forget_dropped(0)
        assert not emptied
        compile_for(programs, "f", 0)
        programs.forget_dropped(0)
        programs.forget_dropped(0)
        programs.forget_dropped(1)
    assert emptied == [0, 1]
    # What is kept has to be compiled again, and who waits is told so.
    assert [programs.places(name, 1, None) for name in "def"] == [frozenset()] * 3


def test_what_comes_round_again_is_never_forgotten():
    programs = stand_ins(3, lambda place: pytest.fail("a program that is used was forgotten"))
    with programs.used():
        for _ in range(5):
            compile_for(programs, "abc", 0)
            programs.forget_dropped(0)


def test_nothing_is_forgotten_where_another_thread_may_train():
    emptied = []
    programs = stand_ins(1, lambda place: emptied.append(place) or True)
    with programs.used():
        compile_for(programs, "abc", 0)
        with programs.used():
            programs.forget_dropped(0)
            assert not emptied
        programs.forget_dropped(0)
    assert emptied == [0]


def test_programs_of_a_backend_that_forgets_none_stay_compiled():
    programs = stand_ins(1, lambda place: False)
    with programs.used():
        compile_for(programs, "abc", 0)
        programs.forget_dropped(0)
    assert programs.places("c", 1, None) == {0}


@pytest.mark.slow
def test_a_structure_that_was_forgotten_trains_to_the_same_bits():
    """In a process of its own, whose devices are kmlp's."""
    script = """
import numpy as np
from kmlp.engine.programs.kept import PROGRAMS
from kmlp.engine.scheduler import make_room, train_members
from kmlp import Dataset
from tests.twins import make_member

forgets, emptied = PROGRAMS._forget, []
PROGRAMS._forget = lambda place: emptied.append(forgets(place)) or emptied[-1]
PROGRAMS.num_kept = PROGRAMS.most_dropped = 1
rng = np.random.default_rng(0)
x, y = rng.normal(size=(300, 12)).astype("float32"), np.arange(300) % 3
data = Dataset.from_arrays(x[:200], y[:200], x[200:], y[200:])
room = make_room(data)

def trained(units):
    options = {"hidden_units": (units,), "dropout": 0.1, "max_epochs": 2}
    members = [make_member(data, seed, **options) for seed in (0, 1)]
    found = []
    train_members([members[:1], members[1:]], data, room=room, on_result=found.extend)
    found.sort(key=lambda result: result.member.seeds.init)
    return [w.tobytes() for result in found for w in result.weights.values()]

first = trained(4)
for units in (5, 6, 7):
    trained(units)
assert emptied and all(emptied), emptied
assert trained(4) == first
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": keras.backend.backend()},
    )
    assert done.returncode == 0, done.stderr
