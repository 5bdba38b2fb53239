"""A client that was written for TensorFlow Serving's REST interface works unchanged."""

import dataclasses
import json
import math

import jsonschema
import pytest

from kmlp.serve.limits import Limits
from kmlp.serve.servable import Signature, Tensor
from tests.serve.stand_in import IMAGES, TABLE, StandIn, asking, write_version

IMAGE = [[0, 1], [2, 255]]
PREDICT = "/v1/models/digits:predict"


@pytest.fixture
def models(tmp_path):
    write_version(tmp_path, "digits", 3)
    return tmp_path


def ask(models, method, path, *, signature=IMAGES, limits=None, token="", **request):
    async def one(client, _):
        return await client.request(method, path, **request)

    return asking(models, lambda folder: StandIn(signature), one, limits=limits, token=token)


def test_the_status_of_a_model_and_of_a_version_is_tensorflow_servings(models):
    status = {"version": "3", "state": "AVAILABLE"}
    status["status"] = {"error_code": "OK", "error_message": ""}
    for path in ("/v1/models/digits", "/v1/models/digits/versions/3"):
        answer = ask(models, "GET", path)
        assert answer.status_code == 200
        assert answer.json() == {"model_version_status": [status]}


def test_the_metadata_are_tensorflow_servings(models):
    for path in ("/v1/models/digits/metadata", "/v1/models/digits/versions/3/metadata"):
        assert ask(models, "GET", path).json() == {
            "model_spec": {"name": "digits", "signature_name": "", "version": "3"},
            "metadata": {
                "signature_def": {
                    "signature_def": {
                        "serving_default": {"method_name": "tensorflow/serving/predict"}
                    }
                },
                "kmlp": {"input": "image", "version": 1},
            },
        }


def test_what_is_there_to_be_asked_is_listed(models):
    assert ask(models, "GET", "/v1/models").json() == {
        "models": [{"name": "digits", "version": "3"}]
    }


def test_a_row_may_hold_what_the_training_table_held_beside_its_inputs(models):
    """As a row of the file does that `kmlp predict` reads."""
    signature = dataclasses.replace(TABLE, not_used=("customer id", "left"))
    row = {"age": 1.0, "Home town": None, "pays": False}
    for known, code in (("customer id", 200), ("customer", 400)):
        body = json.dumps({"instances": [{**row, known: "C7"}]})
        answer = ask(models, "POST", PREDICT, signature=signature, content=body)
        assert answer.status_code == code, answer.text


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", None])
@pytest.mark.parametrize("path", [PREDICT, "/v1/models/digits/versions/3:predict"])
def test_predictions_are_given_whatever_type_the_body_says_it_has(models, kind, path):
    """curl -d says that it sends a form."""
    headers = {"Content-Type": kind} if kind else {}
    body = json.dumps({"instances": [IMAGE, IMAGE]})
    answer = ask(models, "POST", path, content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"predictions": [258, 258]})
    assert answer.headers["content-type"] == "application/json"


def test_a_row_of_a_table_with_gaps_is_predicted(models):
    body = json.dumps({"instances": [{"age": math.nan, "Home town": None, "pays": False}]})
    answer = ask(models, "POST", PREDICT, signature=TABLE, content=body)
    assert answer.json() == {"predictions": [{"prediction": 0.0, "stddev": 0.0}]}


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/v1/models/other", 404, "Could not find any versions of model other"),
        ("GET", "/v1/models/digits/versions/9", 404, "version 9 of model digits"),
        ("GET", "/v1/models/digits/versions/x", 404, "Not Found"),
        ("POST", "/v1/models/other:predict", 404, "Latest(other)"),
        ("POST", "/v1/models/digits/versions/9:predict", 404, "Specific(digits, 9)"),
        ("POST", "/v1/models/digits/versions/9/metadata", 405, "Method Not Allowed"),
        ("POST", "/v1/models/digits:classify", 405, "Method Not Allowed"),
        ("GET", PREDICT, 405, "Method Not Allowed"),
        ("GET", "/elsewhere", 404, "Not Found: GET /elsewhere"),
        ("POST", PREDICT, 400, "the body must be JSON"),
    ],
)
def test_every_refusal_is_an_object_with_an_error(models, method, path, status, words):
    answer = ask(models, method, path)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert words in answer.json()["error"]


def test_too_much_is_refused_before_anything_is_computed(models):
    body = json.dumps({"instances": [IMAGE] * 3})
    assert ask(models, "POST", PREDICT, content=body, limits=Limits(rows=3)).status_code == 200
    answer = ask(models, "POST", PREDICT, content=body, limits=Limits(rows=2))
    assert answer.status_code == 413
    assert "at most 2 rows" in answer.json()["error"]
    assert (
        ask(models, "POST", PREDICT, content=body, limits=Limits(body_bytes=9)).status_code == 413
    )

    async def in_parts():
        yield body.encode()

    few = Limits(body_bytes=9)
    assert ask(models, "POST", PREDICT, content=in_parts(), limits=few).status_code == 413
    packed = {"Content-Encoding": "gzip"}
    assert ask(models, "POST", PREDICT, content=body, headers=packed).status_code == 415


def test_who_gets_no_answer_in_time_is_told_to_come_again(models):
    body = json.dumps({"instances": [IMAGE]})
    answer = ask(models, "POST", PREDICT, content=body, limits=Limits(seconds=0))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


def test_a_failure_of_the_model_is_logged_and_tells_nothing_of_the_machine(models):
    def load(folder):
        model = StandIn()

        def fail():
            raise OSError("/secret/path")

        model.wait = fail
        return model

    async def one(client, _):
        return await client.post(PREDICT, json={"instances": [IMAGE]})

    answer = asking(models, load, one)
    assert (answer.status_code, "secret" in answer.text) == (500, False)


def test_metrics_count_requests_and_rows_by_model(models):
    async def some(client, _):
        await client.post(PREDICT, json={"instances": [IMAGE, IMAGE]})
        await client.post(PREDICT, json={})
        await client.post("/v1/models/any-name-at-all:predict", json={})
        return (await client.get("/metrics")).text.splitlines()

    lines = asking(models, lambda folder: StandIn(), some)
    assert 'kmlp_requests_total{model="digits",status="200"} 1' in lines
    assert 'kmlp_requests_total{model="digits",status="400"} 1' in lines
    assert 'kmlp_requests_total{model="",status="404"} 1' in lines
    assert 'kmlp_batch_rows_bucket{model="digits",le="1"} 0' in lines
    assert 'kmlp_batch_rows_bucket{model="digits",le="2"} 1' in lines
    assert 'kmlp_batch_rows_bucket{model="digits",le="+Inf"} 1' in lines
    assert 'kmlp_request_seconds_count{model="digits"} 2' in lines
    assert 'kmlp_queued_rows{model="digits",version="3"} 0' in lines


def test_the_document_says_what_each_model_takes(models):
    document = ask(models, "GET", "/openapi.json").json()
    assert "/v1/models/digits/versions/3:predict" in document["paths"]
    content = document["paths"][PREDICT]["post"]["requestBody"]["content"]
    form = content["application/json"]["schema"]["anyOf"][0]["properties"]["instances"]
    row = form["anyOf"][0]["items"]
    assert (row["minItems"], row["maxItems"], row["items"]["items"]["maximum"]) == (2, 2, 255)
    table = ask(models, "GET", "/openapi.json", signature=TABLE).json()
    content = table["paths"][PREDICT]["post"]["requestBody"]["content"]
    form = content["application/json"]["schema"]["anyOf"][0]["properties"]["instances"]
    assert form["items"]["required"] == ["age", "Home_town", "pays"]


@pytest.mark.parametrize(
    ("counts", "is_valid"), [((1, 1, 1), True), ((3, 3, 3), True), ((1, 1, 2), False)]
)
def test_the_document_takes_columns_of_one_length_as_the_server_does(models, counts, is_valid):
    document = ask(models, "GET", "/openapi.json", signature=TABLE).json()
    content = document["paths"][PREDICT]["post"]["requestBody"]["content"]
    names = ("age", "Home_town", "pays")
    said = {"inputs": {name: [None] * n for name, n in zip(names, counts, strict=True)}}
    validator = jsonschema.Draft202012Validator(content["application/json"]["schema"])
    assert validator.is_valid(said) == is_valid
    assert (ask(models, "POST", PREDICT, signature=TABLE, json=said).status_code == 200) == is_valid


def test_the_document_takes_no_number_that_the_type_cannot_hold(models):
    numbers = Signature((Tensor("inputs", "float32", (2,)),), (Tensor("prediction", "float64"),))
    document = ask(models, "GET", "/openapi.json", signature=numbers).json()
    content = document["paths"][PREDICT]["post"]["requestBody"]["content"]
    validator = jsonschema.Draft202012Validator(content["application/json"]["schema"])
    for number, is_taken in ((3.4e38, True), (-3.5e38, False)):
        said = {"instances": [[None, number]]}
        assert validator.is_valid(said) == is_taken
        answer = ask(models, "POST", PREDICT, signature=numbers, json=said)
        assert answer.status_code == (200 if is_taken else 400)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8501"}, 200),
        ({"Host": "[::1]:8501"}, 200),
        ({"Host": "attacker.example"}, 403),
        ({"Host": "127.0.0.1.attacker.example"}, 403),
        ({"Host": "[x"}, 403),
        ({"Origin": "http://127.0.0.1"}, 200),
        ({"Origin": "http://attacker.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_pages_of_others_are_not_answered(models, headers, status):
    """Nor is a name that somebody else has led to this machine."""
    answer = ask(models, "GET", "/v1/models/digits", headers=headers)
    assert answer.status_code == status
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_with_a_token_only_who_has_it_is_answered(models):
    token = "a" * 20
    for given, status in (("", 401), (f"Basic {token}", 401), ("Bearer b", 401), ("Bearer é", 401)):
        headers = {"Authorization": given.encode()} if given else {}
        answer = ask(models, "GET", "/v1/models/digits", token=token, headers=headers)
        assert (answer.status_code, "error" in answer.json()) == (status, True)
    right = {"Authorization": f"Bearer {token}", "Host": "models.example"}
    assert ask(models, "GET", "/metrics", token=token, headers=right).status_code == 200
    assert ask(models, "GET", "/healthz", token=token).text == "ok\n"
