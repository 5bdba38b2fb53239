"""Predicted numbers for the terminal and for files."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from kmlp.cli.printing.predictions import print_predictions
from kmlp.deploy.prediction import predict_file


@pytest.fixture
def write(tmp_path):
    """Predicts three rows with a model that gives these outputs; gives back what was written."""
    np.save(tmp_path / "x.npy", np.zeros((3, 4), np.float32))

    def write(name: str | None, *, as_json: bool = False, **outputs: np.ndarray) -> str:
        model = SimpleNamespace(
            input_shape=(4,),
            class_names=(),
            schema=None,
            output_names=tuple(outputs),
            outputs=lambda x, **_: outputs,
        )
        out = tmp_path / name if name else None
        print_predictions(predict_file(model, tmp_path / "x.npy"), out, as_json=as_json)
        return out.read_text() if out else ""

    return write


ONE = {"prediction": np.array([1.5, -2.0, 1234.5], np.float32)}
MANY = {**ONE, "stddev": np.array([0.25, 0.5, 12.0], np.float32)}


def test_a_csv_file_has_a_column_of_predictions(write):
    lines = write("p.csv", **ONE).splitlines()
    assert lines == ["input,prediction", "0,1.5", "1,-2.0", "2,1234.5"]


def test_an_ensembles_spread_stands_beside(write):
    assert write("p.csv", **MANY).splitlines()[:2] == ["input,prediction,stddev", "0,1.5,0.25"]
    rows = [json.loads(line) for line in write("p.jsonl", **MANY).splitlines()]
    assert rows[2] == {"input": "2", "prediction": 1234.5, "stddev": 12.0}


def test_lines_on_the_terminal_are_plain_numbers(write, capsys):
    write(None, **MANY)
    assert capsys.readouterr().out.splitlines() == [
        "0  1.5 ± 0.25",
        "1  -2 ± 0.5",
        "2  1234.5 ± 12",
    ]
