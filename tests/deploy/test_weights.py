"""Scores of a model by the weights of rows: those of the column that training went by."""

from types import SimpleNamespace

import numpy as np
import pytest

from kmlp.data.tables import as_table
from kmlp.deploy.scoring import scores_of
from kmlp.deploy.table_evaluation import _Weights
from kmlp.errors import DataError

RNG = np.random.default_rng(0)
LABELS, WEIGHTS = RNG.integers(0, 3, 60), RNG.integers(1, 4, 60)
PROBABILITIES = RNG.dirichlet(np.ones(3), 60)
MODEL = SimpleNamespace(class_names=("a", "b", "c"))


def model_by(column: str) -> SimpleNamespace:
    return SimpleNamespace(schema=SimpleNamespace(weight_on=column))


@pytest.mark.long
@pytest.mark.parametrize("name", ["probabilities", "prediction"])
def test_a_weight_of_two_is_the_row_twice(name):
    truth = LABELS if name == "probabilities" else LABELS + 1.0
    said = PROBABILITIES if name == "probabilities" else PROBABILITIES[:, 0]
    found = scores_of(MODEL, {name: said}, truth, WEIGHTS.astype(float))
    twice = scores_of(MODEL, {name: np.repeat(said, WEIGHTS, axis=0)}, np.repeat(truth, WEIGHTS))
    metrics = [metric for metric, value in found.items() if isinstance(value, dict)]
    assert len(metrics) > 3
    for metric in metrics:
        assert found[metric]["value"] == pytest.approx(twice[metric]["value"], rel=1e-9)
        assert found[metric]["interval"] == "bootstrap", "others count rows"
    assert found["num_rows"] == 60


@pytest.mark.long
def test_without_weights_intervals_are_what_they_were():
    found = scores_of(MODEL, {"probabilities": PROBABILITIES}, LABELS)
    assert (found["accuracy"]["interval"], found["cross_entropy"]["interval"]) == ("Wilson", "t")


def test_weights_of_a_file_are_read_batch_by_batch():
    weights = _Weights(model_by("w"))
    for part in ([1, 2], [3]):
        weights.read(as_table({"w": part, "a": part}))
    assert weights.together.tolist() == [1, 2, 3]
    assert weights.told == []
    with pytest.raises(DataError, match="is no weight; a weight is 0 or more"):
        weights.read(as_table({"w": [1, -2]}))


def test_a_file_without_the_column_is_scored_row_by_row_and_that_is_told():
    weights = _Weights(model_by("w"))
    weights.read(as_table({"a": [1, 2]}))
    assert weights.together is None
    assert weights.told == ["no column 'w', by which rows counted in training: all count alike"]
    assert _Weights(model_by("")).together is None
