"""Seeds added in rounds: who was decided when, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from kmlp.stats.formatting import listed

Results = Mapping[str, Any]

Entry = Mapping[str, Any]


_BY_NAME = 5


def interim_sentences(results: Results) -> list[str]:
    """Who was decided when, as the validation rows had it."""
    found = results.get("looks")
    if not found or not found["taken"]:
        return []
    last: dict[str, Entry] = {
        d["variant"]: d for taken in found["taken"] for d in taken["decisions"]
    }
    kinds = {
        f"told apart from {results['baseline']}": ("better", "worse"),
        "known as precisely as was asked": ("precise",),
        "still undecided": ("open", "undecided"),
    }
    clauses = [
        f"{words} after {seeds} seeds: {_names(of_these)}"
        for words, statuses in kinds.items()
        for seeds, of_these in _by_seeds([d for d in last.values() if d["status"] in statuses])
    ]
    looks = listed(str(taken["num_seeds"]) for taken in found["taken"])
    said = "; ".join(clauses)
    return [f"Seeds were added as the validation rows asked, looked at with {looks}; {said}."]


def _by_seeds(decisions: Sequence[Entry]) -> list[tuple[int, list[str]]]:
    """Which variants rest on how many seeds, the fewest first."""
    numbers = sorted({d["num_seeds"] for d in decisions})
    return [(n, [d["variant"] for d in decisions if d["num_seeds"] == n]) for n in numbers]


def _names(names: Sequence[str]) -> str:
    return listed(names) if len(names) <= _BY_NAME else f"{len(names)} variants"
