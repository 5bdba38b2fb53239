"""The members that a trial trains, and what came of them."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.seeds import Seeds
from kmlp.config.tables.encoding import encoded_width, num_embedding_weights
from kmlp.data import DataSpec
from kmlp.engine.compatibility import check_member
from kmlp.engine.member import Member
from kmlp.stats.formatting import listed
from kmlp.study.run_folder.folder import MemberRecord
from kmlp.study.runner import paused_id
from tuning.results.search_folder import Trial
from tuning.space.config import SearchConfig
from tuning.space.parameter import Values


@dataclass(frozen=True)
class Execution:
    """One seed of a trial.

    Attributes:
        seed: of all its streams.
        id: what it is recorded under.
        member: what is trained.
    """

    seed: int
    id: str
    member: Member


class Executions:
    """The members of a search's trials.

    Args:
        config: the search, `for_data`.
        spec: the data's shapes and classes.
        data_sha256: the data's hash.
    """

    def __init__(self, config: SearchConfig, spec: DataSpec, data_sha256: str) -> None:
        self.config, self.spec, self._sha256 = config, spec, data_sha256
        self.space = config.make_space(spec)

    def of(self, trial: Trial) -> list[Execution]:
        """What a trial trains, seed by seed.

        Raises:
            ConfigError: its values do not go together, or not with the data.
        """
        return [
            Execution(seed, m.id if trial.epochs is None else paused_id(m, trial.epochs), m)
            for seed, m in zip(self.config.seeds, self.members(trial.values), strict=True)
        ]

    def members(self, values: Values) -> list[Member]:
        """The members of these values of the parameters that count, seed by seed.

        Raises:
            ConfigError: the values do not go together, or not with the data.
        """
        model, train = self.space.configs(values)
        members = [self._member(model, train, seed) for seed in self.config.seeds]
        check_member(members[0], self.spec)
        return members

    def score(self, record: MemberRecord) -> float:
        """The objective of one execution, at its restored epoch."""
        return record.metrics["val"].get(self.config.metric, float("nan"))

    def ended(
        self,
        trial: Trial,
        own: Sequence[Execution],
        records: Mapping[str, MemberRecord],
        given_up: frozenset[str],
    ) -> Trial:
        """The trial with its end, if all of its executions have one; else as it is.

        A network that diverges fails its trial, whatever its accuracy was at the best epoch: what
        blows up for one seed in three is no configuration to choose.

        Args:
            trial: as it was drawn.
            own: its executions.
            records: what is recorded of any member.
            given_up: members that ended their process too often.
        """
        if any(e.id not in records and e.id not in given_up for e in own):
            return trial
        if lost := [e.seed for e in own if e.id not in records]:
            message = f"{_seeds(lost)} ended the process again and again"
            return dataclasses.replace(trial, status="given_up", message=message)
        scores = [self.score(records[e.id]) for e in own]
        good = [records[e.id].status == "done" for e in own] & np.isfinite(scores)
        if not good.all():
            bad = [e.seed for e, is_good in zip(own, good, strict=True) if not is_good]
            message = f"{_seeds(bad)} diverged"
            return dataclasses.replace(trial, status="failed", message=message)
        return dataclasses.replace(trial, status="done", score=float(np.mean(scores)))

    def _member(self, model: MLPConfig, train: TrainConfig, seed: int) -> Member:
        return Member(
            model=model,
            train=train,
            seeds=Seeds.all(seed),
            validation_fraction=self.config.validation_fraction,
            data_sha256=self._sha256,
        )


def num_weights(model: MLPConfig, spec: DataSpec) -> int:
    """Trainable weights of a network: kernels, biases, embeddings, a normalization's gains and
    offsets."""
    widths = (encoded_width(model, spec), *model.hidden_units, spec.num_outputs)
    gains = 0 if model.normalization == "none" else 2 * sum(model.hidden_units)
    dense = sum((a + 1) * b for a, b in pairwise(widths))
    return dense + gains + num_embedding_weights(model, spec)


def _seeds(seeds: Sequence[int]) -> str:
    return f"seed{'s' * (len(seeds) > 1)} {listed(map(str, seeds))}"
