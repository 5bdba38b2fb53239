"""A reference of one seed, and what it is recorded under. No Keras, no scikit-learn."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from kmlp.engine.member import Member


@dataclass(frozen=True)
class ReferenceMember:
    """One reference of one seed.

    Attributes:
        name: in `ESTIMATORS`.
        seed: of its draws; it pairs with the networks of this seed.
        network: the network whose training rows it is trained on, and whose class weights it has.
        num_trials: how many settings are tried on the network's validation rows; 1 is
            scikit-learn's defaults as they are.
    """

    name: str
    seed: int
    network: Member
    num_trials: int = 1

    @property
    def class_weight(self) -> str | Mapping[str, float] | None:
        """As `TrainConfig` has it: who weighs the classes wants them weighed by all."""
        return self.network.train.class_weight

    @property
    def id(self) -> str:
        """16 hexadecimal digits that stand for the estimator, its rows and the data."""
        said: dict[str, Any] = {
            "reference": self.name,
            "seed": self.seed,
            "split": self.network.seeds.split,
            "validation_fraction": self.network.validation_fraction,
            "data_sha256": self.network.data_sha256,
        }
        if self.network.calibration_fraction:
            said["calibration_fraction"] = self.network.calibration_fraction
        if self.network.num_train is not None:
            said["num_train"] = self.network.num_train
        if self.network.sample is not None:
            said["sample"] = asdict(self.network.sample)
        if self.class_weight is not None:
            said["class_weight"] = self.class_weight
        if self.num_trials > 1:
            said["num_trials"] = self.num_trials
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
