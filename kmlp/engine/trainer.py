"""What trains stacks of members, as studies and searches know it; no Keras here.

`kmlp.engine.engine.Engine` does it with Keras; `kmlp.testing` has one that tests can do with.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from kmlp.data.dataset import Dataset, DataSpec
from kmlp.engine.checkpoint import Checkpoints
from kmlp.engine.member import Member
from kmlp.machine import in_words

Stacks = list[list[Member]]
OnEpoch = Callable[[Sequence[Member], int, dict[str, np.ndarray]], None]
OnCompile = Callable[[int, int], None]
"""Called with the number of a program, from 1, and how many are compiled."""
OnDeath = Callable[[Sequence[Member], bool], bool]
"""Called with a stack whose process ended before it did, and whether its machine went with it;
says whether it is trained again at once."""
Predict = Callable[[np.ndarray], np.ndarray]
"""From each member's own rows, `(k, n, features)`, to outputs as `MemberResult.predictions`,
`(k, n, ...)`."""


@dataclass(frozen=True, kw_only=True)
class MemberResult:
    """What training one member gave.

    Attributes:
        member: what was trained.
        status: "done", or "diverged" where a loss was not finite.
        best_epoch, stopped_epoch: counted from 1; of the best monitored value, and the last one.
            The weights are the best epoch's where they are restored, else the last one's.
        curves: by metric, `(epochs,)`: `loss`; `cross_entropy` and `accuracy`, or `mse` in units
            of the variance of the training targets; and the `val_` of these.
        weights: by path in the plain model.
        predictions: of the test set, or of the member's fold, for which the test set is not
            read: log-probabilities `(n, num_classes)`, or predictions `(n,)` in the target's own
            unit; `float32`.
        validation: outputs of the same form of the rows that it validated on; empty without.
        validation_rows: which these are.
        fold: the rows of the training set that they are of; empty where they are the test set's.
        metrics: `train`, `val`, and `test` or `fold` -> metric -> value with these weights; no
            `test` where no row is set aside.
        seconds: this member's share of its stack's wall time.
        calibration: outputs of the same form of the rows that were kept to calibrate it; empty
            without.
        calibration_rows: which these are.
        device: the kind of processor or card that trained it, where not all are trained by one;
            else empty.
        place: where its stack trained, as the backend names it, "cpu:0" or "NVIDIA H200 (gpu:1)";
            of a cluster the node and what trains there.
    """

    member: Member
    status: str
    best_epoch: int
    stopped_epoch: int
    curves: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]
    predictions: np.ndarray
    validation: np.ndarray
    validation_rows: np.ndarray
    fold: np.ndarray
    metrics: dict[str, dict[str, float]]
    seconds: float
    calibration: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    calibration_rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    device: str = ""
    place: str = ""


class StacksDied(Exception):
    """Stacks whose processes ended before they did; all others are trained."""


@dataclass(frozen=True)
class Need:
    """What a study takes, in bytes.

    Attributes:
        data: the data set on the device; of several, on each.
        programs: what is compiled.
        stacks: the largest stacks that train at once, their results included.
        num_stacks, at_once, widest: number of stacks, how many of them at once, and the most
            members in one.
        where: of many machines or accelerators, on which; else empty.
    """

    data: int
    programs: int
    stacks: int
    num_stacks: int
    at_once: int
    widest: int
    where: str = ""

    @property
    def total(self) -> int:
        return self.data + self.programs + self.stacks

    def __str__(self) -> str:
        networks = f"{self.widest} network{'s' * (self.widest != 1)}"
        together = f"{self.num_stacks} stacks of up to {networks} that train together"
        if self.num_stacks == 1:
            together = f"one stack of {networks} that train together"
        most = f"{in_words(self.total)}{self.where}"
        return f"Memory: at most {most}, for {together}; {self.at_once} at once."


class Room(Protocol):
    """The memory that training may take, and what fits into it: see `kmlp.engine.memory.Room`."""

    is_accelerator: bool
    num_rows: int

    def reserving(self, stacks: Sequence[Sequence[Member]]) -> "Room": ...
    def width(self, member: Member) -> int: ...
    def fits(self, stack: Sequence[Member]) -> bool: ...
    def need(self, stacks: Sequence[Sequence[Member]]) -> Need: ...


class Trainer(Protocol):
    """Groups members into stacks, trains these, and saves them on the way.

    Members share no arithmetic: what one comes to does not depend on its stack, nor on how often
    that went on from a checkpoint. The functions of `kmlp.engine.scheduler` say what each takes
    and raises.
    """

    def backend_and_device(self) -> tuple[str, str]:
        """What trains here, in words."""

    def make_room(self, data: Dataset) -> Room:
        """The memory that training on this data may take."""

    def stack_size(self, member: Member, spec: DataSpec, room: Room | None = None) -> int:
        """How many members like this one train together."""

    def predictor(
        self, members: Sequence[Member], weights: Sequence[Mapping[str, np.ndarray]], data: Dataset
    ) -> Predict:
        """What trained members of one variant say, each of rows of its own.

        Args:
            members: at least one; they differ by their seeds and by the rows that they saw alone.
            weights: of each, as a `MemberResult` has them.
            data: that they were trained on.
        """

    def plan_stacks(
        self,
        members: Sequence[Member],
        spec: DataSpec,
        num_places: int | None = None,
        *,
        room: Room | None = None,
    ) -> Stacks:
        """Groups members into stacks: neighbours of one signature."""

    def checkpoints(self, folder: Path, every_epoch_until: int) -> Checkpoints:
        """One stack's checkpoints, as often as this trainer saves; see `Checkpoints`."""

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
        """Trains stacks, each from its newest checkpoint, and tells of every epoch and result.

        Raises:
            StacksDied: a stack's process ended, not this one, and the stack was not to be trained
                again at once.
        """
