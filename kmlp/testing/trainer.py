"""A trainer without Keras: members as linear models, one stack after the other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kmlp.data.dataset import Dataset, DataSpec
from kmlp.engine.checkpoint import Checkpoints
from kmlp.engine.member import Member
from kmlp.engine.trainer import (
    MemberResult,
    Need,
    OnCompile,
    OnDeath,
    OnEpoch,
    Predict,
    Room,
    Stacks,
)
from kmlp.testing.linear import LinearRun


@dataclass
class LinearRoom:
    """Memory without end; `width` members a stack."""

    members: int
    is_accelerator: bool = False
    num_rows: int = 0

    def reserving(self, stacks: Sequence[Sequence[Member]]) -> Room:
        return self

    def width(self, member: Member) -> int:
        return self.members

    def fits(self, stack: Sequence[Member]) -> bool:
        return True

    def need(self, stacks: Sequence[Sequence[Member]]) -> Need:
        widest = max(map(len, stacks), default=0)
        return Need(0, 0, 0, num_stacks=len(stacks), at_once=1, widest=widest)


@dataclass(frozen=True)
class LinearTrainer:
    """A `kmlp.engine.trainer.Trainer` that trains each member as a `LinearRun`, in milliseconds.

    All else of a study or a search is the program's own: what it asks of its trainer, records,
    saves and resumes. To stand in for one that runs out of memory or fails, override a method.

    Attributes:
        width: how many members share a stack; neighbours, whatever their signature.
        checkpoint_seconds, largest_share: how often a stack is saved; after every epoch, unless
            said otherwise.
        before_told: called with a stack's members and the number of finished epochs before
            anyone is told of it: to end the process there.
        device: what `environment.json` names as backend and device.

    Example:
        >>> import numpy as np
        >>> from kmlp import Dataset, Member, MLPConfig, Seeds, TrainConfig
        >>> x, y = np.eye(30, 2, dtype=np.float32), np.arange(30) % 3
        >>> data = Dataset.from_arrays(x, y, x, y)
        >>> member = Member(
        ...     model=MLPConfig(),
        ...     train=TrainConfig(max_epochs=2),
        ...     seeds=Seeds.all(0),
        ...     validation_fraction=0.2,
        ...     data_sha256=data.provenance.sha256,
        ... )
        >>> results = []
        >>> LinearTrainer().train_members([[member]], data, on_result=results.extend)
        >>> results[0].status, results[0].stopped_epoch
        ('done', 2)
    """

    width: int = 2
    checkpoint_seconds: float = 0.0
    largest_share: float = np.inf
    before_told: Callable[[Sequence[Member], int], None] | None = None
    device: tuple[str, str] = ("none", "none")

    def backend_and_device(self) -> tuple[str, str]:
        """What is said to train."""
        return self.device

    def make_room(self, data: Dataset) -> Room:
        """Memory without end."""
        return LinearRoom(self.width)

    def stack_size(self, member: Member, spec: DataSpec, room: Room | None = None) -> int:
        """The same of every member."""
        return self.width

    def predictor(
        self, members: Sequence[Member], weights: Sequence[Mapping[str, np.ndarray]], data: Dataset
    ) -> Predict:
        """What trained members say, each of rows of its own."""
        runs = [LinearRun(member, data) for member in members]
        for run, own in zip(runs, weights, strict=True):
            run.load(own)
        return lambda x: np.stack([r.predictions(rows) for r, rows in zip(runs, x, strict=True)])

    def plan_stacks(
        self,
        members: Sequence[Member],
        spec: DataSpec,
        num_places: int | None = None,
        *,
        room: Room | None = None,
    ) -> Stacks:
        """Neighbours, whatever their signature."""
        starts = range(0, len(members), self.width)
        return [list(members[start : start + self.width]) for start in starts]

    def checkpoints(self, folder: Path, every_epoch_until: int) -> Checkpoints:
        """One stack's checkpoints."""
        return Checkpoints(folder, self.checkpoint_seconds, every_epoch_until, self.largest_share)

    def train_members(
        self,
        stacks: Sequence[Sequence[Member]],
        data: Dataset,
        *,
        on_result: Callable[[list[MemberResult]], None],
        room: Room | None = None,
        on_start: Callable[[Sequence[Member]], None] | None = None,
        on_epoch: OnEpoch | None = None,
        on_compile: OnCompile | None = None,
        checkpoints: Callable[[Sequence[Member]], Checkpoints] | None = None,
        until: int | None = None,
        on_death: OnDeath | None = None,
    ) -> None:
        """Trains the stacks in turn, each from its newest checkpoint."""
        for members in stacks:
            if on_start:
                on_start(members)
            saver = checkpoints(members) if checkpoints else None
            on_result(self._train(members, data, on_epoch, saver, until))

    def _train(
        self,
        members: Sequence[Member],
        data: Dataset,
        on_epoch: OnEpoch | None,
        saver: Checkpoints | None,
        until: int | None,
    ) -> list[MemberResult]:
        runs = [LinearRun(member, data) for member in members]
        _restore(runs, saver, until)
        while running := [r for r in runs if not _is_over(r, until)]:
            logs = [run.train_epoch() for run in running]
            epoch = running[0].epoch
            if self.before_told:
                self.before_told(members, epoch)
            if on_epoch:
                columns = {name: np.array([log[name] for log in logs]) for name in logs[0]}
                on_epoch([run.member for run in running], epoch, columns)
            if saver and (saver.due(epoch) or epoch == until):
                saver.save(epoch, _arrays(runs))
        return [run.result() for run in runs]


def _is_over(run: LinearRun, until: int | None) -> bool:
    last = min(until or run.member.train.max_epochs, run.member.train.max_epochs)
    return run.stopped or run.epoch >= last


def _arrays(runs: Sequence[LinearRun]) -> dict[str, np.ndarray]:
    return {f"{i}/{name}": a for i, run in enumerate(runs) for name, a in run.arrays().items()}


def _restore(runs: Sequence[LinearRun], saver: Checkpoints | None, until: int | None) -> None:
    saved = saver.load(until) if saver else None
    if saved is None:
        return
    for i, run in enumerate(runs):
        prefix = f"{i}/"
        own = {n.removeprefix(prefix): a for n, a in saved.items() if n.startswith(prefix)}
        run.restore(own)
