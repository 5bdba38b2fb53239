"""An objective in KerasTuner's own type is taken for what it says."""

from types import SimpleNamespace

import pytest

from kmlp.data import DataSpec
from kmlp.errors import ConfigError
from tuning.space.config import SearchConfig


def searched(objective):
    return SearchConfig(dataset="mnist", objective=objective)


def test_its_name_is_the_metrics():
    given = SimpleNamespace(name="val_accuracy", direction="max")
    assert searched(given) == searched("val_accuracy")


def test_another_direction_and_other_types_are_refused():
    with pytest.raises(ConfigError, match="the direction of val_accuracy is max"):
        searched(SimpleNamespace(name="val_accuracy", direction="min"))
    with pytest.raises(ConfigError, match="objective must be the name of a validation metric"):
        searched(["val_accuracy"])


def test_a_metric_that_is_not_known_is_guessed():
    spec = DataSpec(
        task="binary",
        input_shape=(2,),
        input_dtype="float32",
        num_classes=2,
        class_names=("a", "b"),
    )
    with pytest.raises(ConfigError, match=r"Received: 'accuracy'\. Did you mean 'val_accuracy'\?"):
        searched("accuracy").for_data(spec)
