"""The baseline in sentences, where the name of the variant `none` would read as "not one"."""

from kmlp.config.settings import RECORDS
from kmlp.study.results.records.study import StudyScores
from kmlp.study.results.records.variants import VariantResult

_REGULARIZING = {name for name, r in RECORDS.items() if r.strength or r.draws} | {
    "weight_decay",
    "normalization",
}


def baseline_in_words(results: StudyScores) -> str:
    """The baseline as prose calls it."""
    return "no regularization" if is_unregularized(results) else results.baseline


def in_words(variant: VariantResult, results: StudyScores) -> str:
    """A variant as prose calls it behind "with": its label, or what the baseline is."""
    if variant.name == results.baseline and is_unregularized(results):
        return baseline_in_words(results)
    return variant.label


def as_subject(variant: VariantResult, results: StudyScores, the: str = "the") -> str:
    """A variant as a sentence's subject, where "no regularization" would read as a denial."""
    words = in_words(variant, results)
    return words if words == variant.label else f"{the} baseline, {words},"


def is_unregularized(results: StudyScores) -> bool:
    """Whether the baseline is the variant `none`, of a network that has no regularizer either."""
    if results.baseline != "none":
        return False
    config = results.variant("none").config
    values = {**config.model, **config.train}
    return not any(RECORDS[n].is_on(values[n]) for n in _REGULARIZING & values.keys())
