"""Which models' columns were shuffled, and for what: what is found of others is found anew."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Self

from kmlp.config import StudyConfig
from kmlp.errors import RunFolderError
from kmlp.study.results.records.references import ReferenceResult
from kmlp.study.results.records.study import StudyScores
from kmlp.study.run_folder.folder import IMPORTANCE, RunFolder

_MOST_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class About:
    """What shuffled scores are of.

    Attributes:
        metric: that they are scores in.
        network: the best variant.
        members: the ids of its networks, seed by seed.
        seeds: theirs.
        reference: the one that is best on validation; None where no other than the constant is
            trained, and where training it again would take too long.
        reference_seeds: of its models.
        groups: as the study names them.
        columns: the places that were shuffled at once, by name; not compared where they are not
            known.
    """

    metric: str
    network: str
    members: list[str]
    seeds: list[int]
    reference: str | None
    reference_seeds: list[int]
    groups: Mapping[str, Sequence[str]]
    columns: Mapping[str, Sequence[int]]

    def to_json(self) -> str:
        """As it is kept beside the scores."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` gave.

        Raises:
            RunFolderError: it is something else.
        """
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise RunFolderError(f"not the importance of columns: {error}") from error

    def is_of(self, other: "About") -> bool:
        """Whether these are the same models, metric and groups."""
        return replace(self, columns={}) == replace(other, columns={})


def known_importance(folder: RunFolder) -> About | None:
    """What a folder's shuffled scores are of; None where it has none that are whole."""
    try:
        return About.from_json(str(folder.read_arrays(IMPORTANCE)["about"]))
    except (RunFolderError, KeyError):
        return None


def about_models(
    scores: StudyScores,
    references: Sequence[ReferenceResult],
    config: StudyConfig,
    columns: Mapping[str, Sequence[int]],
) -> About | None:
    """Of a study's best network and best reference; None where no network finished.

    Both are chosen on validation, or on training rows where none were held out: test rows choose
    nothing.
    """
    if scores.best is None:
        return None
    members = scores.finished(scores.best.variant)
    reference = best_reference(scores, references)
    is_affordable = reference and (
        config.importance is True or _seconds(reference) <= _MOST_SECONDS
    )
    reference = reference if is_affordable else None
    return About(
        metric=scores.metric.name,
        network=scores.best.variant,
        members=[m.id for m in members],
        seeds=[m.seed for m in members],
        reference=reference.name if reference else None,
        reference_seeds=[m.seed for m in reference.members] if reference else [],
        groups=dict(config.importance_groups),
        columns=columns,
    )


def _seconds(reference: ReferenceResult) -> float:
    """What its training took; it is not kept, and is trained again to be asked."""
    return sum(m.seconds for m in reference.members)


def best_reference(
    scores: StudyScores, references: Sequence[ReferenceResult]
) -> ReferenceResult | None:
    """By its mean on the rows that choose; the constant has no columns to lean on."""
    unit = scores.unit()

    def gain(reference: ReferenceResult) -> float:
        parts = [m.val or m.train for m in reference.members]
        values = [part.get(unit.metric) for part in parts]
        known = [value for value in values if value is not None]
        return unit.gain(sum(known) / len(known)) if known else float("-inf")

    return max((r for r in references if r.name != "constant"), key=gain, default=None)
