"""What limits a comparison of scores, in sentences: rows, pairs, corrections, units."""

from collections.abc import Sequence

from kmlp.scores.records import ScoresResults
from kmlp.scores.table import ROWS
from kmlp.stats.formatting import Corrected, Unit, holm_decides, listed


def limits(results: ScoresResults, baseline: str, unit: Unit) -> list[str]:
    """What the sentences before rest on, and do not tell.

    Args:
        results: without a verdict.
        baseline: what sentences call the baseline.
        unit: how scores are written.
    """
    found = [*holm_decides(_corrected_together(results)), *_of_test_rows(results)]
    if not results.paired_by:
        found.append(
            "No seed or fold pairs the scores, so they were compared as independent samples; pairs "
            "of the same seed would need fewer."
        )
    if not results.paired_by and results.margin:
        found.append(
            f"Equivalence within {unit.value(results.margin)} {unit.of_difference} was not tested: "
            "that takes a column seed or fold."
        )
    if "fold" in results.paired_by:
        found.append(_of_folds(results))
    if missing := _unpaired(results, baseline):
        found.append(f"Only what both have is compared: {missing}.")
    if results.across:
        found.append(
            "Each data set is corrected by itself: of 20 on which two methods are equal, one is "
            "expected to tell them apart by chance."
        )
    if results.across and unit.is_log:
        found.append(
            "The data sets have different metrics, so their errors are compared by their ratios: "
            "of an accuracy and its like the error is what is lacking of 100 %, of an RMSE itself, "
            "of squares (MSE, Brier score, 1 - R²) the root."
        )
    if results.across and unit.record.unit == "target":
        found.append(
            f"The mean over data sets adds up {unit.title} of different problems; the counts of "
            "data sets, and a signed-rank test, do not."
        )
    return found


def _corrected_together(results: ScoresResults) -> Sequence[Corrected]:
    """The comparisons that sentences tell one by one."""
    of_first = (method.versus_baseline for method in results.datasets[0].methods)
    return results.across or [versus for versus in of_first if versus]


def _of_folds(results: ScoresResults) -> str:
    """By which rows their scores are corrected: those they tell, or what is taken for granted."""
    found = [v for d in results.datasets for m in d.methods if (v := m.versus_baseline)]
    trained = [v.num_train for v in found if v.num_train]
    held_out = [v.num_held_out for v in found if v.num_held_out]
    parts = []
    if trained:
        parts.append(f"by the {_range(trained)} rows trained on and {_range(held_out)} held out")
    if len(trained) < max(len(found), 1):
        where = "where these are not told, " if trained else ""
        parts.append(
            f"{where}as if the folds of a repeat divided all rows; of other splits, give the rows "
            f"in columns {' and '.join(ROWS)}"
        )
    return (
        "Folds share their training rows: intervals and p are corrected for it, "
        f"{'; '.join(parts)}."
    )


def _range(numbers: Sequence[float]) -> str:
    """ "1,347", "1,000 to 1,347"."""
    ends = dict.fromkeys(f"{end:,.0f}" for end in (min(numbers), max(numbers)))
    return " to ".join(ends)


def _of_test_rows(results: ScoresResults) -> list[str]:
    """What seeds do not tell of; folds are other test rows themselves."""
    if "fold" in results.paired_by:
        return []
    has_column = results.paired_by and not results.across
    return [
        f"Intervals and p are over {'seeds' if results.paired_by else 'runs'}, on the rows that "
        "were scored: what other rows would change is not in them."
        + " If each seed drew its own rows to score, call its column fold, beside columns "
        f"{' and '.join(ROWS)} (rows that a model learnt from, and was scored on)."
        * bool(has_column)
    ]


def _unpaired(results: ScoresResults, baseline: str) -> str:
    """Scores that were not compared, of methods or of the baseline beside them, in words."""
    found = []
    for dataset in results.datasets:
        number = {method.name: len(method.scores) for method in dataset.methods}
        where = f" on {dataset.name}" if dataset.name else ""
        for method in dataset.methods:
            versus = method.versus_baseline
            if method.name == results.baseline or (versus and not results.paired_by):
                continue
            used, beside = versus.num_compared if versus else 0, number.get(results.baseline, 0)
            if used < number[method.name]:
                found.append(f"{used} of {number[method.name]} scores of {method.name}{where}")
            elif used < beside:
                found.append(f"{used} of {beside} scores of {baseline} beside {method.name}{where}")
    return listed(found) if found else ""
