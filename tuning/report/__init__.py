"""A search's run folder in, `report.html` and `report.pdf` out: no training, no Keras."""

from tuning.report.write import write_search_report

__all__ = ["write_search_report"]
