"""A search of kmlp 0.1.0, with the study that followed it."""

import json

import pytest

from tests.compatibility.test_run_folders import Idle, differences, plain
from tests.data_0_1_0.make import SEARCH, dataset
from tuning.report import write_search_report
from tuning.results.search_folder import SearchFolder
from tuning.search.search import load_search


def test_a_search_says_what_it_said(old):
    wanted = json.loads((old / "search" / "results.json").read_text())
    assert list(differences(wanted, plain(load_search(old / "search").results))) == []


@pytest.mark.page
def test_a_report_is_written_beside_the_search_it_is_of(old):
    best = (old / "search" / "best.toml").read_text()
    text = write_search_report(old / "search").read_text()
    picked = load_search(old / "search").results
    score = picked["trials"][picked["picked"]]["score"]
    assert f"{100 * score:.2f}" in text
    assert (old / "search" / "best.toml").read_text() == best


@pytest.mark.slow
@pytest.mark.engine
def test_a_finished_search_is_gone_on_with_and_trains_nothing(old):
    """The oracle draws the same trials, and the study that follows is the one that followed."""
    from tuning import tune

    before = plain(load_search(old / "search").results)
    tune(dataset("binary"), old / "search", **SEARCH, trainer=Idle())
    assert list(differences(before, plain(load_search(old / "search").results))) == []
    assert SearchFolder(old / "search").has_hashes
