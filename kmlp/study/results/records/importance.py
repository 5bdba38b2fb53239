"""Which columns matter: what is lost once their values are shuffled over the rows that test."""

from typing import Annotated, Literal

from pydantic import Field

from kmlp.study.results.records.base import Positive, Record
from kmlp.study.results.records.variants import Versus


class ColumnImportance(Record):
    """A column, or a group of them, of one model.

    Attributes:
        name: the column's, or the group's.
        loss: the score on the rows as they are minus the one with the column shuffled, paired by
            seed or by fold, turned so that above 0 the column is of use, whatever the metric; p is
            the paired t test's, over folds the corrected resampled t test's, Holm over the columns
            of this model.
        by_seed: the same of each seed, the mean over its shuffles; where folds test of each fold,
            repeat by repeat.
    """

    name: str
    loss: Versus
    by_seed: Annotated[tuple[float, ...], Field(min_length=1)]

    @property
    def matters(self) -> bool:
        """Whether the corrected test tells that the model is worse without it."""
        return self.loss.is_significant and self.loss.difference > 0


class ModelImportance(Record):
    """The columns of one model, in the table's order.

    Attributes:
        kind: the best network, or the reference that is best on validation.
        name: of the variant, or of the reference.
        columns: what was shuffled.
    """

    kind: Literal["network", "reference"]
    name: str
    columns: Annotated[tuple[ColumnImportance, ...], Field(min_length=1)]

    @property
    def ranked(self) -> list[ColumnImportance]:
        """What is missed most comes first."""
        return sorted(self.columns, key=lambda column: -column.loss.difference)


class Importance(Record):
    """What the best network, and the best reference, lean on.

    Attributes:
        num_rows: test rows that were scored; where folds test those of a repeat, each by the
            network that was kept from it.
        num_shuffles: of each column and seed, or fold.
        models: the network first.
        groups: columns that were shuffled together on request, by the group's name.
        alike: sets of columns of numbers that rise and fall together (rank correlation above 0.8
            on those rows), whose members can stand in for each other.
    """

    num_rows: Positive
    num_shuffles: Positive
    models: Annotated[tuple[ModelImportance, ...], Field(min_length=1)]
    groups: dict[str, tuple[str, ...]]
    alike: tuple[tuple[str, ...], ...]
