"""The first thing on a study's page: the answer to its title, and what changes how that is read."""

from collections.abc import Sequence

from kmlp.report.blocks import Answer
from kmlp.study.results.records.study import StudyResults

_BADGES = {
    "helps": ("Helps", "better"),
    "none_helps": ("None shown to help", "soft"),
    "reference_wins": ("Another model wins", "worse"),
    "too_few_seeds": ("Too few seeds", "soft"),
    "not_compared": ("Not compared", "soft"),
    "unfinished": ("Not finished", "worse"),
    "no_network": ("No network", "worse"),
}
_OF_PARTS = {"helps": "Earns its place", "none_helps": "No part shown to matter"}
_OF_A_SEARCH = {"none_helps": "Not shown to help"}


def answer_of(results: StudyResults, first: Sequence[str] = ()) -> Answer | None:
    """None of results that an earlier release wrote, which have none.

    Args:
        results: of the study.
        first: caveats before its own.
    """
    if results.answer is None:
        return None
    badge, mark = _BADGES[results.answer.kind]
    if results.ablated:
        badge = _OF_PARTS.get(results.answer.kind, badge)
    if results.picked:
        badge = _OF_A_SEARCH.get(results.answer.kind, badge)
    if results.basis == "folds":
        badge += " · cross-validated"
    return Answer(badge, mark, results.answer.text, [*first, *results.answer.caveats])
