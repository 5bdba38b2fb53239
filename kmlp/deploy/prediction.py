"""Predictions for the terminal and for files: CSV, JSON lines, pictures in characters."""

import contextlib
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from kmlp.deploy.inputs import Batch, count_inputs, read_inputs
from kmlp.deploy.serving import LoadedModel, load_saved
from kmlp.errors import DataError, ForeignFileError
from kmlp.files import text_replacing
from kmlp.terminal import PlainConsole
from kmlp.text import csv_cell, visible

_SHADES = " .:-=+*#%@"
_SUFFIXES = (".csv", ".jsonl")
_CLASS, _NUMBER = ("input", "label", "class", "probability"), ("input", "prediction")
_SPREADS = ("stddev", "entropy")
# Of classes or numbers, of one network or of several: a file with other columns is someone's own.
_ROWS = (_CLASS, (*_CLASS, *_SPREADS), _NUMBER, (*_NUMBER, "stddev"))
_LONGEST_ROW = 2**14


def predict_file(
    model_path: Path,
    input_path: Path,
    *,
    dark_on_light: bool,
    out: Path | None,
    as_json: bool,
    sha256: str | None = None,
) -> None:
    """Predicts a file or folder in batches and writes each as it comes.

    Args:
        model_path: an exported model.
        input_path: what `read_inputs` reads.
        dark_on_light: see `read_inputs`.
        out: a `.csv` or `.jsonl` file; the terminal where omitted.
        as_json: JSON lines on the terminal instead of readable lines.
        sha256: see `load_saved`.

    Raises:
        DataError, ModelError: what is wrong with which file.
        ForeignFileError: `out` is there, and holds no predictions.
    """
    if out:
        _check_out(out, input_path)
    total = count_inputs(input_path)
    model = load_saved(model_path, sha256=sha256)
    batches = read_inputs(input_path, model.input_shape, dark_on_light=dark_on_light)
    with _writer(out, as_json, model) as write, _progress(out) as progress:
        task = progress.add_task("Predicting", total=total)
        for batch in batches:
            for row in _rows(batch, model):
                write(row)
            progress.advance(task, len(batch.names))
    if out:
        print(f"{total:,} predictions in {out}")


def _check_out(out: Path, input_path: Path) -> None:
    """Refuses what cannot be written, and what would be lost: predictions replace predictions."""
    if out.suffix not in _SUFFIXES:
        raise DataError(f"--out takes a .csv or .jsonl file. Received: {out}.")
    if not out.parent.is_dir():
        raise DataError(f"--out: no folder {out.parent}. Make it first.")
    if not out.exists():
        return
    if input_path.exists() and out.samefile(input_path):
        raise ForeignFileError(f"--out: {out} is the input itself. Name another file.")
    if not (out.is_file() and _holds_predictions(out)):
        raise ForeignFileError(
            f"--out: {out} is there, and does not begin as predictions do. It was not touched. "
            "Name another file, or remove it."
        )


def _holds_predictions(path: Path) -> bool:
    """Whether a file is empty, or its first row has the columns of predictions and no others."""
    with open(path, encoding="utf-8", errors="replace", newline="") as file:
        row = file.readline(_LONGEST_ROW)
    if not row:
        return True
    if path.suffix == ".csv":
        return tuple(row.rstrip("\r\n").split(",")) in _ROWS
    try:
        return tuple(json.loads(row)) in _ROWS
    except (ValueError, TypeError, RecursionError):
        return False


def show_images(model: LoadedModel, images: np.ndarray, truth: Sequence[str]) -> None:
    """Prints images side by side in characters, with what the model says and what they are.

    Args:
        model: predicts them.
        images: `(n, height, width)` `uint8`.
        truth: the class of each.
    """
    outputs = model.outputs(images)
    small = images[:, ::2, :]
    width = images.shape[2]
    shades = np.array(list(_SHADES))[small.astype(int) * len(_SHADES) // 256]
    for line in range(small.shape[1]):
        print("  ".join("".join(shades[i, line]) for i in range(len(images))).rstrip())
    names = [visible(model.class_names[label]) for label in outputs["label"]]
    truth = list(map(visible, truth))
    shares = outputs["probabilities"].max(axis=1)
    says = (f"{name} {100 * share:.0f} %" for name, share in zip(names, shares, strict=True))
    marks = ("✓" if a == b else "✗" for a, b in zip(names, truth, strict=True))
    print("  ".join(f"predicted {text}"[:width].ljust(width) for text in says))
    print(
        "  ".join(f"true {t} {m}"[:width].ljust(width) for t, m in zip(truth, marks, strict=True))
    )


def _progress(out: Path | None) -> Progress:
    """A bar on stderr; none where it would tear the lines printed on the same terminal."""
    console = PlainConsole(stderr=True)
    shown = console.is_terminal and (out is not None or not sys.stdout.isatty())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not shown
    )


def _rows(batch: Batch, model: LoadedModel) -> Iterator[dict[str, Any]]:
    outputs = model.outputs(batch.x)
    for i, name in enumerate(batch.names):
        yield _row(name, outputs, i, model)


def _row(name: str, outputs: dict[str, np.ndarray], i: int, model: LoadedModel) -> dict[str, Any]:
    if "prediction" in outputs:
        row: dict[str, Any] = {"input": name, "prediction": float(outputs["prediction"][i])}
        if "stddev" in outputs:
            row["stddev"] = float(outputs["stddev"][i])
        return row
    label = int(outputs["label"][i])
    classes = model.class_names or tuple(map(str, range(outputs["probabilities"].shape[1])))
    row = {
        "input": name,
        "label": label,
        "class": classes[label],
        "probability": round(float(outputs["probabilities"][i, label]), 6),
    }
    if "entropy" in outputs:
        row["stddev"] = round(float(outputs["stddev"][i, label]), 6)
        row["entropy"] = round(float(outputs["entropy"][i]), 6)
    return row


@contextlib.contextmanager
def _writer(out: Path | None, as_json: bool, model: LoadedModel) -> Iterator[Any]:
    with contextlib.ExitStack() as stack:
        if out is None:
            yield _print_json if as_json else _print_line
            return
        file = stack.enter_context(text_replacing(out))
        if out.suffix == ".jsonl":
            yield lambda row: file.write(json.dumps(row) + "\n")
            return
        fields = _NUMBER if "prediction" in model.output_names else _CLASS
        spreads = [name for name in _SPREADS if name in model.output_names]
        writer = csv.DictWriter(file, [*fields, *spreads])
        writer.writeheader()
        yield lambda row: writer.writerow({name: csv_cell(value) for name, value in row.items()})


def _print_json(row: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(row) + "\n")


def _print_line(row: dict[str, Any]) -> None:
    if "prediction" in row:
        spread = f" ± {row['stddev']:.3g}" if "stddev" in row else ""
        print(f"{visible(row['input'])}  {row['prediction']:.6g}{spread}")
        return
    spread = f" ± {100 * row['stddev']:.1f}" if "stddev" in row else ""
    name, said = visible(row["input"]), visible(row["class"])
    print(f"{name}  {said}  {100 * row['probability']:.1f} %{spread}")
