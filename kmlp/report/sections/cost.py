"""What each variant costs: time, epochs, weights."""

import numpy as np

from kmlp.report import tabular
from kmlp.report.blocks import NONE, Cell, Section
from kmlp.report.rendering.drawing import row_label
from kmlp.report.tabular import Column
from kmlp.study.results.networks import NEAR_ZERO, TrainedNetworks
from kmlp.study.results.ranking import rank
from kmlp.study.results.records.members import MemberScores, stacks_in_words
from kmlp.study.results.records.study import StudyResults
from kmlp.study.results.records.variants import VariantResult


def cost_section(results: StudyResults, networks: TrainedNetworks) -> Section:
    """A row a variant."""
    total = sum(m.seconds for m in results.members if isinstance(m, MemberScores))
    shown = tabular.table(
        [
            Column(head="Variant", cell=lambda v: Cell(row_label(v))),
            Column(
                head="Seconds a network", second="all seeds", cell=lambda v: _seconds(results, v)
            ),
            Column(head="Epochs trained", second="best epoch", cell=lambda v: _epochs(results, v)),
            *weight_columns(networks),
        ],
        rank(results),
        is_baseline=lambda v: v.name == results.baseline,
        note=(
            "Means over seeds. Networks train together in stacks: a network's seconds are its "
            f"share of its stack's wall time, {total:,.1f} s in all{_where(results)}. The last "
            "column is the share of kernel weights that an L1 penalty, for one, has driven to "
            "almost nothing."
        ),
    )
    return Section("cost", "What it costs", [shown])


def _where(results: StudyResults) -> str:
    """Nothing of what an earlier release recorded, which kept no places."""
    return f"; {stacks_in_words(results.stacks)}" if results.stacks else ""


def weight_columns(networks: TrainedNetworks) -> list[Column[VariantResult]]:
    """How many weights a variant has, and how many of them hardly count."""

    def num_weights(variant: VariantResult) -> int:
        return networks.of(variant.name)[0].num_weights

    return [
        Column(
            head="Weights",
            cell=lambda v: Cell(f"{num_weights(v):,}"),
            numbers=lambda v: {"weights": num_weights(v)},
        ),
        Column(
            head=f"|w| < {NEAR_ZERO:g}",
            second="% of kernels",
            cell=lambda v: _percent(_near_zero(networks, v)),
            numbers=lambda v: {"share_near_zero": _near_zero(networks, v)},
        ),
    ]


def _near_zero(networks: TrainedNetworks, variant: VariantResult) -> float:
    trained = networks.of(variant.name)
    return sum(t.near_zero for t in trained) / len(trained)


def _percent(share: float) -> Cell:
    return Cell(f"{100 * share:.1f}") if np.isfinite(share) else NONE


def _seconds(results: StudyResults, variant: VariantResult) -> Cell:
    seconds = [m.seconds for m in results.finished(variant.name)]
    return Cell(f"{np.mean(seconds):.2f}", f"{np.sum(seconds):,.1f}")


def _epochs(results: StudyResults, variant: VariantResult) -> Cell:
    members = results.finished(variant.name)
    last, best = ([getattr(m, f"{end}_epoch") for m in members] for end in ("stopped", "best"))
    return Cell(f"{np.mean(last):.1f}", f"{np.mean(best):.1f}")
