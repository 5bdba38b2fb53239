"""Predictions in files and on the terminal; a model with known outputs stands in."""

import csv
import gzip
import json
import os
import types

import numpy as np
import pytest

from kmlp.cli.printing.predictions import print_images, print_predictions
from kmlp.data.arrays.idx import idx_bytes
from kmlp.deploy.prediction import predict_file, refuse_out
from kmlp.errors import DataError, ForeignFileError

PROBABILITIES = np.array([[0.25, 0.75], [0.9, 0.1], [0.5, 0.5]])


def stand_in(*, ensemble: bool = False) -> types.SimpleNamespace:
    """Says of an example what `PROBABILITIES` holds at the number in its first pixel."""

    def outputs(x: np.ndarray, *, force: bool = False) -> dict[str, np.ndarray]:
        found = PROBABILITIES[x[:, 0, 0]]
        more = {"stddev": found / 10, "entropy": found.max(axis=1)} if ensemble else {}
        return {"probabilities": found, "label": found.argmax(axis=1), **more}

    names = ("probabilities", "label", *(("stddev", "entropy") if ensemble else ()))
    return types.SimpleNamespace(
        input_shape=(4, 4),
        class_names=("cat", "dog"),
        feature_names=(),
        schema=None,
        output_names=names,
        outputs=outputs,
    )


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    """Three examples in a file, read two at a time."""
    monkeypatch.setattr("kmlp.deploy.inputs._BATCH", 2)
    np.save(tmp_path / "x.npy", np.arange(3, dtype=np.uint8)[:, None, None] * np.ones((4, 4), "u1"))
    return tmp_path / "x.npy"


def predict(inputs, out=None, as_json=False, ensemble=False) -> None:
    if out:
        refuse_out(out, inputs)
    predictions = predict_file(stand_in(ensemble=ensemble), inputs)
    print_predictions(predictions, out, as_json=as_json)


def test_the_terminal_gets_a_line_an_input_and_nothing_else(inputs, capsys):
    predict(inputs)
    assert capsys.readouterr() == ("0  dog  75.0 %\n1  cat  90.0 %\n2  cat  50.0 %\n", "")


def test_json_lines_are_all_there_is_on_stdout(inputs, capsys):
    predict(inputs, as_json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == {"input": "0", "label": 1, "class": "dog", "probability": 0.75}
    assert [line["class"] for line in lines] == ["dog", "cat", "cat"]


def test_files_hold_what_the_terminal_shows(inputs, capsys, tmp_path):
    predict(inputs, out=tmp_path / "p.csv")
    assert capsys.readouterr() == (f"3 predictions in {tmp_path / 'p.csv'}\n", "")
    predict(inputs, out=tmp_path / "p.jsonl")
    with open(tmp_path / "p.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[1] == {"input": "1", "label": "0", "class": "cat", "probability": "0.9"}
    lines = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert [{k: str(v) for k, v in line.items()} for line in lines] == rows


def test_an_ensemble_says_how_much_its_members_differ(inputs, capsys, tmp_path):
    predict(inputs, ensemble=True)
    assert capsys.readouterr().out.startswith("0  dog  75.0 % ± 7.5\n")
    predict(inputs, out=tmp_path / "p.csv", ensemble=True)
    header, first, *_ = (tmp_path / "p.csv").read_text().splitlines()
    assert header == "input,label,class,probability,stddev,entropy"
    assert first == "0,1,dog,0.75,0.075,0.75"


def test_a_run_that_fails_on_the_way_leaves_the_old_file(inputs, tmp_path):
    """The second batch is not given: the checksum behind it is wrong."""
    (tmp_path / "p.csv").write_text("input,prediction\n0,1\n")
    damaged = tmp_path / "x.gz"
    damaged.write_bytes(gzip.compress(idx_bytes(np.load(inputs)))[:-1] + b"\1")
    with pytest.raises(DataError, match=r"x\.gz: cannot be read: its \.gz stream is damaged"):
        predict(damaged, out=tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text() == "input,prediction\n0,1\n"
    assert {p.name for p in tmp_path.iterdir()} == {"p.csv", "x.npy", "x.gz"}


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("p.txt", r"--out takes a \.csv or \.jsonl file\. Received: .*p\.txt"),
        ("nowhere/p.csv", r"--out: no folder .*nowhere\. Make it first\."),
    ],
)
def test_an_out_that_cannot_be_is_said(inputs, tmp_path, out, message):
    with pytest.raises(DataError, match=message):
        predict(inputs, out=tmp_path / out)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.csv", b"a,b"),
        ("p.csv", b"input,target\n1,2\n"),
        ("p.csv", b'{"input":'),
        ("p.csv", b"\n"),
        ("p.jsonl", b"[]"),
        ("p.jsonl", b"7"),
        ("p.jsonl", b"\xff" * 100_000),
        ("p.jsonl", b'{"input": "a question", "output": "an answer"}\n'),
    ],
)
def test_a_file_that_holds_no_predictions_is_refused_and_stays(inputs, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(
        ForeignFileError, match="is there, and does not begin as these predictions do"
    ):
        predict(inputs, out=tmp_path / name)
    assert (tmp_path / name).read_bytes() == content


@pytest.mark.parametrize("ensemble", [False, True])
def test_predictions_and_empty_files_are_replaced(inputs, tmp_path, ensemble):
    for name in ("p.csv", "p.jsonl"):
        (tmp_path / name).touch()
        predict(inputs, out=tmp_path / name, ensemble=ensemble)
        once = (tmp_path / name).read_bytes()
        predict(inputs, out=tmp_path / name, ensemble=ensemble)
        assert (tmp_path / name).read_bytes() == once != b""


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_plain_file_is_refused(inputs, tmp_path, make):
    """A pipe is not even opened: nobody may be at its other end."""
    make(tmp_path / "p.csv")
    with pytest.raises(ForeignFileError, match="does not begin as these predictions do"):
        predict(inputs, out=tmp_path / "p.csv")


def test_the_input_is_never_the_output(inputs, tmp_path):
    (tmp_path / "p.csv").symlink_to(inputs)
    before = inputs.read_bytes()
    with pytest.raises(ForeignFileError, match=r"p\.csv is the input itself"):
        predict(inputs, out=tmp_path / "p.csv")
    assert inputs.read_bytes() == before


def test_images_are_shown_with_what_they_are(capsys):
    """A model that says dog, cat: the first is right, the second wrong."""
    images = np.zeros((2, 4, 20), np.uint8)
    images[1, :, 10:] = 255
    images[1, 0, 0] = 1
    model = stand_in()
    print_images(model, images, ["dog", "dog"])
    *drawing, says, truth = capsys.readouterr().out.splitlines()
    assert drawing == [" " * 32 + "@" * 10] * 2
    assert says.split() == ["predicted", "dog", "75", "%", "predicted", "cat", "90", "%"]
    assert truth.split() == ["true", "dog", "✓", "true", "dog", "✗"]
