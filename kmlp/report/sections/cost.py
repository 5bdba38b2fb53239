"""What each variant costs: time, epochs, weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kmlp.report.blocks import NONE, Cell, Row, Table
from kmlp.report.rendering.drawing import done, row_label
from kmlp.stats.formatting import unit_in
from kmlp.study.results.networks import NEAR_ZERO, TrainedNetworks
from kmlp.study.results.ranking import rank


def cost(results: Mapping[str, Any], networks: TrainedNetworks) -> Table:
    """What each variant costs: time, epochs, weights."""
    columns = [
        Cell("Variant"),
        Cell("Seconds a network", "all seeds"),
        Cell("Epochs trained", "best epoch"),
        Cell("Weights"),
        Cell(f"|w| < {NEAR_ZERO:g}", "% of kernels"),
    ]
    rows = []
    for variant in rank(results["variants"], unit_in(results)):
        members = [m for m in done(results) if m["variant"] == variant["name"]]
        seconds = [m["seconds"] for m in members]
        trained = networks.of(variant["name"])
        near_zero = float(np.mean([t.near_zero for t in trained]))
        rows.append(
            Row(
                [
                    Cell(row_label(variant)),
                    Cell(f"{np.mean(seconds):.2f}", f"{np.sum(seconds):,.1f}"),
                    Cell(
                        f"{np.mean([m['stopped_epoch'] for m in members]):.1f}",
                        f"{np.mean([m['best_epoch'] for m in members]):.1f}",
                    ),
                    Cell(f"{trained[0].num_weights:,}"),
                    Cell(f"{100 * near_zero:.1f}") if np.isfinite(near_zero) else NONE,
                ],
                variant["name"] == results["baseline"],
            )
        )
    total = sum(m["seconds"] for m in results["members"] if "seconds" in m)
    note = (
        "Means over seeds. Networks train together in stacks: a network's seconds are its share "
        f"of its stack's wall time, {total:,.1f} s in all. The last column is the share of kernel "
        "weights that an L1 penalty, for one, has driven to almost nothing."
    )
    return Table(columns, rows, note)
