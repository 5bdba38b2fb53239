"""What a report shows of the trained networks themselves, from a run folder's arrays. No Keras."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kmlp.config.tables.encoding import TRAINED
from kmlp.stats.calibration.temperature import MIN_ROWS, fit_temperature
from kmlp.study.results.ranking import best_member
from kmlp.study.results.records.members import MemberScores
from kmlp.study.results.records.study import StudyScores
from kmlp.study.run_folder import RunFolder
from kmlp.study.run_folder.records import has_outputs, outputs_in

NEAR_ZERO = 1e-3
"""A kernel's weight counts as near zero below this absolute value."""


# Of what is no table's encoding, which says by itself what it trains.
_NOT_TRAINED = ("mean", "variance", "moving_mean", "moving_variance", "lowest", "highest")


@dataclass(frozen=True, kw_only=True)
class TrainedNetwork:
    """What is kept of one finished network.

    Attributes:
        variant, seed: which one.
        curves: name -> `(epochs,)`, such as `cross_entropy` and `val_cross_entropy`.
        num_weights: numbers that training sets.
        near_zero: the share of the kernels' weights below `NEAR_ZERO`; NaN without kernels.
    """

    variant: str
    seed: int
    curves: Mapping[str, np.ndarray]
    num_weights: int
    near_zero: float


@dataclass(frozen=True, kw_only=True)
class TrainedNetworks:
    """A run folder's arrays, reduced to what its report needs.

    Attributes:
        trained: every finished network, in the order of the results.
        truth: `(n,)` labels or targets of the rows that test.
        best: the variant that validation chose; None where no member finished.
        best_seed: its seed with the lowest validation loss; the first repeat's where folds test.
        outputs: seed -> the best variant's predictions of these rows: `(n, num_classes)` log
            probabilities, or `(n,)` numbers of a regression. Where folds test, a repeat's seed ->
            what each row's network says that was kept from it.
        are_out_of_fold: whether they are of that kind.
        temperature: of the network with the best seed, from rows that were kept to calibrate it;
            None without, or where none can be told.
    """

    trained: Sequence[TrainedNetwork]
    truth: np.ndarray
    best: str | None = None
    best_seed: int | None = None
    outputs: Mapping[int, np.ndarray] = field(default_factory=dict)
    are_out_of_fold: bool = False
    temperature: float | None = None

    @property
    def in_words(self) -> str:
        """Whose predictions these are: "10 networks of dropout"."""
        count = len(self.outputs)
        if self.are_out_of_fold:
            return f"{count} repeat{'s' * (count > 1)} of {self.best}, each row out of its fold"
        return f"{count} networks of {self.best}"

    def of(self, variant: str) -> list[TrainedNetwork]:
        """The networks of a variant."""
        return [t for t in self.trained if t.variant == variant]

    def curves(self, variant: str, name: str) -> list[np.ndarray]:
        """One `(epochs,)` array a seed; none where the run has no such curve."""
        return [t.curves[name] for t in self.of(variant) if name in t.curves]

    @property
    def predicted_classes(self) -> np.ndarray:
        """`(num_seeds, n)`: what each network of the best variant takes each test row for."""
        return self.log_probabilities.argmax(axis=2)

    @property
    def log_probabilities(self) -> np.ndarray:
        """`(num_seeds, n, num_classes)` of the best variant's networks."""
        return np.stack(list(self.outputs.values()))

    @property
    def ensemble_output(self) -> np.ndarray:
        """The best variant's ensemble: the logarithm of mean probabilities, or the mean."""
        outputs = np.stack(list(self.outputs.values())).astype(np.float64)
        if outputs.ndim == 2:
            return outputs.mean(axis=0)
        return np.log(np.maximum(np.exp(outputs).mean(axis=0), np.finfo(np.float64).tiny))


def read_networks(folder: RunFolder, results: StudyScores) -> TrainedNetworks:
    """Reads every finished network's arrays once.

    Raises:
        RunFolderError: arrays are missing or damaged.
    """
    truth = folder.test_labels()
    done = results.finished()
    if not done:
        return TrainedNetworks(trained=(), truth=truth)
    best = best_member(results)
    on_folds = results.basis == "folds"
    temperature = None
    trained, outputs = [], _out_of_fold(folder, results, best.variant, truth) if on_folds else {}
    for member in done:
        arrays = folder.arrays(member.id)
        trained.append(_reduce(member, arrays))
        if member.variant == best.variant and not on_folds:
            outputs[member.seed] = outputs_in(arrays)
        if member.id == best.id and not on_folds:
            temperature = _temperature(folder, arrays)
    return TrainedNetworks(
        trained=trained,
        truth=truth,
        best=best.variant,
        best_seed=next(iter(outputs)) if on_folds else best.seed,
        outputs=outputs,
        are_out_of_fold=on_folds,
        temperature=temperature,
    )


def _temperature(folder: RunFolder, arrays: Mapping[str, np.ndarray]) -> float | None:
    """As an export of the network would have it."""
    if not has_outputs(arrays, "cal"):
        return None
    said, rows, weight = outputs_in(arrays, "cal"), arrays["cal_rows"], folder.row_weights("train")
    if said.ndim == 1 or len(rows) < MIN_ROWS:
        return None
    try:
        own = None if weight is None else weight[rows]
        return fit_temperature(folder.train_labels()[rows], said, own)
    except ValueError:
        return None


def _out_of_fold(
    folder: RunFolder, results: StudyScores, variant: str, truth: np.ndarray
) -> dict[int, np.ndarray]:
    """Repeat's seed -> what is said of each row by the network that was kept from it; of repeats
    that are whole."""
    planned, members = results.groups.folds, results.tested_members(variant)[0]
    assert planned is not None
    outputs = {}
    for seed in sorted({m.seed for m in members}):
        arrays = [folder.arrays(m.id) for m in members if m.seed == seed]
        if len(arrays) == planned.num_folds:
            rows = np.concatenate([found["fold_rows"] for found in arrays])
            said = np.concatenate([outputs_in(found, "fold") for found in arrays])
            outputs[seed] = np.empty((len(truth), *said.shape[1:]), said.dtype)
            outputs[seed][rows] = said
    return outputs


def gaps(results: StudyScores, variant: str, metric: str) -> np.ndarray:
    """Validation minus training score of every finished network at its restored epoch.

    Returns:
        `(num_seeds,)`; empty where no validation rows were held out.
    """
    members = [m for m in results.finished(variant) if m.val]
    return np.array([m.score("val", metric) - m.score("train", metric) for m in members])


def _reduce(member: MemberScores, arrays: Mapping[str, np.ndarray]) -> TrainedNetwork:
    weights = {n: a for n, a in arrays.items() if n.startswith("weight/")}
    kernels = [np.abs(a) < NEAR_ZERO for n, a in weights.items() if n.endswith("/kernel")]
    size = sum(k.size for k in kernels)
    return TrainedNetwork(
        variant=member.variant,
        seed=member.seed,
        curves={n.removeprefix("curve_"): a for n, a in arrays.items() if n.startswith("curve_")},
        num_weights=sum(a.size for n, a in weights.items() if _is_trained(n)),
        near_zero=sum(int(k.sum()) for k in kernels) / size if size else float("nan"),
    )


def _is_trained(path: str) -> bool:
    layer, name = path.split("/")[-2:]
    return name in TRAINED if layer == "encoding" else name not in _NOT_TRAINED
