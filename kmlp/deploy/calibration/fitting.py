"""A calibration from rows that a model has not seen."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from kmlp.deploy.calibration.asked import Asked
from kmlp.deploy.calibration.record import LEAST_PROBABILITY, Calibration
from kmlp.deploy.calibration.rows import CalibrationRows, calibration_rows
from kmlp.errors import SelectionError
from kmlp.stats.calibration import conformal, temperature, thresholds
from kmlp.study.selection import Selection

logger = logging.getLogger(__name__)

_ROUNDING = 4e-6
"""Of a probability in another program than the one that trained: no reason to leave a class out."""
_ON_FOLDS = (
    "Coverage is approximate: it was found on rows that the folds' networks had not seen, and the "
    "exported one has trained on them. It holds if that network errs as much on new rows as these "
    "did; no theorem says so (of CV+, which asks all folds' networks, one promises at least "
    "1 - 2 (1 - coverage): Barber et al. 2021, https://arxiv.org/abs/1905.02928)."
)
_GROUPED = (
    "Rows of a group are alike: coverage holds as if there were as many rows as groups, and so "
    "varies more than so many rows would make it."
)
_TIMED = (
    "The rows are the last ones before those that test: later rows may be others, and coverage "
    "holds for rows like these."
)


def calibrated(selection: Selection, asked: Asked) -> Calibration | None:
    """What a model's calibration rows say of it; None where nothing is to be told.

    Args:
        selection: what is exported.
        asked: what is wanted.

    Raises:
        SelectionError: there are no such rows, or too few, or none can say what is asked.
        RunFolderError: arrays are missing or damaged.
    """
    _refuse_wrong_task(selection, asked)
    rows = calibration_rows(selection)
    if rows is None and asked.needs_rows:
        raise SelectionError(_no_rows(selection, asked))
    if rows is None and asked.threshold is None:
        return None
    found: dict[str, Any] = {"rows": "none", "num_rows": 0}
    told: list[str] = []
    if rows is not None:
        found = {"rows": rows.kind, "num_rows": len(rows), "num_repeats": len(rows.outputs)}
        if asked.temperature and selection.spec.num_classes:
            found |= _temperature(rows, told)
        if asked.coverage is not None:
            found |= _coverage(rows, asked.coverage, selection, told)
    if asked.needs_classes:
        found |= _threshold(rows, asked, selection, found.get("temperature"))
    for sentence in told:
        logger.warning("%s", sentence)
    made = Calibration(**found, told=tuple(told))
    return None if made.says_nothing and not told else made


def _refuse_wrong_task(selection: Selection, asked: Asked) -> None:
    task = selection.spec.task
    if asked.needs_classes and task != "binary":
        word = "costs" if asked.costs else "threshold"
        raise SelectionError(
            f"{word} is of two classes, of which one is called positive; this is a {task} task. "
            f"Leave {word} out."
        )


def _no_rows(selection: Selection, asked: Asked) -> str:
    if selection.refit:
        why = "a refit network has trained on all rows. Export best or ensemble, or leave it out."
    else:
        why = (
            "this study kept none. Train it with calibration_fraction (--calibration-fraction "
            "0.1), in a new run folder; or leave it out."
        )
    return f"{asked.needs_rows} is found out on rows that no network has seen, and {why}"


def _temperature(rows: CalibrationRows, told: list[str]) -> dict[str, Any]:
    log_p, labels, weight = _pooled(rows)
    if len(rows) < temperature.MIN_ROWS:
        told.append(
            f"The probabilities are the networks' own: {len(rows)} calibration rows are too few "
            f"for a temperature, {temperature.MIN_ROWS} are needed."
        )
        return {}
    try:
        found = temperature.fit_temperature(labels, log_p, weight)
    except ValueError as error:
        told.append(f"The probabilities are the networks' own: {error}.")
        return {}
    losses = [_log_loss(log_p, labels, weight, t) for t in (1.0, found)]
    return {"temperature": found, "log_loss": tuple(losses)}


def _log_loss(log_p: np.ndarray, labels: np.ndarray, weight: np.ndarray | None, at: float) -> float:
    scaled = temperature.scaled_log_probabilities(log_p, at)
    return -float(np.average(scaled[np.arange(len(labels)), labels], weights=weight))


def _pooled(rows: CalibrationRows) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """All repeats one after the other, no probability smaller than the graph can take."""
    num_repeats, _, num_classes = rows.outputs.shape
    log_p = np.maximum(rows.outputs.reshape(-1, num_classes), np.log(LEAST_PROBABILITY))
    weight = None if rows.weight is None else np.tile(rows.weight, num_repeats)
    return log_p, np.tile(rows.truth, num_repeats), weight


def _coverage(
    rows: CalibrationRows, coverage: float, selection: Selection, told: list[str]
) -> dict[str, Any]:
    if rows.weight is not None and np.ptp(rows.weight):
        raise SelectionError(
            "coverage is a share of rows that count alike, and these have weights. Leave coverage "
            "out; probabilities and thresholds follow the weights."
        )
    if len(rows) < (needed := conformal.rows_needed(coverage)):
        raise SelectionError(
            f"coverage={coverage:g} takes {needed:,} calibration rows: with fewer, only sets of "
            f"all classes and intervals without end hold it. There are {len(rows):,}. Keep more "
            "(calibration_fraction), or ask for less."
        )
    told += _cautions(rows, selection.dataset)
    found: dict[str, Any] = {"coverage": coverage}
    if rows.kind == "reserved":
        found["coverage95"] = conformal.coverage_of(len(rows), coverage)
    if not selection.spec.num_classes:
        off = conformal.residuals(rows.truth, rows.outputs)
        return found | {"half_width": conformal.bound(off, coverage)}
    # Of the networks' own probabilities: the temperature was fitted to these very rows.
    scores = conformal.class_scores(rows.truth, rows.outputs)
    least = (1 - conformal.bound(scores, coverage)) * (1 - _ROUNDING)
    return found | {"least_probability": least}


def _cautions(rows: CalibrationRows, dataset: Mapping[str, Any]) -> list[str]:
    notes = dataset.get("parted_by") or ()
    said = [_ON_FOLDS] if rows.kind == "folds" else []
    said += [_GROUPED] if any(note.startswith("groups") for note in notes) else []
    return said + ([_TIMED] if any(note.startswith("time") for note in notes) else [])


def _threshold(
    rows: CalibrationRows | None, asked: Asked, selection: Selection, at: float | None
) -> dict[str, Any]:
    positive = {"positive": selection.spec.class_names[1]}
    if isinstance(asked.threshold, float):
        return positive | {"threshold": asked.threshold, "chosen_for": "given"}
    assert rows is not None
    log_p, labels, weight = _pooled(rows)
    p = np.exp(temperature.scaled_log_probabilities(log_p, at or 1.0))[:, 1]
    try:
        if asked.costs:
            fp, fn = asked.costs["fp"], asked.costs["fn"]
            chosen_for = f"fp={fp:g},fn={fn:g}"
            found = thresholds.cheapest_threshold(
                labels, p, false_positive=fp, false_negative=fn, weights=weight
            )
        else:
            assert isinstance(asked.threshold, str)
            chosen_for = asked.threshold
            found = thresholds.best_threshold(labels, p, chosen_for, weight)
    except ValueError as error:
        raise SelectionError(
            f"no threshold can be chosen: {error}. Keep more rows (calibration_fraction), or name "
            "a number: --threshold 0.5."
        ) from error
    values = {"threshold": found.threshold, "value": found.value, "at_half": found.at_half}
    return positive | values | {"chosen_for": chosen_for}
