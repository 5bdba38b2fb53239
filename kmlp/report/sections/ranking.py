"""The variants by rank, those that cannot be told apart in one group."""

from collections.abc import Sequence
from typing import Any

from kmlp.report import tabular
from kmlp.report.blocks import Cell, Row, Section, Table
from kmlp.report.csv_tables import Rows, of_records
from kmlp.report.tabular import Column
from kmlp.stats.formatting import Unit, p_value, won_of
from kmlp.stats.summaries import Summary
from kmlp.study.results.baseline import who_chose
from kmlp.study.results.ranking import best_variant, rank, shown_beside, standing
from kmlp.study.results.records.basis import Tested
from kmlp.study.results.records.study import StudyResults
from kmlp.study.results.records.variants import VariantResult, Versus, VersusBaseline

_PARTS = ("test", "val", "train")


def ranking_section(
    results: StudyResults, weights: Sequence[Column[VariantResult]] = ()
) -> Section:
    """Variants by rank, those that cannot be told apart in one group.

    Args:
        results: of a study.
        weights: what else its CSV file tells of each variant.
    """
    unit, own = results.unit(), ranking_columns(results)
    in_csv = [*own[:2], *(column.in_csv_alone for column in weights), *own[2:]]
    tables = {
        "ranking": ranking_rows(results),
        "variants": tabular.csv_rows(in_csv, rank(results)),
        "comparisons": _all(results),
    }
    title = f"{results.tested.heading} {unit.title} by variant"
    return Section("ranking", title, [_table(results, own)], tables)


def ranking_columns(results: StudyResults) -> list[Column[VariantResult]]:
    """All that is shown of a variant, on the page, on a terminal and in CSV."""
    unit = results.unit()
    beside = [results.unit(metric) for metric in shown_beside(results)]
    # A column of equal numbers says less than a word in the note.
    has_counts = len({_count(v, results).text for v in results.variants}) > 1
    tested = results.tested
    pairs = f"{tested.pair}s"
    return [
        Column(
            head="Variant",
            cell=lambda v: Cell(v.name, v.strength if v.strength != v.name else ""),
            numbers=lambda v: {"variant": v.name, "strength": v.strength},
        ),
        Column(
            head=pairs.capitalize() if has_counts else "",
            cell=lambda v: _count(v, results),
            terminal=pairs,
            leaves=5,
            numbers=lambda v: {
                "seeds": v.num_members,
                "diverged": v.num_diverged,
                "basis": results.basis,
            },
        ),
        Column(
            head=f"{tested.heading} {unit.axis}\N{NO-BREAK SPACE}{unit.arrow}",
            second="95 % interval",
            cell=lambda v: tabular.score(v.test[unit.metric], unit, mark="strong"),
            terminal=_short(unit, tested),
            second_leaves=3,
            numbers=lambda v: _every_score(v, results.metrics),
        ),
        Column(head="SE", cell=lambda v: _standard_error(v.test[unit.metric], unit)),
        *tabular.versus_columns(_versus, results.baseline, unit),
        Column(terminal="place", cell=lambda v: Cell(_place(v, results))),
        *(_beside(u, tested) for u in beside),
        *([] if results.basis == "folds" else [_ensemble(unit, results.metrics)]),
    ]


def _count(variant: VariantResult, results: StudyResults) -> Cell:
    """How many seeds its score is of, or folds, of which those in whole repeats count."""
    found = results.cross_validation if results.basis == "folds" else None
    if found is None:
        diverged = f"{variant.num_diverged} diverged" if variant.num_diverged else ""
        return Cell(str(variant.num_members), diverged)
    return Cell(str(sum(e.num_folds for e in found.variants if e.variant == variant.name)))


def _ensemble(unit: Unit, metrics: Sequence[str]) -> Column[VariantResult]:
    return Column(
        head=f"Ensemble{',' + unit.sign if unit.sign else ''}\N{NO-BREAK SPACE}{unit.arrow}",
        cell=lambda v: tabular.if_any(
            v.ensemble[unit.metric], lambda found: Cell(unit.value(found))
        ),
        numbers=lambda v: {f"ensemble_{m}": v.ensemble.get(m) for m in metrics},
    )


def _versus(variant: VariantResult) -> Versus | None:
    return variant.versus_baseline


def _beside(unit: Unit, tested: Tested) -> Column[VariantResult]:
    return Column(
        head=f"{unit.axis}\N{NO-BREAK SPACE}{unit.arrow}",
        cell=lambda v: tabular.score(v.test.get(unit.metric), unit, with_interval=False),
        terminal=_short(unit, tested),
        leaves=1,
    )


def _short(unit: Unit, tested: Tested) -> str:
    """ "test acc. %"; an arrow where lower is better."""
    arrow = "" if unit.higher_is_better else f" {unit.arrow}"
    return f"{tested.short} {unit.short}{unit.sign}{arrow}"


def _place(variant: VariantResult, results: StudyResults) -> str:
    """How it stands beside the best: a search's words, too."""
    if results.best and variant.name == results.best.variant:
        return "picked" if variant.name == results.picked else "best"
    return "open" if variant.tied_with_best else standing(variant.versus_best, results.unit())


def _standard_error(summary: Summary, unit: Unit) -> Cell:
    return tabular.if_any(summary.se, lambda se: Cell(unit.value(se)))


def _every_score(variant: VariantResult, metrics: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in _PARTS:
        for metric in metrics:
            summary: Summary | None = getattr(variant, part).get(metric)
            low, high = (summary and summary.ci95) or (None, None)
            numbers = {
                "mean": summary and summary.mean,
                "sd": summary and summary.sd,
                "se": summary and summary.se,
                "ci95_low": low,
                "ci95_high": high,
            }
            found |= {f"{part}_{metric}_{name}": value for name, value in numbers.items()}
    return found


def ranking_rows(results: StudyResults) -> Rows:
    """The page's table for a spreadsheet: in its unit, with its digits; all digits are in
    `variants`."""
    unit = results.unit()
    return of_records(
        [
            {
                "variant": v.name,
                "strength": v.strength,
                "seeds": v.num_members,
                **_shown(f"{results.tested.adjective} {unit.axis}", v.test[unit.metric], unit),
                **_shown_versus(f"minus {results.baseline}", v.versus_baseline, unit),
            }
            for v in rank(results)
        ]
    )


def _shown(name: str, summary: Summary, unit: Unit) -> dict[str, str]:
    low, high = summary.ci95 or (None, None)
    found = {name: summary.mean, "SE": summary.se, "95 % low": low, "95 % high": high}
    return {key: "" if x is None else unit.value(x) for key, x in found.items()}


def _shown_versus(name: str, versus: VersusBaseline | None, unit: Unit) -> dict[str, str]:
    if versus is None:
        return {}
    low, high = versus.ci95 or (None, None)
    found = {name: versus.difference, f"{name}, 95 % low": low, f"{name}, 95 % high": high}
    size = versus.effect_size
    return {
        **{key: "" if x is None else unit.signed(x) for key, x in found.items()},
        "Holm p": p_value(versus.p_holm),
        "wins": won_of(versus.wins, versus.ties, versus.num_pairs),
        "effect size": f"{size.value:.2f}" if size else "",
    }


def _table(results: StudyResults, own: Sequence[Column[VariantResult]]) -> Table:
    rows: list[Row] = []
    for title, variants in _groups(results):
        if title:
            rows.append(Row([Cell(title)]))
        rows += [tabular.row(own, v, is_baseline=v.name == results.baseline) for v in variants]
    note = (
        f"By mean {results.tested.adjective} {results.unit().title}. ↑ higher is better, ↓ lower "
        f"is better. {_how(results)}"
    )
    return Table(tabular.headings(own), rows, note)


def _how(results: StudyResults) -> str:
    """What intervals and p are."""
    if results.basis == "folds":
        return (
            "Scores are of the fold that was held out, intervals t intervals of the mean over all "
            "folds, corrected for the rows that they share (Nadeau and Bengio), as SE, its "
            "standard error, is; p is the corrected resampled t test's on differences paired by "
            "fold, corrected by Holm over all variants; differences significant at 5 % are bold. "
            "Each interval is by itself, p alone holds for all at once. No ensemble is scored: its "
            "networks have trained on all rows."
        )
    what = "predictions" if results.dataset.is_regression else "probabilities"
    return (
        f"Intervals are t intervals of the mean over {_seeds(results)}, SE is its standard error; "
        "p is the two-sided sign-flip test's on differences paired by seed, corrected by Holm over "
        "all variants; differences significant at 5 % are bold. Each interval is by itself, p "
        f"alone holds for all at once. The ensemble averages the {what} of a variant's networks."
    )


def _seeds(results: StudyResults) -> str:
    numbers = {v.num_members for v in results.variants}
    return "seeds" if len(numbers) > 1 else f"{numbers.pop()} seeds"


def _groups(results: StudyResults) -> list[tuple[str, list[VariantResult]]]:
    """By whether the best can be told from them."""
    unit, ranked = results.unit(), rank(results)
    best = best_variant(results.variants, unit, results.picked)
    if best is None:
        return [("", ranked)]
    tied = [v for v in ranked if v.tied_with_best or v.name == best.name]
    better = [v for v in ranked if v.versus_best and unit.gain(v.versus_best.difference) > 0]
    groups = [
        (
            f"Better {results.tested.where} than {best.label}, {who_chose(best, results)}",
            [v for v in better if v not in tied],
        ),
        (f"{_standing_for_all(best, results)}, and what cannot be told apart from it", tied),
        (f"Worse than {best.label}", [v for v in ranked if v not in (*tied, *better)]),
    ]
    groups = [(title, variants) for title, variants in groups if variants]
    return groups if len(groups) > 1 else [("", ranked)]


def _standing_for_all(best: VariantResult, results: StudyResults) -> str:
    if best.name == results.picked:
        return f"{best.label}, {who_chose(best, results)}"
    return f"The best on validation, {best.label}"


def _all(results: StudyResults) -> Rows:
    """Every comparison with the baseline, then every one with the best."""
    ranked = rank(results)
    against_baseline = [("baseline", v.name, v.versus_baseline) for v in ranked]
    against_best = [("best", v.name, v.versus_best) for v in ranked]
    rows = [
        {"variant": name, "against": against, "basis": results.basis, **versus.to_dict()}
        for against, name, versus in (*against_baseline, *against_best)
        if versus
    ]
    return of_records(rows, "variant", "against")
