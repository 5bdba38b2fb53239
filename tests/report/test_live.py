"""The page of a study that runs: it shows itself anew, and gives way to what comes after."""

import threading
import time
from collections.abc import Callable

import pytest

from kmlp.report.live import LivePage
from kmlp.study.progress import StudyProgress
from tests.report.test_report import text_of

REFRESH = '<meta http-equiv="refresh" content="2">'


def interrupted(page: LivePage, meanwhile: Callable[[], None]) -> None:
    """A run that something ends."""
    with page:
        meanwhile()
        raise KeyboardInterrupt


def test_it_tells_how_far_it_is_and_shows_itself_anew_until_it_stops(tmp_path):
    there, told, seen = threading.Event(), [], []
    progress = StudyProgress()
    progress.start({"1": "none", "2": "l2", "3": "l2"}, done=["1"])

    def tell(page):
        told.append(page)
        there.set()

    def look():
        assert there.wait(60)
        seen.append(told[0].read_text())

    with pytest.raises(KeyboardInterrupt):
        interrupted(LivePage(progress, tmp_path, "Which?", tell, every=0.01), look)
    assert told == [tmp_path / "report.html"]
    assert REFRESH in seen[0]
    for words in ("1 of 3 networks, ", "none 1/1", "l2 0/2", "the same command goes on"):
        assert words in text_of(seen[0])
    last = told[0].read_text()
    assert REFRESH not in last
    assert "It stopped before its end. The same command goes on." in text_of(last)


def test_nothing_is_written_where_training_never_begins(tmp_path):
    """Another study's folder is refused after this page was asked for, and keeps its own."""
    page = tmp_path / "report.html"
    page.write_text("another study's")
    live = LivePage(StudyProgress(), tmp_path, "Which?", every=0.001)
    with pytest.raises(KeyboardInterrupt):
        interrupted(live, lambda: time.sleep(0.05))
    assert page.read_text() == "another study's"


def test_a_page_that_cannot_be_written_is_told_once_and_ends_no_training(tmp_path, caplog):
    (tmp_path / "run").write_text("a file where the folder should be")
    progress = StudyProgress()
    progress.start({"1": "none"}, done=())
    live = LivePage(progress, tmp_path / "run", "Which?", every=0.001)
    with pytest.raises(KeyboardInterrupt):
        interrupted(live, lambda: _until(lambda: caplog.records))
    (told,) = caplog.messages
    assert "the page cannot be kept up to date" in told


def _until(is_so: Callable[[], object]) -> None:
    while not is_so():
        time.sleep(0.001)


def test_a_page_that_is_done_does_not_show_itself_anew(tmp_path):
    with LivePage(progress := StudyProgress(), tmp_path, "Which?", every=60):
        progress.start({"1": "none"}, done=())
    assert list(tmp_path.iterdir()) == []
