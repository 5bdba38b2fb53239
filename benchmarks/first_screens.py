"""Draws the first screen of five reports, for people to say within ten seconds what each answers.

    python benchmarks/first_screens.py OUT

A variant helps; none does; a model that is no network wins; there are too few seeds; there are
several data sets. Scores are drawn, not trained; of the third all is trained on real rows, the
networks stood in for by linear models. The pictures of 1200 x 800 and 390 x 844 are Chromium's.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from kmlp import StudyConfig, TrainConfig, load_dataset, run_study, write_comparison, write_report
from kmlp.stats.metrics import classification_metrics
from kmlp.study.plan import plan_study
from kmlp.study.run_folder.folder import MemberRecord, RunFolder
from kmlp.testing import LinearTrainer

SIZES = {"": (1200, 800), "-phone": (390, 844)}
NONE_HELPS = dict.fromkeys(("none", "dropout", "l2", "dropout_l2"), 0.166)
HELPS = {"none": 0.168, "dropout": 0.152, "l2": 0.166, "dropout_l2": 0.159}
NUM_ROWS, NUM_CLASSES, CONFIDENT = 1000, 10, 0.8
NAMES = (
    "T-shirt",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Boot",
)


def drawn_study(path: Path, wrong: Mapping[str, float], num_seeds: int, name: str) -> Path:
    """A finished study whose networks are wrong on so large a share of the rows, by variant."""
    sha256 = f"{sum(map(ord, name)):064x}"
    config = StudyConfig(dataset=name, variants=tuple(wrong), num_seeds=num_seeds)
    plan, folder = plan_study(config, sha256), RunFolder(path)
    truth = np.arange(NUM_ROWS, dtype=np.int32) % NUM_CLASSES
    with folder.writing():
        folder.write_text("study.toml", config.to_toml())
        folder.write_json("environment.json", _environment(name, sha256))
        folder.write_test_labels(truth)
        for variant, by_seed in plan.ids.items():
            for seed, id in by_seed.items():
                rng = np.random.default_rng([seed, *map(ord, variant + name)])
                # Seeds are alike over variants: that is what pairing them is for.
                shared = np.random.default_rng(seed).normal(scale=0.004)
                outputs = _outputs(truth, wrong[variant] + shared, rng)
                folder.record(*_member(id, truth, outputs, rng))
    return path


def _environment(name: str, sha256: str) -> dict[str, object]:
    about = {"name": name, "source": "full", "sha256": sha256}
    facts = {
        **about,
        **{"task": "multiclass", "num_train": 50_000, "num_val": 10_000, "num_test": NUM_ROWS},
        **{"input_shape": [28, 28], "input_dtype": "uint8", "class_names": list(NAMES)},
    }
    packages = {"python": "3.11", "platform": "made up", "packages": {"keras": "3"}}
    return {**packages, "data": {**about, "location": "nowhere"}, "dataset": facts}


def _outputs(truth: np.ndarray, wrong: float, rng: np.random.Generator) -> np.ndarray:
    """`(1000, 10)` logs of probabilities; most rows that are wrong are so for every network."""
    hardness = np.random.default_rng(0).random(NUM_ROWS) + rng.normal(scale=0.03, size=NUM_ROWS)
    is_wrong = hardness < wrong
    said = np.where(is_wrong, (truth + 1) % NUM_CLASSES, truth)
    p = np.full((NUM_ROWS, NUM_CLASSES), (1 - CONFIDENT) / (NUM_CLASSES - 1))
    p[np.arange(NUM_ROWS), said] = CONFIDENT
    return np.log(p).astype(np.float32)


def _member(
    id: str, truth: np.ndarray, outputs: np.ndarray, rng: np.random.Generator
) -> tuple[MemberRecord, dict[str, np.ndarray]]:
    scores, last = classification_metrics(truth, outputs), int(rng.integers(14, 30))
    curve = 0.4 + np.exp(-np.arange(last) / 4)
    record = MemberRecord(
        id=id,
        status="done",
        best_epoch=last - 5,
        stopped_epoch=last,
        metrics=dict.fromkeys(("train", "val", "test"), scores),
        seconds=1.0,
    )
    names = ("loss", "cross_entropy", "val_cross_entropy")
    curves = {f"curve_{name}": curve.astype(np.float32) for name in names}
    return record, {"test_log_probabilities": outputs, **curves}


def reference_wins(path: Path) -> Path:
    """Diabetes progression, where ridge regression beats what a few steps of descent come to."""
    train = TrainConfig(max_epochs=4)
    variants = ("none", "dropout", "l2")
    config = StudyConfig(dataset="diabetes", variants=variants, num_seeds=10, train=train)
    run_study(config, path, load_dataset("diabetes"), trainer=LinearTrainer())
    return path


def pages(out: Path) -> dict[str, Path]:
    """The page of each, by what it shows."""
    runs, name = out / "runs", "fashion_mnist"
    sets = [
        drawn_study(runs / "several" / set_name, wrong, 10, set_name)
        for set_name, wrong in (("mnist", HELPS), (name, HELPS), ("kmnist", NONE_HELPS))
    ]
    return {
        "helps": write_report(drawn_study(runs / "helps", HELPS, 10, name)),
        "none-helps": write_report(drawn_study(runs / "none-helps", NONE_HELPS, 10, name)),
        "reference-wins": write_report(reference_wins(runs / "reference-wins")),
        "too-few-seeds": write_report(drawn_study(runs / "too-few-seeds", HELPS, 4, name)),
        "several-data-sets": write_comparison(sets, runs / "several"),
    }


def photograph(page: Path, picture: Path, size: tuple[int, int]) -> None:
    """The page's first screen, by a browser that nobody sees."""
    browser = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    )
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    window = f"--window-size={size[0]},{size[1]}"
    shot = [f"--screenshot={picture}", window, page.resolve().as_uri()]
    subprocess.run([browser, *options, *shot], check=True, capture_output=True)


def main(out: str) -> None:
    folder = Path(out)
    for name, page in pages(folder).items():
        for suffix, size in SIZES.items():
            picture = folder / f"{name}{suffix}.png"
            photograph(page, picture, size)
            print(picture)


if __name__ == "__main__":
    main(sys.argv[1])
