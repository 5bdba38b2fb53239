"""Rows that a model has not seen, with what it says of them: read from its run folder."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kmlp.study.plan import plan_study
from kmlp.study.provenance import stored_config
from kmlp.study.run_folder import RunFolder
from kmlp.study.run_folder.records import has_outputs, outputs_in
from kmlp.study.selection import Selection


@dataclass(frozen=True)
class CalibrationRows:
    """What is said of rows by who has not seen them.

    Attributes:
        kind: "reserved" or "folds", as of `Calibration`.
        outputs: `(repeats, n, num_classes)` log-probabilities, or `(repeats, n)` predictions in the
            target's own unit; there is one repeat of reserved rows, and of an ensemble.
        truth: `(n,)` class indices or targets.
        weight: `(n,)`, how much each counts; None where all count alike.
    """

    kind: str
    outputs: np.ndarray
    truth: np.ndarray
    weight: np.ndarray | None

    def __len__(self) -> int:
        return len(self.truth)


def calibration_rows(selection: Selection) -> CalibrationRows | None:
    """Those of what is exported; None where it has none.

    Raises:
        RunFolderError: arrays are missing or damaged.
    """
    folder = RunFolder(selection.run_dir)
    if selection.basis == "folds":
        return _out_of_fold(folder, selection)
    if selection.refit:
        return None  # it was trained on these, too
    arrays = [folder.arrays(member["id"]) for member in selection.members]
    if not all(has_outputs(each, "cal") for each in arrays):
        return None
    # Kept from all of them alike: rows of one are the rows of each.
    outputs = _together(np.stack([outputs_in(each, "cal") for each in arrays]))
    return _with_truth(folder, "reserved", outputs[None], arrays[0]["cal_rows"])


def _out_of_fold(folder: RunFolder, selection: Selection) -> CalibrationRows | None:
    """Repeats of which every fold has finished, on rows that are in a fold; of several networks
    together the mean of the repeats, which are as many networks a row."""
    config = stored_config(folder)
    plan = plan_study(config, selection.dataset["sha256"])
    done = {id for id, record in folder.records().items() if record.status == "done"}
    by_repeat: dict[int, list[str]] = {}
    for extra in plan.extras:
        if extra.group == "folds" and extra.variant == selection.variant["name"]:
            by_repeat.setdefault(extra.seed, []).append(extra.member.id)
    whole = [ids for ids in by_repeat.values() if done.issuperset(ids)]
    if not whole:
        return None
    rows, said = zip(*(_of_repeat(folder, ids) for ids in whole), strict=True)
    outputs = np.stack(said)
    if len(selection.members) > 1:
        outputs = _together(outputs)[None]
    return _with_truth(folder, "folds", outputs, rows[0])


def _of_repeat(folder: RunFolder, ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The rows of all folds, sorted, and what each one's network says."""
    arrays = [folder.arrays(id) for id in ids]
    rows = np.concatenate([each["fold_rows"] for each in arrays])
    said = np.concatenate([outputs_in(each, "fold") for each in arrays])
    order = np.argsort(rows)
    return rows[order], said[order]


def _together(outputs: np.ndarray) -> np.ndarray:
    """What networks `(k, n, ...)` say as one: the logarithm of mean probabilities, or the mean."""
    if len(outputs) == 1:
        return outputs[0]
    each = outputs.astype(np.float64)
    if each.ndim == 2:
        return each.mean(axis=0)
    return np.log(np.maximum(np.exp(each).mean(axis=0), np.finfo(np.float64).tiny))


def _with_truth(
    folder: RunFolder, kind: str, outputs: np.ndarray, rows: np.ndarray
) -> CalibrationRows:
    weight = folder.row_weights("train")
    return CalibrationRows(
        kind=kind,
        outputs=outputs,
        truth=folder.train_labels()[rows],
        weight=None if weight is None else weight[rows],
    )
