"""Predictions on a table's file and scores of its labelled rows; the network is a stand-in."""

import csv
import gzip
import io
import json
import os
import types

import numpy as np
import polars as pl
import pytest

from kmlp.cli.printing.predictions import print_predictions
from kmlp.data.encoder import encode
from kmlp.data.inference import infer_schema
from kmlp.data.tables import read_batches, read_table
from kmlp.deploy.evaluation import evaluate
from kmlp.deploy.prediction import predict_file, refuse_out, write_predictions
from kmlp.deploy.table_evaluation import evaluate_table
from kmlp.errors import DataError, ForeignFileError

ROWS = [(f"{i:05d}", 20 + i % 50, "abc"[i % 3], ("no", "yes")[i % 2]) for i in range(100)]
NAMES = ("id", "age", "city", "left")
TRAINING = pl.DataFrame(ROWS, NAMES, orient="row")


def stand_in(task: str = "binary", *, ensemble: bool = False, **more) -> types.SimpleNamespace:
    """Says "yes" with a probability of age / 100, or predicts the age; by the real encoder."""
    schema = infer_schema(TRAINING, "left" if task == "binary" else "age")
    place = [c.name for c in schema.columns].index("age") if task == "binary" else 0

    def outputs(table, told=None) -> dict[str, np.ndarray]:
        numbers = encode(table, schema.columns, told)[:, place].astype(np.float32)
        spread = {"stddev": numbers / 1000} if ensemble else {}
        if task == "regression":
            return {"prediction": 10 * numbers, **spread}
        p = np.nan_to_num(numbers, nan=50.0) / 100
        both = np.stack([1 - p, p], axis=1)
        if ensemble:
            spread = {"stddev": both / 10, "entropy": both[:, 0]}
        return {"probabilities": both, "label": both.argmax(axis=1), **spread}

    names = tuple(outputs(TRAINING))
    found = {
        "schema": schema,
        "class_names": schema.class_names,
        "feature_names": (),
        "input_shape": (len(schema.columns),),
        "output_names": names,
        "outputs": outputs,
        "manifest": {},
    }
    return types.SimpleNamespace(**found | more)


def write(path, text: str):
    path.write_text(text, encoding="utf-8")
    return path


def rows_of(path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


NEW = "\ufeff city ;Extra;id;age\na;1;00007;75\nzz;2;=A1;\n b;3;-3;37,5\n"


def test_rows_are_named_by_what_is_kept_and_columns_found_by_name(tmp_path):
    new, out = write(tmp_path / "new.csv", NEW), tmp_path / "p.csv"
    found = predict_file(stand_in(), new, keep=["id", "city"])
    assert (found.num_rows, found.told()) == (3, [])
    write_predictions(found, out)
    assert out.read_text().splitlines() == [
        "id,city,label,probability_no,probability_yes",
        "00007,a,yes,0.25,0.75",
        "'=A1,zz,no,0.5,0.5",
        "-3,b,no,0.625,0.375",
    ]
    assert found.told() == [
        "not used: 'Extra'",
        "column 'city': 1 of 3 rows hold a category that was not in training; it is known as "
        "unseen",
        "column 'age': 1 of 3 rows have no value, and no training row lacked one; what a gap means "
        "here was not learned",
    ]


def test_without_keep_rows_are_numbered_over_all_batches(tmp_path, monkeypatch):
    path = tmp_path / "new.parquet"
    TRAINING.write_parquet(path)
    small = lambda p, wanted: read_batches(p, wanted=wanted, size=30)  # noqa: E731
    monkeypatch.setattr("kmlp.deploy.table_rows.read_batches", small)
    found = predict_file(stand_in(), path)
    batches = list(found.batches)
    assert [len(batch) for batch in batches] == [30, 30, 30, 10]
    assert [row["row"] for batch in batches for row in batch] == list(range(100))
    assert found.told() == [], "the label and the identifier are known"


def test_an_ensembles_spread_is_of_the_label(tmp_path):
    new = write(tmp_path / "new.csv", "age,city\n70,a\n")
    (batch,) = predict_file(stand_in(ensemble=True), new).batches
    wanted = {"row": 0, "label": "yes", "probability_no": 0.3, "probability_yes": 0.7}
    assert batch == [{**wanted, "stddev": 0.07, "entropy": 0.3}]


def test_a_regression_predicts_numbers(tmp_path):
    model = stand_in("regression", ensemble=True)
    new, out = write(tmp_path / "new.jsonl", '{"city": "a", "left": "no"}\n'), tmp_path / "p.jsonl"
    write_predictions(predict_file(model, new), out)
    (row,) = map(json.loads, out.read_text().splitlines())
    assert list(row) == ["row", "prediction", "stddev"]


REFUSED = {
    "missing": ("city,agee\na,1\n", [], r"new\.csv lacks the column 'age' \(is it 'agee'\?\)"),
    "cell": ("age,city\n1,a\nold,b\n", [], "column 'age', line 3: 'old' is no number; mend"),
    "infinite": ("age,city\ninf,a\n", [], "column 'age', line 2: 'inf' is no finite number"),
    "keep": ("age,city\n1,a\n", ["id"], r"--keep: .*new\.csv has no column 'id'\. It holds: 'age'"),
    "twice": ("age,city,label\n1,a,b\n", ["label"], "--keep: 'label' would stand twice"),
    "empty": ("age,city\n", [], "it has a header and no rows below it"),
}


@pytest.mark.parametrize(("text", "keep", "said"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused_and_nothing_is_written(tmp_path, text, keep, said):
    new, out = write(tmp_path / "new.csv", text), tmp_path / "p.csv"
    with pytest.raises(DataError, match=said):
        write_predictions(predict_file(stand_in(), new, keep=keep), out)
    assert [p.name for p in tmp_path.iterdir()] == ["new.csv"]


def test_predictions_of_other_columns_are_someone_elses(tmp_path):
    new, out = write(tmp_path / "new.csv", NEW), tmp_path / "p.csv"
    write_predictions(predict_file(stand_in(), new, keep=["id"]), out)
    once = out.read_bytes()
    write_predictions(predict_file(stand_in(), new, keep=["id"]), out)
    assert out.read_bytes() == once
    with pytest.raises(ForeignFileError, match="does not begin as these predictions do"):
        write_predictions(predict_file(stand_in(), new), out)
    assert out.read_bytes() == once
    with pytest.raises(ForeignFileError, match="is the input itself"):
        refuse_out(new, new)


def test_the_terminal_gets_a_line_a_row_and_stderr_what_to_look_at(tmp_path, capsys):
    new = write(tmp_path / "new.csv", NEW)
    print_predictions(predict_file(stand_in(), new, keep=["id"]), None, as_json=False)
    out, err = capsys.readouterr()
    assert out.splitlines() == ["00007  yes  75.0 %", "=A1  no  50.0 %", "-3  no  62.5 %"]
    assert err.splitlines()[0] == "look at: not used: 'Extra'"
    print_predictions(predict_file(stand_in(), new), tmp_path / "p.csv", as_json=False)
    assert capsys.readouterr().out == f"3 predictions in {tmp_path / 'p.csv'}\n"


def test_columns_that_are_kept_may_be_called_like_what_is_predicted(tmp_path, capsys):
    """The true class beside the predicted one is what a reader wants; it is not taken for it."""
    kept = ["class", "prediction", "probability", "stddev"]
    new = write(tmp_path / "new.csv", f"age,city,{','.join(kept)}\n75,a,no,x,y,z\n")
    print_predictions(predict_file(stand_in(), new, keep=kept), None, as_json=False)
    assert capsys.readouterr().out == "no, x, y, z  yes  75.0 %\n"


def test_models_of_named_arrays_find_their_columns_in_a_table(tmp_path):
    """A frame of numbers was trained on: it has no schema, but names."""
    seen = []

    def outputs(frame, *, force=False):
        seen.append(frame)
        return {"prediction": frame["b"].to_numpy().astype(float)}

    facts = {"schema": None, "outputs": outputs, "output_names": ("prediction",)}
    new = write(tmp_path / "new.csv", "b,more,a\n1,2,3\n")
    model = stand_in(**facts, input_shape=(2,), feature_names=("a", "b"))
    found = predict_file(model, new)
    assert list(found.batches) == [[{"row": 0, "prediction": 1.0}]]
    assert seen[0].columns == ["a", "b"]
    assert found.told() == ["not used: 'more'"]
    with pytest.raises(DataError, match="columns have no names to find a table's columns by"):
        list(predict_file(stand_in(**facts, input_shape=(2,)), new).batches)


@pytest.mark.long
def test_a_table_of_pixels_is_predicted_as_images(tmp_path):
    names = [f"pixel{i}" for i in range(784)]
    pl.DataFrame([[7] * 784, [9] * 784], names, orient="row").write_csv(tmp_path / "test.csv")

    def outputs(images, *, force=False):
        assert images.shape == (2, 28, 28)
        return {"prediction": images[:, 0, 0].astype(float)}

    facts = {"schema": None, "outputs": outputs, "output_names": ("prediction",)}
    (rows,) = predict_file(stand_in(**facts, input_shape=(28, 28)), tmp_path / "test.csv").batches
    assert [row["prediction"] for row in rows] == [7.0, 9.0]


def test_a_tables_model_takes_no_arrays(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 2)))
    with pytest.raises(DataError, match="the model takes a table's columns by name"):
        predict_file(stand_in(), tmp_path / "x.npy")
    with pytest.raises(DataError, match=r"--keep names columns of a table; .*x\.npy is none"):
        predict_file(stand_in(), tmp_path / "x.npy", keep=["id"])


LABELLED = "left,city,age\nyes,a,70\nno,b,\nyes,a,40\n,a,1\n"


@pytest.mark.long
def test_labelled_rows_are_scored_by_the_models_own_classes(tmp_path):
    path = write(tmp_path / "labelled.csv", LABELLED)
    scores = evaluate_table(stand_in(), path)
    assert scores["confusion"] == [[1, 0], [1, 1]]
    assert (scores["num_rows"], scores["class_names"]) == (3, ["no", "yes"])
    assert scores["told"] == [
        "column 'age': 1 of 3 rows have no value, and no training row lacked one; what a gap means "
        "here was not learned",
        "1 rows have no label in column 'left' and are left out",
    ]
    one_class = write(tmp_path / "one.csv", "left,city,age\nyes,a,70\nyes,b,20\n")
    assert evaluate_table(stand_in(), one_class)["confusion"] == [[0, 0], [1, 1]]
    renamed = write(tmp_path / "renamed.csv", LABELLED.replace("left", "gone"))
    assert evaluate_table(stand_in(), renamed, "gone")["confusion"] == [[1, 0], [1, 1]]


def test_a_frame_with_the_labels_in_it_is_scored_like_a_file(tmp_path):
    path = write(tmp_path / "labelled.csv", LABELLED)
    manifest = {"environment": {"data": {"file_sha256": ""}}}  # trained on a frame
    for frame in (pl.read_csv(path), pl.read_csv(path).to_dict(as_series=False)):
        assert evaluate(stand_in(manifest=manifest), frame) == evaluate(stand_in(), path)
    renamed = pl.read_csv(path).rename({"left": "gone"})
    with pytest.raises(DataError, match=r"frame has no column 'left' of labels"):
        evaluate(stand_in(), renamed)
    assert evaluate(stand_in(), renamed, target="gone")["num_rows"] == 3
    with pytest.raises(DataError, match=r"a table must be a pandas.*Received: SimpleNamespace"):
        evaluate(stand_in(), types.SimpleNamespace())


def test_a_regression_is_scored_in_its_unit(tmp_path):
    model = stand_in("regression")
    path = write(tmp_path / "labelled.csv", "age,city,left\n30,a,no\n20,b,yes\n?,a,no\n")
    scores = evaluate_table(model, path)
    predicted = model.outputs(read_table(path))["prediction"][:2]
    assert scores["mae"]["value"] == pytest.approx(np.abs(predicted - [30, 20]).mean())
    assert scores["num_rows"] == 2


NOT_SCORED = {
    "unknown label": (LABELLED + "maybe,a,1\n", "column 'left', line 6: 'maybe' is no class of no"),
    "no labels": ("age,city\n1,a\n", "has no column 'left' of labels.*serves kmlp predict"),
    "none labelled": ("age,city,left\n1,a,\n", "no row has a label in column 'left'"),
}


@pytest.mark.parametrize(("text", "said"), NOT_SCORED.values(), ids=NOT_SCORED)
def test_what_cannot_be_scored_is_refused(tmp_path, text, said):
    with pytest.raises(DataError, match=said):
        evaluate_table(stand_in(), write(tmp_path / "labelled.csv", text))


def test_the_file_that_was_trained_on_is_no_test(tmp_path):
    path = write(tmp_path / "churn.csv", LABELLED)
    manifest = {"environment": {"data": {"file_sha256": read_table(path).sha256}}}
    with pytest.raises(DataError, match=r"trained on rows of this very file.*write the --test"):
        evaluate_table(stand_in(manifest=manifest), path)
    with pytest.raises(DataError, match=r"rows of this very file.*other rows; none was held out"):
        evaluate_table(stand_in(manifest=manifest | {"basis": "folds"}), path)


def test_named_arrays_are_scored_by_their_columns_names():
    """The data hold the model's columns in another order."""
    from kmlp.data import Dataset

    frame = pl.DataFrame({"b": [1.0, 2, 3], "a": [0.0, 0, 0]})
    data = Dataset.from_arrays(frame, [1.5, 2, 3], frame, [1.5, 2, 3])
    facts = {"outputs": lambda x: {"prediction": x[:, 1]}, "output_names": ("prediction",)}
    model = stand_in(schema=None, feature_names=("a", "b"), **facts)
    assert evaluate(model, data)["mae"]["value"] == pytest.approx(0.5 / 3)


HOSTILE = {
    "cut.parquet": lambda p: p.write_bytes(_parquet()[:-9]),
    "cut.arrow": lambda p: p.write_bytes(b"ARROW1\0\0" + bytes(40)),
    "text.parquet": lambda p: p.write_bytes(b"age,city\n1,a\n"),
    "zeros.csv": lambda p: p.write_bytes(b"age,city\n\0,a\n"),
    "more.csv.gz": lambda p: p.write_bytes(gzip.compress(b"age,city\n1,a\n") + b"x"),
    "pipe.csv": os.mkfifo,
    "pipe.parquet": os.mkfifo,
    "none.csv": lambda p: None,
}


def _parquet() -> bytes:
    TRAINING.write_parquet(file := io.BytesIO())
    return file.getvalue()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_table_is_refused_by_name(tmp_path, name):
    HOSTILE[name](tmp_path / name)
    with pytest.raises(DataError, match=rf"{name}: "):
        list(predict_file(stand_in(), tmp_path / name).batches)
