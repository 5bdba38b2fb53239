"""Which randomness matters: a score's deviation by stream, and in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kmlp.stats.decomposition.variance_components import Spread, pooled_sd
from kmlp.stats.formatting import STREAM_TITLES, Unit
from kmlp.study.results.extra_members import members_of, named, table_of
from kmlp.study.results.ranking import label

Results = Mapping[str, Any]


def stream_scores(
    results: Results, variant: str, metric: str, part: str = "test"
) -> dict[str, np.ndarray]:
    """Scores by the stream that varies, `(num_settings, num_seeds)` each; NaN where there is none.

    In a row one stream takes a seed after the other, and the others are held; the next row holds
    them elsewhere, and varies the stream over seeds of its own. Streams that a variant draws
    nothing from are left out. The ordinary members, of which all streams vary, are in
    `results["members"]`.
    """
    members = members_of(results, "randomness", variant)
    streams = dict.fromkeys(m["stream"] for m in members)
    # Setting s takes every third seed from the one that it holds the others at: a turn a column.
    turns = [{**m, "turn": m["seed"] - m["place"]} for m in members]
    return {
        stream: table_of([m for m in turns if m["stream"] == stream], "place", "turn", part, metric)
        for stream in streams
    }


def randomness(results: Results) -> list[dict[str, Any]]:
    """The deviation of the test score by the stream that varies, and where all of them do."""
    metric, found = results["metric"]["name"], []
    for variant in results["variants"]:
        tables = stream_scores(results, variant["name"], metric)
        spreads = {stream: _spread(list(table)) for stream, table in tables.items()}
        if not any(spreads.values()):
            continue
        spreads["all"] = _spread([_ordinary_scores(results, variant["name"])])
        streams = [
            {
                "stream": stream,
                "sd": {"value": spread.value, "ci95": spread.ci95},
                "degrees": spread.degrees,
                "num_settings": spread.num_settings,
            }
            for stream, spread in spreads.items()
            if spread
        ]
        found.append(
            {"variant": variant["name"], "strength": variant["strength"], "streams": streams}
        )
    return found


def _ordinary_scores(results: Results, variant: str) -> np.ndarray:
    metric = results["metric"]["name"]
    done = [m for m in results["members"] if m["variant"] == variant and m["status"] == "done"]
    return np.array([m["test"][metric] for m in done])


def _spread(settings: Sequence[np.ndarray]) -> Spread | None:
    """Of those settings that have two scores or more; None where there is none."""
    finite = [values[np.isfinite(values)] for values in settings]
    enough = [values for values in finite if len(values) > 1]
    return pooled_sd(enough) if enough else None


def randomness_sentences(results: Results, unit: Unit) -> list[str]:
    """Of the baseline, or of the first variant: how much it varies, and with what most."""
    found = results["randomness"]
    if not found:
        return []
    entry = next((e for e in found if e["variant"] == results["baseline"]), found[0])
    by_stream = {s["stream"]: s["sd"] for s in entry["streams"]}
    alone = [s for s in by_stream if s in STREAM_TITLES]
    if not alone or "all" not in by_stream:
        return []
    most = max(alone, key=lambda s: by_stream[s]["value"])
    everything = by_stream["all"]
    return [
        f"The test {unit.title} of {label(named(entry))} has a standard deviation of "
        f"{unit.value(everything['value'])} {_points(unit)}(95 % interval "
        f"{unit.interval(everything['ci95'])}) over seeds; of one stream alone the largest "
        f"estimate is that of the {STREAM_TITLES[most]}, {unit.value(by_stream[most]['value'])} "
        f"({unit.interval(by_stream[most]['ci95'])})."
    ]


def _points(unit: Unit) -> str:
    return "points " if unit.of_difference == "points" else ""
