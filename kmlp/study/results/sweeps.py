"""What a sweep says, in words: where along its values the score is best."""

from collections.abc import Mapping, Sequence
from typing import Any

from kmlp.config.sweep import written
from kmlp.stats.formatting import Unit
from kmlp.study.results.ranking import (
    choice_scores,
    chosen_on,
    on_shared_seeds,
)

Results = Mapping[str, Any]


def sweep_sentences(results: Results, unit: Unit) -> list[str]:
    """Where along each sweep the score is best, by what choices are made on."""
    by_name = {v["name"]: v for v in results["variants"] if v["num_members"]}
    scores = choice_scores(results["variants"], unit)
    sentences = []
    for sweep in results.get("sweeps", ()):
        variants = [by_name[name] for name in sweep["variants"] if name in by_name]
        if len(variants) < 2:
            continue
        part = chosen_on(variants[0])
        means = [v[part][unit.metric]["mean"] for v in variants]
        best = max(variants, key=lambda v: scores[v["name"]])
        where = "validation" if part == "val" else "training"
        values = dict(zip(sweep["variants"], sweep["values"], strict=True))
        edge = _edge(values[best["name"]], [values[v["name"]] for v in variants])
        # A value that the baseline has goes by the baseline's name.
        value = f"{sweep['field']}={written(values[best['name']])}"
        name = value if best["name"] == value else f"{best['name']} ({value})"
        sentences.append(
            f"Of {len(variants)} values of {sweep['field']} the mean {where} {unit.title}"
            f"{on_shared_seeds(variants)} is best with {name}, "
            f"{unit.with_unit(best[part][unit.metric]['mean'])} "
            f"({unit.range(means)} over all){edge}."
        )
    return sentences


def _edge(best: Any, values: Sequence[Any]) -> str:
    """A hint to go on where the best value is the least or the largest; none beyond 0."""
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return ""
    is_edge = best == max(values) or best == min(values) != 0
    return ", at the end of the range: try beyond it" if is_edge else ""
