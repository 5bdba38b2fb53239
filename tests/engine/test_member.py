"""A member's id, its rows and its random streams depend on what is its own, and on nothing else."""

import copy
import dataclasses
import itertools
import re

import numpy as np
import pytest

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.seeds import STREAMS, Seeds, generator, seed_words
from kmlp.data.sampling import Sample, stratified_split
from kmlp.engine.member import Member

MEMBER = Member(
    model=MLPConfig(),
    train=TrainConfig(optimizer="sgd"),
    seeds=Seeds.all(3),
    validation_fraction=0.2,
    data_sha256="0" * 64,
)
LABELS = [
    np.repeat(np.arange(10), 50),
    np.repeat(np.arange(4), (1, 7, 13, 200)),
    np.repeat(np.arange(3), (3, 3, 3)),
    np.tile(np.arange(7), 30)[:-4],
]
FRACTIONS = (0.0, 0.05, 0.1, 1 / 6, 1 / 3, 0.5, 0.9)


def changed(*path: str) -> Member:
    """A member that differs in one field; set past all checks, so that every field can differ."""
    member = copy.deepcopy(MEMBER)
    owner = getattr(member, path[0]) if len(path) > 1 else member
    object.__setattr__(owner, path[-1], "other")
    return member


def test_the_id_changes_with_every_field():
    parts = ("model", "train", "seeds")
    paths = [(p, f.name) for p in parts for f in dataclasses.fields(getattr(MEMBER, p))]
    paths += [(f.name,) for f in dataclasses.fields(MEMBER) if f.name not in (*parts, "counts")]
    ids = {changed(*path).id for path in paths}
    assert len(ids | {MEMBER.id}) == len(paths) + 1


def test_fields_that_came_later_leave_ids_as_they_were():
    """The id from before there were fields for columns: old results are found by it."""
    assert MEMBER.id == "1763b74ab19687c4"


def test_the_id_changes_with_nothing_else():
    same = Member(
        data_sha256="0" * 64,
        validation_fraction=0.2,
        seeds=Seeds(split=3, noise=3, order=3, init=3),
        train=TrainConfig.from_toml(MEMBER.train.to_toml()),
        model=MLPConfig.from_json(MEMBER.model.to_json()),
    )
    assert same.id == MEMBER.id


def test_equal_configs_give_one_id_whether_their_numbers_are_whole_or_not():
    whole = dataclasses.replace(
        MEMBER, model=MLPConfig(dropout=0, l2=0), train=TrainConfig(optimizer="sgd", momentum=0)
    )
    assert whole == MEMBER
    assert whole.id == MEMBER.id


def test_ids_are_those_of_the_first_release():
    """Else its run folders would train again what they hold: fields that came later change none."""
    assert MEMBER.id == "1763b74ab19687c4"
    more = dataclasses.replace(
        MEMBER,
        model=MLPConfig(hidden_units=(512, 256), dropout=0.2, max_norm=3.0),
        train=TrainConfig(class_weight={0: 1.0, 1: 2.0}, reduce_on_plateau={"factor": 0.5}),
        num_train=100,
        sample=Sample(kind="splits", index=1, of=5, seed=0),
    )
    assert more.id == "00d0cb31c653d9ab"


def test_an_id_is_16_hexadecimal_digits():
    assert re.fullmatch("[0-9a-f]{16}", MEMBER.id)


@pytest.mark.parametrize(("labels", "fraction"), list(itertools.product(LABELS, FRACTIONS)))
def test_a_split_is_exact_complete_disjoint_and_stratified(labels, fraction):
    kept, held_out = stratified_split(labels, fraction, np.random.default_rng(0))
    assert len(held_out) == round(fraction * len(labels))
    assert kept.dtype == held_out.dtype == np.int32
    np.testing.assert_array_equal(np.sort(np.concatenate([kept, held_out])), np.arange(len(labels)))
    for rows in (kept, held_out):
        np.testing.assert_array_equal(rows, np.sort(rows))
    shares = fraction * np.bincount(labels)
    found = np.bincount(labels[held_out], minlength=len(shares))
    assert (np.abs(found - shares) < 1).all()


def test_a_split_of_equal_classes_is_exactly_equal():
    _, held_out = stratified_split(LABELS[0], 0.1, np.random.default_rng(0))
    assert np.bincount(LABELS[0][held_out]).tolist() == [5] * 10


def test_the_largest_remainders_give_one_row_more():
    """Shares 1.1, 1.9, 2.6 and 0.4 of 6 rows: whole parts 1, 1, 2, 0, then .9 and .6."""
    labels = np.repeat(np.arange(4), (11, 19, 26, 4))
    _, held_out = stratified_split(labels, 0.1, np.random.default_rng(0))
    assert np.bincount(labels[held_out], minlength=4).tolist() == [1, 2, 3, 0]


def test_a_fraction_of_zero_keeps_every_row():
    kept, held_out = stratified_split(LABELS[1], 0.0, np.random.default_rng(0))
    np.testing.assert_array_equal(kept, np.arange(len(LABELS[1])))
    assert held_out.shape == (0,)


def test_every_row_is_held_out_as_often_as_any_other():
    """200 splits of a class of 50, a tenth each: 20 times a row, give or take chance."""
    counts = np.zeros(500)
    for seed in range(200):
        _, held_out = stratified_split(LABELS[0], 0.1, np.random.default_rng(seed))
        counts[held_out] += 1
    assert counts.mean() == 20
    assert np.sqrt(((counts - 20) ** 2).mean()) == pytest.approx(np.sqrt(200 * 0.1 * 0.9), rel=0.1)


def test_a_members_split_depends_on_its_split_seed_alone():
    kept, held_out = MEMBER.split(LABELS[0])
    same = dataclasses.replace(
        MEMBER,
        model=MLPConfig(dropout=0.5),
        seeds=Seeds(init=9, order=9, noise=9, split=3),
    )
    np.testing.assert_array_equal(same.split(LABELS[0])[0], kept)
    np.testing.assert_array_equal(same.split(LABELS[0])[1], held_out)
    other = dataclasses.replace(MEMBER, seeds=Seeds(init=3, order=3, noise=3, split=4))
    assert not np.array_equal(other.split(LABELS[0])[1], held_out)


def test_an_epochs_order_is_a_permutation_of_the_rows():
    rows = np.arange(5, 105, 2)
    order = MEMBER.epoch_order(rows, 0)
    np.testing.assert_array_equal(np.sort(order), rows)
    np.testing.assert_array_equal(order, MEMBER.epoch_order(rows, 0))


def test_orders_differ_by_epoch_and_by_seed():
    rows = np.arange(50)
    members = [
        dataclasses.replace(MEMBER, seeds=Seeds(init=3, order=order, noise=3, split=3))
        for order in range(4)
    ]
    orders = [tuple(m.epoch_order(rows, epoch)) for m in members for epoch in range(5)]
    assert len(set(orders)) == 20


def test_an_order_depends_on_its_own_seed_alone():
    rows = np.arange(50)
    other = dataclasses.replace(MEMBER, seeds=Seeds(init=8, order=3, noise=8, split=8))
    np.testing.assert_array_equal(other.epoch_order(rows, 2), MEMBER.epoch_order(rows, 2))


def test_words_differ_by_seed_stream_and_place():
    places = [(), (0,), (1,), (0, 0), (0, 1), (1, 0)]
    keys = list(itertools.product((0, 1, 2, 2**40), STREAMS, places))
    words = {tuple(seed_words(seed, stream, *place)) for seed, stream, place in keys}
    assert len(words) == len(keys)


def test_words_of_a_key_are_always_the_same():
    words = seed_words(5, "noise", 1, 2, count=4)
    assert (words.dtype, words.shape) == (np.uint32, (4,))
    np.testing.assert_array_equal(words, seed_words(5, "noise", 1, 2, count=4))
    assert len(set(words.tolist())) == 4


@pytest.mark.parametrize(("a", "b"), list(itertools.combinations(STREAMS, 2)))
def test_streams_of_one_seed_are_uncorrelated(a, b):
    x, y = (generator(0, stream).normal(size=10_000) for stream in (a, b))
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.04


def test_neighbouring_seeds_and_places_are_uncorrelated():
    draws = [generator(s, "noise", p).normal(size=10_000) for s in (0, 1) for p in (0, 1)]
    correlations = np.corrcoef(draws)[np.triu_indices(4, 1)]
    assert np.abs(correlations).max() < 0.04


def test_one_number_seeds_every_stream():
    assert Seeds.all(7) == Seeds(init=7, order=7, noise=7, split=7)


def test_an_unknown_stream_is_an_error():
    with pytest.raises(ValueError, match="not in tuple"):
        seed_words(0, "weather")
