"""A table as people have them: from one command to predictions on new rows, also without kmlp."""

import csv
import json
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest

from tests.command_line import kmlp
from tests.deploy.made_table import HEADER, rows, write_csv

pytestmark = [pytest.mark.engine, pytest.mark.slow]

NEW = rows(300, seed=1, num_zips=400)
NEW[0]["City"], NEW[1]["City"], NEW[2]["age"], NEW[3]["since"] = "Oslo", "", "", ""
NEW[4]["zip"], NEW[5]["Auto pay"], NEW[6]["age"] = "99999", "", "5000"
ALONE = """
import json, sys
sys.modules["kmlp"] = sys.modules["keras"] = None
import numpy as np, tensorflow as tf
folder, columns, out = sys.argv[1:]
table = json.load(open(columns))
model = tf.saved_model.load(folder).signatures["serving_default"]
kinds = {name: spec.dtype for name, spec in model.structured_input_signature[1].items()}
fed = {}
for name, column in reversed(table.items()):
    is_number = kinds[name] == tf.float64
    cells = [float(cell or "nan") for cell in column] if is_number else column
    fed[name] = tf.constant(cells, kinds[name])
json.dump(model(**fed)["probabilities"].numpy().tolist(), open(out, "w"))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One command in a folder with a space: to verdict, report and export; then an ensemble."""
    folder = tmp_path_factory.mktemp("my data")
    write_csv(folder / "my churn.csv", rows(3000, num_zips=400))
    options = "--target status --variants none,dropout --seeds 2 --max-epochs 8 --hidden-units 16"
    done = kmlp("run", "my churn.csv", *options.split(), cwd=folder)
    assert done.returncode == 0, done.stderr
    export = ("export", "runs/my churn", "--member", "ensemble", "--out", "saved_models/many")
    assert kmlp(*export, cwd=folder).returncode == 0
    return folder, done.stdout


def commands(printed: str, name: str) -> list[list[str]]:
    """What a user would copy from the terminal, as a shell takes it apart."""
    found = re.findall(rf"kmlp ({name} .*)", printed)
    return [shlex.split(line) for line in found]


def test_one_command_ends_with_a_verdict_a_report_a_model_and_what_to_type_next(run):
    folder, printed = run
    assert "expect 8" in printed
    assert (folder / "runs/my churn/report.html").exists()
    assert (folder / "saved_models/my_churn/1/model_card.md").exists()
    for name in ("show", "evaluate"):
        (command,) = commands(printed, name)
        done = kmlp(*command, cwd=folder)
        assert done.returncode == 0, done.stderr
    assert "over 600 test rows (file)" in done.stdout
    for again in commands(printed, "run"):
        assert again[:3] == ["run", "my churn.csv", "--out"]
        # More epochs are another study, with a folder of its own.
        epochs = again[again.index("--max-epochs") + 1]
        assert again[3] == "runs/my churn" + "-longer" * (epochs != "8")


@pytest.mark.parametrize("model", ["my_churn", "many"])
def test_raw_columns_by_name_give_tensorflow_alone_what_kmlp_predicts(run, model):
    folder, _ = run
    path = write_csv(folder / f"new {model}.csv", NEW, tuple(reversed(HEADER[:-1])))
    out = f"{model} predictions.csv"
    words = ("predict", f"saved_models/{model}", path.name, "--keep", "Customer ID", "--out", out)
    done = kmlp(*words, cwd=folder)
    assert done.stdout == f"300 predictions in {out}\n"
    told = done.stderr.splitlines()
    assert (
        "look at: column 'City': 1 of 300 rows hold a category that was not in training" in told[0]
    )
    assert any(line.startswith("look at: column 'age': 1 of 300 rows lie far") for line in told)
    with open(folder / out, newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert [row["Customer ID"] for row in found] == [row["Customer ID"] for row in NEW]
    names = ("probability_has left", "probability_stays on")
    said = np.array([[float(row[name]) for name in names] for row in found])
    label = np.array(["has left", "stays on"])[said.argmax(axis=1)]
    assert [row["label"] for row in found] == label.tolist()
    assert ("stddev" in found[0]) == (model == "many")
    alone = _alone(folder, f"saved_models/{model}/1")
    assert np.isfinite(alone).all()
    np.testing.assert_allclose(alone, said, rtol=0, atol=1e-5)


def _alone(folder, model: str) -> np.ndarray:
    """The probabilities that a process gives in which neither kmlp nor Keras can be imported."""
    inputs = json.loads((folder / model / "manifest.json").read_text(encoding="utf-8"))["inputs"]
    cells = {each["name"]: [row[each["columns"][0]] for row in NEW] for each in inputs}
    (folder / "cells.json").write_text(json.dumps(cells), encoding="utf-8")
    command = [sys.executable, "-c", ALONE, model, "cells.json", "alone.json"]
    subprocess.run(command, check=True, cwd=folder)
    return np.array(json.loads((folder / "alone.json").read_text()))


def test_labelled_rows_are_scored_without_the_training_set(run):
    folder, _ = run
    (folder / "elsewhere").mkdir(exist_ok=True)
    stay = [row for row in rows(200, seed=3, num_zips=400) if row["status"] == "stays on"]
    write_csv(folder / "elsewhere" / "stay.csv", stay)
    words = ("evaluate", "../saved_models/my_churn", "stay.csv")
    done = kmlp(*words, "--json", cwd=folder / "elsewhere")
    scores = json.loads(done.stdout)
    assert scores["num_rows"] == len(stay)
    assert scores["confusion"][0] == [0, 0]
    write_csv(folder / "elsewhere" / "stay.csv", [{**stay[0], "status": "moved"}, *stay])
    refused = kmlp(*words, cwd=folder / "elsewhere")
    assert refused.returncode == 1
    assert refused.stderr.endswith(
        "kmlp: column 'status', line 2: 'moved' is no class of has left, stays on; mend or take it "
        "out.\n"
    )


REFUSED = {
    "cell": ("age", "old", "column 'age', line 2: 'old' is no number; mend the cell, or clear it"),
    "date": (
        "since",
        "soon",
        "column 'since', line 2: 'soon' is no date written as year-month-day",
    ),
    "boolean": ("Auto pay", "maybe", "column 'Auto pay', line 2: 'maybe' is no 'no' or 'yes'"),
}


@pytest.mark.parametrize(("column", "cell", "said"), REFUSED.values(), ids=REFUSED)
def test_a_cell_of_another_kind_is_refused_and_nothing_is_written(run, column, cell, said):
    folder, _ = run
    write_csv(folder / "bad.csv", [{**NEW[7], column: cell}, *NEW[8:60]])
    words = ("predict", "saved_models/my_churn", "bad.csv", "--out", "bad predictions.csv")
    done = kmlp(*words, cwd=folder)
    assert done.returncode == 1
    assert said in done.stderr
    assert not (folder / "bad predictions.csv").exists()


def test_a_missing_column_is_refused_by_name(run):
    folder, _ = run
    write_csv(folder / "less.csv", NEW, ("age", "City", "since", "zip", "Monthly charges (€)"))
    done = kmlp("predict", "saved_models/my_churn", "less.csv", cwd=folder)
    assert "less.csv lacks the column 'Auto pay'" in done.stderr


def test_values_are_hidden_from_report_and_card_as_asked(run):
    folder, _ = run
    page, card = folder / "hidden/report.html", folder / "hidden model/1/model_card.md"
    assert "Berlin" in (folder / "runs/my churn/report.html").read_text(encoding="utf-8")
    words = ("report", "runs/my churn", "--hide-values", "--out", "hidden")
    assert kmlp(*words, cwd=folder).returncode == 0
    words = ("export", "runs/my churn", "--hide-values", "--out", "hidden model")
    assert kmlp(*words, cwd=folder).returncode == 0
    for path in (page, card):
        text = path.read_text(encoding="utf-8")
        assert "Berlin" not in text
        assert "has left" in text, "the target's classes stay"
    refused = kmlp("report", "runs/my churn", "runs/my churn", "--hide-values", cwd=folder)
    assert "--hide-values is of the report of one study" in refused.stderr
