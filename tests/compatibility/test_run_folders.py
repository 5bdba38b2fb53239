"""Run folders of kmlp 0.1.0: the same numbers and names, nothing trained that is there."""

import contextlib
import json
import math
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kmlp.errors import ForeignFolderError, RunFolderError
from kmlp.ownership import refuse_foreign_folder
from kmlp.report import write_report
from kmlp.study.loading import load_study
from kmlp.study.plan import plan_study
from kmlp.study.provenance import stored_config, stored_environment
from kmlp.study.run_folder import RunFolder
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer
from tests.data_0_1_0.make import dataset, study

STUDIES = {"study": "multiclass", "regression": "regression", "search/study": "binary"}
ROWS = "test_ci95_seeds_and_rows"


class Idle(LinearTrainer):
    """A trainer that has nothing to do."""

    def train_members(self, stacks: Any, *arguments: Any, **options: Any) -> None:
        assert not [member.id for stack in stacks for member in stack]


def expected(folder: Path) -> dict[str, Any]:
    """What `results.json` holds, but for intervals that went beyond what there can be, and the
    verdict: the sentences are this version's, the numbers that they tell are not."""
    results = json.loads((folder / "results.json").read_text())
    del results["verdict"]
    highest = 1.0 if results["metric"]["name"] == "accuracy" else math.inf
    for variant in results["variants"]:
        variant[ROWS] = np.clip(variant[ROWS], 0.0, highest).tolist()
    return results


def differences(old: Any, new: Any, place: str = "") -> Iterator[str]:
    """Where new values are not the old ones but for another processor's rounding; fields that are
    new are none of it."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in old:
            yield from differences(old[name], new.get(name, "missing"), f"{place}/{name}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, pair in enumerate(zip(old, new, strict=True)):
            yield from differences(*pair, f"{place}/{number}")
    elif isinstance(old, float) and isinstance(new, float):
        if not math.isclose(old, new, rel_tol=1e-12, abs_tol=1e-12):
            yield f"{place}: {old!r}, now {new!r}"
    elif old != new:
        yield f"{place}: {old!r}, now {new!r}"


def plain(results: Any) -> Any:
    return json.loads(json.dumps(results))


def recorded(folder: Path, table: str = "member") -> set[str]:
    """Ids as they stand in the ledger, read without kmlp."""
    with contextlib.closing(sqlite3.connect(folder / "ledger.sqlite")) as connection:
        return {id for (id,) in connection.execute(f"SELECT id FROM {table}")}


@pytest.mark.long
@pytest.mark.parametrize("name", STUDIES)
def test_a_study_has_the_numbers_that_it_had(old, name):
    wanted, found = expected(old / name), load_study(old / name)
    assert found.num_missing == 0
    assert list(differences(wanted, plain(found.results))) == []


@pytest.mark.long
@pytest.mark.parametrize("field", ["members", "variants"])
def test_what_differs_would_be_found(old, field):
    wanted, found = expected(old / "study"), plain(load_study(old / "study").results)
    del found[field][-1]
    assert len(list(differences(wanted, found))) == 1


@pytest.mark.parametrize("name", [*STUDIES, "interrupted"])
def test_networks_are_called_what_they_were_called(old, name):
    """Another id would be another network: all would be trained anew, and nothing found."""
    folder = RunFolder(old / name)
    config, sha256 = stored_config(folder), stored_environment(folder)["dataset"]["sha256"]
    ids = plan_study(config, sha256).by_id.keys()
    assert ids == recorded(old / name, "attempt" if name == "interrupted" else "member")


@pytest.mark.long
@pytest.mark.parametrize("name", ["study", "regression"])
def test_a_finished_study_is_gone_on_with_and_trains_nothing(old, name):
    """From then on its ledger has hashes and the folder its mark."""
    run, before = old / name, load_study(old / name)
    again = run_study(before.config, run, dataset(STUDIES[name]), trainer=Idle())
    assert again.results == load_study(run).results
    again.results["dataset"].pop("value_range")  # now known of the arrays
    assert again.results == before.results
    assert RunFolder(run).has_hashes
    assert json.loads((run / ".kmlp").read_text())["kind"] == "study"


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        (b'"val": {', b'"vau": {', r"member .* is not what was written\. Run the same command"),
        (b'"cross_entropy": ', b'"cross_entropz": ', r"member .* is not what was written"),
        (b"    record TEXT NOT", b"    record` TEXT NOT", "malformed database schema"),
    ],
)
def test_a_ledger_without_hashes_that_is_damaged_is_refused_in_one_line(old, was, now, message):
    path = old / "study" / "ledger.sqlite"
    content = path.read_bytes()
    assert was in content
    path.write_bytes(content.replace(was, now[: len(was)], 1))
    with pytest.raises(RunFolderError, match=message) as refused:
        load_study(old / "study")
    assert "\n" not in str(refused.value)


def test_more_seeds_train_only_what_is_missing(old):
    config = study("regression", variants=("none", "l2"))
    config = type(config).from_dict({**config.to_dict(), "num_seeds": 3})
    before = load_study(old / "regression").results["members"]
    run_study(config, old / "regression", dataset("regression"), trainer=LinearTrainer())
    after = load_study(old / "regression").results["members"]
    assert [member for member in after if member["seed"] < 2] == before
    assert len(after) == len(before) + 2


def test_a_study_that_was_killed_shows_what_there_is(old):
    found = load_study(old / "interrupted")
    assert (found.num_missing, found.results["members"]) == (4, [])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *dict.fromkeys([*STUDIES, "interrupted"], "study").items(),
        ("search", "search"),
        ("models/member", "model"),
        ("models/ensemble", "model"),
    ],
)
def test_each_folder_is_known_for_what_it_is(old, name, kind):
    before = {path: path.stat().st_mtime_ns for path in old.rglob("*")}
    refuse_foreign_folder(old / name, kind)
    with pytest.raises(ForeignFolderError, match="is to go there"):
        refuse_foreign_folder(old / name, "comparison")
    assert {path: path.stat().st_mtime_ns for path in old.rglob("*")} == before


@pytest.mark.slow
@pytest.mark.page
def test_a_report_is_written_beside_the_study_it_is_of(old):
    page = write_report(old / "study")
    text = page.read_text()
    for variant in load_study(old / "study").results["variants"]:
        assert f"{100 * variant['test']['accuracy']['mean']:.2f}" in text
    assert page.with_suffix(".pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.slow
@pytest.mark.engine
def test_a_study_that_was_killed_goes_on_from_its_checkpoint(old):
    """Its networks become those of the study that was never killed: their ids are the same."""
    run, whole = old / "interrupted", RunFolder(old / "study")
    before = RunFolder(run).stacks.num_epochs_logged()
    found = run_study(study("multiclass", variants=("none", "dropout")), run, dataset("multiclass"))
    # Two networks came to the first of three epochs, two to none; all epochs are logged.
    assert RunFolder(run).stacks.num_epochs_logged() == before + 2 * 2 + 2 * 3
    assert found.num_missing == 0
    for id in recorded(run):
        resumed, never_killed = RunFolder(run).arrays(id), whole.arrays(id)
        assert resumed.keys() >= never_killed.keys()  # what later versions keep beside them
        for name, array in never_killed.items():
            np.testing.assert_allclose(resumed[name], array, rtol=1e-4, atol=1e-5, err_msg=name)
    assert not (run / "checkpoints").exists()
