"""A run folder in, `report.html` out: no training, no Keras."""

from kmlp.report.html import write_report

__all__ = ["write_report"]
