"""Every metric is written in its own unit, with digits to suit, in one place."""

from types import SimpleNamespace

import pytest

from kmlp.stats.formatting import holm_decides, listed, p_equals, p_value, unit_of
from kmlp.stats.metrics import HIGHER_IS_BETTER


@pytest.mark.parametrize(
    ("metric", "values", "value", "written", "signed"),
    [
        ("accuracy", [], 0.88614, "88.61 %", "+88.61"),
        ("balanced_accuracy", [], 0.5, "50.00 %", "+50.00"),
        ("auc", [], 0.98765, "0.9877", "+0.9877"),
        ("macro_f1", [], 0.5, "0.5000", "+0.5000"),
        ("cross_entropy", [], 0.43219, "0.4322 nats", "+0.4322"),
        ("brier_score", [], 0.43219, "0.4322", "+0.4322"),
        ("r2", [], -0.12345, "-0.1235", "-0.1235"),
        ("rmse", [54.2, 9.9], 54.213, "54.21", "+54.21"),
        ("rmse", [54.2, 9.9], 9.9, "9.90", "+9.90"),
        ("rmse", [0.0123], 0.0123456, "0.01235", "+0.01235"),
        ("mae", [1234.0], -1234.4, "-1,234", "-1,234"),
        ("mse", [54210.0], 54210.4, "54,210", "+54,210"),
        ("rmse", [3.2e-7], 3.21098e-7, "3.211e-07", "+3.211e-07"),
        ("mse", [4.5e12], 4.51234e12, "4.512e+12", "+4.512e+12"),
        ("rmse", [0.0], 0.0, "0.0000", "+0.0000"),
        ("rmse", [999.96], 999.96, "1,000.0", "+1,000.0"),
    ],
)
def test_values_have_their_unit_and_digits(metric, values, value, written, signed):
    unit = unit_of(metric, values)
    assert (unit.with_unit(value), unit.signed(value)) == (written, signed)


def test_every_metric_has_a_title_and_a_direction():
    for metric, higher in HIGHER_IS_BETTER.items():
        unit = unit_of(metric)
        assert unit.title
        assert (unit.arrow, unit.gain(2.0)) == (("↑", 2.0) if higher else ("↓", -2.0))


def test_intervals_and_axes():
    assert unit_of("accuracy").interval((0.8348, 0.8414)) == "83.48 to 84.14"
    assert unit_of("accuracy").interval((-0.001, 0.002), signed=True) == "-0.10 to +0.20"
    assert unit_of("rmse", [54.2]).interval([53.0, 55.123]) == "53.00 to 55.12"
    assert unit_of("accuracy").interval(None) == "–"
    assert unit_of("accuracy").axis == "accuracy, %"
    assert unit_of("cross_entropy").axis == "cross-entropy, nats"
    assert (unit_of("rmse").axis, unit_of("r2").axis) == ("RMSE", "R²")


def test_differences_of_accuracies_are_points():
    assert unit_of("accuracy").of_difference == "points"
    assert unit_of("rmse").of_difference == "in RMSE"


def test_a_p_value_is_never_written_as_zero():
    assert [p_value(p) for p in (0.0, 0.00099, 0.001, 0.0293, 1.0)] == [
        "< 0.001",
        "< 0.001",
        "0.001",
        "0.029",
        "1.000",
    ]


def test_a_range_is_one_number_where_its_ends_are_written_alike():
    unit = unit_of("accuracy")
    assert unit.range([0.02, -0.01, 0.0], signed=True) == "-1.00 to +2.00"
    assert unit.range([0.02, 0.020001]) == "2.00"


def test_both_ends_of_a_range_have_as_many_digits():
    unit = unit_of("accuracy")
    assert unit.range([-0.0002, -4.9e-8], signed=True) == "-0.02 to 0.00"
    assert unit.range([0.0, 0.0002], signed=True) == "0.00 to +0.02"
    assert unit.range([4.9e-8, 1.2e-7], signed=True) == "+4.9e-06 to +1.2e-05"


def test_a_p_is_equal_to_or_below_what_is_written():
    assert [p_equals(0.0136), p_equals(0.2, "at least")] == ["= 0.014", "at least 0.200"]
    assert [p_equals(1.0, "at least"), p_equals(1.0)] == ["= 1", "= 1.000"]
    assert p_equals(0.0004, "at most") == "< 0.001"


@pytest.mark.parametrize(
    ("words", "sentence"), [(["a"], "a"), (["a", "b"], "a and b"), (list("abc"), "a, b and c")]
)
def test_words_are_listed(words, sentence):
    assert listed(words) == sentence


@pytest.mark.parametrize(
    ("difference", "written"),
    [
        (-0.0004, "-0.0004"),
        (7.5e-05, "+7.5e-05"),
        (0.0, "+0.00"),
        (1e-17, "+0.00"),
        (-1e-17, "+0.00"),
        (0.006, "+0.01"),
    ],
)
def test_a_small_difference_is_not_written_as_none(difference, written):
    assert unit_of("rmse", [54.2]).signed(difference) == written


@pytest.mark.parametrize(
    ("ci95", "p_holm", "begins"),
    [
        ((-0.1, 1.4), 0.045, ["Where an interval contains 0 and a difference is told, Holm's p"]),
        ((0.1, 1.4), 0.06, ["Where an interval leaves out 0 and nothing is told apart, Holm's p"]),
        ((0.1, 1.4), 0.045, []),
        ((-0.1, 1.4), 0.06, []),
    ],
)
def test_where_interval_and_p_say_different_things_it_is_said_which_decides(ci95, p_holm, begins):
    """A t interval and a permutation's p may disagree either way, near 5 %."""
    found = holm_decides([SimpleNamespace(ci95=ci95, p=p_holm, p_holm=p_holm)])
    assert len(found) == len(begins)
    assert all(said.startswith(words) for said, words in zip(found, begins, strict=True))
