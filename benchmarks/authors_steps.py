"""kmlp's `realmlp` beside its authors' package, step by step: equal weights, equal batches.

    python benchmarks/authors_steps.py --python PTK/bin/python --out FOLDER [--epochs 4]
        [--fields '{"class_outputs": false}']

What is installed, and the table: see `authors.py`. The authors' side trains a network without
dropout for some epochs, and tells its weights before, the rows of each step and its weights
after. kmlp's engine begins with the same weights and takes the same steps; printed is how far the
weights of each kind are apart at last, beside how far they went. --fields changes the recipe.

3,072 rows train, so that neither side has a smaller last batch. Without the column area_code, for
kmlp's one-hot features have one for other categories, and so another number of inputs.
"""

import argparse
import json
import subprocess
from pathlib import Path

import numpy as np
import polars as pl
from authors import RECIPE, TARGET
from keras import ops
from recipe_tables import written
from reproduced import TABLES

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.seeds import Seeds
from kmlp.config.variants import resolve_variant
from kmlp.data import Dataset, load_dataset
from kmlp.data.holdout import split_test
from kmlp.engine.member import Member
from kmlp.engine.stack import Stack, build_stack
from kmlp.engine.stack_training import DeviceData

AUTHORS = Path(__file__).with_name("authors_steps_side.py")
NUM_TRAIN, TEST = 3072, 0.2
# Their features, by the place of kmlp's: waves of 15 numbers, the numbers, two truth values,
# embeddings; kmlp has the truth values among the numbers, where the table has them, and no for 0.
FEATURES = np.concatenate([17 + np.arange(45), [0], 3 + np.arange(14), [1, 2], 62 + np.arange(8)])
SIGNS = np.where(np.isin(np.arange(70), (60, 61)), -1.0, 1.0)
LAYERS = ("hidden_1", "hidden_2", "hidden_3")


def of_authors(found: np.lib.npyio.NpzFile, when: str) -> dict[str, np.ndarray]:
    """The authors' weights by kmlp's paths, but for the embedding of others."""
    frequencies, mixing, phases, offsets, embeddings, scale, first, *others = (
        found[f"{when}_{i}"] for i in range(17)
    )
    numbers = len(frequencies)
    ordered = np.argsort(FEATURES)
    kernels = [(SIGNS[:, None] * first)[ordered], *others[2::3]]
    weights = {
        "encoding/frequencies": frequencies.reshape(numbers, -1),
        "encoding/phases": phases.reshape(numbers, -1),
        "encoding/mixing": mixing.reshape(-1, mixing.shape[-1]),
        "encoding/offsets": offsets.reshape(numbers, -1),
        "encoding/embeddings": embeddings[1:],  # the first is of missing ones
        "input_scale/scale": scale.reshape(-1)[ordered],
    }
    for name, kernel, bias in zip((*LAYERS, "output"), kernels, others[0::3], strict=True):
        weights |= {f"{name}/kernel": kernel, f"{name}/bias": bias.reshape(-1)}
    for layer, alpha in enumerate(others[1::3], 1):
        weights[f"activation_{layer}/alpha"] = alpha.reshape(-1)
    return weights


def fitted(weights: dict[str, np.ndarray], own: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same for a network with these weights: with its embedding of others, and with one output
    of two classes, if it has one, that says their difference."""
    found = dict(weights)
    path = "encoding/embeddings"
    found[path] = np.concatenate([weights[path], own[path][len(weights[path]) :]])
    if own["output/bias"].shape == (1,):
        found |= {p: np.diff(found[p]) for p in ("output/kernel", "output/bias")}
    return found


def member_of(data: Dataset, epochs: int, fields: dict) -> Member:
    """kmlp's network, without dropout."""
    variant = {"name": "steps", "recipe": RECIPE, "task": data.spec.task, "dropout": 0.0}
    variant |= {"max_epochs": epochs, "patience": epochs, **fields}
    found = resolve_variant(variant, MLPConfig(), TrainConfig())
    return Member(
        model=found.model,
        train=found.train,
        seeds=Seeds.all(0),
        validation_fraction=TEST,
        data_sha256=data.provenance.sha256,
        counts=(NUM_TRAIN, 0),
    )


def train(stack: Stack, data: Dataset, order: np.ndarray) -> None:
    """Takes steps on `(epochs, n)` rows."""
    device, one = DeviceData(data), ops.convert_to_tensor(1, "int32")
    for rows in order:
        rows = ops.convert_to_tensor(rows[None].astype(np.int32))
        stack.state, _ = stack.program.train_epoch(
            stack.state, device.x_train, device.y_train, rows, rows[:, :0], one
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", required=True, help="that has pytabkit")
    parser.add_argument("--out", type=Path, required=True, help="where all that is made lies")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--fields", type=json.loads, default={}, help="of the recipe, as JSON")
    options = parser.parse_args()
    whole = written("churn", options.out, options.out, TABLES)
    table = options.out / "churn_steps.csv"
    pl.read_csv(whole).drop("area_code").write_csv(table)
    known, _ = split_test(table, TARGET, TEST)
    assert known.rows is not None
    paths = {name: options.out / f"steps_{name}.npz" for name in ("rows", "found")}
    np.savez(paths["rows"], train=known.rows[:NUM_TRAIN], validation=known.rows[NUM_TRAIN:])
    epochs = str(options.epochs)
    subprocess.run([options.python, AUTHORS, table, TARGET, *paths.values(), epochs], check=True)
    found = np.load(paths["found"])
    data = load_dataset(str(table), target=TARGET, test=TEST)
    stack = build_stack([member_of(data, options.epochs, options.fields)], data.spec)
    stack.adapt(data, [np.arange(NUM_TRAIN)])
    own = stack.weights_of(0)
    first, last = (fitted(of_authors(found, when), own) for when in ("first", "last"))
    stack.load([{**own, **first}])
    train(stack, data, found["order"].reshape(options.epochs, -1))
    ours = stack.weights_of(0)
    print(f"\n{len(found['order'])} steps\n\n| weights | moved, mean | apart, mean | share |")
    print("|---|---|---|---|")
    for path, theirs in last.items():
        moved, apart = (np.abs(theirs - w[path]).mean() for w in (first, ours))
        print(f"| {path} | {moved:.5f} | {apart:.6f} | {100 * apart / moved:.2f} % |")


if __name__ == "__main__":
    main()
