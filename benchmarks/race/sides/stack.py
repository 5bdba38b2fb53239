"""kmlp's own side: stacks, as a study trains them."""

import statistics
from collections.abc import Sequence

from kmlp.data import Dataset
from kmlp.engine.member import Member
from kmlp.engine.planning.stacks import plan_stacks
from kmlp.engine.scheduler import make_room, train_members
from race.setting import Setting


class Trainer:
    """Plans stacks of the members and trains them."""

    def __init__(self, setting: Setting, data: Dataset) -> None:
        self.setting, self.data = setting, data
        stacks = self._planned([self._member(seed, 1) for seed in range(setting.num_members)])
        self.choice = "stacks of " + ", ".join(sorted({str(len(stack)) for stack in stacks}))

    def _member(self, seed: int, epochs: int) -> Member:
        return self.setting.member(seed, self.data, epochs, self.setting.dtype)

    def _planned(self, members: Sequence[Member]) -> list[list[Member]]:
        return plan_stacks(members, self.data.spec, room=make_room(self.data))

    def train(self, seeds: Sequence[int], epochs: int) -> dict[str, float]:
        members = [self._member(seed, epochs) for seed in seeds]
        results: list = []
        train_members(self._planned(members), self.data, on_result=results.extend)
        return {"accuracy": statistics.fmean(r.curves["val_accuracy"][-1] for r in results)}
