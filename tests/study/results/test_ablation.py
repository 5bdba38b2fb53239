"""Of a recipe without each of its parts, sentences tell which part earns its place."""

import pytest

from kmlp.study.results.answer import answer
from kmlp.study.results.verdict import verdict
from tests.made_results import numbers
from tests.study.results.test_verdict import results, variant, versus

WHOLE = variant("realmlp_s", 0.88, strength="", val=0.9)


def without(part: str, difference: float, **told) -> dict:
    """The recipe without a part; its name is all that is said of it."""
    own = {"strength": "", "versus_baseline": versus(difference, **told)}
    return variant(f"without {part}", 0.88 + difference, **own)


CLIP = without("smooth clipping", -0.0061, p_holm=0.004, wins=0, losses=10)
SCALE = without("the learned scale", -0.0031, p_holm=0.006, wins=0, losses=10)
NTK = without("ntk", -0.0001, p_holm=0.4, wins=4, ties=1, losses=5)
SMOOTHING = without("label smoothing", 0.0061, p_holm=0.004, wins=10)


def ablation(*variants: dict) -> dict:
    told = {"baseline": "realmlp_s", "ablated": "realmlp_s", "variants": [WHOLE, *variants]}
    return results() | told


def sentence(*variants: dict, begins: str) -> str:
    found = [s for s in verdict(numbers(ablation(*variants))) if s.startswith(begins)]
    assert len(found) == 1
    return found[0]


def test_a_part_without_which_it_is_worse_earns_its_place():
    """The largest difference first."""
    assert sentence(SCALE, NTK, CLIP, begins="Without smooth clipping") == (
        "Without smooth clipping realmlp_s is worse by 0.61 points (95 % interval 0.53 to 0.69, "
        "Holm p = 0.004, worse on 10 of 10 seeds); so it is without the learned scale, by 0.31 "
        "points (95 % interval 0.23 to 0.39, Holm p = 0.006, worse on 10 of 10 seeds)."
    )
    told = answer(numbers(ablation(SCALE, NTK, CLIP)))
    assert told.kind == "helps"
    assert told.text.startswith(
        "Without smooth clipping realmlp_s is worse by 0.61 points (95 % interval 0.53 to 0.69); "
        "so it is without the learned scale; expect a test accuracy of 88.00 %"
    )


def test_what_makes_no_difference_that_shows_is_said_not_to():
    assert sentence(NTK, begins="Without ntk") == (
        "Without ntk realmlp_s is not shown to be better or worse: -0.01 points (95 % interval "
        "-0.09 to +0.07, Holm p = 0.400, better on 4 of 10 seeds, 1 tied); a difference as small "
        "as this would take more than 500 seeds to show."
    )
    said = verdict(numbers(ablation(NTK, SMOOTHING)))
    assert "No part of realmlp_s is shown to earn its place." in said
    assert answer(numbers(ablation(NTK))).text.startswith(
        "No part of realmlp_s is shown to earn its place; expect"
    )


def test_a_part_without_which_it_is_better_costs():
    assert sentence(SMOOTHING, begins="Without label") == (
        "Without label smoothing realmlp_s is better by 0.61 points (95 % interval 0.53 to 0.69, "
        "Holm p = 0.004, 10 of 10 seeds)."
    )
    best = verdict(numbers(ablation({**SMOOTHING, "val": {"accuracy": {"mean": 0.95}}})))[0]
    assert best.startswith("realmlp_s without label smoothing has the best mean validation accu")


def test_many_parts_are_counted():
    many = [without(f"part {i}", -0.0001, p_holm=0.4, wins=4, losses=6) for i in range(7)]
    assert sentence(*many, begins="Without any").startswith(
        "Without any one of the 7 parts realmlp_s is not shown to be better or worse (differences"
    )
    assert sentence(*many, CLIP, begins="Without any").startswith(
        "Without any one of 7 of the 8 parts realmlp_s is not shown"
    )


@pytest.mark.parametrize("number", [1, 2])
def test_too_few_seeds_test_nothing(number):
    few = [without(f"p{i}", -0.01 - i / 100, p_holm=0.0, wins=0, losses=5) for i in range(number)]
    told = sentence(*few, begins="Without p0")
    assert "realmlp_s differs from the whole" in told
    assert "too few to test" in told
