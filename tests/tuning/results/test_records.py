"""Records of a search: what they read, what they refuse, and the schema that is made of them."""

import json
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from kmlp.study.results.records.schema import results_schema, to_json
from tests.made_search import made_search, with_follow_up
from tuning.results.records.search import SearchResults

OLD = Path(__file__).parents[2] / "data_0_1_0" / "search" / "results.json"


def test_the_schema_in_the_package_is_that_of_the_records():
    stored = (resources.files("tuning") / "results.schema.json").read_text(encoding="utf-8")
    assert stored == to_json(SearchResults), "make it anew: make schema"


def test_what_0_1_0_wrote_is_read_as_it_stands_and_fits_the_schema():
    """It has a study that followed: scores on the test set stand beside the named fields."""
    written = json.loads(OLD.read_text())
    found = SearchResults.model_validate(written)
    assert found.to_dict() == written
    assert found.test.scores.keys() == written["test"].keys() - {"trial", "versus_baseline"}
    jsonschema.validate(written, results_schema(SearchResults))


@pytest.mark.long
def test_what_is_found_follows_from_the_trials(tmp_path):
    results = with_follow_up(made_search(tmp_path, 12))
    assert [t.number for t in results.unfinished] == [3, 7]
    assert results.ranked[0] == results.best_trial
    assert results.picked in results.fresh.trials
    assert [p.name for p in results.space if p not in results.varied] == ["max_epochs"]
    jsonschema.validate(results.to_dict(), results_schema(SearchResults))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.update(tied=[]), "tied\n  Extra inputs are not permitted"),
        (lambda r: r["trials"][0].pop("batch"), "trials.0.done.batch\n  Field required"),
        (lambda r: r["trials"][0].update(score=None), "trials.0.done.score\n"),
        (lambda r: r["test"].update(precision=0.5), "test.precision\n"),
    ],
)
def test_other_results_are_refused_with_what_differs(tmp_path, change, message):
    results = with_follow_up(made_search(tmp_path, 5)).to_dict()
    change(results)
    with pytest.raises(ValidationError, match=message):
        SearchResults.model_validate(results)
