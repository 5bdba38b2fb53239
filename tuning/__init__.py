"""KerasTuner searches over kmlp's configs. kmlp never imports this package."""

from tuning.hypermodel import MLPHyperModel

__all__ = ["MLPHyperModel"]
