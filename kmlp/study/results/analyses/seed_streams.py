"""Which randomness matters: a score's deviation by stream, and in words."""

from collections.abc import Sequence

import numpy as np

from kmlp.stats.decomposition.variance_components import Spread, pooled_sd, sd_interval
from kmlp.stats.formatting import STREAM_TITLES, Unit
from kmlp.stats.paired_tests import ALPHA
from kmlp.study.results.records.base import Estimate
from kmlp.study.results.records.members import Extra, by_place, table_of
from kmlp.study.results.records.seed_streams import StreamsOfVariant, StreamSpread
from kmlp.study.results.records.study import StudyNumbers, StudyScores


def stream_scores(
    results: StudyScores, variant: str, metric: str, part: str = "test"
) -> dict[str, np.ndarray]:
    """Scores by the stream that varies, `(num_settings, num_seeds)` each; NaN where there is none.

    In a row one stream takes a seed after the other, and the others are held; the next row holds
    them elsewhere, and varies the stream over seeds of its own. Streams that a variant draws
    nothing from are left out. The ordinary members, of which all streams vary, are in
    `results.members`.
    """
    by_stream: dict[str, list[Extra]] = {}
    for member in results.extras("randomness", variant):
        by_stream.setdefault(member.stream or "", []).append(member)
    return {
        stream: table_of(members, part, metric, rows=by_place, columns=_turn)
        for stream, members in by_stream.items()
    }


def _turn(member: Extra) -> int:
    """Setting s takes every third seed from the one that it holds the others at."""
    return member.seed - member.place


def randomness(results: StudyScores) -> tuple[StreamsOfVariant, ...]:
    """The deviation of the test score by the stream that varies, and where all of them do."""
    found = []
    for variant in results.variants:
        tables = stream_scores(results, variant.name, results.metric.name)
        spreads = {stream: _spread(list(table)) for stream, table in tables.items()}
        if not any(spreads.values()):
            continue
        ordinary = np.array(list(results.by_seed(variant.name).values()))
        spreads["all"] = _spread([ordinary])
        streams = tuple(_recorded(stream, s) for stream, s in spreads.items() if s)
        found.append(
            StreamsOfVariant(variant=variant.name, strength=variant.strength, streams=streams)
        )
    return tuple(found)


def _recorded(stream: str, spread: Spread) -> StreamSpread:
    return StreamSpread.model_validate(
        {
            "stream": stream,
            "sd": Estimate(value=spread.value, ci95=spread.ci95),
            "degrees": spread.degrees,
            "num_settings": spread.num_settings,
        }
    )


def _spread(settings: Sequence[np.ndarray]) -> Spread | None:
    """Of those settings that have two scores or more; None where there is none."""
    finite = [values[np.isfinite(values)] for values in settings]
    enough = [values for values in finite if len(values) > 1]
    return pooled_sd(enough) if enough else None


def randomness_sentences(results: StudyNumbers) -> list[str]:
    """Of the baseline, or of the first variant: how much it varies, and with what most."""
    found, unit = results.randomness, results.unit()
    if not found:
        return []
    entry = next((e for e in found if e.variant == results.baseline), found[0])
    by_stream = {stream: spread.sd for stream, spread in entry.by_stream.items()}
    alone = [s for s in by_stream if s in STREAM_TITLES]
    if not alone or "all" not in by_stream:
        return []
    most = max(alone, key=lambda s: by_stream[s].value)
    # It is the largest of several estimates: its interval knows that it was picked.
    picked = entry.by_stream[most]
    bounds = sd_interval(picked.sd.value, picked.degrees, 1 - ALPHA / len(alone))
    everything = by_stream["all"]
    return [
        f"The test {unit.title} of {entry.label} has a standard deviation of "
        f"{unit.value(everything.value)} {_points(unit)}(95 % interval "
        f"{unit.interval(everything.ci95)}) over seeds; of one stream alone the largest "
        f"estimate is that of the {STREAM_TITLES[most]}, {unit.value(by_stream[most].value)} "
        f"({unit.interval(bounds)}{_picked_from(len(alone))})."
    ]


def _picked_from(number: int) -> str:
    """What the largest of several estimates must be read with."""
    if number == 1:
        return ""
    return (
        f", corrected for being the largest of {number}; were all alike, the largest seen would be "
        "too large"
    )


def _points(unit: Unit) -> str:
    return "points " if unit.of_difference == "points" else ""
