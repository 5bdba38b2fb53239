"""Requests are TensorFlow Serving's; what cannot be meant is refused in words."""

import json
import math

import numpy as np
import pytest

from kmlp.errors import DataError
from kmlp.serve.calls import Call, answer_body, read_call
from kmlp.serve.servable import Signature, Tensor
from tests.serve.stand_in import IMAGES, TABLE, WIDE, StandIn

IMAGE = [[0, 1], [2, 255]]
ROW = {"age": 31, "Home_town": "Oslo", "pays": "yes"}


def read(said, signature=IMAGES):
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return read_call(body, StandIn(signature))


@pytest.mark.parametrize(
    "said",
    [
        {"instances": [IMAGE]},
        {"instances": [{"inputs": IMAGE}]},
        {"inputs": [IMAGE]},
        {"inputs": {"inputs": [IMAGE]}},
        {"signature_name": "serving_default", "instances": [IMAGE]},
        {"signature_name": "", "instances": [IMAGE]},
        {"instances": [[[0.0, 1.0], [2, 255.0]]]},
    ],
)
def test_every_form_of_a_single_input_is_read(said):
    call = read(said)
    assert call.num_rows == 1
    assert call.is_by_row == ("instances" in said)
    assert call.inputs["inputs"].dtype == np.uint8
    assert call.inputs["inputs"].tolist() == [IMAGE]


@pytest.mark.parametrize("missing", [None, math.nan])
def test_null_and_nan_are_missing_in_numbers_and_in_text(missing):
    call = read({"instances": [dict.fromkeys(ROW, missing)]}, TABLE)
    assert math.isnan(call.inputs["age"][0])
    assert call.inputs["Home_town"].tolist() == [b""]
    assert call.inputs["pays"].tolist() == [b""]


def test_columns_go_by_the_names_of_the_signature_or_of_the_table():
    by_table = {"age": 31, "Home town": "東京", "pays": True}
    call = read({"instances": [by_table, by_table]}, TABLE)
    assert call.inputs["Home_town"].tolist() == ["東京".encode()] * 2
    assert call.inputs["pays"].tolist() == [b"true"] * 2
    columns = {"age": [1.5, None], "Home_town": [{"b64": "T3Nsbw=="}, ""], "pays": ["no", None]}
    assert read({"inputs": columns}, TABLE).inputs["Home_town"].tolist() == [b"Oslo", b""]


def test_many_numbers_go_as_a_list_or_each_by_its_name():
    assert read({"instances": [[1, None]]}, WIDE).inputs["numbers"][0, 0] == 1
    named = read({"instances": [{"a": 1, "b": None}]}, WIDE).inputs["numbers"]
    np.testing.assert_array_equal(named, [[1, math.nan]])


def test_a_name_that_two_inputs_could_mean_is_refused():
    """Columns "a b" and "a_b" are the inputs a_b and a_b_2."""
    inputs = (
        Tensor("a_b", "float64", kind="number", columns=("a b",)),
        Tensor("a_b_2", "float64", kind="number", columns=("a_b",)),
    )
    signature = Signature(inputs, (Tensor("prediction", "float64"),))
    call = read({"instances": [{"a_b": 1, "a_b_2": 2}]}, signature)
    assert [call.inputs["a_b"][0], call.inputs["a_b_2"][0]] == [1, 2]
    with pytest.raises(DataError, match="as the signature calls them, a_b, a_b_2"):
        read({"instances": [{"a b": 1, "a_b": 2}]}, signature)


@pytest.mark.parametrize(
    ("said", "signature", "words"),
    [
        (b"{", IMAGES, "the body must be JSON"),
        (b"\xff", IMAGES, "the body must be JSON"),
        (b"[" * 100_000, IMAGES, "lists in lists"),
        (b'{"instances": [' + b"9" * 5000 + b"]}", IMAGES, "the body must be JSON"),
        ([1], IMAGES, "must be an object"),
        ({}, IMAGES, "either instances"),
        ({"instances": [IMAGE], "inputs": [IMAGE]}, IMAGES, "either instances"),
        ({"instance": [IMAGE]}, IMAGES, "Did you mean 'instances'"),
        ({"instances": []}, IMAGES, "one row or more"),
        ({"instances": {}}, IMAGES, "one row or more"),
        ({"inputs": []}, IMAGES, r"shape \(2, 2\)"),
        ({"inputs": 3}, IMAGES, "must be a list of rows"),
        ({"signature_name": "other", "instances": [IMAGE]}, IMAGES, "must be one of serving_def"),
        ({"signature_name": None, "instances": [IMAGE]}, IMAGES, "must be one of serving_default"),
        ({"signature_name": [1], "instances": [IMAGE]}, IMAGES, "must be one of serving_default"),
        ({"instances": [[[0, 1]]]}, IMAGES, r"Received: rows of shape \(1, 2\)"),
        ({"instances": [[[0, 1], [2]]]}, IMAGES, "all of one length"),
        ({"instances": [[[0, 1], [2, 256]]]}, IMAGES, "from 0 to 255. Received: 0 to 256"),
        ({"instances": [[[0, 1], [2, 0.5]]]}, IMAGES, "whole numbers"),
        ({"instances": [[[0, 1], [2, True]]]}, IMAGES, "truth value"),
        ({"instances": [[["0", "1"], ["2", "3"]]]}, IMAGES, "whole numbers"),
        ({"instances": [[[0, 1], [2, None]]]}, IMAGES, "whole numbers"),
        ({"instances": [IMAGE, {"inputs": IMAGE}]}, IMAGES, "all of one length"),
        ({"instances": [{"inputs": IMAGE}, IMAGE]}, IMAGES, "row 1 must be an object"),
        ({"instances": [{"pixels": IMAGE}]}, IMAGES, "no input 'pixels'"),
        ({"instances": [3]}, TABLE, "row 0 must be an object of age, Home_town"),
        ({"instances": [ROW, {"age": 31}]}, TABLE, "row 1 and row 0 differ in 'Home_town'"),
        # What the model does not know is the cause, whichever row has it.
        ({"instances": [ROW, {**ROW, "aeg": 1}]}, TABLE, "no input 'aeg'. Did you mean 'age'"),
        ({"instances": [{**ROW, "aeg": 1}, ROW]}, TABLE, "no input 'aeg'. Did you mean 'age'"),
        ({"instances": [{**ROW, "aeg": 1}]}, TABLE, "Did you mean 'age'"),
        ({"instances": [{"age": 1, "pays": ""}]}, TABLE, "'Home_town' is lacking"),
        (
            {"instances": [{**ROW, "age": "31"}]},
            TABLE,
            "age, row 0, must be a number without quotes",
        ),
        ({"instances": [{**ROW, "age": True}]}, TABLE, "must be a finite number"),
        ({"instances": [{**ROW, "age": math.inf}]}, TABLE, "must be a finite number"),
        ({"instances": [{**ROW, "age": 10**400}]}, TABLE, "must be a finite number"),
        ({"instances": [{**ROW, "Home_town": 7}]}, TABLE, "text in quotes, or null"),
        ({"instances": [{**ROW, "Home_town": True}]}, TABLE, "text in quotes, or null"),
        ({"instances": [{**ROW, "Home_town": "\ud800"}]}, TABLE, "text in quotes"),
        ({"instances": [{**ROW, "Home_town": {"b64": "/w=="}}]}, TABLE, "text in quotes"),
        ({"instances": [{**ROW, "Home_town": {"b64": 3}}]}, TABLE, "text in quotes"),
        ({"instances": [{**ROW, "pays": 1}]}, TABLE, "true or false"),
        ({"inputs": {"age": [1], "Home_town": ["", ""], "pays": [""]}}, TABLE, "equally many"),
        ({"inputs": {"age": 1, "Home_town": [""], "pays": [""]}}, TABLE, "must be a list"),
        ({"inputs": {"age": [], "Home_town": [], "pays": []}}, TABLE, "one row or more"),
        ({"instances": [{"a": 1}]}, WIDE, "'b' is lacking"),
        ({"inputs": {"a": [1], "b": 2}}, WIDE, "'b' must be a list"),
        ({"instances": [[1, "12.75"]]}, WIDE, "finite numbers .* A number is written without"),
        ({"instances": [[1, 2], [None, "x"]]}, WIDE, "row 1, must be a number without quotes"),
        ({"instances": [[1, 1e999]]}, WIDE, "beyond float64"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(said, signature, words):
    with pytest.raises(DataError, match=words):
        read(said, signature)


def test_answers_go_by_row_or_by_name_and_a_single_output_without_its_name():
    rows = read({"instances": [IMAGE, IMAGE]})
    columns = read({"inputs": [IMAGE, IMAGE]})
    one, two = {"label": np.array([3, 4])}, {"a": np.array([0.5, 1]), "b": np.eye(2)}
    assert json.loads(answer_body(rows, one)) == {"predictions": [3, 4]}
    assert json.loads(answer_body(columns, one)) == {"outputs": [3, 4]}
    by_row = [{"a": 0.5, "b": [1, 0]}, {"a": 1, "b": [0, 1]}]
    assert json.loads(answer_body(rows, two)) == {"predictions": by_row}
    by_name = {"outputs": {"a": [0.5, 1], "b": [[1, 0], [0, 1]]}}
    assert json.loads(answer_body(columns, two)) == by_name


def test_a_row_that_overflowed_has_null_for_every_number_and_the_others_their_own():
    """Of what has no meaning the label would be a class all the same."""
    call = Call("serving_default", {}, 2, is_by_row=True)
    outputs = {
        "label": np.array([1, 0], np.int32),
        "probabilities": np.array([[0.25, 0.75], [np.nan, np.nan]], np.float32),
        "out_of_range": np.array([False, True]),
    }
    first, second = json.loads(answer_body(call, outputs))["predictions"]
    assert first == {"label": 1, "probabilities": [0.25, 0.75], "out_of_range": False}
    assert second == {"label": None, "probabilities": None, "out_of_range": True}
    alone = {"prediction": np.array([np.inf, 1.5])}
    assert json.loads(answer_body(call, alone)) == {"predictions": [None, 1.5]}
