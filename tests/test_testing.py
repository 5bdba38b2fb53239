"""The trainer that tests do with behaves as the engine does, in all that is told of it."""

import numpy as np
import pytest

from kmlp.config import MLPConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.member import Member, Seeds
from kmlp.metrics import classification_metrics, regression_metrics
from kmlp.rows import Sample
from kmlp.testing import LinearTrainer
from kmlp.trainer import MemberResult


def members(data: Dataset, count: int = 3, **train) -> list[Member]:
    """Each with its own seed and learning rate; those that wait longer stop later."""
    return [
        Member(
            model=MLPConfig(dropout=0.1 * seed),
            train=TrainConfig(
                **{"max_epochs": 8, "learning_rate": 0.02 * (seed + 1), "patience": seed, **train}
            ),
            seeds=Seeds.all(seed),
            validation_fraction=0.2,
            data_sha256=data.provenance.sha256,
        )
        for seed in range(count)
    ]


def trained(stacks, data: Dataset, **options) -> list[MemberResult]:
    results: list[MemberResult] = []
    LinearTrainer().train_members(stacks, data, on_result=results.extend, **options)
    return results


def assert_same(left: list[MemberResult], right: list[MemberResult]) -> None:
    for a, b in zip(left, right, strict=True):
        assert (a.member, a.best_epoch, a.stopped_epoch) == (
            b.member,
            b.best_epoch,
            b.stopped_epoch,
        )
        assert (a.status, a.metrics) == (b.status, b.metrics)
        np.testing.assert_array_equal(a.predictions, b.predictions)
        for name in a.curves:
            np.testing.assert_array_equal(a.curves[name], b.curves[name])


def test_a_member_comes_to_the_same_alone_and_in_any_stack(tiny):
    own = members(tiny)
    together = trained([own], tiny)
    assert len({r.stopped_epoch for r in together}) > 1
    assert_same(together, trained([[m] for m in own], tiny))


@pytest.mark.parametrize("after", [1, 3, 7])
def test_resumed_it_ends_as_if_uninterrupted(tiny, tmp_path, after):
    own, whole = members(tiny), trained([members(tiny)], tiny)
    seen = []

    def checkpoints(stack):
        return LinearTrainer().checkpoints(tmp_path, 0)

    trained([own], tiny, checkpoints=checkpoints, until=after)
    again = trained(
        [own], tiny, checkpoints=checkpoints, on_epoch=lambda m, e, logs: seen.append(e)
    )
    assert_same(again, whole)
    assert min(seen, default=after + 1) == after + 1


def test_it_learns_and_its_scores_are_those_of_its_predictions(tiny):
    (result,) = trained([members(tiny, 1)], tiny)
    assert result.metrics["val"]["accuracy"] > 0.6
    assert result.metrics["test"] == classification_metrics(tiny.y_test, result.predictions)
    assert result.curves["loss"][0] > result.curves["loss"][-1]


def test_a_regression_is_told_in_the_targets_unit(tiny):
    y_train, y_test = (40 + 7 * x[:, 0] for x in (tiny.x_train, tiny.x_test))
    data = Dataset.from_arrays(tiny.x_train, y_train, tiny.x_test, y_test)
    # A squared error takes smaller steps than a cross-entropy.
    (result,) = trained([members(data, 1, learning_rate=0.005)], data)
    assert result.metrics["test"] == regression_metrics(data.y_test, result.predictions)
    assert result.metrics["test"]["r2"] > 0.5


def test_a_fold_is_scored_on_what_it_holds_out(tiny):
    (member,) = members(tiny, 1)
    fold = Sample(kind="folds", index=1, of=4, seed=0)
    (result,) = trained([[Member(**{**vars(member), "sample": fold})]], tiny)
    assert set(result.metrics) == {"train", "val", "fold"}
    truth = tiny.y_train[result.fold]
    assert result.metrics["fold"] == classification_metrics(truth, result.predictions)


def test_an_absurd_learning_rate_diverges(tiny):
    (result,) = trained([members(tiny, 1, learning_rate=1e9)], tiny)
    assert (result.status, result.stopped_epoch) == ("diverged", 1)
    assert np.isnan(result.predictions).all()
