"""Seeds added in rounds: who was decided when, in words."""

from collections.abc import Sequence

from kmlp.stats.formatting import listed
from kmlp.stats.group_sequential import Decision
from kmlp.study.results.baseline import baseline_in_words
from kmlp.study.results.records.study import StudyNumbers

_BY_NAME = 5


def interim_sentences(results: StudyNumbers) -> list[str]:
    """Who was decided when, as the validation rows had it."""
    if not results.looks or not results.looks.taken:
        return []
    last = [decisions[-1] for decisions in results.looks.decisions().values()]
    kinds = {
        f"told apart from {baseline_in_words(results)}": ("better", "worse"),
        f"known as precisely as was asked{_width(results)}": ("precise",),
        "still undecided": ("open", "undecided"),
    }
    clauses = [
        f"{words} after {seeds} seeds: {_names(of_these)}"
        for words, statuses in kinds.items()
        for seeds, of_these in _by_seeds([d for d in last if d.status in statuses])
    ]
    looks = listed(str(look.num_seeds) for look in results.looks.taken)
    said = "; ".join(clauses)
    return [f"Seeds were added as the validation rows asked, looked at with {looks}; {said}."]


def _width(results: StudyNumbers) -> str:
    """How precisely that is: the option is in the metric's own unit, and sentences in points."""
    looks, unit = results.looks, results.unit()
    if looks is None or looks.half_width is None:
        return ""
    return f", ± {unit.value(looks.half_width)} {unit.of_difference},"


def _by_seeds(decisions: Sequence[Decision]) -> list[tuple[int, list[str]]]:
    """Which variants rest on how many seeds, the fewest first."""
    numbers = sorted({d.num_seeds for d in decisions})
    return [(n, [d.variant for d in decisions if d.num_seeds == n]) for n in numbers]


def _names(names: Sequence[str]) -> str:
    return listed(names) if len(names) <= _BY_NAME else f"{len(names)} variants"
