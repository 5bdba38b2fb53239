"""A run folder in, `report.html` and `report.pdf` out: no training, no Keras.

What draws is imported where a report is written: `kmlp show` reads no more than `tabular`.
"""

from typing import Any

__all__ = ["write_comparison", "write_report"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'kmlp.report' has no attribute {name!r}")
    from kmlp.report import write

    return getattr(write, name)
