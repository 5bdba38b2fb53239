"""The baseline in sentences, where the name of the variant `none` would read as "not one", and
where it is a recipe of which the others lack a part each; and the variant that stands for all."""

from dataclasses import dataclass

from kmlp.config.settings import RECORDS
from kmlp.stats.formatting import Unit
from kmlp.study.results.records.study import StudyScores
from kmlp.study.results.records.variants import VariantResult, VersusBaseline

_REGULARIZING = {name for name, r in RECORDS.items() if r.strength or r.draws} | {
    "weight_decay",
    "normalization",
}


def baseline_in_words(results: StudyScores) -> str:
    """The baseline as prose calls it."""
    if results.searched:
        return "the default configuration"
    return "no regularization" if is_unregularized(results) else results.baseline


def in_words(variant: VariantResult, results: StudyScores) -> str:
    """A variant as prose calls it behind "with": its label, or what the baseline is."""
    if variant.name == results.baseline and (results.searched or is_unregularized(results)):
        return baseline_in_words(results)
    if results.ablated and variant.name != results.baseline:
        return f"{results.baseline} {variant.label}"
    return variant.label


def as_subject(variant: VariantResult, results: StudyScores, the: str = "the") -> str:
    """A variant as a sentence's subject, where "no regularization" would read as a denial."""
    words = in_words(variant, results)
    if variant.name != results.baseline or words == variant.label:
        return words
    return f"{the} baseline, {words},"


def is_unregularized(results: StudyScores) -> bool:
    """Whether the baseline is the variant `none`, of a network that has no regularizer either; what
    a search began from is not told by what it lacks."""
    if results.baseline != "none" or results.searched:
        return False
    config = results.variant("none").config
    values = {**config.model, **config.train}
    return not any(RECORDS[n].is_on(values[n]) for n in _REGULARIZING & values.keys())


def the_network(results: StudyScores) -> str:
    """What the variant that stands for the networks is, before its name."""
    is_picked = results.best is not None and results.best.variant == results.picked
    return f"the {'picked' if is_picked else 'best'} network"


def who_chose(best: VariantResult, results: StudyScores) -> str:
    """Why this variant stands for the networks: "which validation chose"."""
    return f"which {'the search picked' if best.name == results.picked else 'validation chose'}"


def size_in_words(versus: VersusBaseline | None, unit: Unit) -> str:
    """ "by 0.47 points (95 % interval 0.31 to 0.63)"."""
    assert versus is not None  # a test told it
    interval = unit.interval(versus.ci95_of_size)
    rows = versus.of_size(versus.ci95_seeds_and_rows)
    # Else the wider one says no more than the caveat that stands for it.
    if rows and rows[0] <= 0:
        interval += f" over seeds, {unit.interval(rows)} over seeds and test rows"
    return (
        f"by {unit.value(abs(versus.difference))} {unit.of_difference} (95 % interval {interval})"
    )


@dataclass(frozen=True)
class Words:
    """How sentences compare variants with the baseline: as "dropout beats none by", and of a recipe
    whose parts they lack as "without smooth clipping realmlp_s is worse by".

    Attributes:
        baseline: as prose calls it.
        of_parts: whether it is such a recipe.
    """

    baseline: str
    of_parts: bool

    @property
    def beats(self) -> str:
        return f"{self.baseline} is better" if self.of_parts else f"beats {self.baseline}"

    @property
    def loses(self) -> str:
        return f"{self.baseline} is worse" if self.of_parts else f"loses to {self.baseline}"

    @property
    def nothing(self) -> str:
        """That no variant beats it; or of a recipe that it needs none of its parts."""
        if self.of_parts:
            return f"No part of {self.baseline} is shown to earn its place."
        return f"No variant is shown to beat the baseline, {self.baseline}."

    @property
    def unclear(self) -> str:
        if self.of_parts:
            return f"{self.baseline} is not shown to be better or worse"
        return f"cannot be told apart from {self.baseline}"

    def also(self, *, several: bool) -> str:
        """What stands before further variants."""
        return "so it is" if self.of_parts else f"so {'do' if several else 'does'}"

    def same(self, number: int) -> str:
        """That so many are equivalent to it."""
        if self.of_parts:
            return f"{self.baseline} is equivalent to the whole"
        return f"{'are' if number > 1 else 'is'} equivalent to {self.baseline}"

    def differ(self, number: int) -> str:
        """That so many differ from it."""
        if self.of_parts:
            return f"{self.baseline} differs from the whole"
        return f"{'differ' if number > 1 else 'differs'} from {self.baseline}"

    def several(self, number: int) -> str:
        """So many, as a subject."""
        return f"without any one of {number} parts" if self.of_parts else f"{number} variants"

    def some(self, number: int, of: int) -> str:
        """So many of all that are compared, as a subject."""
        every = "" if number == of else f"{number} of "
        if self.of_parts:
            return f"without any one of {every}the {of} parts"
        return f"{every or 'The '}{of} variants"


def comparing_words(results: StudyScores) -> Words:
    """Those of a study."""
    return Words(baseline_in_words(results), results.ablated is not None)
