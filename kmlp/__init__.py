"""Which MLP, which regularizer, and how sure are you?

The public names are imported when they are first used, so that ``import kmlp`` and
``kmlp --help`` stay instant: TensorFlow is loaded only by what trains.
"""

import importlib
from typing import Any

_HOME = {
    "KmlpError": "kmlp.errors",
    "MLPConfig": "kmlp.config",
    "TrainConfig": "kmlp.config",
    "StudyConfig": "kmlp.config",
    "Dataset": "kmlp.data",
    "DataSpec": "kmlp.data",
    "load_dataset": "kmlp.data",
    "build_mlp": "kmlp.model",
    "adapt": "kmlp.model",
    "DropConnectDense": "kmlp.drop_connect",
    "GradientNoise": "kmlp.gradient_noise",
    "Member": "kmlp.member",
    "Seeds": "kmlp.member",
    "Sample": "kmlp.rows",
    "build_stack": "kmlp.stack",
    "extract_member": "kmlp.stack",
    "fit_stack": "kmlp.training",
    "run_study": "kmlp.study",
    "load_study": "kmlp.study",
    "read_studies": "kmlp.study_file",
    "write_report": "kmlp.report",
    "write_comparison": "kmlp.report",
    "Selection": "kmlp.selection",
    "export": "kmlp.exporting",
    "load_saved": "kmlp.serving",
    "evaluate": "kmlp.evaluation",
    "StudyProgress": "kmlp.progress",
}
__all__ = list(_HOME)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'kmlp' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
