"""What is said before networks train: rows and seeds that are too few to show anything; and what
to run after."""

import pytest

from kmlp.cli.printing.next_steps import _one_more, called_again
from kmlp.cli.training import load_data, seeds_needed
from kmlp.config import DataConfig, StudyConfig


@pytest.mark.parametrize(
    ("variants", "references", "needed"),
    [
        (("none",), "none", 0),
        (("none", "l2"), "none", 6),
        (("none",), ("constant", "linear", "random_forest", "boosted_trees"), 8),
        (("none", "l2"), ("constant", "linear", "random_forest", "boosted_trees"), 8),
    ],
)
def test_seeds_show_something_of_what_is_compared_most(variants, references, needed):
    """Each family is corrected for its own comparisons: 4 * 2^(1 - 8) is below 0.05, of 7 not."""
    asked = StudyConfig(dataset="wine", variants=variants, references=references)
    assert seeds_needed(asked) == needed


@pytest.mark.parametrize(
    ("variants", "added"),
    [
        (("none", "l2"), "none,l2,dropout=0.5"),
        (("none", "dropout=0.5"), "none,dropout=0.5,batch_norm"),
        (("none", {"name": "mine", "dropout": 0.3}), None),
        (("none", "dropout=0.5", "batch_norm", "l2=0.01"), None),
    ],
)
def test_the_variant_that_is_proposed_is_none_of_the_studys(variants, added):
    asked = StudyConfig(dataset="wine", variants=variants)
    assert _one_more(asked, asked) == (f"--variants {added}" if added else "")


def test_no_more_is_proposed_of_what_is_shown_to_be_worse():
    asked = StudyConfig(dataset="wine", variants=("none", "dropout"))
    assert _one_more(asked, asked, {"dropout"}) == "--variants none,dropout,batch_norm"


def test_of_few_rows_a_share_that_tests_is_told_with_what_else_would(tmp_path, capsys):
    asked = StudyConfig(dataset="wine", data=DataConfig(test=0.2))
    load_data(asked, tmp_path / "run")
    assert (
        "rows: 36 of 178 rows test: what is found on them may hold for these alone; --test cv, "
        "with another --out, tests on all, each held out in its fold\n"
    ) in capsys.readouterr().err
    load_data(StudyConfig(dataset="wine"), tmp_path / "run")
    assert "may hold for these alone" not in capsys.readouterr().err


def test_a_folder_that_goes_on_with_other_test_rows_than_a_new_one_would_says_so(tmp_path, capsys):
    """Whoever leaves --test out after all would take its numbers for those of folds."""
    run = tmp_path / "run"
    run.mkdir()
    (run / "study.toml").write_text(
        StudyConfig(dataset="wine", data=DataConfig(test=0.2)).to_toml()
    )
    _, config = load_data(StudyConfig(dataset="wine"), run)
    assert config.data.test == 0.2
    assert f"rows: {run} goes on as it began, with --test 0.2; " in capsys.readouterr().err


def test_commands_that_go_on_from_the_sample_keep_to_it(monkeypatch):
    """With a network they would be of other data than the folder's."""
    monkeypatch.setenv("KMLP_OFFLINE", "1")
    assert called_again("sample") == "KMLP_OFFLINE=1 kmlp"
    assert called_again("file") == "kmlp"
    monkeypatch.delenv("KMLP_OFFLINE")
    assert called_again("sample") == "kmlp"


def test_to_a_linear_network_nothing_is_proposed_that_needs_hidden_layers():
    asked = StudyConfig(dataset="wine", variants=("none", "l1"), model={"hidden_units": ()})
    assert _one_more(asked, asked) == "--variants none,l1,l2=0.01"
