"""A reference of one seed, and what it is recorded under. No Keras, no scikit-learn."""

import hashlib
import json
from dataclasses import dataclass

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
        said = {
            "reference": self.name,
            "seed": self.seed,
            "split": self.network.seeds.split,
            "validation_fraction": self.network.validation_fraction,
            "data_sha256": self.network.data_sha256,
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
