"""What limits a comparison with references: of which rows it holds, and what no test tells."""

from math import isfinite

from kmlp.config.tables.references import TRIVIAL
from kmlp.stats.formatting import Unit, holm_decides, listed
from kmlp.study.results.analyses.references import called, trivial_sentences, winner
from kmlp.study.results.baseline import the_network
from kmlp.study.results.ranking import only_on_these_rows, standing
from kmlp.study.results.records.study import StudyNumbers

_MUCH = 0.2  # of the error


def reference_caveats(results: StudyNumbers) -> list[str]:
    """Sentences for wherever references are compared; none where nothing limits it."""
    return [
        *holm_decides_on_references(results),
        *trivial_sentences(results),
        *references_on_other_rows(results),
    ]


def holm_decides_on_references(results: StudyNumbers) -> list[str]:
    """What is trivial has its own sentence."""
    references = {r.name: r.versus_best for r in results.references if r.versus_best}
    told = [versus for name, versus in references.items() if name != TRIVIAL]
    return holm_decides([*references.values()], told)


def references_on_other_rows(results: StudyNumbers) -> list[str]:
    """References that seeds alone tell from the network, and not other test rows as well."""
    found = []
    for role, network_does in (("better", "worse"), ("worse", "better")):
        told = [
            called(r)
            for r in results.references
            if r.versus_best and only_on_these_rows(r.versus_best)
            if standing(r.versus_best, results.unit()) == role
        ]
        if not told:
            continue
        s = "s" * (len(told) > 1)
        found.append(
            f"That {the_network(results)} does {network_does} than {listed(told)} holds for these "
            f"{results.dataset.num_test:,} test rows; over seeds and other test rows together the "
            f"95 % interval{s} of the difference{s} contain{'' if s else 's'} zero."
        )
    return found


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
