"""Studies of different data together: does a variant help in general?"""

from collections.abc import Sequence

from kmlp.report.blocks import Block, Section, Text
from kmlp.report.comparing.figures import across_figure
from kmlp.report.comparing.tables import across_table
from kmlp.scores.comparison import Comparison, compare
from kmlp.scores.relative import compare_errors, left_out
from kmlp.scores.sources import direction_of, scores_of_studies
from kmlp.scores.verdict import are_enough_datasets, datasets_needed
from kmlp.study.loading import Study
from kmlp.study.results.baseline import baseline_in_words
from kmlp.study.results.records.study import StudyResults

_NOTE = (
    "Each data set counts once, by its mean difference: more seeds make that surer, more data sets "
    "the answer. The data sets are those that were chosen, not a sample of all there are."
)
_TEST = (
    " The test is Wilcoxon's signed-rank test, with Holm's correction over the variants (Demsar "
    "2006)."
)


def across_studies(studies: Sequence[Study]) -> Comparison | None:
    """The variants over the studies' data sets.

    Studies of different metrics are compared by their errors' ratios. None where they are not
    several of different data with one baseline and a variant that two of them have.
    """
    if not _are_comparable(studies):
        return None
    results = [study.record for study in studies]
    found = _compared(studies, results[0].baseline)
    return _in_words(found, results) if found else None


def left_out_of_all(studies: Sequence[Study]) -> list[str]:
    """Sentences of the data sets that do not count over all, and why."""
    if _bases_differ(studies):
        return [
            "Nothing is said over all data sets: folds test some of them, rows that were set aside "
            "the others."
        ]
    return left_out(studies) if _are_comparable(studies) and _metrics_differ(studies) else []


def _are_comparable(studies: Sequence[Study]) -> bool:
    results = [study.record for study in studies]
    data = {r.dataset.sha256 for r in results}
    if len(studies) < 2 or len(data) < len(studies) or len({r.baseline for r in results}) > 1:
        return False
    if _bases_differ(studies):
        return False
    variants = [v.name for r in results for v in r.variants if v.versus_baseline]
    return len(variants) > len(set(variants))


def _bases_differ(studies: Sequence[Study]) -> bool:
    return len({study.record.basis for study in studies}) > 1


def _metrics_differ(studies: Sequence[Study]) -> bool:
    return len({study.record.metric.name for study in studies}) > 1


def _compared(studies: Sequence[Study], baseline: str) -> Comparison | None:
    if _metrics_differ(studies):
        return compare_errors(studies, baseline=baseline)
    return compare(
        scores_of_studies(studies), baseline=baseline, higher_is_better=direction_of(studies)
    )


def _in_words(comparison: Comparison, results: Sequence[StudyResults]) -> Comparison:
    """With a verdict that calls the baseline as the studies' own do, where they all agree."""
    words = {baseline_in_words(r) for r in results}
    return comparison.calling_baseline(words.pop()) if len(words) == 1 else comparison


def over_all(comparison: Comparison) -> str:
    """What an answer in a line says over all data sets: that they are too few, if they are."""
    found = comparison.found
    needed, most = datasets_needed(found), max(len(m.differences) for m in found.across)
    if most >= needed:
        return comparison.verdict[0]
    return f"{most} data sets are too few to judge over all (at least {needed})."


def across_section(comparison: Comparison) -> Section:
    """Its table and figure."""
    note = _NOTE + _TEST * are_enough_datasets(comparison.found)
    blocks: list[Block] = [across_figure(comparison), across_table(comparison), Text(note)]
    return Section("across", "Over all data sets", blocks)
