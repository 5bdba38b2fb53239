"""The members that a trial trains, and what came of them."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.seeds import Seeds
from kmlp.data import DataSpec
from kmlp.data.sampling import Sample
from kmlp.engine.compatibility import check_member
from kmlp.engine.member import Member
from kmlp.stats.formatting import listed
from kmlp.study.run_folder.folder import MemberRecord
from kmlp.study.runner import paused_id
from tuning.results.folds import places
from tuning.results.search_folder import Trial
from tuning.space.config import SearchConfig
from tuning.space.parameter import Values


@dataclass(frozen=True)
class Execution:
    """One seed of a trial, or of one of its folds.

    Attributes:
        seed: of all its streams.
        fold: which is held out; None in a search without folds.
        id: what it is recorded under.
        member: what is trained.
    """

    seed: int
    fold: int | None
    id: str
    member: Member

    @property
    def title(self) -> str:
        return f"seed {self.seed}" + ("" if self.fold is None else f" of fold {self.fold}")


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
        self._places = places(config)

    def of(self, trial: Trial) -> list[Execution]:
        """What a trial trains, seed by seed, and with folds fold by fold of each.

        Raises:
            ConfigError: its values do not go together, or not with the data.
        """
        return [
            Execution(
                seed,
                sample.index if sample else None,
                m.id if trial.epochs is None else paused_id(m, trial.epochs),
                m,
            )
            for (seed, sample), m in zip(self._places, self.members(trial.values), strict=True)
        ]

    def members(self, values: Values) -> list[Member]:
        """The members of these values of the parameters that count, in the same order.

        Raises:
            ConfigError: the values do not go together, or not with the data.
        """
        model, train = self.space.configs(values)
        members = [self._member(model, train, seed, sample) for seed, sample in self._places]
        check_member(members[0], self.spec)
        return members

    def score(self, record: MemberRecord) -> float:
        """The objective of one execution, at its restored epoch: on its validation rows, or on the
        fold that had no say in when it stopped."""
        part = "val" if self.config.folds is None else "fold"
        return record.metrics[part].get(self.config.metric, float("nan"))

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
        if lost := [e for e in own if e.id not in records]:
            message = f"{_titled(lost)} ended the process again and again"
            return dataclasses.replace(trial, status="given_up", message=message)
        scores = [self.score(records[e.id]) for e in own]
        good = [records[e.id].status == "done" for e in own] & np.isfinite(scores)
        if not good.all():
            bad = [e for e, is_good in zip(own, good, strict=True) if not is_good]
            message = f"{_titled(bad)} diverged"
            return dataclasses.replace(trial, status="failed", message=message)
        return dataclasses.replace(trial, status="done", score=float(np.mean(scores)))

    def _member(
        self, model: MLPConfig, train: TrainConfig, seed: int, sample: Sample | None
    ) -> Member:
        return Member(
            model=model,
            train=train,
            seeds=Seeds.all(seed),
            validation_fraction=self.config.validation_fraction,
            data_sha256=self._sha256,
            sample=sample,
        )


def _titled(executions: Sequence[Execution]) -> str:
    """ "seeds 1 and 3"; with folds "seed 1 of fold 0 and seed 1 of fold 4"."""
    if executions[0].fold is not None:
        return listed(e.title for e in executions)
    return f"seed{'s' * (len(executions) > 1)} {listed(str(e.seed) for e in executions)}"
