"""Scores as they are read: which column is what, and what is no score."""

from datetime import date

import pandas as pd
import polars as pl
import pytest

from kmlp.errors import DataError
from kmlp.scores.table import read_scores

TWO_RUNS = {"classifier": ["a", "a", "b", "b"], "acc": [0.8, 0.7, 0.9, 0.8]}
TWO = {"method": ["a", "b"], "seed": [0, 0], "accuracy": [0.8, 0.9]}


@pytest.mark.parametrize("frame", [TWO, pd.DataFrame(TWO), pl.DataFrame(TWO)])
def test_frames_of_any_library_are_read(frame):
    found = read_scores(frame)
    assert found.by_dataset == {"": {"a": {("0",): 0.8}, "b": {("0",): 0.9}}}


def test_columns_are_found_whatever_their_case_and_others_named():
    found = read_scores(
        {
            "Model": ["a", "b"],
            "Data Set": ["x", "x"],
            "Run": [1, 1],
            "RMSE": [3.0, 2.0],
            "gpu": [0, 1],
        }
    )
    assert found.by_dataset["x"]["b"] == {("1",): 2.0}
    assert not found.metric.higher_is_better
    assert found.notes == (
        "Read 'Model' as method, 'Data Set' as dataset and 'Run' as seed.",
        "Not used: 'gpu'.",
    )


def test_what_pairs_the_scores_may_be_called_as_scikit_learn_does_and_else_is_asked_for():
    found = read_scores({**TWO_RUNS, "random_state": [0, 1, 0, 1]})
    assert found.paired_by == ("seed",)
    found = read_scores({**TWO_RUNS, "trial": [0, 1, 0, 1]})
    assert found.notes[-1] == (
        "Not used: 'trial'. A column that pairs the scores is called seed or fold."
    )


def test_a_file_is_read_in_any_dialect(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("method;seed;score\na;0;0,8\nb;0;0,9\na;1;0,7\nb;1;0,95\n", encoding="utf-8")
    assert read_scores(path).by_dataset[""]["b"] == {("0",): 0.9, ("1",): 0.95}


@pytest.mark.parametrize(
    ("name", "values", "unit", "higher"),
    [
        ("accuracy", [0.8, 0.9], "percent", True),
        ("test accuracy", [0.8, 0.9], "percent", True),
        ("accuracy", [80.0, 90.0], "target", True),
        ("error rate", [0.2, 0.1], "target", False),
        ("brier score", [0.2, 0.1], "none", False),
        ("f1", [0.2, 0.1], "target", True),
        ("val_accuracy", [0.8, 0.9], "percent", True),
        ("val_acc", [0.8, 0.9], "percent", True),
        ("val_loss", [0.8, 0.9], "target", False),
    ],
)
def test_what_a_score_is_follows_from_its_name_and_values(name, values, unit, higher):
    found = read_scores({"method": ["a", "b"], name: values}).metric
    assert (found.unit, found.higher_is_better) == (unit, higher)


KERAS = {
    **{"model": ["a", "b"], "seed": [0, 0], "loss": [0.1, 0.2], "accuracy": [0.99, 0.98]},
    **{"val_loss": [0.4, 0.5], "val_accuracy": [0.8, 0.9]},
}


def test_a_score_of_training_rows_as_keras_logs_it_is_asked_about():
    with pytest.raises(DataError, match=r"Say --score val_accuracy, or --score accuracy if it is"):
        read_scores(KERAS)
    found = read_scores(KERAS, score="val_accuracy")
    assert found.by_dataset[""]["b"] == {("0",): 0.9}
    assert found.metric.title == "validation accuracy"
    assert read_scores(KERAS, score="accuracy").metric.title == "accuracy"
    assert read_scores({**TWO, "val_loss": [0.4, 0.5]}).metric.title == "accuracy"


WIDE = {"seed": [0, 1], "mlp": [0.8, 0.9], "forest": [0.7, 0.6]}


def test_a_column_a_method_is_read_once_it_is_said_what_the_scores_are(tmp_path):
    with pytest.raises(DataError, match=r"If 'mlp', 'forest' are a method each, say.*--score"):
        read_scores(WIDE)
    found = read_scores(WIDE, score="accuracy")
    assert found.by_dataset == {
        "": {"mlp": {("0",): 0.8, ("1",): 0.9}, "forest": {("0",): 0.7, ("1",): 0.6}}
    }
    assert (found.metric.unit, found.notes) == (
        "percent",
        ("Read a column a method: 'mlp', 'forest'.",),
    )
    path = tmp_path / "wide.csv"
    path.write_text("seed,mlp,forest\n0,0.8,0.7\n1,0.9,\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"line 3, column 'forest': a score must be .*nothing"):
        read_scores(path, score="accuracy")
    of_folds = {"data": ["x", "y"], "fold": [0, 0], **{k: WIDE[k] for k in ("mlp", "forest")}}
    assert read_scores(of_folds, score="rmse").by_dataset["y"]["forest"] == {("0",): 0.6}


@pytest.mark.parametrize("score", ["", " ", "method", "Data Set", "SEED"])
def test_what_names_another_column_cannot_name_the_scores_of_methods(score):
    with pytest.raises(DataError, match=r"scores cannot be called .*--score accuracy"):
        read_scores(WIDE, score=score)


def test_a_method_may_have_a_scores_word_in_its_name_once_the_score_is_said():
    losses = {"seed": [0, 1], "focal_loss": [0.8, 0.9], "mae_vit": [0.7, 0.6]}
    found = read_scores(losses, score="accuracy")
    assert found.methods == ("focal_loss", "mae_vit")
    with pytest.raises(DataError, match="no column names the method"):
        read_scores(losses)


@pytest.mark.parametrize("table", [{"rmse": [0.7, 0.6]}, {"val_loss": [0.7, 0.6]}])
def test_no_score_is_a_method_whatever_the_score_is_said_to_be(table):
    with pytest.raises(DataError, match="has no column 'auc'"):
        read_scores({**WIDE, **table}, score="auc")


def test_numbers_of_rows_are_found_whatever_their_case():
    rows = {"fold": [0, 1], "Num Train": [80, 80], "NUM_HELD_OUT": [20, 20]}
    found = read_scores({**WIDE, **rows}, score="accuracy")
    assert found.methods == ("mlp", "forest")
    assert found.rows == {("", "mlp"): (80, 20), ("", "forest"): (80, 20)}


@pytest.mark.parametrize(
    "table",
    [
        {"seed": [0, 1], "accuracy": [0.8, 0.9], "rmse": [0.7, 0.6]},  # of one method
        {"seed": [0, 1], "loss": [0.8, 0.9], "val_loss": [0.7, 0.6]},
        {"seed": [0, 1], "mlp": [0.8, 0.9]},
        {"mlp": [0.8, 0.9], "forest": [0.7, 0.6]},
        {**WIDE, "who": ["a", "b"]},
        {**WIDE, "Unnamed: 0": [0, 1]},
    ],
)
def test_what_is_no_column_a_method_is_not_taken_for_one(table):
    with pytest.raises(DataError, match="say --method COLUMN"):
        read_scores(table)


def test_a_direction_that_cannot_be_known_is_asked_for():
    scores = {"method": ["a", "b"], "bleurt": [0.2, 0.1]}
    with pytest.raises(DataError, match="--higher-is-better or --lower-is-better"):
        read_scores(scores)
    assert not read_scores(scores, higher_is_better=False).metric.higher_is_better


def test_a_direction_that_contradicts_a_known_metric_is_refused():
    with pytest.raises(DataError, match="'accuracy' is better the higher it is"):
        read_scores(TWO, higher_is_better=False)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({"seed": [0, 1], "score": [1.0, 2.0]}, "no column names the method"),
        ({"method": ["a", "b"], "x": ["p", "q"]}, "which column holds the scores"),
        ({"method": ["a", "b"], "x": [1, 2], "y": [1, 2]}, "One of 'x', 'y'"),
        ({"method": ["a", "a"], "score": [1.0, 2.0]}, "there is one method only, a"),
        ({"method": ["a", "b"], "score": [1.0, None]}, "row 1, column 'score'.*nothing"),
        ({"method": ["a", "b"], "score": [1.0, float("inf")]}, "row 1, column 'score'.*inf"),
        ({"method": ["a", "b"], "score": ["91 %", "90 %"]}, "without the sign"),
        ({"method": ["a", None], "score": [1.0, 2.0]}, "row 1: column 'method' is empty"),
        ({"method": ["a", " "], "score": [1.0, 2.0]}, "row 1: column 'method' is empty"),
        ({**TWO, "seed": ["", "1"]}, "row 0: column 'seed' is empty"),
        ({"method": [], "score": []}, "has no rows"),
        ({"method": ["a", "b"], "score": [1.0, 1e200]}, r"row 1, column 'score'.*1e\+200"),
        ({"method": ["a", "b"], "score": [date(2026, 1, 1)] * 2}, "must be a number.*2026-01-01"),
        ({**TWO, "Seed": [1, 1]}, "which of the columns 'seed' and 'Seed' is meant"),
        ({**TWO, "method": ["a", "a"]}, "row 1: a second score of a with seed 0"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_its_row(scores, message):
    with pytest.raises(DataError, match=message) as refused:
        read_scores(scores)
    assert "\n" not in str(refused.value)  # a terminal is shown it in a line


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("neg_log_loss", [-0.2, -0.1]),
        ("rmse", [-3.0, -2.0]),
        ("negative error", [0.2, 0.1]),
        ("logloss reduction", [0.2, 0.1]),
        ("1 - accuracy", [0.2, 0.1]),
        ("accuracy loss", [0.2, 0.1]),
        ("brier skill score", [0.2, 0.1]),
    ],
)
def test_an_error_that_may_have_been_turned_round_is_asked_about(name, values):
    scores = {"method": ["a", "b"], name: values}
    with pytest.raises(DataError, match="--higher-is-better or --lower-is-better"):
        read_scores(scores)
    assert read_scores(scores, higher_is_better=True).metric.higher_is_better


def test_shares_beside_percent_are_refused():
    scores = {"method": ["a", "a", "b", "b"], "accuracy": [91.0, 0.92, 90.1, 90.2]}
    message = r"row 1, column 'accuracy': is it .* a has 0\.92 there, and others reach 91\. Write"
    with pytest.raises(DataError, match=message):
        read_scores(scores)
    scores["accuracy in percent"] = scores.pop("accuracy")
    assert read_scores(scores).metric.higher_is_better


def test_nothing_right_is_as_much_in_percent():
    """A run that collapsed is a score, and 0 % is 0."""
    assert read_scores({"method": ["a", "b"], "accuracy": [0.0, 90.1]}).metric.name == "accuracy"


def test_acc_is_accuracy_among_other_numbers():
    found = read_scores({"method": ["a", "b"], "acc": [0.8, 0.9], "seconds": [1.0, 2.0]})
    assert found.metric.unit == "percent"


def test_a_whole_number_of_a_column_of_floats_names_the_same_seed():
    found = read_scores({"method": [1.0, 2.0], "seed": [3.0, 3.0], "accuracy": [0.8, 0.9]})
    assert found.by_dataset == {"": {"1": {("3",): 0.8}, "2": {("3",): 0.9}}}


def test_two_columns_of_one_name_that_nobody_asks_about_are_no_obstacle():
    found = read_scores(
        {**TWO, "gpu": [0, 1], "GPU": [1, 0], "Score": [1.0, 2.0]}, score="accuracy"
    )
    assert found.metric.name == "accuracy"


def test_the_methods_are_no_scores():
    with pytest.raises(DataError, match="cannot be both the method and its score"):
        read_scores({"who": [1, 2]}, method="who", score="who")


def test_columns_can_be_named():
    found = read_scores(
        {"who": ["a", "b"], "x": [1, 2], "y": [3, 4]},
        method="who",
        score="y",
        higher_is_better=True,
    )
    assert found.by_dataset[""]["a"] == {(0,): 3.0}
    with pytest.raises(DataError, match="has no column 'z'"):
        read_scores(TWO, score="z")
