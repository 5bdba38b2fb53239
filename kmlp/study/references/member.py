"""A reference of one seed, and what it is recorded under. No Keras, no scikit-learn."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from kmlp.engine.member import Member


@dataclass(frozen=True)
class ReferenceMember:
    """One reference of one seed.

    Attributes:
        name: in `ESTIMATORS`.
        seed: of its draws; it pairs with the networks of this seed.
        network: the network whose training rows it is trained on.
    """

    name: str
    seed: int
    network: Member

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
        if self.network.num_train is not None:
            said["num_train"] = self.network.num_train
        if self.network.sample is not None:
            said["sample"] = asdict(self.network.sample)
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
