"""What tests can stand in for: a trainer without Keras, for everything that happens around it.

from kmlp.testing import LinearTrainer

run_study(config, "runs/a", data, trainer=LinearTrainer())
tune(data, "runs/t", trainer=LinearTrainer())

`kmlp.testing.cluster` has a Ray cluster of this machine.
"""

from kmlp.testing.linear import LinearRun
from kmlp.testing.trainer import LinearTrainer

__all__ = ["LinearRun", "LinearTrainer"]
