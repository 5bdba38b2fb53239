"""A run folder in, `report.html` and `report.pdf` out: no training, no Keras."""

from kmlp.report.comparing.page import write_scores_report
from kmlp.report.write import write_comparison, write_report

__all__ = ["write_comparison", "write_report", "write_scores_report"]
