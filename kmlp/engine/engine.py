"""The trainer that everyone gets: Keras, on the backend's devices."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from kmlp.data.dataset import Dataset
from kmlp.engine import prediction, scheduler
from kmlp.engine.checkpoint import EVERY_SECONDS, LARGEST_SHARE, Checkpoints
from kmlp.engine.member import Member
from kmlp.engine.planning import stacks
from kmlp.engine.programs.kept import PROGRAMS
from kmlp.engine.trainer import Predict
from kmlp.machine import cpu_name
from kmlp.nn import backend


@dataclass(frozen=True)
class Engine:
    """`kmlp.engine.scheduler`, as studies and searches know it: a `kmlp.engine.trainer.Trainer`.

    Attributes:
        checkpoint_seconds, largest_share: how often stacks in training are saved: see
            `Checkpoints`.
    """

    checkpoint_seconds: float = EVERY_SECONDS
    largest_share: float = LARGEST_SHARE

    make_room = staticmethod(scheduler.make_room)
    stack_size = staticmethod(stacks.stack_size)
    plan_stacks = staticmethod(stacks.plan_stacks)
    train_members = staticmethod(scheduler.train_members)

    def backend_and_device(self) -> tuple[str, str]:
        """What trains here, in words."""
        PROGRAMS.keep_on_disk()
        found = Counter(f"{kind}: {name}" for kind, name, _ in backend.devices() if kind != "cpu")
        accelerators = [f"{num} x {name}" if num > 1 else name for name, num in found.items()]
        return keras.backend.backend(), "; ".join(accelerators) or f"cpu: {cpu_name()}"

    def predictor(
        self, members: Sequence[Member], weights: Sequence[Mapping[str, np.ndarray]], data: Dataset
    ) -> Predict:
        """What trained members of one variant say, each of rows of its own."""
        return prediction.predictor(members[0].model, data.spec, weights)

    def checkpoints(self, folder: Path, every_epoch_until: int) -> Checkpoints:
        """One stack's checkpoints."""
        return Checkpoints(folder, self.checkpoint_seconds, every_epoch_until, self.largest_share)
