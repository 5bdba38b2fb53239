"""What a study's scores rest on, in words: rows that were set aside, or folds held out."""

from dataclasses import dataclass
from typing import Literal

from kmlp.stats.paired_tests import ALPHA, MIN_SEEDS_TO_TEST, min_seeds_to_test

Basis = Literal["test", "folds"]


@dataclass(frozen=True, kw_only=True)
class Tested:
    """How sentences and tables call what was scored.

    Attributes:
        adjective: of a score, as "test accuracy".
        short: the same in a narrow table.
        where: as "the accuracy on the test set".
        rows: what was scored.
        pair: what two variants are compared on, one by one.
    """

    adjective: str
    short: str
    where: str
    rows: str
    pair: str

    @property
    def heading(self) -> str:
        """The adjective at the head of a column."""
        return self.adjective[:1].upper() + self.adjective[1:]

    def needed(self, num_comparisons: int) -> int:
        """How many pairs can show anything at all, among so many comparisons."""
        return MIN_SEEDS_TO_TEST if self.pair == "fold" else min_seeds_to_test(num_comparisons)

    def why_more(self, num_comparisons: int) -> str:
        """Why fewer pairs cannot tell."""
        needed = self.needed(num_comparisons)
        if self.pair == "fold":
            return f"at least {needed} are needed"
        corrected = " after correction" * (num_comparisons > 1)
        return f"with fewer than {needed} no difference can reach p < {ALPHA}{corrected}"

    def pairs(self, number: int) -> str:
        """ "10 seeds", "1 fold"."""
        return f"{number} {self.pair}{'s' * (number != 1)}"


TESTED: dict[Basis, Tested] = {
    "test": Tested(
        adjective="test", short="test", where="on the test set", rows="test rows", pair="seed"
    ),
    "folds": Tested(
        adjective="cross-validated",
        short="cv",
        where="in cross-validation",
        rows="rows held out",
        pair="fold",
    ),
}
