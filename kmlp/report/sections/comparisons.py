"""Every variant against the baseline: the differences, and all that is known of each."""

from collections.abc import Iterator

import numpy as np

from kmlp.report import tabular
from kmlp.report.blocks import NONE, Block, Cell, Figure, Section, Table, Text
from kmlp.report.plots import ForestRow
from kmlp.report.rendering.drawing import draw, draw_in_rows, row_label, said_outer, scaled
from kmlp.report.tabular import Column
from kmlp.stats.effect_size import EffectSize
from kmlp.stats.formatting import Unit, p_equals, p_value
from kmlp.stats.paired_tests import MAX_SEEDS
from kmlp.stats.summaries import Share
from kmlp.study.results.ranking import rank, standing
from kmlp.study.results.records.study import StudyResults
from kmlp.study.results.records.variants import VariantResult, VersusBaseline

_LONGEST_AXIS = 40
_SIZES = ("ci95", "ci95_simultaneous", "ci95_seeds_and_rows", "effect_size")
Compared = tuple[VariantResult, VersusBaseline]


def comparisons_section(results: StudyResults) -> Section | None:
    """All that is known of each difference; None where none was made."""
    compared = _compared(results)
    blocks: list[Block] = list(_paired(compared, results)) if compared else []
    blocks += _two_networks(results)
    return Section("comparisons", "Every comparison", blocks) if blocks else None


def differences(results: StudyResults) -> Figure | None:
    """Paired differences to the baseline; None where nothing was compared."""
    compared = _compared(results)
    if not compared:
        return None
    unit, baseline, tested = results.unit(), results.baseline, results.tested
    rows = [_row(results, *pair) for pair in compared]
    right = "right" if unit.higher_is_better else "left"
    return draw(
        "differences",
        draw_in_rows(rows, _difference_axis(unit, results), 0.0),
        alt=(
            f"Differences in {tested.adjective} {unit.title} to {baseline} by variant, a dot a "
            f"{tested.pair}."
        ),
        caption=(
            f"{tested.heading} {unit.title} minus {baseline}'s {_paired_by(results)}"
            f"{tabular.points(unit)}: a dot a {tested.pair}, the diamond their mean, the bar its "
            f"95 % interval.{said_outer(rows)} Further {right} is better. "
            "Filled: the corrected test tells it apart (green better, orange worse); hollow: it "
            "does not."
        ),
    )


def _compared(results: StudyResults) -> list[Compared]:
    """The largest gain first."""
    found = [(v, v.versus_baseline) for v in rank(results) if v.versus_baseline]
    return sorted(found, key=lambda pair: -results.unit().gain(pair[1].difference))


def _row(results: StudyResults, variant: VariantResult, versus: VersusBaseline) -> ForestRow:
    unit, role = results.unit(), standing(versus, results.unit())
    own, theirs = results.by_pair(variant.name), results.by_pair(results.baseline)
    return ForestRow(
        label=row_label(variant),
        values=unit.scale * np.array([own[s] - theirs[s] for s in own if s in theirs]),
        interval=scaled(versus.ci95, unit),
        outer=scaled(versus.ci95_seeds_and_rows, unit),
        role=role,
        is_clear=role != "unclear",
    )


def _paired_by(results: StudyResults) -> str:
    return "on the same fold" if results.basis == "folds" else "with the same seed"


def _difference_axis(unit: Unit, results: StudyResults) -> str:
    """What is drawn, as long as it fits under a narrow figure."""
    score = f"{results.tested.adjective} {unit.title}"
    subtracted = f"{score} minus {results.baseline}{tabular.points(unit)} {unit.arrow}"
    if len(subtracted) <= _LONGEST_AXIS:
        return subtracted
    return f"difference in {score}{tabular.points(unit)} {unit.arrow}"


def _paired(compared: list[Compared], results: StudyResults) -> Iterator[Table]:
    """How large each difference is, then how sure; in one table they are too wide for a page."""
    unit = results.unit()
    known = {
        field: column
        for field, column in _known(unit, results).items()
        if any(getattr(versus, field) is not None for _, versus in compared)
    }
    name: Column[Compared] = Column(head="Variant", cell=lambda pair: Cell(row_label(pair[0])))
    minus: Column[Compared] = Column(
        head=f"Minus {results.baseline}{tabular.points(unit)}\N{NO-BREAK SPACE}{unit.arrow}",
        cell=lambda pair: tabular.difference(pair[1], unit, with_interval=False),
    )
    sizes = [column for field, column in known.items() if field in _SIZES]
    tests = [column for field, column in known.items() if field not in _SIZES]
    yield tabular.table([name, minus, *sizes], compared)
    yield tabular.table([name, *tests], compared)


def _known(unit: Unit, results: StudyResults) -> dict[str, Column[Compared]]:
    """What else a comparison tells, by its field."""
    return {**_intervals(unit, results), **_tests(), **_equivalence(), **_counts()}


def _intervals(unit: Unit, results: StudyResults) -> dict[str, Column[Compared]]:
    kind = "paired t interval over seeds,"
    if results.basis == "folds":
        kind = "t interval over folds, corrected for the rows that they share, and"

    def bounds(interval: tuple[float, float]) -> Cell:
        return Cell(unit.interval(interval, signed=True))

    return {
        "ci95": Column(
            head="95 % interval",
            cell=lambda pair: tabular.if_any(pair[1].ci95, bounds),
            note=(
                f"The interval is the {kind} not corrected for the number of "
                "comparisons: one that excludes 0 decides nothing by itself."
            ),
        ),
        "ci95_simultaneous": Column(
            head="all at once",
            cell=lambda pair: tabular.if_any(pair[1].ci95_simultaneous, bounds),
            note=(
                "All at once: wide enough that all of these intervals hold together in 95 of 100 "
                "studies (Bonferroni)."
            ),
        ),
        "ci95_seeds_and_rows": Column(
            head="with other test rows",
            cell=lambda pair: tabular.if_any(pair[1].ci95_seeds_and_rows, bounds),
            note="With other test rows: a bootstrap over seeds and test rows.",
        ),
    }


def _tests() -> dict[str, Column[Compared]]:
    return {
        "p_holm": Column(
            head="Holm p",
            cell=lambda pair: Cell(p_value(pair[1].p_holm)),
            note="Holm p decides; it holds for all comparisons at once.",
        ),
        "p_wilcoxon": Column(
            head="Wilcoxon p",
            cell=lambda pair: tabular.if_any(pair[1].p_wilcoxon, lambda p: Cell(p_value(p))),
            note="Wilcoxon's p is not corrected.",
        ),
        "effect_size": Column(
            head="Effect size",
            cell=lambda pair: tabular.if_any(pair[1].effect_size, _effect),
            note=(
                "Effect size: the mean difference in standard deviations of the differences by "
                "seed, with its 95 % interval."
            ),
        ),
        "probability_better": Column(
            head="P(better)",
            cell=lambda pair: tabular.if_any(pair[1].probability_better, _share),
            note="P(better): the chance to beat the baseline with the same seed.",
        ),
    }


def _equivalence() -> dict[str, Column[Compared]]:
    return {
        "p_holm_equivalence": Column(
            head="Equivalence p",
            cell=lambda pair: tabular.if_any(
                pair[1].p_holm_equivalence, lambda p: Cell(p_value(p))
            ),
            note=(
                "Equivalence p: two one-sided t tests that the difference lies within the margin "
                "that was named, corrected by Holm."
            ),
        ),
        "posterior": Column(
            head="P(equal)",
            cell=lambda pair: tabular.if_any(
                pair[1].posterior, lambda found: Cell(f"{found.equal:.2f}")
            ),
            note="P(equal): of a t posterior under a flat prior, its mass within the margin.",
        ),
    }


def _counts() -> dict[str, Column[Compared]]:
    return {
        "wins": Column(head="Wins", cell=lambda pair: tabular.wins(pair[1])),
        "more_seeds": Column(
            head="More seeds needed",
            second="95 % range",
            cell=lambda pair: _more_seeds(pair[1]),
            note=(
                "More seeds needed: to show, with 80 % power, a true difference as large as this "
                "one, p counting one look more; a dash where it is shown, or would take more than "
                "500 in all. The difference is itself an estimate, and this number a rough one: "
                "the range is that of the ends of the effect size's 95 % interval."
            ),
        ),
    }


def _more_seeds(versus: VersusBaseline) -> Cell:
    """How many, and from how many to how many."""
    number = f"{versus.more_seeds:,}" if versus.more_seeds else NONE.text
    if versus.more_seeds_range is None:
        return Cell(number)
    least, most = versus.more_seeds_range
    if least is None:
        return Cell(number, f"> {MAX_SEEDS}")
    return Cell(number, f"{least:,} to {f'{most:,}' if most else f'> {MAX_SEEDS}'}")


def _effect(size: EffectSize) -> Cell:
    low, high = size.ci95
    return Cell(f"{size.value:+.2f}", f"{low:+.2f} to {high:+.2f}")


def _share(share: Share) -> Cell:
    return Cell(f"{share.value:.2f}", f"{share.ci95[0]:.2f} to {share.ci95[1]:.2f}")


def _two_networks(results: StudyResults) -> list[Text]:
    """McNemar's test of the best network against the baseline's best one."""
    found, best = results.mcnemar, results.best
    if not found or not best:
        return []
    text = (
        f"Two single networks, {best.variant} with seed {best.seed} and "
        f"{results.baseline} with seed {found.baseline_seed}: only the first is right on "
        f"{found.only_best_right:,} test rows, only the second on "
        f"{found.only_baseline_right:,} (McNemar p {p_equals(found.p)}). This compares these "
        "two, not their variants."
    )
    return [Text(text)]
