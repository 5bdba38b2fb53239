"""scikit-learn's MLPClassifier: no dropout, its own split of the same size, Glorot weights."""

import statistics
import warnings
from collections.abc import Sequence

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from kmlp.data import Dataset
from race.setting import L2, VALIDATION_FRACTION, Setting, scaled


class Trainer:
    """Fits one classifier after another."""

    def __init__(self, setting: Setting, data: Dataset) -> None:
        self.setting, self.data = setting, data
        self.x, self.y = scaled(data.x_train, data.y_train)

    def train(self, seeds: Sequence[int], epochs: int) -> dict[str, float]:
        return {"accuracy": statistics.fmean(self._fit(seed, epochs) for seed in seeds)}

    def _fit(self, seed: int, epochs: int) -> float:
        classifier = MLPClassifier(
            hidden_layer_sizes=self.setting.hidden_units,
            # It adds alpha / 2 * sum w^2 / n to the loss of a batch of n rows.
            alpha=2 * L2 * self.setting.batch_size,
            batch_size=self.setting.batch_size,
            learning_rate_init=self.setting.member(seed, self.data).train.learning_rate,
            max_iter=epochs,
            # This is what makes it validate after each epoch; it never stops it.
            early_stopping=True,
            validation_fraction=VALIDATION_FRACTION,
            n_iter_no_change=epochs + 1,
            random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            classifier.fit(self.x, self.y)
        return classifier.validation_scores_[-1]
