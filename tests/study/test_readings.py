"""A run folder remembers how often its test rows were read, and p counts the looks."""

import pytest

from kmlp.errors import RunFolderError
from kmlp.report import limits
from kmlp.study.results.records.study import StudyResults
from kmlp.study.run_folder import RunFolder
from kmlp.study.run_folder.readings import note_reading, readings_in
from tests.hand_made import VARIANTS, hand_made


@pytest.fixture
def made(tmp_path):
    """Three variants of eight seeds: dropout is better on every one."""
    return hand_made(tmp_path / "run", "multiclass", 8)


def note(made, num_seeds, metric="accuracy"):
    with made.folder.writing():
        note_reading(made.folder, metric, "none", dict.fromkeys(VARIANTS, num_seeds))


def p_of(made):
    return made.record.variant("dropout").versus_baseline.p_holm


@pytest.mark.long
def test_what_is_read_once_is_corrected_for_the_variants_alone(made):
    before = p_of(made)
    note(made, 8)
    assert p_of(made) == before == pytest.approx(2 * 2 / 2**8)
    assert made.record.earlier_readings == ()


@pytest.mark.long
def test_seeds_added_after_a_look_count_it_and_say_so(made):
    before = p_of(made)
    note(made, 7)
    assert p_of(made) == pytest.approx(2 * before)
    said = "Extended after a look: the test scores were compared once before, with 7 seeds."
    assert any(s.startswith(said) for s in made.record.verdict)
    assert any(s.startswith(said) for s in made.record.answer.caveats)
    assert any("read by 2 runs" in s for s in limits.limits(made.record))


@pytest.mark.long
@pytest.mark.parametrize(
    ("num_seeds", "metric"),
    [
        (3, "accuracy"),  # no verdict can be told by three seeds
        (7, "auc"),  # another question
    ],
)
def test_a_reading_that_could_tell_nothing_of_this_is_no_look(made, num_seeds, metric):
    before = p_of(made)
    note(made, num_seeds, metric)
    assert p_of(made) == before
    assert [r.is_look for r in made.record.earlier_readings] == [False]


def test_the_same_again_is_written_once(made):
    note(made, 7)
    note(made, 7)
    note(made, 8)
    found = readings_in(made.folder)
    assert [reading.num_seeds["none"] for reading in found] == [7, 8]
    assert len(found[0].date) == 10


def test_what_was_read_cannot_be_made_unread_by_hand(made):
    note(made, 7)
    (made.folder.path / "readings.json").unlink()
    assert len(readings_in(RunFolder(made.folder.path))) == 1
    (made.folder.path / "readings.json").write_text("[]")
    assert len(readings_in(RunFolder(made.folder.path))) == 1


def test_damaged_readings_are_refused(made):
    with made.folder.writing():
        made.folder.write_text("readings.json", '[{"date": "today"}]')
    with pytest.raises(RunFolderError, match=r"readings.json: not what kmlp writes there"):
        readings_in(made.folder)


def test_folders_of_earlier_releases_have_read_nothing_before(made):
    told = made.record.to_dict()
    assert "earlier_readings" not in told
    assert StudyResults.model_validate(told).earlier_readings == ()
