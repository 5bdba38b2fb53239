"""KerasTuner searches over kmlp's configs. kmlp never imports this package, but its command line.

The public names are imported when they are first used: KerasTuner takes seconds.
"""

from typing import Any

from kmlp.machine import import_quietly

_HOME = {
    "tune": "tuning.search.search",
    "follow_up": "tuning.search.search",
    "load_search": "tuning.search.loading",
    "Search": "tuning.search.loading",
    "SearchConfig": "tuning.space.config",
    "SearchProgress": "tuning.search.progress",
    "MLPHyperModel": "tuning.space.hypermodel",
    "Space": "tuning.space.space",
    "make_space": "tuning.space.space",
    "write_search_report": "tuning.report",
    "write_tensorboard": "tuning.report.tensorboard",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'tuning' has no attribute {name!r}")
    return getattr(import_quietly(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
