"""Predictions on the terminal: a line or an object each, progress, pictures in characters."""

import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kmlp.text import visible

if TYPE_CHECKING:
    import numpy as np
    import rich.progress

    from kmlp.deploy.prediction import Predictions
    from kmlp.deploy.serving import LoadedModel

_SHADES = " .:-=+*#%@"


def print_predictions(predictions: "Predictions", out: Path | None, *, as_json: bool) -> None:
    """Writes them to a file, or prints each as it comes; at the end what should be looked at."""
    from kmlp.deploy.prediction import write_predictions

    with _progress(out) as progress:
        task = progress.add_task("Predicting", total=predictions.num_rows)
        if out:
            write_predictions(predictions, out, lambda count: progress.advance(task, count))
        else:
            of_row = functools.partial(print_line, num_names=predictions.num_names)
            show: Callable[[Any], None] = _print_json if as_json else of_row
            for batch in predictions.batches:
                for row in batch:
                    show(row)
                progress.advance(task, len(batch))
    for line in predictions.told():
        print(f"look at: {visible(line)}", file=sys.stderr)
    if out:
        print(f"{predictions.num_rows:,} predictions in {out}")


def print_line(row: dict[str, Any], num_names: int = 1) -> None:
    """A prediction for people: what names it, what is said of it, and how sure that is.

    Args:
        row: as `Predictions` has it.
        num_names: how many of its first fields name it; these may be called like the others.
    """
    cells = list(row.items())
    name = visible(", ".join(str(cell) for _, cell in cells[:num_names]))
    found = dict(cells[num_names:])
    beside = _beside(found)
    if "prediction" in found:
        spread = f" ± {found['stddev']:.3g}" if "stddev" in found else ""
        print(f"{name}  {found['prediction']:.6g}{spread}{beside}")
        return
    said = found.get("class", found.get("label", ""))
    spread = f" ± {100 * found['stddev']:.1f}" if "stddev" in found else ""
    share = found["probability"] if "probability" in found else found[f"probability_{said}"]
    print(f"{name}  {visible(said)}  {100 * share:.1f} %{spread}{beside}")


def _beside(found: dict[str, Any]) -> str:
    """The set or interval, and what training did not see."""
    said = ""
    if "set" in found:
        said += f"  {{{', '.join(map(visible, found['set']))}}}"
    if "lower" in found:
        said += f"  [{found['lower']:.6g}, {found['upper']:.6g}]"
    if strange := found.get("out_of_range"):
        named = f": {', '.join(map(visible, strange))}" if isinstance(strange, list) else ""
        said += f"  not seen in training{named}"
    return said


def print_images(model: "LoadedModel", images: "np.ndarray", truth: Sequence[str]) -> None:
    """Prints images side by side in characters, with what the model says and what they are.

    Args:
        model: predicts them.
        images: `(n, height, width)` `uint8`.
        truth: the class of each.
    """
    import numpy as np

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


def _print_json(row: dict[str, Any]) -> None:
    import json

    sys.stdout.write(json.dumps(row) + "\n")


def _progress(out: Path | None) -> "rich.progress.Progress":
    """A bar on stderr; none where it would tear the lines printed on the same terminal."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from kmlp.terminal import PlainConsole

    console = PlainConsole(stderr=True)
    shown = console.is_terminal and (out is not None or not sys.stdout.isatty())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not shown
    )
