"""Which features a network makes of columns, and how many."""

import dataclasses
import json

import pytest

from kmlp.config import MLPConfig
from kmlp.config.network_checks import resolved_scaling
from kmlp.config.tables.encoding import Encoding, encoded_width, num_embedding_weights
from kmlp.errors import ConfigError
from tests.encoded import AGE, CITY, INCOME, MEMBER, SEX, ZIP, encoded_table

SPEC = encoded_table().spec
WITHOUT = dataclasses.replace(SPEC, columns=())


def plan_of(**fields) -> Encoding:
    return Encoding.of(MLPConfig(**fields), SPEC)


def places(categories) -> list[int]:
    return [c.place for c in categories]


def test_columns_by_kind():
    plan = plan_of()
    assert plan.numbers == (AGE, INCOME, MEMBER)
    assert plan.indicators == (0, 2)  # income has no gaps
    assert (places(plan.one_hot), places(plan.embedded)) == ([CITY, SEX], [ZIP])


@pytest.mark.parametrize(
    ("fields", "width"),
    [
        ({}, 3 + 2 + 4 + 3 + 8),
        ({"missing_indicators": False}, 3 + 4 + 3 + 8),
        ({"embedding_dim": 5}, 3 + 2 + 4 + 3 + 5),
        ({"max_one_hot": 12}, 3 + 2 + 4 + 3 + 13),
        ({"max_one_hot": 2}, 3 + 2 + 8 + 3 + 8),
        ({"max_one_hot": 0, "embedding_dim": 1}, 3 + 2 + 1 + 1 + 1),
        ({"max_categories": 2}, 3 + 2 + 3 + 3 + 3),
    ],
)
def test_the_width_counts_every_feature(fields, width):
    assert encoded_width(MLPConfig(**fields), SPEC) == plan_of(**fields).width == width


def test_the_embedding_table_has_a_row_for_each_category_told_apart_and_one_for_the_others():
    assert num_embedding_weights(MLPConfig(), SPEC) == 13 * 8
    assert num_embedding_weights(MLPConfig(max_categories=10, embedding_dim=3), SPEC) == 11 * 3
    assert num_embedding_weights(MLPConfig(max_one_hot=12), SPEC) == 0


def test_data_without_columns_are_as_wide_as_they_are():
    assert encoded_width(MLPConfig(), WITHOUT) == 6
    assert num_embedding_weights(MLPConfig(), WITHOUT) == 0


def test_a_plan_is_the_same_after_json():
    plan = plan_of(max_categories=5, min_category_count=3)
    assert Encoding.from_dict(json.loads(json.dumps(dataclasses.asdict(plan)))) == plan


@pytest.mark.parametrize("scaling", ["robust", "quantile"])
def test_scaling_by_quantiles_is_for_tables(scaling):
    assert plan_of(input_scaling=scaling).scaling == scaling
    with pytest.raises(ConfigError, match="inputs without columns"):
        resolved_scaling(scaling, WITHOUT)


def test_pixels_scaling_is_not_for_tables():
    with pytest.raises(ConfigError, match="divides uint8"):
        plan_of(input_scaling="unit")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_one_hot": -1}, "max_one_hot must be a whole number of at least 0."),
        ({"embedding_dim": 0}, "embedding_dim must be a whole number of at least 1."),
        ({"max_categories": 0}, "max_categories must be a whole number of at least 1."),
        ({"min_category_count": 1.5}, "min_category_count must be a whole number of at least 1."),
        ({"missing_indicators": 1}, "missing_indicators must be true or false."),
    ],
)
def test_what_no_field_holds_is_refused(fields, message):
    with pytest.raises(ConfigError) as error:
        MLPConfig(**fields)
    assert message in str(error.value)
