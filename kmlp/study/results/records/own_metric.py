"""Scores in a metric of the user's own, as a run folder keeps them: its function is not there."""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import ValidationError

from kmlp.errors import RunFolderError
from kmlp.stats.metrics.own import own_record
from kmlp.stats.metrics.record import MetricRecord
from kmlp.study.results.records.base import Record, first_fault
from kmlp.study.run_folder.folder import METRIC, MemberRecord, RunFolder


class OwnScores(Record):
    """What the metric's function gave.

    Attributes:
        name: of the metric.
        higher_is_better: its direction.
        members: id -> "val", "test" or "fold" -> the score of the finished member.
        ensembles: variant -> the score of its members' mean.
    """

    name: str
    higher_is_better: bool
    members: Mapping[str, Mapping[str, float]]
    ensembles: Mapping[str, float]

    @property
    def known(self) -> MetricRecord:
        """What is known of the metric."""
        return own_record(self.name, higher_is_better=self.higher_is_better)

    def added_to(self, records: Mapping[str, MemberRecord]) -> dict[str, MemberRecord]:
        """The members' records with these scores; what was trained since, and is scored when its
        run ends, is not known yet."""
        known = {id: r for id, r in records.items() if id in self.members or r.status != "done"}
        return {id: self._with(record) for id, record in known.items()}

    def _with(self, record: MemberRecord) -> MemberRecord:
        own = self.members.get(record.id, {})
        parts = {
            part: {**scores, self.name: own[part]} if part in own else scores
            for part, scores in record.metrics.items()
        }
        return replace(record, metrics=parts)


def read_own_scores(folder: RunFolder) -> OwnScores | None:
    """Those that a study was judged by last; None where it is judged by a metric that kmlp has.

    Raises:
        RunFolderError: they are not what kmlp writes.
    """
    if not (folder.path / METRIC).is_file():
        return None
    values = folder.read_json(METRIC)
    try:
        return None if values is None else OwnScores.model_validate(values)
    except ValidationError as error:
        raise RunFolderError(
            f"{folder.path / METRIC}: not what kmlp writes there: {first_fault(error)}. Rescore it "
            "again."
        ) from error
