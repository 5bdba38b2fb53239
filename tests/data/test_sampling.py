"""Samples of rows: complete, disjoint, stratified, keyed by what is their own."""

import dataclasses
import itertools

import numpy as np
import pytest

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.seeds import Seeds
from kmlp.data.sampling import Sample, parse_resample, stratified_order
from kmlp.engine.member import Member
from kmlp.errors import ConfigError

Y = np.repeat(np.arange(4), (100, 60, 33, 10))
MEMBER = Member(
    model=MLPConfig(),
    train=TrainConfig(),
    seeds=Seeds.all(3),
    validation_fraction=0.2,
    data_sha256="0" * 64,
)


def sampled(kind: str, index: int, of: int = 0, seed: int = 0, **changes) -> Member:
    sample = Sample(kind=kind, index=index, of=of, seed=seed)
    return dataclasses.replace(MEMBER, sample=sample, **changes)


def test_parts_are_disjoint_equal_and_stratified_and_of_the_training_rows():
    kept, held_out = MEMBER.split(Y)
    parts = [sampled("splits", i, 5).split(Y) for i in range(5)]
    rows = np.concatenate([train for train, _ in parts])
    assert len(rows) == len(set(rows.tolist())) == 5 * (len(kept) // 5)
    assert set(rows) <= set(kept)
    assert {len(train) for train, _ in parts} == {len(kept) // 5}
    for train, val in parts:
        np.testing.assert_array_equal(val, held_out)
        np.testing.assert_array_equal(train, np.sort(train))
        assert (np.abs(np.bincount(Y[train]) - np.bincount(Y[kept]) / 5) < 2).all()


def test_a_draw_repeats_rows_but_never_one_that_is_validated_on():
    kept, held_out = MEMBER.split(Y)
    draws = [sampled("bootstrap", i).split(Y) for i in range(200)]
    for train, val in draws:
        assert len(train) == len(kept)
        assert set(train) <= set(kept)
        np.testing.assert_array_equal(val, held_out)
    # A draw misses a row with probability (1 - 1/n)^n.
    shares = [len(set(train.tolist())) / len(kept) for train, _ in draws]
    assert np.mean(shares) == pytest.approx(1 - (1 - 1 / len(kept)) ** len(kept), abs=0.01)
    assert np.corrcoef([np.bincount(t, minlength=len(Y))[kept] for t, _ in draws[:2]])[0, 1] < 0.3


@pytest.mark.parametrize("labels", [Y, np.linspace(0, 1, 203)], ids=["classes", "numbers"])
@pytest.mark.parametrize("num_folds", [2, 5, 7])
def test_folds_hold_each_row_out_once_and_train_on_none_of_it(labels, num_folds):
    members = [sampled("folds", i, num_folds) for i in range(num_folds)]
    folds = [m.fold(labels) for m in members]
    rows = np.sort(np.concatenate(folds))
    np.testing.assert_array_equal(rows, np.arange(len(labels)))
    assert max(map(len, folds)) - min(map(len, folds)) <= 1
    sizes, smallest = set(), len(labels) - -(-len(labels) // num_folds)
    for member, fold in zip(members, folds, strict=True):
        train, val = member.split(labels)
        assert not set(fold) & (set(train) | set(val))
        assert not set(train) & set(val)
        sizes.add((len(train), len(val)))
        assert len(train) + len(val) == smallest
    assert len(sizes) == 1, "one stack holds them all"


def test_folds_are_stratified():
    for i in range(5):
        fold = sampled("folds", i, 5).fold(Y)
        assert (np.abs(np.bincount(Y[fold], minlength=4) - np.bincount(Y) / 5) < 2).all()


def test_fewer_rows_are_among_more_and_stratified():
    kept, held_out = MEMBER.split(Y)
    found = [dataclasses.replace(MEMBER, num_train=n).split(Y) for n in (20, 50, len(kept))]
    for (train, val), n in zip(found, (20, 50, len(kept)), strict=True):
        assert len(train) == n
        np.testing.assert_array_equal(val, held_out)
        shares = n * np.bincount(Y[kept]) / len(kept)
        assert (np.abs(np.bincount(Y[train], minlength=4) - shares) < 2).all()
    few, more, everything = (set(train) for train, _ in found)
    assert few < more < everything == set(kept)


@pytest.mark.parametrize(("kind", "of"), [("splits", 5), ("bootstrap", 0), ("folds", 5)])
def test_fewer_rows_of_a_sample_are_of_the_sample(kind, of):
    whole, few = sampled(kind, 1, of), sampled(kind, 1, of, num_train=16)
    assert len(few.split(Y)[0]) == 16
    assert set(few.split(Y)[0]) <= set(whole.split(Y)[0])


@pytest.mark.parametrize(("kind", "of"), [("splits", 5), ("bootstrap", 0)])
def test_a_sample_is_the_same_for_every_config_and_seed_but_the_split(kind, of):
    seeds = Seeds(init=9, order=8, noise=7, split=3)
    other = sampled(kind, 2, of, seeds=seeds, model=MLPConfig(dropout=0.5))
    for mine, theirs in zip(other.split(Y), sampled(kind, 2, of).split(Y), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(("kind", "of"), [("splits", 5), ("bootstrap", 0), ("folds", 5)])
def test_samples_differ_by_number_and_seed(kind, of):
    members = [sampled(kind, i, of, seed) for i, seed in itertools.product(range(3), range(2))]
    assert len({m.split(Y)[0].tobytes() for m in members}) == 6
    assert len({m.id for m in members} | {MEMBER.id}) == 7


def test_a_draw_is_the_same_however_many_there_are():
    few, many = parse_resample("bootstrap:3", 0), parse_resample("bootstrap:9", 0)
    assert few == many[:3]


def test_ids_of_members_on_all_rows_are_what_they_always_were():
    assert MEMBER.id == "cf5d8963c49a0a00"


def test_every_stretch_of_a_stratified_order_holds_each_class_in_its_share():
    labels = np.repeat(np.arange(10), 100)
    order = stratified_order(labels, np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(order), np.arange(1000))
    for start, stop in itertools.combinations(range(0, 1001, 50), 2):
        counts = np.bincount(labels[order[start:stop]], minlength=10)
        assert (np.abs(counts - (stop - start) / 10) <= 1).all()


def test_every_class_is_as_often_the_first_of_a_stratified_order_as_any_other():
    """Equals are shuffled, not sorted: 200 times each, give or take 5 standard deviations."""
    labels, rng = np.repeat(np.arange(10), 3), np.random.default_rng(0)
    first = [labels[stratified_order(labels, rng)[0]] for _ in range(2000)]
    assert (np.abs(np.bincount(first, minlength=10) - 200) < 67).all()


@pytest.mark.parametrize("text", ["splits", "splits:1", "jackknife:5", "bootstrap:x", "folds:5", 7])
def test_another_resample_is_refused(text):
    with pytest.raises(ConfigError, match="resample is splits:R, R disjoint parts"):
        parse_resample(text, 0)


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ({"kind": "halves", "index": 0, "of": 2}, "a sample is one of splits, bootstrap, folds"),
        ({"kind": "splits", "index": 5, "of": 5}, "splits are two or more, numbered from 0"),
        ({"kind": "folds", "index": 0, "of": 1}, "folds are two or more, numbered from 0"),
        ({"kind": "bootstrap", "index": 0, "of": 5}, "a bootstrap draw is numbered from 0"),
    ],
)
def test_no_such_sample_is_refused(sample, message):
    with pytest.raises(ConfigError, match=message):
        Sample(**sample, seed=0)
