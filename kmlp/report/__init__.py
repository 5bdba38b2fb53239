"""A run folder in, `report.html` and `report.pdf` out: no training, no Keras.

What draws is imported where a report is written: `kmlp show` reads no more than `tabular`.
"""

import importlib
from typing import Any

_HOME = {
    "write_comparison": "kmlp.report.write",
    "write_report": "kmlp.report.write",
    "write_scores_report": "kmlp.report.comparing.page",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'kmlp.report' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
