"""References beside the best network over other test rows, and not over seeds alone."""

from collections.abc import Mapping, Sequence

import numpy as np

from kmlp.study.plan import Plan
from kmlp.study.results.evidence import Evidence, row_scores
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
    networks = evidence.done(best)

    def with_interval(reference: ReferenceResult) -> ReferenceResult:
        seeds = [m.seed for m in reference.members if m.seed in networks]
        if reference.versus_best is None or not seeds:
            return reference
        mine = [records[plan.references[reference.name][seed].id] for seed in seeds]
        theirs = [networks[seed] for seed in seeds]
        # Each on its own: what one has that is no number takes nothing from another.
        rows = row_scores(
            _outputs([*mine, *theirs], evidence, folder), evidence.truth, evidence.known
        )
        if rows is None:
            return reference
        found = {"ci95_seeds_and_rows": rows.interval(mine, theirs)}
        return reference.model_copy(
            update={"versus_best": reference.versus_best.model_copy(update=found)}
        )

    return tuple(map(with_interval, references))


def _outputs(
    records: Sequence[MemberRecord], evidence: Evidence, folder: RunFolder
) -> dict[str, np.ndarray]:
    """By member's id, on the test set."""
    ids = sorted({record.id for record in records})
    known = evidence.outputs
    return {id: known[id] if id in known else folder.test_outputs(id) for id in ids}
