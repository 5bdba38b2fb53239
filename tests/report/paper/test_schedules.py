"""What changes over the steps is told with its formula, and what stays is not."""

import pytest

from kmlp.report.paper.document import Formula
from kmlp.report.paper.schedules import schedules


def told(train: dict) -> str:
    """The paragraph, with its formulas as Typst writes them; empty where there is none."""
    return "".join(
        part.typst if isinstance(part, Formula) else part
        for block in schedules(train)
        for part in block.parts
    )


def test_what_stays_is_not_told():
    assert told({"learning_rate_schedule": "constant", "momentum": 0.9}) == ""


@pytest.mark.parametrize(
    ("kind", "factor"),
    [
        (
            "inverse",
            "multiplied by 1 \\/ (1 + 3 s), where s is the part of all steps that is done.",
        ),
        ("exponential", "multiplied by 0.25^s, where s is the part"),
        (
            "cosine_restarts",
            "half a cosine from 1 to 0, three times, each twice as long as the one",
        ),
    ],
)
def test_a_schedule_is_told_by_its_formula(kind, factor):
    said = told({"learning_rate_schedule": kind, "decay_rate": 0.25})
    assert said.startswith("In each step the rate is multiplied by ")
    assert factor in said


def test_a_momentum_that_rises_is_told_with_both_ends():
    said = told({"momentum": 0.95, "momentum_warm_up": 0.1, "initial_momentum": 0.5})
    assert said == ("The momentum rises evenly from 0.5 to 0.95 in the first 10 % of all steps. ")
