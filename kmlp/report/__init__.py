"""A run folder in, `report.html` and `report.pdf` out: no training, no Keras."""

from kmlp.report.write import write_comparison, write_report

__all__ = ["write_comparison", "write_report"]
