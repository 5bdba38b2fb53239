"""The first thing on the page of several studies: in which of them something helps."""

from collections.abc import Mapping, Sequence

from kmlp.report.blocks import Answer
from kmlp.stats.formatting import listed
from kmlp.study.results.ranking import rank, standing
from kmlp.study.results.records.study import StudyResults

_MOST_PLACES = 3


def answer_of_all(studies: Mapping[str, StudyResults], over_all: str = "") -> Answer:
    """What helps, study by study, and what is said over all data sets.

    Args:
        studies: their results by their names.
        over_all: that sentence; empty where data sets are not compared.
    """
    found = {name: _helping(results) for name, results in studies.items()}
    helped = [name for name, variants in found.items() if variants]
    without = [name for name in found if name not in helped]
    text = _where(found) or "Nothing is shown to help in any of them"
    if helped and without:
        text += f"; nothing is shown to help in {listed(without)}"
    text += f". {over_all}" if over_all else "."
    badge = f"Helps in {len(helped)} of {len(found)}" if helped else "None shown to help"
    return Answer(badge, "soft" if without else "better", text)


def _helping(results: StudyResults) -> list[str]:
    """The variants that are shown to do better than the baseline, the best first."""
    unit = results.unit()
    return [v.name for v in rank(results) if standing(v.versus_baseline, unit) == "better"]


def _where(found: Mapping[str, list[str]]) -> str:
    """ "dropout and l2 help in a and b, l1 in b": what helps most often comes first."""
    by_places: dict[tuple[str, ...], list[str]] = {}
    for variant in dict.fromkeys(v for variants in found.values() for v in variants):
        places = tuple(name for name, variants in found.items() if variant in variants)
        by_places.setdefault(places, []).append(variant)
    often = sorted(by_places, key=len, reverse=True)[:_MOST_PLACES]
    return ", ".join(
        f"{listed(by_places[places])}{_verb(by_places[places]) if i == 0 else ''} in "
        f"{listed(places)}"
        for i, places in enumerate(often)
    )


def _verb(variants: Sequence[str]) -> str:
    return " helps" if len(variants) == 1 else " help"
