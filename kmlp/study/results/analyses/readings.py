"""Earlier readings of the same test rows: which of them were looks at a verdict, and in words."""

from collections.abc import Mapping

from kmlp.stats.formatting import listed
from kmlp.stats.metrics import BY_NAME
from kmlp.study.results.records.basis import Tested
from kmlp.study.results.records.choices import EarlierReading
from kmlp.study.results.records.study import StudyScores
from kmlp.study.run_folder.folder import RunFolder
from kmlp.study.run_folder.readings import Reading, readings_in


def earlier_readings(
    folder: RunFolder, metric: str, baseline: str, num_seeds: Mapping[str, int], tested: Tested
) -> tuple[EarlierReading, ...]:
    """Those that a folder remembers, but for what is read now; each once.

    Args:
        folder: of the study.
        metric, baseline: by which variants are compared now.
        num_seeds: finished now, by variant.
        tested: what is scored, of which fewer or more pairs could tell anything.
    """
    now = Reading(date="", metric=metric, baseline=baseline, num_seeds=num_seeds)
    found: list[Reading] = []
    for reading in readings_in(folder):
        if not any(reading.is_like(other) for other in (*found, now)):
            found.append(reading)
    return tuple(
        EarlierReading(
            num_seeds=r.num_seeds,
            is_look=_is_look(r, now, tested),
            metric=None if r.metric == metric else r.metric,
        )
        for r in found
    )


def _is_look(then: Reading, now: Reading, tested: Tested) -> bool:
    """Whether a verdict could have told something apart then, by the same metric and baseline, and
    seeds of what it compared were added, or left out, since."""
    if (then.metric, then.baseline) != (now.metric, now.baseline):
        return False
    base = then.num_seeds.get(then.baseline, 0)
    needed = tested.needed(max(1, len(then.num_seeds) - 1))
    compared = [v for v in then.num_seeds if v != then.baseline and v in now.num_seeds]
    return any(
        min(then.num_seeds[v], base) >= needed
        and (then.num_seeds[v], base) != (now.num_seeds[v], now.num_seeds.get(now.baseline, 0))
        for v in compared
    )


def looks_with(earlier: tuple[EarlierReading, ...]) -> int:
    """How many looks p counts, this one included."""
    return 1 + sum(reading.is_look for reading in earlier)


def other_metrics(results: StudyScores) -> list[str]:
    """What else the study was judged by, in this folder and before, as its scores are called."""
    names = dict.fromkeys(r.metric for r in results.earlier_readings if r.metric)
    return [BY_NAME[name].title if name in BY_NAME else name for name in names]


def reading_sentences(results: StudyScores) -> list[str]:
    """That a study was judged by another metric, or extended, after a look; nothing where it was
    not."""
    return [*_rejudged(results), *_extended(results)]


def _rejudged(results: StudyScores) -> list[str]:
    before = other_metrics(results)
    if not before:
        return []
    return [
        f"Judged by {listed(before)} before, in this folder, and by {results.unit().title} now: p "
        "holds for what was chosen before its scores were seen, and does not count the other."
    ]


def _extended(results: StudyScores) -> list[str]:
    looks = [r for r in results.earlier_readings if r.is_look]
    if not looks or results.looks:
        return []
    seeds = listed(dict.fromkeys(_seeds(r.num_seeds) for r in looks))
    times = "once" if len(looks) == 1 else f"{len(looks)} times"
    return [
        f"Extended after a look: the test scores were compared {times} before, with {seeds} "
        f"{results.tested.pair}s. "
        f"So p counts {len(looks) + 1} looks: it is multiplied by that, as by the comparisons."
    ]


def _seeds(num_seeds: Mapping[str, int]) -> str:
    fewest, most = min(num_seeds.values()), max(num_seeds.values())
    return f"{most}" if fewest == most else f"{fewest} to {most}"
