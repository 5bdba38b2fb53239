"""Small data train in few programs and wide stacks, large data in programs of their own."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest

from kmlp import StudyConfig, run_study
from kmlp.data import Dataset
from kmlp.engine.member import Member
from kmlp.engine.planning.costs import compile_seconds, epoch_seconds
from kmlp.engine.planning.stacks import plan_stacks, stack_size
from kmlp.engine.planning.width import filled, group_size, num_slots, representative
from kmlp.engine.scheduler import fit_stack, train_members
from kmlp.engine.signature import Signature
from kmlp.engine.stack import build_stack
from kmlp.engine.stack_training import DeviceData, StackRun
from kmlp.engine.trainer import MemberResult
from kmlp.errors import ConfigError
from kmlp.nn import backend
from kmlp.nn.loops import worth_padding
from tests.twins import make_member

WIDE = {"hidden_units": (128, 64)}


@dataclass
class Rows:
    """A room of that many rows, and memory without end."""

    num_rows: int
    is_accelerator: bool = False

    def reserving(self, stacks):
        return self

    def width(self, member):
        return 1000


def members_of(data: Dataset, *kinds: dict, seeds: int = 10, **shared) -> list[Member]:
    return [make_member(data, s, **{**shared, **kind}) for kind in kinds for s in range(seeds)]


KINDS: list[dict] = [{}, {"dropout": 0.2}, {"l2": 1e-3}, {"gradient_noise": 0.1}]


def test_variants_of_small_data_share_a_program_and_of_large_data_they_do_not(tiny):
    """The same members; only how many rows there are differs."""
    members = members_of(tiny, *KINDS, batch_size=128, **WIDE)
    small = plan_stacks(members, tiny.spec, 2, room=Rows(500))
    large = plan_stacks(members, tiny.spec, 2, room=Rows(500_000))
    assert {Signature.of_all(s).needs for s in small} == {
        frozenset({"dropout", "penalty", "gradient_noise"})
    }
    assert len({Signature.of_all(s) for s in large}) == len(KINDS)
    for stacks in (small, large):
        assert sorted(m.id for s in stacks for m in s) == sorted(m.id for m in members)
    assert max(map(len, small)) == 20 > max(map(len, large)) == 10


def test_of_large_data_no_place_stands_idle_while_the_last_stacks_train(tiny):
    """25 members as 3 stacks would keep one of two places for 16 of them."""
    members = members_of(tiny, {}, seeds=25, batch_size=128, **WIDE)
    large = plan_stacks(members, tiny.spec, 2, room=Rows(500_000))
    assert sorted(map(len, large)) == [4, 5, 8, 8]
    small = plan_stacks(members, tiny.spec, 2, room=Rows(500))
    assert len(small) == 2
    many = plan_stacks(members, tiny.spec, 16, room=Rows(500_000))
    assert len(many) == 16


def test_what_no_stack_can_share_is_never_merged(tiny):
    members = members_of(tiny, {}, {"normalization": "batch"}, {"hidden_units": (9,)})
    stacks = plan_stacks(members, tiny.spec, 1, room=Rows(200))
    assert len(stacks) == 3
    for stack in stacks:
        Signature.of_all(stack)


def test_members_of_other_counts_train_in_stacks_of_their_own(tiny):
    """Where groups stay whole a seed may have more rows than another: a stack has one number."""
    members = members_of(tiny, {}, {"dropout": 0.2}, seeds=4)
    counts = [(40, 10), (44, 6), (40, 10), (44, 6)] * 2
    known = [dataclasses.replace(m, counts=c) for m, c in zip(members, counts, strict=True)]
    stacks = plan_stacks(known, tiny.spec, 1, room=Rows(50))
    assert sorted(len(stack) for stack in stacks) == [4, 4]
    assert all(len({m.counts for m in stack}) == 1 for stack in stacks)
    with pytest.raises(ConfigError, match=r"They differ in counts \(\(40, 10\) and \(48, 6\)\)"):
        Signature.of_all(known)


@pytest.mark.slow
def test_a_study_of_groups_trains_every_seed_and_fold(tmp_path):
    """Seeds and folds of different counts, some of them alike, by the engine itself."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(120, 3)), rng.integers(0, 2, 120)
    groups = rng.integers(0, 15, 120)
    data = Dataset.from_arrays(x, y, x[:20], y[:20], groups=groups)
    train = {"max_epochs": 2, "batch_size": 32}
    config = StudyConfig(dataset="x", variants=("none",), num_seeds=3, folds=2, train=train)
    found = run_study(config, tmp_path / "run", data).record
    assert [m.status for m in (*found.members, *found.extra_members)] == ["done"] * 5
    assert np.isfinite([m.score("val", "cross_entropy") for m in found.members]).all()


def test_without_a_room_no_more_is_known_and_nothing_is_merged(tiny):
    members = members_of(tiny, *KINDS, seeds=2)
    assert len(plan_stacks(members, tiny.spec, 1)) == len(KINDS)


def test_the_first_stacks_to_train_are_of_different_programs(tiny):
    """Two places that compile the same program at the same time do the same work twice."""
    members = members_of(tiny, {}, {"normalization": "batch"}, seeds=80)
    first, second, *_ = plan_stacks(members, tiny.spec, 2, room=Rows(200))
    assert Signature.of_all(first) != Signature.of_all(second)


def test_an_accelerator_holds_all_at_a_time(tiny, monkeypatch):
    room = Rows(200, is_accelerator=True)
    assert stack_size(make_member(tiny), tiny.spec, room) == 128
    assert stack_size(make_member(tiny), tiny.spec, Rows(200)) == 40
    bfloat16 = make_member(tiny, dtype_policy="mixed_bfloat16")
    for in_xla, size in ((False, 10), (True, 40)):
        monkeypatch.setattr(backend, "multiplies_bfloat16", lambda: in_xla)  # noqa: B023
        assert stack_size(bfloat16, tiny.spec, Rows(200)) == size


def test_sizes_that_are_compiled_are_few(tiny):
    """Whole groups, twice as many each time; what fits a core's cache is as it is."""
    member = make_member(tiny)
    sizes = [num_slots(member, tiny.spec, k) for k in (1, 7, 10, 11, 20, 25, 40)]
    assert sizes == [1, 7, 10, 20, 20, 40, 40]
    assert [group_size(member, tiny.spec, k) for k in (7, 10, 11)] == [7, 10, 10]
    slots, group = filled([make_member(tiny, s) for s in range(13)], tiny.spec)
    assert (len(slots), group) == (20, 10)
    assert len({m.id for m in slots}) == 13


def test_the_representative_needs_what_any_member_needs(tiny):
    members = [make_member(tiny, 3, **kind) for kind in ({}, *KINDS, {"max_norm": 2.0})]
    one = representative(members)
    assert Signature.of(one).needs == Signature.of_all(members).needs
    assert (one.model.dropout, one.train.gradient_noise, one.model.max_norm) == (0.2, 0.1, 2.0)


def test_costs_grow_with_what_is_computed(tiny):
    plain, *others = (make_member(tiny, **WIDE, **kind) for kind in KINDS)
    for member in others:
        assert epoch_seconds(member, tiny.spec, 500) > epoch_seconds(plain, tiny.spec, 500)
    assert compile_seconds(others[0]) > compile_seconds(plain) == compile_seconds(others[1])
    assert epoch_seconds(plain, tiny.spec, 5000) > 5 * epoch_seconds(plain, tiny.spec, 500)


def test_a_small_remainder_is_filled_up_where_that_costs_little():
    assert worth_padding(427, 128)
    assert worth_padding(50_000, 128)
    assert not worth_padding(130, 128)
    assert worth_padding(256, 128)


STRENGTHS = [
    {},
    {"dropout": 0.3},
    {"drop_connect": 0.3, "l2": 1e-3},
    {"gradient_noise": 0.1, "label_smoothing": 0.1},
    {"input_noise": 0.2, "max_norm": 1.0},
]


@pytest.fixture
def groups_of_two(monkeypatch):
    monkeypatch.setattr("kmlp.engine.planning.width._MOST", 2)


def some_members(data: Dataset) -> list[Member]:
    """Five kinds that stop at different epochs; 240 rows in batches of 64: the last is filled."""
    options = {"batch_size": 64, "learning_rate": 0.05, "max_epochs": 12}
    kinds = zip((1, 1, 2, 3, 30), STRENGTHS, strict=True)
    return [make_member(data, s, patience=p, **k, **options) for s, (p, k) in enumerate(kinds)]


def assert_same(a: MemberResult, b: MemberResult, atol: float) -> None:
    assert (a.best_epoch, a.stopped_epoch, a.status) == (b.best_epoch, b.stopped_epoch, b.status)
    for path, weight in a.weights.items():
        np.testing.assert_allclose(weight, b.weights[path], rtol=0, atol=atol, err_msg=path)
    for name, curve in a.curves.items():
        np.testing.assert_allclose(curve, b.curves[name], rtol=1e-6 if atol else 0)
    np.testing.assert_allclose(a.predictions, b.predictions, rtol=0, atol=10 * atol)


@pytest.mark.slow
@pytest.mark.usefixtures("float64", "groups_of_two")
def test_a_member_comes_to_the_same_in_groups_of_a_filled_stack(tiny):
    """Five members of five kinds in eight slots, two at a time: groups that have stopped are left
    out, and what a group does not ask for is not drawn."""
    members = some_members(tiny)
    slots, group = filled(members, tiny.spec)
    assert (len(slots), group) == (8, 2)
    stack, data = build_stack(slots, tiny.spec, group), DeviceData(tiny)
    together = fit_stack(stack, data, num_members=len(members))
    assert [r.member.id for r in together] == [m.id for m in members]
    assert len({r.stopped_epoch for r in together}) >= 3
    for k in (1, 2, 3, 4):
        (alone,) = fit_stack(build_stack([members[k]], tiny.spec), data)
        assert_same(alone, together[k], atol=1e-11)


@pytest.mark.slow
@pytest.mark.usefixtures("groups_of_two")
def test_a_filled_stack_goes_on_from_a_snapshot_to_the_bit(tiny):
    """Taken after members have moved between groups."""
    members = some_members(tiny)
    slots, group = filled(members, tiny.spec)
    data = DeviceData(tiny)

    def run() -> StackRun:
        return StackRun(build_stack(slots, tiny.spec, group), data, 0, len(members))

    whole, first, second = run(), run(), run()
    go(whole, 12)
    go(first, 6)
    assert list(first.position) != sorted(first.position)
    second.restore(first.snapshot())
    go(second, 12)
    for a, b in zip(whole.results(), second.results(), strict=True):
        assert_same(a, b, atol=0)


def go(run: StackRun, until: int) -> None:
    while not run.stop_training and run.epoch < until:
        run.train_epoch()
        if not run.stop_training:
            run.compact()


@pytest.mark.slow
@pytest.mark.usefixtures("groups_of_two")
def test_a_wide_stacks_snapshot_goes_on_where_all_train_at_a_time(tiny):
    """Begun on a core, gone on with on an accelerator, and the other way round."""
    members = some_members(tiny)
    slots, group = filled(members, tiny.spec)
    data = DeviceData(tiny)
    in_turns = StackRun(build_stack(slots, tiny.spec, group), data, 0, len(members))
    at_once = StackRun(build_stack(members, tiny.spec), data)
    go(in_turns, 3)
    go(at_once, 3)
    for begun, other in ((in_turns, build_stack(members, tiny.spec)), (at_once, None)):
        stack = other or build_stack(slots, tiny.spec, group)
        resumed = StackRun(stack, data, 0, len(members))
        resumed.restore(begun.snapshot())
        go(resumed, 5)
        assert [r.member.id for r in resumed.results()] == [m.id for m in members]
        assert all(len(r.curves["loss"]) >= 2 for r in resumed.results())


def test_who_waits_is_told_what_is_compiled_and_the_second_time_nothing(tiny):
    """Two stacks of one program and one of another."""
    stacks = [[make_member(tiny, s, hidden_units=(5,), max_epochs=1)] for s in range(2)]
    stacks.append([make_member(tiny, hidden_units=(6,), max_epochs=1)])
    for expected in ([(1, 2), (2, 2)], []):
        told: list[tuple[int, int]] = []
        train_members(
            stacks,
            tiny,
            on_result=lambda _: None,
            on_compile=lambda number, total, told=told: told.append((number, total)),
        )
        assert told == expected
