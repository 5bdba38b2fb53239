"""A reference that looks much better than any network, though no test tells them apart."""

from math import isfinite

from kmlp.stats.formatting import Unit
from kmlp.study.results.analyses.references import called, winner
from kmlp.study.results.baseline import the_network
from kmlp.study.results.ranking import standing
from kmlp.study.results.records.study import StudyNumbers

_MUCH = 0.2  # of the error


def looks_better(results: StudyNumbers) -> str:
    """That a reference's mean error is much less than the best network's, though no test tells
    them apart: "boosted trees have 40 % less error on average ..."; "" where none has.

    Of too few or uneven scores the test may say nothing of a difference that nobody would miss.
    """
    best, unit = results.best, results.unit()
    if best is None or winner(results.references, unit):
        return ""
    network = results.variant(best.variant).test[unit.metric].mean
    less = {
        r.name: _less_error(r.test[unit.metric].mean, network, unit)
        for r in results.references
        if r.versus_best and standing(r.versus_best, unit) == "unclear"
    }
    first = max(results.references, key=lambda r: less.get(r.name, 0.0), default=None)
    if first is None or less.get(first.name, 0.0) < _MUCH:
        return ""
    have, are = ("have", "are") if first.name == "boosted_trees" else ("has", "is")
    return (
        f"{called(first)} {have} {100 * less[first.name]:.0f} % less error on average than "
        f"{the_network(results)}, but {are} not told apart from it"
    )


def _less_error(score: float, other: float, unit: Unit) -> float:
    """By what part a score's error is less than another's; 0 where there is no ratio of them."""
    error, than = unit.record.error(score), unit.record.error(other)
    if not (isfinite(than) and than > 0 and error >= 0):
        return 0.0
    return 1 - (error / than) ** (0.5 if unit.record.is_square else 1)
