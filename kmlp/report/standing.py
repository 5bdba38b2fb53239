"""Where a variant stands: what its colour and its mark say."""

from collections.abc import Mapping
from typing import Any

from kmlp.stats.formatting import Unit
from kmlp.study.results.ranking import is_significant


def standing(variant: Mapping[str, Any], unit: Unit) -> str:
    """Against the baseline, by the corrected test: "better", "worse" or "unclear"."""
    versus = variant["versus_baseline"]
    if not versus or not is_significant(variant):
        return "unclear"
    return "better" if unit.gain(versus["difference"]) > 0 else "worse"
