"""A search of kmlp 0.1.0, with the study that followed it."""

import json

import pytest

from kmlp.config import StudyConfig
from kmlp.errors import RunFolderError
from tests.compatibility.test_run_folders import Idle, differences
from tests.data_0_1_0.make import SEARCH, dataset
from tuning.report import write_search_report
from tuning.results.search_folder import SearchFolder
from tuning.search.loading import load_search


@pytest.mark.long
def test_a_search_says_what_it_said(old):
    wanted = json.loads((old / "search" / "results.json").read_text())
    # By which rule a trial is picked is said in other words, and is another one since.
    del wanted["verdict"]
    # Two of its trials score alike, by which 0.1.0 told the third from them by any difference.
    assert (wanted.pop("least_difference"), wanted.pop("ties")) == (0.0, [0, 2])
    assert list(differences(wanted, load_search(old / "search").results)) == []


@pytest.mark.parametrize(
    ("file", "was", "now"),
    [
        ("ledger.sqlite", b'"score": 0.5333', b'"score": 0.9333'),
        ("ledger.sqlite", b'"values": {"dropout": 0.2', b'"values": {"dropout": 0.3'),
        ("search.toml", b"max_epochs = 3", b"max_epochs = 9"),
        ("environment.json", b'"sha256": "5abb', b'"sha256": "5abc'),
    ],
)
def test_a_score_that_is_not_that_of_its_networks_is_refused(old, file, was, now):
    """Without hashes another trial would be the best, of settings that nobody trained."""
    path = old / "search" / file
    content = path.read_bytes()
    assert was in content
    path.write_bytes(content.replace(was, now))
    with pytest.raises(RunFolderError, match=r"trial [01] is recorded with a score of 0\.\d+, "):
        load_search(old / "search")


@pytest.mark.page
def test_a_report_is_written_beside_the_search_it_is_of(old):
    best = (old / "search" / "best.toml").read_text()
    text = write_search_report(old / "search").read_text()
    assert f"{100 * load_search(old / 'search').record.picked_trial.score:.2f}" in text
    written = (old / "search" / "best.toml").read_text()
    before, now = StudyConfig.from_toml(best), StudyConfig.from_toml(written)
    assert (before.model, before.train) in [(v.model, v.train) for v in now.resolved_variants]
    assert before.seeds == now.seeds


@pytest.mark.slow
@pytest.mark.engine
def test_a_finished_search_is_gone_on_with_and_trains_nothing(old):
    """The oracle draws the same trials, and the study that follows is the one that followed."""
    from tuning import tune

    before = load_search(old / "search").results
    tune(dataset("binary"), old / "search", **SEARCH, trainer=Idle())
    found = list(differences(before, load_search(old / "search").results))
    # 0.1.0 did not say that the pick is not shown to beat a constant.
    assert all("is not shown to do better" in each for each in found), found
    assert SearchFolder(old / "search").has_hashes
