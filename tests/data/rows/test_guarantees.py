"""What scikit-learn's splitters promise of groups, strata and time holds of every draw, on 200
random tables: sizes, shares, groups and moments of all kinds."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, TimeSeriesSplit

import kmlp
from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.seeds import Seeds
from kmlp.data.rows.grouping import deal_groups
from kmlp.data.rows.holding_out import are_last, evened, hold_out
from kmlp.data.rows.record import Rows
from kmlp.data.sampling import Sample
from kmlp.engine.member import Member, counted, splits_of

TABLES = range(200)


def known_rows(seed: int, **more: np.ndarray) -> Rows:
    """20 to 400 rows of 1 to 5 classes, in 6 to 60 groups, some of them much larger than others."""
    rng = np.random.default_rng(seed)
    number, num_groups = int(rng.integers(60, 400)), int(rng.integers(6, 60))
    shares = rng.dirichlet(np.full(num_groups, rng.choice([0.5, 2.0, 50.0])))
    groups = np.concatenate([np.arange(num_groups), rng.choice(num_groups, number, p=shares)])
    strata = rng.integers(0, rng.integers(1, 6), len(groups))
    return Rows(strata=strata, groups=rng.permutation(groups), **more)


def member(seed: int, sample: Sample | None = None, fraction: float = 0.2) -> Member:
    return Member(
        model=MLPConfig(),
        train=TrainConfig(),
        seeds=Seeds.all(seed),
        validation_fraction=fraction,
        data_sha256="0" * 64,
        sample=sample,
    )


def groups_of(known: Rows, rows: np.ndarray) -> set[int]:
    assert known.groups is not None
    return set(known.groups[rows].tolist())


@pytest.mark.long
def test_no_group_is_on_both_sides_of_anything():
    """Of validation, of each fold, and of each part; complete, and nothing is empty."""
    for seed in TABLES:
        known, of = known_rows(seed), 2 + seed % 5
        train, val = member(seed).split(known)
        assert len(train)
        assert len(val)
        assert not groups_of(known, train) & groups_of(known, val)
        assert len(train) + len(val) > 0.98 * len(known), "a cut of less than 1 % of each"
        held_out = []
        for index in range(of):
            one = member(seed, Sample(kind="folds", index=index, of=of, seed=seed))
            (kept, validation), fold = one.split(known), one.fold(known)
            sides = [groups_of(known, rows) for rows in (kept, validation, fold)]
            assert all(sides)
            assert sum(map(len, sides)) == len(set.union(*sides))
            held_out.append(fold)
        np.testing.assert_array_equal(np.sort(np.concatenate(held_out)), np.arange(len(known)))


@pytest.mark.long
def test_folds_of_groups_are_as_even_as_scikit_learns():
    """Sizes by `GroupKFold`, which looks at nothing else; strata by `StratifiedGroupKFold`."""
    for seed in TABLES:
        known, of = known_rows(seed), 2 + seed % 4
        rows = np.arange(len(known))
        own = deal_groups(rows, known, of, np.random.default_rng(seed))
        by_size = [test for _, test in GroupKFold(of).split(rows, groups=known.groups)]
        largest = np.bincount(known.groups).max()
        assert max(map(len, own)) - min(map(len, own)) <= max(
            largest, max(map(len, by_size)) - min(map(len, by_size))
        )
        theirs = StratifiedGroupKFold(of, shuffle=True, random_state=seed)
        strata = known.strata
        if np.bincount(strata).max() < of:
            continue
        by_strata = [test for _, test in theirs.split(rows, strata, known.groups)]
        assert unevenness(strata, own) <= unevenness(strata, by_strata) + 0.05


def unevenness(strata: np.ndarray, folds: list[np.ndarray]) -> float:
    """The mean distance of a class's share of its rows in a fold to an even one."""
    counts = np.array([np.bincount(strata[fold], minlength=strata.max() + 1) for fold in folds])
    present = counts.sum(axis=0) > 0
    return float(
        np.abs(counts[:, present] / counts[:, present].sum(axis=0) - 1 / len(folds)).mean()
    )


@pytest.mark.long
def test_what_is_held_out_is_near_its_share_where_groups_are_small():
    for seed in TABLES:
        rng = np.random.default_rng(seed)
        groups = rng.integers(0, 100, 1000)
        known = Rows(strata=rng.integers(0, 3, 1000), groups=groups)
        share = float(rng.choice([0.1, 1 / 6, 0.25, 0.5]))
        kept, held_out = hold_out(np.arange(1000), known, share, rng)
        assert abs(len(held_out) - 1000 * share) <= np.bincount(groups).max()
        for stratum in range(3):
            found = np.mean(known.strata[held_out] == stratum) - np.mean(known.strata == stratum)
            assert abs(found) < 0.06
        assert len(kept) + len(held_out) == 1000


def test_nothing_that_is_learned_from_is_later_than_what_is_scored():
    """As of `TimeSeriesSplit`, and without its ties: rows of one moment stay together."""
    for seed in TABLES:
        rng = np.random.default_rng(seed)
        number = int(rng.integers(20, 300))
        time = rng.integers(0, rng.integers(2, 100), number).astype(float)
        time[:2] = -1, 100
        known = Rows(strata=np.zeros(number, int), time=time)
        for train, val in (
            member(seed).split(known),
            member(seed, fraction=0.5).split(known),
            (np.flatnonzero(~are_last(time, 0.3)), np.flatnonzero(are_last(time, 0.3))),
        ):
            assert time[train].max() < time[val].min()
            assert len(train) + len(val) == number
        order = np.argsort(time, kind="stable")
        for train, test in TimeSeriesSplit(3).split(order):
            assert time[order[train]].max() <= time[order[test]].min()
        distinct = Rows(strata=np.zeros(number, int), time=rng.permutation(number))
        assert len(member(seed).split(distinct)[1]) == pytest.approx(0.2 * number, abs=0.51)


def test_seeds_draw_other_groups_and_one_seed_the_same():
    known = known_rows(3)
    drawn = {member(seed).split(known)[1].tobytes() for seed in range(10)}
    assert len(drawn) > 5
    assert member(0).split(known)[1].tobytes() == member(0).split(known)[1].tobytes()


def test_a_bootstrap_draws_whole_groups_as_many_rows_as_there_are():
    known = Rows(strata=np.zeros(300, int), groups=np.repeat(np.arange(60), 5))
    for index in range(50):
        sample = Sample(kind="bootstrap", index=index, seed=0)
        train, val = member(0, sample).split(known)
        assert len(train) == len(evened(np.arange(240), np.random.default_rng(0)))
        assert not groups_of(known, train) & groups_of(known, val)
        counts = np.bincount(train, minlength=300).reshape(60, 5)
        cut = (counts.min(axis=1) != counts.max(axis=1)).sum()
        assert cut <= 4, "only what is cut to an even count is less than a whole group"


def test_disjoint_parts_share_no_group():
    known = known_rows(7)
    parts = [
        member(0, Sample(kind="splits", index=i, of=3, seed=0)).split(known)[0] for i in range(3)
    ]
    held = [groups_of(known, part) for part in parts]
    assert all(held)
    assert sum(map(len, held)) == len(set.union(*held))


def test_given_folds_are_the_folds_and_given_validation_is_in_none_of_them():
    rng = np.random.default_rng(0)
    known = Rows(
        strata=rng.integers(0, 2, 100),
        folds=rng.integers(0, 4, 100),
        is_validation=np.arange(100) >= 80,
    )
    for seed, fold in ((0, 0), (5, 3)):
        one = member(seed, Sample(kind="folds", index=fold, of=4, seed=seed))
        np.testing.assert_array_equal(one.fold(known), np.flatnonzero(known.folds[:80] == fold))
        train, val = one.split(known)
        np.testing.assert_array_equal(val, np.arange(80, 100))
        assert set(train) <= set(np.flatnonzero(known.folds[:80] != fold))


def test_strata_of_another_column_keep_their_shares():
    known = Rows(strata=np.repeat([0, 1], (150, 50)))
    _, val = member(4).split(known)
    assert np.bincount(known.strata[val]).tolist() == [30, 10]


def test_counts_that_are_alike_become_one_and_differ_from_no_company():
    """A member's rows are cut by its own count: within 1 %, and never more."""
    rng = np.random.default_rng(0)
    for number in range(1, 3000):
        cut = len(evened(np.arange(number), rng))
        assert 0.99 * number < cut <= number
    assert len({len(evened(np.arange(n), rng)) for n in range(2000, 2200)}) <= 11


def test_a_member_says_how_many_rows_it_has_and_stays_who_it_is():
    known, plain = known_rows(1), member(1)
    other = dataclasses.replace(plain, train=TrainConfig(learning_rate=0.5))
    mine, theirs = counted([plain, other], known)
    assert mine.counts == theirs.counts == tuple(map(len, plain.split(known)))
    assert mine == plain
    assert mine.id == plain.id != theirs.id


def test_members_that_a_seed_pairs_share_one_draw():
    known, first = known_rows(1), member(1)
    paired = dataclasses.replace(first, train=TrainConfig(learning_rate=0.5))
    others = (
        member(2),
        dataclasses.replace(first, num_train=9),
        dataclasses.replace(first, validation_fraction=0.3),
        dataclasses.replace(first, sample=Sample(kind="splits", index=0, of=2, seed=0)),
    )
    splits = splits_of([first, paired, *others], known)
    assert splits[0] is splits[1]
    assert len({(train.tobytes(), val.tobytes()) for train, val in splits}) == 5
    for one, (train, val) in zip([first, paired, *others], splits, strict=True):
        np.testing.assert_array_equal(train, one.split(known)[0])
        np.testing.assert_array_equal(val, one.split(known)[1])


def test_everybody_parts_rows_by_all_that_is_known_of_them():
    """Targets alone would do as well, until there are groups: then they would leak."""
    root = Path(kmlp.__file__).parents[1]
    sources = [p for package in ("kmlp", "tuning") for p in (root / package).rglob("*.py")]
    assert sources
    by_targets = re.compile(r"\.(split|fold|held_out)\([^)]*y_train")
    assert [p.name for p in sources if by_targets.search(p.read_text())] == []
