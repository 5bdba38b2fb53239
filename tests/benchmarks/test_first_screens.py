"""The drawn studies answer what their screens are to show, whatever becomes of the tests."""

import pytest

from benchmarks.first_screens import HELPS, NONE_HELPS, drawn_study
from kmlp.study.loading import load_study


@pytest.mark.long
@pytest.mark.parametrize(
    ("wrong", "num_seeds", "kind"),
    [(HELPS, 10, "helps"), (NONE_HELPS, 10, "none_helps"), (HELPS, 4, "too_few_seeds")],
)
def test_a_drawn_study_answers_what_it_is_called(tmp_path, wrong, num_seeds, kind):
    drawn_study(tmp_path / "run", wrong, num_seeds, "fashion_mnist")
    assert load_study(tmp_path / "run").record.answer.kind == kind
