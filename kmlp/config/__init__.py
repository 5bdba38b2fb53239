"""What to build, how to train it and what to compare: frozen dataclasses of plain types.

A config is checked when it is made, equal after a trip through JSON and TOML, and its
defaults are the only place where a default stands. No Keras here.
"""

from kmlp.config.network import MLPConfig
from kmlp.config.network_checks import ACTIVATIONS, INITIALIZERS
from kmlp.config.seeds import STREAMS
from kmlp.config.study import AUTO, StudyConfig
from kmlp.config.tables.table import DataConfig
from kmlp.config.training import TrainConfig
from kmlp.config.variants import Variant

__all__ = [
    "ACTIVATIONS",
    "AUTO",
    "INITIALIZERS",
    "STREAMS",
    "DataConfig",
    "MLPConfig",
    "StudyConfig",
    "TrainConfig",
    "Variant",
]
