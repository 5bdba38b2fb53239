"""Records of results: what they refuse, what they read, and the schema that is made of them."""

import json
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from kmlp.errors import RunFolderError
from kmlp.stats.formatting import unit_of
from kmlp.study.results.records.base import Record
from kmlp.study.results.records.schema import results_schema, to_json
from kmlp.study.results.records.study import StudyResults
from tests.hand_made import hand_made
from tests.made_results import numbers

OLD = Path(__file__).parents[2] / "data_0_1_0"


def test_the_schema_in_the_package_is_that_of_the_records():
    stored = (resources.files("kmlp") / "results.schema.json").read_text(encoding="utf-8")
    assert stored == to_json(), "make it anew: make schema"


def test_the_schema_says_what_fields_mean_those_of_a_base_too():
    found = results_schema()
    versus = found["$defs"]["VersusBaseline"]["properties"]
    assert versus["difference"]["description"].startswith("mean of the differences")
    assert "paired" not in found["description"]
    assert "Attributes" not in json.dumps(found)


@pytest.mark.long
def test_what_is_known_of_a_tables_columns_belongs_to_its_results(tmp_path):
    column = {"name": "age", "kind": "number", "values": [], "low": None}
    facts = {"columns": [column], "target": {"name": "y"}, "feature_names": ["age"]}
    made = hand_made(tmp_path / "table", "regression", facts=facts)
    jsonschema.validate(made.results, results_schema())
    assert {name: made.results["dataset"][name] for name in facts} == facts
    assert "columns" not in hand_made(tmp_path / "arrays", "binary").results["dataset"]


@pytest.mark.parametrize("name", ["study", "regression", "search/study"])
def test_what_0_1_0_wrote_is_read_as_it_stands(name):
    text = (OLD / name / "results.json").read_text()
    assert StudyResults.read(text).to_dict() == json.loads(text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.update(schema=2), "of schema 2, this release reads up to 1: use a later one"),
        (lambda r: r.pop("best"), "best: Field required"),
        (
            lambda r: r["members"][0].update(seconds=-1.0),
            "members.0.done.seconds: Input should be greater than or equal to 0",
        ),
    ],
)
def test_other_results_are_refused_with_what_differs(tmp_path, change, message):
    results = hand_made(tmp_path, "binary").results
    change(results)
    with pytest.raises(RunFolderError, match=message):
        StudyResults.read(json.dumps(results))
    with pytest.raises(RunFolderError, match="not the results of a study"):
        StudyResults.read("[")


def test_a_record_is_never_changed_and_takes_no_word_that_it_does_not_know(tmp_path):
    results = hand_made(tmp_path, "binary").record
    with pytest.raises(ValidationError, match="frozen"):
        results.baseline = "l2"
    with pytest.raises(ValidationError, match="extra"):
        results.best.model_validate({**results.best.to_dict(), "note": ""})


def test_every_record_is_frozen_and_strict():
    kinds = [Record]
    for kind in kinds:
        kinds += kind.__subclasses__()
    own = [k for k in kinds if k.__module__.startswith("kmlp.study.results.records.")]
    assert len(own) > 30
    assert all(k.model_config["frozen"] and k.model_config["extra"] == "forbid" for k in own)


def test_one_study_has_one_number_of_digits():
    tests = [{"rmse": {"mean": mean}, "mse": {"mean": mean**2}} for mean in (8.8, 120.0)]
    results = numbers(
        {
            "dataset": {"task": "regression", "class_names": []},
            "class_shares": [],
            "metric": {"name": "rmse", "higher_is_better": False},
            "baseline": "none",
            "variants": [{"name": f"v{i}", "test": t} for i, t in enumerate((*tests, {}))],
        }
    )
    assert results.unit() == unit_of("rmse", [120.0])
    assert results.unit("mse").value(77.44) == "77"
