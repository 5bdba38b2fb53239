"""Which models' columns were shuffled, and for what: what is found of others is found anew."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from typing import Self

from kmlp.config import StudyConfig
from kmlp.config.tables.references import TRIVIAL
from kmlp.errors import RunFolderError
from kmlp.study.results.records.members import ExtraScores, MemberScores
from kmlp.study.results.records.references import ReferenceResult, ReferenceScores
from kmlp.study.results.records.study import StudyScores
from kmlp.study.run_folder.folder import IMPORTANCE, RunFolder

_MOST_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class About:
    """What shuffled scores are of.

    Attributes:
        metric: that they are scores in.
        network: the best variant.
        members: the ids of its networks that have a score on what tests, seed by seed, or fold by
            fold of the repeats that are whole.
        seeds: theirs; of a fold its repeat's.
        reference: the one that is best on validation; None where no other than the constant is
            trained, and where training it again would take too long.
        reference_seeds: of its models, which are as many and of the same folds.
        folds: which fold was kept from each network; empty where test rows test.
        reference_folds: the same of the reference's models.
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
    folds: list[int] = field(default_factory=list)
    reference_folds: list[int] = field(default_factory=list)
    reference_trials: int = 1

    @property
    def draws(self) -> list[tuple[int, ...]]:
        """Of each network its seed, and its fold if it has one."""
        return _side_by_side(self.seeds, self.folds)

    @property
    def reference_draws(self) -> list[tuple[int, ...]]:
        """The same of the reference's models."""
        return _side_by_side(self.reference_seeds, self.reference_folds)

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
        except (ValueError, TypeError, RecursionError) as error:
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
    """Of a study's best network and best reference; None where no network finished,
    or no repeat of folds is whole where these test.

    Both are chosen on validation, or on training rows where none were held out: test rows choose
    nothing.
    """
    members = _tested(scores, scores.best.variant) if scores.best else []
    if scores.best is None or not members:
        return None
    reference = best_reference(scores, references)
    is_affordable = reference and (
        config.importance is True or _seconds(reference) <= _MOST_SECONDS
    )
    beside = _beside(members, reference) if reference and is_affordable else []
    return About(
        metric=scores.metric.name,
        network=scores.best.variant,
        members=[m.id for m in members],
        seeds=[m.seed for m in members],
        folds=[m.place for m in members if isinstance(m, ExtraScores)],
        reference=reference.name if reference and beside else None,
        reference_seeds=[m.seed for m in beside],
        reference_folds=[m.place for m in beside if m.place is not None],
        reference_trials=reference.num_trials if reference and beside else 1,
        groups=dict(config.importance_groups),
        columns=columns,
    )


def _tested(scores: StudyScores, variant: str) -> Sequence[MemberScores]:
    """Its networks that finished; where folds test those of each repeat that is whole."""
    members, planned = scores.tested_members(variant)[0], scores.groups.folds
    if scores.basis == "test" or planned is None:
        return members
    known = Counter(seed for (seed, _), score in scores.by_pair(variant).items() if isfinite(score))
    return [m for m in members if known[m.seed] == planned.num_folds]


def _beside(
    networks: Sequence[MemberScores], reference: ReferenceResult
) -> Sequence[ReferenceScores]:
    """Its models; where folds test those of the networks' folds, none until all are trained."""
    folds = {(m.seed, m.place) for m in networks if isinstance(m, ExtraScores)}
    if not folds:
        return reference.members
    found = [m for m in reference.members if (m.seed, m.place) in folds]
    return found if len(found) == len(folds) else []


def _side_by_side(seeds: Sequence[int], folds: Sequence[int]) -> list[tuple[int, ...]]:
    return list(zip(seeds, folds, strict=True)) if folds else [(seed,) for seed in seeds]


def _seconds(reference: ReferenceResult) -> float:
    """What its training took, but for trials; it is not kept, and is trained again to be asked."""
    num_fits = reference.num_trials + (reference.num_trials > 1)
    return sum(m.seconds for m in reference.members) / num_fits


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

    return max((r for r in references if r.name != TRIVIAL), key=gain, default=None)
