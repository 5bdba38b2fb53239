"""What a sweep says, in words: where along its values the score is best."""

from collections.abc import Sequence
from typing import Any

from kmlp.config.sweep import written
from kmlp.stats.formatting import Unit
from kmlp.study.results.ranking import choice_scores, on_shared_seeds
from kmlp.study.results.records.choices import SweptField
from kmlp.study.results.records.study import StudyNumbers
from kmlp.study.results.records.variants import VariantResult


def sweep_sentences(results: StudyNumbers) -> list[str]:
    """Where along each sweep the score is best, by what choices are made on."""
    by_name = {v.name: v for v in results.variants if v.is_scored}
    unit = results.unit()
    scores = choice_scores(results.variants, unit)
    sentences = []
    for sweep in results.sweeps:
        variants = [by_name[name] for name in sweep.variants if name in by_name]
        if len(variants) > 1:
            best = max(variants, key=lambda v: scores[v.name])
            sentences.append(_sentence(sweep, variants, best, unit))
    return sentences


def _sentence(
    sweep: SweptField, variants: Sequence[VariantResult], best: VariantResult, unit: Unit
) -> str:
    where = "validation" if variants[0].chosen_on == "val" else "training"
    values = dict(zip(sweep.variants, sweep.values, strict=True))
    edge = _edge(values[best.name], [values[v.name] for v in variants])
    # A value that the baseline has goes by the baseline's name.
    value = f"{sweep.field}={written(values[best.name])}"
    name = value if best.name == value else f"{best.name} ({value})"
    means = [v.judged_by[unit.metric].mean for v in variants]
    return (
        f"Of {len(variants)} values of {sweep.field} the mean {where} {unit.title}"
        f"{on_shared_seeds(variants)} is best with {name}, "
        f"{unit.with_unit(best.judged_by[unit.metric].mean)} ({unit.range(means)} over all){edge}."
    )


def _edge(best: Any, values: Sequence[Any]) -> str:
    """A hint to go on where the best value is the least or the largest; none beyond 0."""
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return ""
    is_edge = best == max(values) or best == min(values) != 0
    return ", at the end of the range: try beyond it" if is_edge else ""
