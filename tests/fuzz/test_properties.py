"""What is written is read back the same, and any JSON whatever is a request or is refused."""

import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kmlp.config import StudyConfig
from kmlp.data.arrays.idx import idx_bytes, read_idx
from kmlp.data.tables import read_table
from kmlp.deploy.inputs import read_inputs
from kmlp.errors import DataError, KmlpError
from kmlp.scores.table import read_scores
from kmlp.serve.calls import read_call
from tests.serve.stand_in import IMAGES, TABLE, WIDE, StandIn

# The same examples in every run, and no time that is measured.
told = settings(derandomize=True, deadline=None, database=None, max_examples=60)

_SHAPES = arrays.array_shapes(min_dims=2, max_dims=4, max_side=5)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(("instances", "inputs", "age", "Home_town", "pays", "a", "b", "b64")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
# What a spreadsheet holds: no lone carriage returns, no zero bytes, no half characters.
_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("properties")


@told
@given(x=arrays.arrays(np.uint8, _SHAPES))
def test_idx_is_read_as_it_was_written(folder, x):
    path = folder / "x"
    path.write_bytes(idx_bytes(x))
    np.testing.assert_array_equal(read_idx(path, x.ndim), x, strict=True)


@told
@given(x=arrays.arrays(st.sampled_from(("u1", "<i4", ">i2", "<f4", ">f8", "f2", "?")), _SHAPES))
def test_npy_is_read_as_it_was_written(folder, x):
    np.save(folder / "x.npy", x)
    read = np.concatenate([batch.x for batch in read_inputs(folder / "x.npy", x.shape[1:])])
    np.testing.assert_array_equal(read, x)


@pytest.mark.slow
@told
@given(
    numbers=st.lists(st.floats(-1e12, 1e12), min_size=2, max_size=8),
    words=st.lists(_WORDS.map(lambda w: f"a{w}z"), min_size=8, max_size=8),
)
def test_csv_is_read_as_it_was_written_whatever_stands_in_its_words(folder, numbers, words):
    frame = pl.DataFrame({"x": numbers, "word": words[: len(numbers)]})
    frame.write_csv(folder / "x.csv")
    read = read_table(folder / "x.csv").frame
    assert read["x"].cast(pl.Float64).to_list() == numbers
    assert read["word"].to_list() == frame["word"].to_list()


@told
@given(said=_JSON, signature=st.sampled_from((IMAGES, TABLE, WIDE)))
def test_any_json_is_a_request_or_is_refused_in_words(said, signature):
    try:
        call = read_call(json.dumps(said).encode(), StandIn(signature))
    except DataError:
        return
    assert call.num_rows == len(next(iter(call.inputs.values()))) > 0


@told
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.floats(allow_nan=True)), max_size=9
    )
)
def test_scores_are_finite_and_of_two_methods_or_are_refused(rows):
    table = dict(
        zip(("method", "seed", "accuracy"), map(list, zip(*rows, strict=True)), strict=False)
    )
    try:
        scores = read_scores(table)
    except KmlpError:
        return
    values = [v for by in scores.by_dataset.values() for m in by.values() for v in m.values()]
    assert len(values) == len(rows)
    assert all(map(math.isfinite, values))
    assert len(scores.methods) == 2


@told
@given(
    dropout=st.floats(0, 1, exclude_max=True),
    units=st.lists(st.integers(1, 512), min_size=1, max_size=4),
    rate=st.floats(1e-6, 1),
    seeds=st.integers(1, 20),
)
def test_a_study_is_the_same_after_toml(dropout, units, rate, seeds):
    config = StudyConfig.from_dict(
        {
            "dataset": "mnist",
            "num_seeds": seeds,
            "model": {"hidden_units": units, "dropout": dropout},
            "train": {"learning_rate": rate},
        }
    )
    assert StudyConfig.from_toml(config.to_toml()) == config
