"""The authors' RealMLP on given rows, in a Python that has pytabkit and needs no kmlp.

    PYTHON benchmarks/authors_side.py TABLE.csv TARGET ROWS.npz SCORES.csv

ROWS has test rows, `test`, and for each seed its validation rows, `SEED`, as numbers of the
table's rows; all others train. SCORES gets a line a seed. `authors.py` calls it.
"""

import csv
import sys
import time
from pathlib import Path

import numpy as np
import pandas
import torch
from pytabkit import RealMLP_TD_Classifier

HEADS = ("method", "seed", "accuracy", "validation", "epoch", "seconds")


def main() -> None:
    table, target, given, scores = sys.argv[1:]
    torch.set_num_threads(1)
    frame = pandas.read_csv(table)
    labels = frame.pop(target)
    rows = np.load(given)
    known = np.setdiff1d(np.arange(len(frame)), rows["test"])
    done = _done(Path(scores))
    with open(scores, "a", newline="") as file:
        writer = csv.writer(file)
        if not done:
            writer.writerow(HEADS)
        for seed in (name for name in rows.files if name != "test" and name not in done):
            began = time.process_time()
            # One network, of the package's defaults.
            model = RealMLP_TD_Classifier(
                device="cpu", random_state=int(seed), n_cv=1, n_refit=0, n_threads=1
            )
            validating = np.searchsorted(known, rows[seed])
            model.fit(frame.iloc[known], labels.iloc[known], val_idxs=validating)
            seconds = time.process_time() - began
            right = [
                np.mean(model.predict(frame.iloc[part]) == labels.iloc[part].to_numpy())
                for part in (rows["test"], rows[seed])
            ]
            writer.writerow(("pytabkit", seed, *right, _epoch(model), round(seconds, 1)))
            file.flush()


def _done(scores: Path) -> set[str]:
    """Seeds that are in a file of scores."""
    if not scores.exists():
        return set()
    with open(scores, newline="") as file:
        return {row["seed"] for row in csv.DictReader(file)}


def _epoch(model: RealMLP_TD_Classifier) -> int:
    """The epoch whose weights were kept, from 1."""
    return model.fit_params_["stop_epoch"]["class_error"]


if __name__ == "__main__":
    main()
