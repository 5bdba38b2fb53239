"""What a converted network gives is told apart from what it should."""

import numpy as np
import pytest

from kmlp.deploy.formats.holding import differing, hold
from kmlp.errors import KmlpError
from tests.deploy.formats.made_graphs import IMAGES, member

WANTED = {"probabilities": np.array([[0.25, 0.75], [0.5, 0.5]]), "label": np.array([1, 0])}


def test_the_same_is_the_same_to_rounding():
    assert differing(WANTED, WANTED) == ""
    assert differing(WANTED, {**WANTED, "probabilities": WANTED["probabilities"] + 1e-6}) == ""


def test_rounding_may_decide_of_a_few_labels_and_of_no_more():
    labels = np.zeros(1000, int)
    few, many = labels.copy(), labels.copy()
    few[:5], many[:6] = 1, 1
    assert differing({"label": labels}, {"label": few}) == ""
    assert differing({"label": labels}, {"label": many}) == "label"


@pytest.mark.parametrize("change", [1e-4, np.nan])
def test_what_is_not_the_same_is_named(change):
    other = {**WANTED, "probabilities": WANTED["probabilities"] + change}
    assert differing(WANTED, other) == "probabilities"


def test_what_is_lacking_or_of_another_shape_is_named():
    assert differing(WANTED, {"label": WANTED["label"]}) == "probabilities"
    assert differing(WANTED, {**WANTED, "label": np.array([1])}) == "label"


def test_large_numbers_are_held_to_their_own_size():
    wanted = {"prediction": np.array([2e6, 0.5])}
    assert differing(wanted, {"prediction": np.array([2e6 + 10, 0.5])}) == ""
    assert differing(wanted, {"prediction": np.array([2e6 + 30, 0.5])}) == "prediction"


@pytest.mark.engine
@pytest.mark.long
def test_a_network_that_gives_something_else_is_refused():
    def run(rows):
        return {name: value.numpy() + 1 for name, value in graph.predict(rows).items()}

    graph = member(IMAGES)
    with pytest.raises(KmlpError, match="for ONNX the network gives other probabilities than"):
        hold("ONNX", graph, IMAGES, run)
