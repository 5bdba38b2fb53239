"""Several studies are answered in a line: in which of them something is shown to help."""

import pytest

from kmlp.report.comparing.answer import answer_of_all
from tests.hand_made import hand_made


@pytest.fixture(scope="module")
def by_seeds(tmp_path_factory):
    """Eight seeds show that dropout helps, six cannot."""
    folder = tmp_path_factory.mktemp("runs")
    return {n: hand_made(folder / str(n), "multiclass", n).record for n in (6, 8)}


@pytest.mark.long
def test_it_says_where_something_helps_and_where_nothing_does(by_seeds):
    answer = answer_of_all({"a": by_seeds[8], "b": by_seeds[6]}, "None is shown over both.")
    assert (answer.badge, answer.mark) == ("Helps in 1 of 2", "soft")
    assert answer.text == (
        "dropout helps in a; nothing is shown to help in b. None is shown over both."
    )


def test_where_all_agree_it_is_said_once(by_seeds):
    answer = answer_of_all({"a": by_seeds[8], "b": by_seeds[8]})
    assert (answer.badge, answer.mark) == ("Helps in 2 of 2", "better")
    assert answer.text == "dropout helps in a and b."
    answer = answer_of_all({"a": by_seeds[6], "b": by_seeds[6]})
    assert (answer.badge, answer.mark) == ("None shown to help", "soft")
    assert answer.text == "Nothing is shown to help in any of them."
