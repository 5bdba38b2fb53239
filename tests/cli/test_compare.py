"""`kmlp compare`: from a file, from run folders, from both."""

import json

import polars as pl
import pytest

from kmlp.ownership import own_folder
from tests.command_line import kmlp
from tests.hand_made import hand_made
from tests.scores.made import rows


@pytest.fixture
def scores(tmp_path):
    path = tmp_path / "my scores.csv"
    pl.DataFrame(rows()).write_csv(path)
    return path


def test_prints_the_table_and_the_verdict(scores):
    out = kmlp("compare", str(scores), "--baseline", "same").stdout
    assert "• good beats same by " in out
    assert "vs. same" in out


def test_prints_json_alone(scores):
    found = json.loads(kmlp("compare", str(scores), "--json", "--equivalence", "1").stdout)
    assert (found["baseline"], found["margin"]) == ("base", 0.01)


@pytest.mark.long
def test_a_study_is_compared_as_it_compares_itself(tmp_path):
    made = hand_made(tmp_path, "multiclass")
    found = json.loads(kmlp("compare", str(made.folder.path), "--json").stdout)
    methods = {m["name"]: m["versus_baseline"] for m in found["datasets"][0]["methods"]}
    assert found["baseline"] == "none"
    for variant in made.results["variants"]:
        own = variant["versus_baseline"]
        if own:
            keys = ("difference", "p", "p_holm", "wins", "losses")
            assert {k: methods[variant["name"]][k] for k in keys} == {k: own[k] for k in keys}


@pytest.mark.long
def test_own_scores_join_a_study(tmp_path):
    made = hand_made(tmp_path, "multiclass")
    mine = tmp_path / "mine.csv"
    mine.write_text("method,seed,score\n" + "".join(f"mine,{s},0.99\n" for s in range(6)))
    assert (
        "• mine cannot be told apart from no regularization: +"
        in kmlp("compare", str(made.folder.path), str(mine)).stdout
    )


@pytest.mark.page
def test_what_was_compared_is_shown_again(scores, tmp_path):
    made = kmlp("compare", str(scores), "--baseline", "same", "--out", str(tmp_path / "out"))
    told = kmlp("show", str(tmp_path / "out"))
    assert told.stdout.startswith(f"{tmp_path / 'out'}: scores that kmlp compare compared\n\n")
    table, _, _ = made.stdout.partition("\nReport: ")
    assert told.stdout.partition("\n\n")[2].strip() == table.strip()
    found = json.loads((tmp_path / "out" / "results.json").read_text())
    assert json.loads(kmlp("show", str(tmp_path / "out"), "--json").stdout) == found
    (tmp_path / "out" / "results.json").write_text('{"paired_by": 3}')
    assert "not what kmlp compare writes there" in kmlp("show", str(tmp_path / "out")).stderr


def test_a_folder_that_is_no_run_says_what_it_is(scores, tmp_path):
    own_folder(tmp_path / "model", "model")
    assert (
        "no study.toml; this holds an exported model"
        in kmlp("show", str(tmp_path / "model")).stderr
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "compare needs a file of scores"),
        (["{}", "--lower-is-better", "--higher-is-better"], "not both"),
        (["{}", "--baseline", "nobody"], "no method is called 'nobody'"),
        (["{}", "--equivalence", "0"], "equivalence must be a number above 0"),
        (["{}", "--equivalence", "nan"], "Received: nan"),
        (["{}.csv"], "there is no such file"),
    ],
)
def test_says_what_is_wrong_in_a_line(scores, words, message):
    done = kmlp("compare", *(w.format(scores) for w in words))
    assert done.returncode == 1
    assert message in done.stderr
