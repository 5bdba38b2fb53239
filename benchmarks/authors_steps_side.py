"""Steps of the authors' RealMLP, and its weights before and after, for `authors_steps.py`.

    PYTHON benchmarks/authors_steps_side.py TABLE.csv TARGET ROWS.npz FOUND.npz EPOCHS

ROWS has the rows that train, `train`, and those that validate, `validation`, as numbers of the
table's rows. FOUND gets `order`, `(steps, batch)` of the former's places, and the weights by their
place in the model: `first_0` and on, `last_0` and on. Nothing is dropped out.
"""

import sys

import numpy as np
import pandas
import torch
from pytabkit import RealMLP_TD_Classifier
from pytabkit.models.training.lightning_modules import TabNNModule


def main() -> None:
    table, target, given, found, epochs = sys.argv[1:]
    torch.set_num_threads(1)
    frame = pandas.read_csv(table)
    labels = frame.pop(target)
    rows = np.load(given)
    chosen = np.concatenate([rows["train"], rows["validation"]])
    frame, labels = frame.iloc[chosen], labels.iloc[chosen]
    steps = Steps(frame.select_dtypes("number").to_numpy(np.float32))
    steps.watch()
    model = RealMLP_TD_Classifier(
        device="cpu", random_state=0, n_cv=1, n_threads=1, n_epochs=int(epochs), p_drop=0.0
    )
    model.fit(frame, labels, val_idxs=np.arange(len(rows["train"]), len(frame)))
    np.savez(found, order=np.array(steps.order), **steps.weights)


class Steps:
    """What a training did, told by the package's own module as it goes.

    Args:
        numbers: `(n, numbers)`, by which a row of a batch is known.
    """

    def __init__(self, numbers: np.ndarray) -> None:
        self.place = {row.tobytes(): i for i, row in enumerate(numbers)}
        assert len(self.place) == len(numbers), "no two rows have the same numbers"
        self.order: list[list[int]] = []
        self.weights: dict[str, np.ndarray] = {}

    def watch(self) -> None:
        """From now on: weights at the start and after each epoch, and the rows of each step."""
        start, step, end = (
            getattr(TabNNModule, name)
            for name in ("on_fit_start", "training_step", "on_validation_epoch_end")
        )

        def started(module: TabNNModule) -> None:
            start(module)
            self._keep(module, "first")

        def stepped(module: TabNNModule, batch: dict, index: int) -> torch.Tensor:
            self.order.append([self.place[row.numpy().tobytes()] for row in batch["x_cont"][0]])
            return step(module, batch, index)

        def ended(module: TabNNModule) -> None:
            self._keep(module, "last")
            end(module)

        TabNNModule.on_fit_start, TabNNModule.training_step = started, stepped
        TabNNModule.on_validation_epoch_end = ended

    def _keep(self, module: TabNNModule, when: str) -> None:
        for place, weight in enumerate(module.model.parameters()):
            self.weights[f"{when}_{place}"] = weight.detach().clone().numpy()[0]


if __name__ == "__main__":
    main()
