"""A search's run folder in, `report.html` and `report.pdf` out: no training, no Keras.

What draws is imported where a report is written: `kmlp show` reads no more than `terminal`.
"""

import importlib
from typing import Any

_HOME = {"write_search_report": "tuning.report.write"}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'tuning.report' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
