"""What the oracles draw follows from the seed and from what has ended, and from nothing else."""

import gc
import math
import weakref
from collections import Counter

import pytest

from kmlp.data import DataSpec
from tuning.search.oracles import BayesianOracle, GridOracle, HyperbandOracle, RandomOracle
from tuning.space.space import make_space

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
SPEC = DataSpec(
    task="multiclass",
    input_shape=(4,),
    input_dtype="float32",
    num_classes=3,
    class_names=("a", "b", "c"),
)
SPACE = make_space(
    SPEC, ["none", "optimizer", "learning_rate", "sgd_learning_rate", "momentum", "dropout"]
)
SMALL = make_space(SPEC, ["none", "dropout=0,0.2", "num_layers", "units_3=8,16"], ["units_1=4"])


def score(values) -> float:
    rate = values.get("learning_rate", values.get("sgd_learning_rate"))
    return 0.9 - 0.05 * abs(math.log10(rate) + 3) - abs(values["dropout"] - 0.2)


def search(oracle, count, batch=1, *, past=(), score=score):
    """Draws in batches and tells the scores; what `past` holds is replayed."""
    drawn: list[dict] = []
    while len(drawn) < count:
        new: list[dict] = []
        while len(new) < min(batch, count - len(drawn)):
            number = len(drawn) + len(new)
            values = oracle.draw(number, past[number] if number < len(past) else None)
            if values is None:
                break
            new.append(values)
        if not new:
            break
        for i, values in enumerate(new):
            oracle.tell(len(drawn) + i, score(values))
        drawn += new
    return drawn


def make(kind, seed=0, space=SPACE, **options):
    return kind(space, "val_accuracy", "max", seed, **options)


def test_seed_0_is_a_seed_like_any_other():
    """KerasTuner takes it for none and draws one at random."""
    first, again, other = (search(make(RandomOracle, seed), 4) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_random_trials_do_not_depend_on_how_many_are_drawn_at_once():
    assert search(make(RandomOracle), 6, 1) == search(make(RandomOracle), 6, 6)


def test_no_trial_is_drawn_twice_and_an_exhausted_space_ends_the_search():
    for kind in (RandomOracle, BayesianOracle):
        drawn = search(make(kind, space=SMALL), 50, score=lambda values: 1.0)
        assert len(drawn) == len({str(d) for d in drawn}) <= 8
        assert len(drawn) >= 6


def test_a_grid_is_complete_in_order_and_needs_no_scores_to_go_on():
    drawn = search(make(GridOracle, space=SMALL), 50, 50, score=lambda values: None)
    assert len(drawn) == 2 * (1 + 1 + 2)
    assert drawn[0] == {"dropout": 0.0, "num_layers": 2}
    assert drawn == search(make(GridOracle, space=SMALL), 50, 1, score=lambda values: 1.0)


@pytest.mark.slow
def test_a_bayesian_search_goes_on_from_its_past_as_if_never_interrupted():
    whole = search(make(BayesianOracle), 11, 2)
    for kept in (3, 8):
        # In whole batches, as the ledger keeps them.
        kept -= kept % 2
        assert search(make(BayesianOracle), 11, 2, past=whole[:kept]) == whole


@pytest.mark.slow
def test_a_bayesian_search_learns():
    drawn = search(make(BayesianOracle), 20)
    assert max(map(score, drawn[10:])) >= max(map(score, drawn[:5]))
    tail, head = drawn[12:], drawn[:5]
    assert sum(map(score, tail)) / len(tail) > sum(map(score, head)) / len(head)


@pytest.mark.parametrize(("direction", "worst"), [("max", -0.5), ("min", 0.9)])
def test_a_bayesian_search_learns_from_failures_as_from_its_worst_trial(direction, worst):
    oracle = BayesianOracle(SPACE, "val_accuracy", direction, 0)
    for number, told in enumerate([0.5, None, 0.9]):
        oracle.draw(number)
        oracle.tell(number, told)
    places, scores = oracle._vectorize_trials()
    assert len(places) == 3
    assert list(scores) == ([-0.5, worst, -0.9] if direction == "max" else [0.5, worst, 0.9])


def test_inactive_parameters_have_no_value():
    for values in search(make(RandomOracle), 12):
        assert ("momentum" in values) == (values["optimizer"] == "sgd")
        assert ("learning_rate" in values) == (values["optimizer"] != "sgd")


def rounds(oracle, count=10**6, score=score):
    drawn = search(oracle, count, 10**6, score=score)
    return drawn, Counter((d["tuner/bracket"], d["tuner/round"], d["tuner/epochs"]) for d in drawn)


def test_hyperband_goes_round_by_round_and_the_best_go_on():
    drawn, sizes = rounds(make(HyperbandOracle, max_trials=10, max_epochs=9))
    assert sizes == {
        (2, 0, 1): 9,
        (2, 1, 3): 3,
        (2, 2, 9): 1,
        (1, 0, 3): 5,
        (1, 1, 9): 2,
        (0, 0, 9): 3,
    }
    second = [d for d in drawn if d["tuner/bracket"] == 2 and d["tuner/round"] == 1]
    parents = sorted(int(d["tuner/trial_id"]) for d in second)
    ranked = sorted(range(9), key=lambda n: -score(drawn[n]))
    assert parents == sorted(ranked[:3])
    own = {k: v for k, v in second[0].items() if not k.startswith("tuner/")}
    first = drawn[int(second[0]["tuner/trial_id"])]
    assert own == {k: v for k, v in first.items() if not k.startswith("tuner/")}


def test_hyperband_spends_the_budget_of_so_many_full_trainings():
    costs = []
    for max_trials in (1, 10, 30):
        drawn, _ = rounds(make(HyperbandOracle, max_trials=max_trials, max_epochs=9))
        costs.append(sum(d["tuner/epochs"] - d["tuner/initial_epoch"] for d in drawn) / 9)
    # One bracket at least; then as many as fit.
    assert costs[0] == pytest.approx((9 + 3 * 2 + 6) / 9)
    assert 8 < costs[1] <= 10
    assert 25 < costs[2] <= 30


def test_hyperband_with_a_larger_budget_begins_alike():
    short, _ = rounds(make(HyperbandOracle, max_trials=5, max_epochs=9))
    long, _ = rounds(make(HyperbandOracle, max_trials=20, max_epochs=9))
    assert long[: len(short)] == short


def test_failed_trials_do_not_end_a_search():
    """KerasTuner gives up after three in a row."""
    assert len(search(make(RandomOracle), 9, score=lambda values: None)) == 9


def test_failed_trials_rank_last_in_hyperbands_rounds_which_fill_all_the_same():
    def some_fail(values):
        return None if values["dropout"] > 0.2 else score(values)

    options = {"max_trials": 10, "max_epochs": 9}
    drawn, sizes = rounds(make(HyperbandOracle, **options), score=some_fail)
    assert sizes == rounds(make(HyperbandOracle, **options))[1]
    first, second = ([d for d in drawn[:12] if d["tuner/round"] == r] for r in (0, 1))
    good = [n for n, d in enumerate(first) if some_fail(d) is not None]
    assert 3 <= len(good) < 9
    assert {int(d["tuner/trial_id"]) for d in second} <= set(good)
    assert rounds(make(HyperbandOracle, **options), score=lambda values: None)[1] == sizes


def test_hyperband_over_few_points_goes_on_with_those_there_are():
    points = make_space(SPEC, ["none", "dropout=0,0.1,0.2,0.3"])

    def high_is_good(values):
        return values["dropout"]

    options = {"space": points, "max_trials": 10, "max_epochs": 9}
    drawn, sizes = rounds(make(HyperbandOracle, **options), score=high_is_good)
    assert sizes == {(2, 0, 1): 4, (2, 1, 3): 2, (2, 2, 9): 1}
    assert drawn[-1]["dropout"] == 0.3
    # Replayed, without the draws that found nothing.
    again = make(HyperbandOracle, **options)
    for numbers in (range(4), range(4, 6), range(6, 7)):
        assert [again.draw(n) for n in numbers] == [drawn[n] for n in numbers]
        for n in numbers:
            again.tell(n, high_is_good(drawn[n]))
    assert again.draw(7) is None


def test_nothing_is_kept_of_an_oracle_that_is_let_go():
    """KerasTuner's locks would, of every search of the process."""
    oracle = make(RandomOracle)
    search(oracle, 3)
    oracle.let_go()
    gone = weakref.ref(oracle)
    del oracle
    gc.collect()
    assert gone() is None


def test_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    search(make(RandomOracle), 3)
    assert list(tmp_path.iterdir()) == []
