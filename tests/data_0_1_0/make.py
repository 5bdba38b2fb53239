"""Made this folder, with kmlp 0.1.0: python make.py FOLDER."""

import os
import signal
import sys
from pathlib import Path

import numpy as np

import kmlp


def dataset(task: str) -> kmlp.Dataset:
    """120 made-up rows of four features."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(120, 4)).astype("float32")
    target = x @ np.array([1.0, -2.0, 0.5, 0.0], "float32") + 0.3 * rng.normal(size=120)
    y = {
        "regression": target.astype("float32"),
        "binary": np.where(target > 0, "yes", "no"),
        "multiclass": np.digitize(target, [-1, 1]),
    }[task]
    return kmlp.Dataset.from_arrays(x[:90], y[:90], x[90:], y[90:], task=task, name=f"made-{task}")


def study(task: str, **settings) -> kmlp.StudyConfig:
    return kmlp.StudyConfig(
        dataset=f"made-{task}",
        num_seeds=2,
        model=kmlp.MLPConfig(hidden_units=(4,)),
        train=kmlp.TrainConfig(max_epochs=3, batch_size=25),
        **settings,
    )


SEARCH = {
    "tuner": "random",
    "max_trials": 3,
    "num_seeds": 2,
    "space": ["none", "learning_rate=1e-3:1e-1:log", "dropout=0,0.2"],
    "fixed": {"hidden_units": [4]},
    "train": {"max_epochs": 3, "batch_size": 25},
    "then_study": 1,
}


def main(out: Path) -> None:
    from tuning import tune

    data = dataset("multiclass")
    config = study(
        "multiclass",
        variants=("none", "dropout", "gradient_noise", {"name": "wide", "hidden_units": [6]}),
        resample="splits:2",
        resample_seeds=2,
        folds=2,
        repeats=1,
        sweep=("l2=1e-4,1e-2",),
    )
    run = kmlp.run_study(config, out / "study", data)
    chosen = {"member": run.member("dropout", 1), "ensemble": run.ensemble("none")}
    for name, selection in chosen.items():
        version = kmlp.export(selection, out / "models" / name)
        outputs = kmlp.load_saved(version).outputs(data.x_test)
        np.savez(out / "models" / f"{name}.npz", **outputs)
    regression = study("regression", variants=("none", "l2"))
    kmlp.run_study(regression, out / "regression", dataset("regression"))
    tune(dataset("binary"), out / "search", **SEARCH)
    interrupted(out / "interrupted")


def interrupted(out: Path) -> None:
    """A study whose process ends in the third epoch of its first stack."""
    import kmlp.keeper

    class Killer(kmlp.StudyProgress):
        def epoch(self, members, epoch, logs):
            super().epoch(members, epoch, logs)
            if epoch == 3:
                os.kill(os.getpid(), signal.SIGKILL)

    kmlp.keeper.CHECKPOINT_SECONDS = 0.0
    config = study("multiclass", variants=("none", "dropout"))
    kmlp.run_study(config, out, dataset("multiclass"), progress=Killer())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
