"""All numbers of a report as CSV, unrounded, in the metrics' own units."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from kmlp.report import plots
from kmlp.report.csv_extras import Rows, beyond, flat
from kmlp.report.rendering.drawing import done
from kmlp.stats.formatting import unit_in
from kmlp.stats.metrics import METRICS
from kmlp.study.results.networks import TrainedNetworks
from kmlp.study.results.predictions import confusion, most_misread, reliability
from kmlp.study.results.ranking import rank
from kmlp.text import csv_cell

_PARTS = ("test", "val", "train")
_MOST_ROWS = 200


def csv_tables(results: Mapping[str, Any], networks: TrainedNetworks) -> dict[str, str]:
    """File name -> content.

    Args:
        results: as in `results.json`.
        networks: of the same run folder.
    """
    if networks.best is None:
        return {}
    ranked = rank(results["variants"], unit_in(results))
    metrics = METRICS[results["dataset"]["task"]]
    tables = {
        "variants": _variants(ranked, metrics, networks),
        "members": _members(results, metrics),
        "comparisons": _comparisons(ranked),
        "curves": _curves(ranked, networks),
    }
    if pilot := results.get("pilot"):
        fields = ("strength", "part", "mean", "se")
        tables["pilot"] = [fields, *([s[f] for f in fields] for s in pilot["strengths"])]
    tables |= beyond(results)
    if results["dataset"]["task"] != "regression":
        tables |= _predictions(results["dataset"]["class_names"], networks)
    return {f"{name}.csv": to_csv(rows) for name, rows in tables.items()}


def _variants(
    ranked: Sequence[Mapping[str, Any]], metrics: Sequence[str], networks: TrainedNetworks
) -> Rows:
    fields = ("mean", "sd", "ci95_low", "ci95_high")
    yield [
        "variant",
        "strength",
        "seeds",
        "diverged",
        "weights",
        "share_near_zero",
        *(f"{part}_{metric}_{f}" for part in _PARTS for metric in metrics for f in fields),
        *(f"ensemble_{metric}" for metric in metrics),
    ]
    for v in ranked:
        trained = networks.of(v["name"])
        yield [
            v["name"],
            v["strength"],
            v["num_members"],
            v["num_diverged"],
            trained[0].num_weights,
            sum(t.near_zero for t in trained) / len(trained),
            *(x for part in _PARTS for m in metrics for x in _summary(v[part].get(m))),
            *(v["ensemble"].get(metric) for metric in metrics),
        ]


def _summary(summary: Mapping[str, Any] | None) -> list[float | None]:
    if summary is None:
        return [None] * 4
    return [summary["mean"], summary["sd"], *(summary["ci95"] or (None, None))]


def _members(results: Mapping[str, Any], metrics: Sequence[str]) -> Rows:
    names = ["variant", "seed", "id", "best_epoch", "stopped_epoch", "seconds"]
    yield [*names, *(f"{part}_{metric}" for part in _PARTS for metric in metrics)]
    for m in done(results):
        scores = (m[part].get(metric) for part in _PARTS for metric in metrics)
        yield [*(m[name] for name in names), *scores]


def _comparisons(ranked: Sequence[Mapping[str, Any]]) -> Rows:
    found = [
        (variant["name"], against, flat(variant[f"versus_{against}"]))
        for against in ("baseline", "best")
        for variant in ranked
        if variant.get(f"versus_{against}")
    ]
    names = list(dict.fromkeys(name for _, _, row in found for name in row))
    yield ["variant", "against", *names]
    for variant, against, row in found:
        yield [variant, against, *(row.get(name) for name in names)]


def _curves(ranked: Sequence[Mapping[str, Any]], networks: TrainedNetworks) -> Rows:
    """Mean and deviation over seeds by epoch, as drawn."""
    yield ["variant", "curve", "epoch", "mean", "sd"]
    for variant in ranked:
        for name in sorted({n for t in networks.of(variant["name"]) for n in t.curves}):
            mean, sd = plots.by_epoch(networks.curves(variant["name"], name))
            for epoch, values in enumerate(zip(mean, sd, strict=True), start=1):
                yield [variant["name"], name, epoch, *map(float, values)]


def _predictions(names: Sequence[str], networks: TrainedNetworks) -> dict[str, Rows]:
    predicted = networks.predicted_classes
    shares = confusion(networks.truth, predicted, len(names))
    one = reliability(networks.truth, networks.outputs[networks.best_seed or 0])
    bins = {"one": one, "ensemble": reliability(networks.truth, networks.ensemble_output)}
    return {
        "confusion": [
            ["true class", *names],
            *([n, *map(float, row)] for n, row in zip(names, shares, strict=True)),
        ],
        "reliability": [
            ["networks", "confidence", "accuracy", "rows", "ece"],
            *(
                [which, float(b.confidence[i]), float(b.accuracy[i]), int(b.counts[i]), b.ece]
                for which, b in bins.items()
                for i in range(len(b.counts))
            ),
        ],
        "misread": [
            ["test_row", "true class", "taken for", "networks_wrong", "networks_agreeing"],
            *(
                [m.row, names[m.label], names[m.taken_for], m.num_wrong, m.num_agreeing]
                for m in most_misread(networks.truth, networks.log_probabilities, _MOST_ROWS)
            ),
        ],
    }


def to_csv(rows: Rows) -> str:
    """Rows as a CSV file's text, the first of them its heading; see `csv_cell` for names."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(map(csv_cell, row) for row in rows)
    return buffer.getvalue()
