"""What is said before networks train: seeds that are too few to show anything."""

import pytest

from kmlp.cli.training import seeds_needed
from kmlp.config import StudyConfig


@pytest.mark.parametrize(
    ("variants", "references", "needed"),
    [
        (("none",), "none", 0),
        (("none", "l2"), "none", 6),
        (("none",), ("constant", "linear", "random_forest", "boosted_trees"), 8),
        (("none", "l2"), ("constant", "linear", "random_forest", "boosted_trees"), 8),
    ],
)
def test_seeds_show_something_of_what_is_compared_most(variants, references, needed):
    """Each family is corrected for its own comparisons: 4 * 2^(1 - 8) is below 0.05, of 7 not."""
    asked = StudyConfig(dataset="wine", variants=variants, references=references)
    assert seeds_needed(asked) == needed
