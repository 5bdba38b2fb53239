"""What shuffling a column takes from a score: what is not used costs nothing, groups go as one."""

import numpy as np
import pytest

from kmlp.data import Dataset
from kmlp.errors import ConfigError
from kmlp.study.importance.columns import places_by_column, told_alike
from kmlp.study.importance.shuffling import NUM_SHUFFLES, scored_rows, shuffled_scores

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3)).astype(np.float32)
X[:, 1] = X[:, 0]
COLUMNS = {"a": [0], "b": [1], "idle": [2]}
TRUTH = X[:, 0]


def scores(columns, *, used=(1.0, 0.0, 0.0), seeds=(3, 4), at_once=1000, sizes=None):
    """Of models that say the same weighted sum for each seed."""

    def predict(x: np.ndarray) -> np.ndarray:
        if sizes is not None:
            sizes.append(x.shape[1])
        return x @ np.array(used)

    def error(place: int, outputs: np.ndarray) -> float:
        return float(np.abs(outputs - TRUTH).mean())

    draws = [(seed,) for seed in seeds]
    return shuffled_scores([X] * len(seeds), columns, draws, predict, error, rows_at_once=at_once)


def test_only_what_is_used_costs_anything():
    found = scores(COLUMNS)
    np.testing.assert_allclose(found.whole, 0.0)
    np.testing.assert_allclose(found.shuffled[:, 1:], 0.0)
    assert (found.shuffled[:, 0] > 0.5).all()
    assert found.shuffled.shape == (2, 3, NUM_SHUFFLES)


def test_a_score_is_that_of_the_rows_with_the_column_of_other_rows():
    """Each seed shuffles in a way of its own; what it scores is a permutation of the column."""
    found = scores({"a": [0]}, seeds=(3, 4, 3)).shuffled
    np.testing.assert_array_equal(found[0], found[2])
    assert not np.isin(found[0], found[1]).any()
    assert len(np.unique(found[0])) == NUM_SHUFFLES


def test_columns_of_a_group_take_the_same_rows():
    together = scores({"both": [0, 1]}, used=(1.0, -1.0, 0.0)).shuffled
    np.testing.assert_allclose(together, np.abs(TRUTH).mean(), rtol=1e-6)  # a - b stays 0
    alone = scores({"a": [0]}, used=(1.0, -1.0, 0.0)).shuffled
    assert (alone > np.abs(TRUTH).mean()).all()


def test_it_does_not_matter_how_many_are_predicted_at_once():
    sizes: list[int] = []
    few, many = scores(COLUMNS, at_once=120, sizes=sizes), scores(COLUMNS)
    np.testing.assert_array_equal(few.shuffled, many.shuffled)
    assert max(sizes) == 100  # two of fifty rows


def test_networks_of_folds_are_asked_on_rows_of_their_own():
    """Each scores as it does alone, though its fold is shorter than another's."""
    folds, draws = [X[:20], X[20:41]], [(3, 0), (3, 1)]

    def asked(places: list[int]) -> np.ndarray:
        def error(place: int, outputs: np.ndarray) -> float:
            fold = folds[places[place]]
            assert len(outputs) == len(fold)
            return float(np.abs(outputs - 2 * fold[:, 0]).mean())

        return shuffled_scores(
            [folds[place] for place in places],
            {"a": [0]},
            [draws[place] for place in places],
            lambda x: x[..., 0],
            error,
            rows_at_once=100,
        )

    both, first, second = asked([0, 1]), asked([0]), asked([1])
    np.testing.assert_array_equal(both.shuffled, np.concatenate([first.shuffled, second.shuffled]))
    np.testing.assert_allclose(both.whole, [np.abs(fold[:, 0]).mean() for fold in folds])


def test_a_fold_is_shuffled_over_its_own_rows_and_otherwise_than_the_next():
    """Summed over the rows a shuffled column is what it was."""
    folds = [X[:20], X[20:41]]
    sums = shuffled_scores(
        folds,
        {"a": [0]},
        [(3, 0), (3, 1)],
        lambda x: x[..., 0],
        lambda _, own: own.sum(),
        rows_at_once=9,
    )
    np.testing.assert_allclose(
        sums.shuffled[:, 0], sums.whole[:, None].repeat(NUM_SHUFFLES, 1), rtol=1e-5
    )
    same = [X[:20], X[:20]]
    firsts = shuffled_scores(
        same,
        {"a": [0]},
        [(3, 0), (3, 1)],
        lambda x: x[..., 0],
        lambda _, own: own[0],
        rows_at_once=9,
    )
    assert (firsts.shuffled[0] != firsts.shuffled[1]).any()


@pytest.mark.parametrize(
    ("rows", "columns", "expected"), [(80, 3, 80), (10**6, 3, 5_000), (10**6, 25, 2_000)]
)
def test_of_many_rows_and_columns_fewer_are_scored(rows, columns, expected):
    found = scored_rows(rows, columns)
    assert len(np.unique(found)) == expected
    assert found.max() < rows


def table() -> Dataset:
    n = 90
    when = np.datetime64("2024-01-01T05") + np.arange(n) * np.timedelta64(53, "h")
    length = RNG.normal(size=n)
    frame = {
        "when": when,
        "length": length,
        "width": length + 0.01 * RNG.normal(size=n),
        "age": RNG.normal(size=n),
        "colour": RNG.choice(["red", "green", "blue"], n),
        "y": np.where(RNG.random(n) < 0.5, "yes", "no"),
    }
    return Dataset.from_table(frame, target="y", test=0.3)


def test_all_that_a_column_became_is_one():
    spec = table().spec
    found = places_by_column(spec, {})
    assert list(found) == ["when", "length", "width", "age", "colour"]
    assert len(found["when"]) > 2  # days elapsed, month, weekday, ...
    assert sorted(place for places in found.values() for place in places) == list(
        range(len(spec.columns))
    )


def test_a_group_stands_for_its_columns():
    found = places_by_column(table().spec, {"size": ["length", "width"]})
    alone = places_by_column(table().spec, {})
    assert list(found) == ["when", "size", "age", "colour"]
    assert found["size"] == alone["length"] + alone["width"]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"size": ["lenght"]}, r"Received: 'lenght'\. Did you mean 'length'\?"),
        ({"age": ["length", "width"]}, "a group needs a name of its own. Received: 'age'"),
    ],
)
def test_groups_of_other_columns_are_refused(groups, message):
    with pytest.raises(ConfigError, match=message):
        places_by_column(table().spec, groups)


def test_columns_that_rise_and_fall_together_are_told():
    data = table()
    x = data.x_test.copy()
    x[0, 4:] = np.nan
    assert told_alike(x, places_by_column(data.spec, {}), data.spec) == [["length", "width"]]
