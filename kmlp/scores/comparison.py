"""Scores from anywhere in, the verdict out."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kmlp.errors import ConfigError, RunFolderError
from kmlp.scores.judging import judge
from kmlp.scores.metric import metric_of
from kmlp.scores.records import ScoresResults
from kmlp.scores.table import read_scores
from kmlp.scores.verdict import verdict
from kmlp.stats.formatting import Unit, unit_of
from kmlp.stats.metrics.record import MetricRecord
from kmlp.study.results.records.base import first_fault


@dataclass(frozen=True)
class Comparison:
    """Scores that were compared.

    Attributes:
        found: the numbers and the verdict, as records.
        metric: what the scores are.
        baseline: what sentences call the method that all others are compared with.
    """

    found: ScoresResults
    metric: MetricRecord
    baseline: str

    @property
    def results(self) -> dict[str, Any]:
        """What `results.json` holds."""
        return self.found.to_dict()

    @property
    def verdict(self) -> tuple[str, ...]:
        """What the scores show, the outcome first."""
        return self.found.verdict

    @property
    def unit(self) -> Unit:
        """How scores are written."""
        means = [m.summary.mean for dataset in self.found.datasets for m in dataset.methods]
        return unit_of(self.metric, means)

    def calling_baseline(self, words: str) -> "Comparison":
        """The same, in other words: "none" would read as "not one"."""
        said = verdict(self.found, self.unit, words)
        return Comparison(self.found.model_copy(update={"verdict": said}), self.metric, words)


def load_comparison(folder: str | Path) -> Comparison | None:
    """What `kmlp compare` wrote into a folder; None where nothing of it lies there.

    Raises:
        RunFolderError: its results are damaged.
    """
    path = Path(folder) / "results.json"
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or "paired_by" not in content:
        return None  # of a study or a search
    try:
        found = ScoresResults.model_validate(content)
    except ValidationError as error:
        raise RunFolderError(
            f"{path}: not what kmlp compare writes there: {first_fault(error)}. Compare the scores "
            "again, with another --out."
        ) from error
    scores = [score for d in found.datasets for m in d.methods for score in m.scores]
    metric = metric_of(found.metric.name, scores, higher_is_better=found.metric.higher_is_better)
    return Comparison(found, metric, found.baseline)


def compare(
    scores: Any,
    *,
    baseline: str | None = None,
    higher_is_better: bool | None = None,
    equivalence: float | None = None,
    method: str | None = None,
    score: str | None = None,
) -> Comparison:
    """Which method is better, and how sure is that? Of scores that anyone computed.

    A row is one score: of a `method`, and as far as there are such columns of a `dataset`, a
    `seed` and a `fold`. Scores of the same seed or fold are paired. `kmlp.write_scores_report`
    makes a page of it.

    Args:
        scores: a file, or a pandas, polars or pyarrow frame, or a mapping of columns.
        baseline: the method that all others are compared with; the first one where omitted.
        higher_is_better: the direction; found out from the score's name where omitted.
        equivalence: the largest difference that does not matter: in points where the scores are
            shares that kmlp writes in percent, else in their own unit.
        method, score: the columns' names, where they are others.

    Raises:
        DataError: what cannot be compared, with its row, and what to do.
        ConfigError: no such baseline, or an equivalence margin that is none.

    Example:
        >>> import kmlp
        >>> found = kmlp.compare({
        ...     "method": ["ours"] * 8 + ["theirs"] * 8,
        ...     "seed": [*range(8), *range(8)],
        ...     "accuracy": [.91, .92, .90, .93, .92, .91, .93, .92,
        ...                  .90, .90, .89, .91, .91, .90, .91, .90]}, baseline="theirs")
        >>> found.verdict[0].partition(", better")[0]
        'ours beats theirs by 1.50 points (95 % interval 1.05 to 1.95, Holm p = 0.008'
    """
    if equivalence is not None and not 0 < equivalence < float("inf"):
        raise ConfigError(
            "equivalence must be a number above 0: the largest difference that does not matter, as "
            f"0.2 points. Received: {equivalence}."
        )
    read = read_scores(scores, method=method, score=score, higher_is_better=higher_is_better)
    found = judge(read, baseline=baseline, margin=unit_of(read.metric).margin(equivalence))
    return Comparison(found, read.metric, found.baseline).calling_baseline(found.baseline)
