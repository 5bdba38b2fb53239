"""Tables of scores: by method, and over data sets."""

from kmlp.report import tabular
from kmlp.report.blocks import NONE, Cell, Table
from kmlp.report.csv_tables import to_csv
from kmlp.report.rendering.latex import booktabs
from kmlp.report.tabular import Column, bounded, if_any, points
from kmlp.scores.comparison import Comparison
from kmlp.scores.records import AcrossMethod, DatasetResult, MethodResult, VersusMethod
from kmlp.scores.verdict import are_enough_datasets, kind
from kmlp.stats.effect_size import EffectSize
from kmlp.stats.equivalence import Posterior
from kmlp.stats.formatting import Unit, p_value, won_of

_INTERVAL = "95 % interval"


def scores_table(dataset: DatasetResult, baseline: str, unit: Unit) -> Table:
    """Methods by their mean, the best first; effect sizes where there are any."""
    has_effects = any(m.effect_size for m in dataset.methods)
    return tabular.table(
        [*scores_columns(baseline, unit), *([_effect_column()] if has_effects else [])],
        ranked(dataset, unit),
        is_baseline=lambda method: method.name == baseline,
    )


def ranked(dataset: DatasetResult, unit: Unit) -> list[MethodResult]:
    """The best mean first."""
    return sorted(dataset.methods, key=lambda m: -unit.gain(m.summary.mean))


def scores_columns(baseline: str, unit: Unit) -> list[Column[MethodResult]]:
    """What is told of a method on one data set; the terminal's first column is its name."""
    return [
        Column(head="Method", cell=lambda m: Cell(m.name), numbers=lambda m: {"method": m.name}),
        Column(
            head="Scores",
            cell=lambda m: Cell(f"{len(m.scores)}"),
            terminal="scores",
            leaves=5,
            numbers=lambda m: {"num_scores": len(m.scores)},
        ),
        Column(
            head=f"Mean {unit.axis}\N{NO-BREAK SPACE}{unit.arrow}",
            second=_INTERVAL,
            cell=lambda m: tabular.score(m.summary, unit),
            terminal=f"{unit.short}{unit.sign} {unit.arrow}",
            second_leaves=3,
            numbers=lambda m: vars(m.summary),
        ),
        *_versus_columns(baseline, unit),
    ]


def _versus_columns(baseline: str, unit: Unit) -> list[Column[MethodResult]]:
    return [
        Column(
            head=f"Minus {baseline}{points(unit)}",
            second=_INTERVAL,
            cell=lambda m: if_any(m.versus_baseline, lambda versus: _difference(versus, unit)),
            of_baseline="baseline",
            terminal=f"vs. {baseline}",
            numbers=lambda m: _numbers(m.versus_baseline),
        ),
        Column(
            head="Holm p",
            cell=lambda m: if_any(m.versus_baseline, lambda v: Cell(p_value(v.p_holm))),
            note="Holm p decides; it holds for all comparisons at once, intervals for one each.",
            terminal="Holm p",
        ),
        Column(
            head="Wins",
            cell=lambda m: if_any(m.versus_baseline, _wins),
            terminal="wins",
            leaves=4,
        ),
    ]


def _effect_column() -> Column[MethodResult]:
    return Column(
        head="Effect size",
        second=_INTERVAL,
        cell=lambda m: if_any(m.effect_size, _effect),
        note="Effect size: the mean difference by seed in their standard deviations.",
    )


def _difference(versus: VersusMethod, unit: Unit) -> Cell:
    said = kind(versus, unit)
    bounds = bounded(unit, versus.ci95, signed=True)
    return Cell(unit.signed(versus.difference), bounds, said if said in ("better", "worse") else "")


def _wins(versus: VersusMethod) -> Cell:
    if versus.wins is None:
        return NONE
    return Cell(won_of(versus.wins, versus.ties, versus.num_compared))


def _effect(size: EffectSize) -> Cell:
    low, high = size.ci95
    return Cell(f"{size.value:+.2f}", f"{low:+.2f} to {high:+.2f}")


def _numbers(versus: VersusMethod | None) -> dict[str, object]:
    if versus is None:
        return {}
    return {
        "test": versus.test,
        "difference": versus.difference,
        "difference_ci95": versus.ci95 or (None, None),
        "p": versus.p,
        "p_holm": versus.p_holm,
        "wins": versus.wins,
        "ties": versus.ties,
        "losses": versus.losses,
    }


def across_table(comparison: Comparison) -> Table:
    """Methods over data sets, the largest gain first."""
    unit = comparison.unit
    ranked = sorted(comparison.found.across, key=lambda m: -unit.gain(m.difference))
    return tabular.table(
        _across_columns(comparison),
        ranked,
        note="A data set counts once, by its mean difference.",
    )


def _across_columns(comparison: Comparison) -> list[Column[AcrossMethod]]:
    """p and the probabilities of another data set only where they can tell something."""
    found, unit = comparison.found, comparison.unit
    of_what = f", {unit.of_difference}" if unit.is_log else points(unit)
    return [
        Column(head="Method", cell=lambda m: Cell(m.name)),
        Column(
            head=f"Mean difference{of_what}",
            second=_INTERVAL,
            cell=lambda m: Cell(unit.signed(m.difference), bounded(unit, m.ci95, signed=True)),
        ),
        *([_ACROSS_P] if are_enough_datasets(found) else []),
        Column(
            head="Better / equal / worse",
            second="data sets",
            cell=lambda m: Cell(f"{m.wins} / {m.ties} / {m.losses}"),
        ),
        *([_NEXT] if any(m.posterior for m in found.across) else []),
    ]


def _shares(posterior: Posterior) -> Cell:
    return Cell(f"{posterior.better:.2f} / {posterior.equal:.2f} / {posterior.worse:.2f}")


_ACROSS_P: Column[AcrossMethod] = Column(
    head="Holm p", second="signed-rank", cell=lambda m: Cell(p_value(m.p_holm))
)
_NEXT: Column[AcrossMethod] = Column(
    head="Next data set",
    second="better / equal / worse",
    cell=lambda m: if_any(m.posterior, _shares),
)


def files(comparison: Comparison) -> dict[str, str]:
    """File name -> content: the tables as CSV for machines, and as LaTeX for papers."""
    found, unit = comparison.found, comparison.unit
    latex = [
        booktabs(scores_table(d, found.baseline, unit), caption=_caption(d.name, unit))
        for d in found.datasets
    ]
    if found.across:
        latex.append(booktabs(across_table(comparison), caption="Over data sets."))
    return {"scores.csv": _csv(comparison), "scores.tex": "\n".join(latex)}


def _csv(comparison: Comparison) -> str:
    found, unit = comparison.found, comparison.unit
    by_dataset = [(d, m) for d in found.datasets for m in ranked(d, unit)]
    of_method = scores_columns(found.baseline, unit)
    records = [
        {"dataset": d.name, **{n: x for c in of_method for n, x in c.numbers(m).items()}}
        for d, m in by_dataset
    ]
    return to_csv(tabular.of_records(records))


def _caption(dataset: str, unit: Unit) -> str:
    return f"{unit.title[:1].upper()}{unit.title[1:]}{f' on {dataset}' if dataset else ''}."
