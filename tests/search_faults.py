"""A search whose process dies at writes in turn, without TensorFlow: see `tests.faults`.

python -m tests.search_faults FOLDER TUNER STRIDE
python -m tests.search_faults FOLDER TUNER poison
"""

import json
import logging
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np

from kmlp.data import Dataset
from tests import faults
from tests.faults import NUM_EPOCHS, TRAINER, die, in_a_process

NUM_SEEDS = 2
MAX_TRIALS = {"random": 4, "grid": 4, "bayesian": 8, "hyperband": 5}


def data() -> Dataset:
    x, y = np.arange(60, dtype=np.float32).reshape(30, 2), np.arange(30) % 3
    return Dataset.from_arrays(x, y, x, y, name="made-up")


def searching(tuner: str, **settings):
    """The work of one search, in a process."""

    def search(run: Path) -> None:
        from tuning import tune

        tune(
            data(),
            run,
            trainer=TRAINER,
            **{
                "tuner": tuner,
                "max_trials": MAX_TRIALS[tuner],
                "num_seeds": NUM_SEEDS,
                "space": ["none", "learning_rate=1e-3:1e-1:log", "dropout=0,0.2"],
                "fixed": {"hidden_units": [2]},
                "train": {"max_epochs": NUM_EPOCHS},
                **settings,
            },
        )

    return search


def kept(run: Path) -> dict:
    """What must not depend on kills."""
    from tuning import load_search

    results = load_search(run).results
    return {k: v for k, v in results.items() if k != "budget"}


def main(folder: Path, tuner: str, stride: int) -> None:
    import tuning.search.oracles  # noqa: F401  (once, not in every fork)

    reference, search = folder / "reference", searching(tuner)
    assert in_a_process(reference, die, 0, search) == (0, "")
    count, expected = 1, kept(reference)
    while True:
        run = folder / str(count)
        code, said = in_a_process(run, die, count, search)
        if code == 0:
            break
        again, _ = in_a_process(run, die, 0, search)
        same = kept(run) == expected
        print(json.dumps({"code": code, "said": said, "again": again, "same": same}), flush=True)
        shutil.rmtree(run)
        count += stride


def poison(folder: Path, tuner: str) -> None:
    """A trial that ends the process: the exit codes until the search ends."""
    import tuning.search.oracles  # noqa: F401

    reference, search = folder / "reference", searching(tuner)
    assert in_a_process(reference, die, 0, search) == (0, "")
    guilty = kept(reference)["trials"][1]["executions"][1]["member"]
    faults.POISON.update(epoch=2, member=guilty)
    codes = []
    while not codes or (codes[-1] != 0 and len(codes) < 20):
        codes.append(in_a_process(folder / "run", die, 0, search)[0])
    print(json.dumps({"codes": codes, "results": kept(folder / "run")}))


if __name__ == "__main__":
    # KerasTuner 1.4.8 calls what Python has renamed.
    warnings.simplefilter("ignore", DeprecationWarning)
    # A grid says that it is not tried in full, which is no fault.
    logging.disable(logging.WARNING)
    place, tuner, what = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    poison(place, tuner) if what == "poison" else main(place, tuner, int(what))
