"""KerasTuner searches over kmlp's configs. kmlp never imports this package.

The public names are imported when they are first used: a report needs no Keras.
"""

import importlib
from typing import Any

_HOME = {
    "MLPHyperModel": "tuning.hypermodel",
    "write_search_report": "tuning.report",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'tuning' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
