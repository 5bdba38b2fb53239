"""References beside the best network over other test rows, and not over seeds alone."""

from collections.abc import Mapping, Sequence

from kmlp.study.plan import Plan
from kmlp.study.results.evidence import Evidence, RowScores, row_scores
from kmlp.study.results.records.references import ReferenceResult
from kmlp.study.run_folder.folder import MemberRecord, RunFolder


def over_test_rows(
    references: Sequence[ReferenceResult],
    best: str | None,
    plan: Plan,
    records: Mapping[str, MemberRecord],
    evidence: Evidence,
    folder: RunFolder,
) -> tuple[ReferenceResult, ...]:
    """The same with the interval of each difference over seeds and test rows, where variants have
    one.

    Raises:
        RunFolderError: arrays are missing or damaged.
    """
    if best is None or evidence.rows is None:
        return tuple(references)
    network = evidence.done(best)
    pairs = {
        r.name: [
            (records[plan.references[r.name][m.seed].id], network[m.seed])
            for m in r.members
            if m.seed in network
        ]
        for r in references
    }
    ids = {record.id for paired in pairs.values() for pair in paired for record in pair}
    outputs = {
        id: evidence.outputs[id] if id in evidence.outputs else folder.test_outputs(id)
        for id in sorted(ids)
    }
    rows = row_scores(outputs, evidence.truth, evidence.known)
    return tuple(_with_interval(r, rows, pairs[r.name]) for r in references)


def _with_interval(
    reference: ReferenceResult,
    rows: RowScores | None,
    pairs: Sequence[tuple[MemberRecord, MemberRecord]],
) -> ReferenceResult:
    versus = reference.versus_best
    if versus is None or rows is None:
        return reference
    mine, theirs = zip(*pairs, strict=True)
    found = {"ci95_seeds_and_rows": rows.interval(mine, theirs)}
    return reference.model_copy(update={"versus_best": versus.model_copy(update=found)})
