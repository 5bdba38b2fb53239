"""`num_seeds="auto"`: which seeds of which variants a study trains, from its validation scores.

A study looks at its results a few times, planned beforehand. All that a look sees are validation
scores, so that a study that goes on from its run folder decides again what it decided before, and
nothing of the test set has a say in when it stops. See `kmlp.stats.group_sequential`.
"""

from collections.abc import Collection, Iterator, Mapping

from kmlp.config import StudyConfig
from kmlp.stats.group_sequential import Rounds, looks_for, replay
from kmlp.stats.metrics import HIGHER_IS_BETTER
from kmlp.stats.monitoring import primary_metric
from kmlp.study.results.records.choices import Looks
from kmlp.study.run_folder.folder import MemberRecord

FIRST_LOOK = 10
Ids = Mapping[str, Mapping[int, str]]


def planned_looks(config: StudyConfig) -> tuple[int, ...]:
    """At how many seeds a study looks: 10, 20, 40 and so on, the last time at `max_seeds`.

    The first look waits until so many variants can be told apart at all.

    Example:
        >>> planned_looks(StudyConfig(dataset="mnist", num_seeds="auto", max_seeds=30))
        (10, 20, 30)
    """
    looks = [min(FIRST_LOOK, config.max_seeds)]
    while looks[-1] < config.max_seeds:
        looks.append(min(2 * looks[-1], config.max_seeds))
    useful = looks_for(len(config.variant_names) - 1, looks)
    return tuple(sorted({min(look, config.max_seeds) for look in useful}))


def take_looks(
    config: StudyConfig,
    ids: Ids,
    records: Mapping[str, MemberRecord],
    given_up: Collection[str],
    task: str,
) -> Rounds:
    """How many seeds of each variant are wanted by now, and whether that is all.

    Args:
        config: the study.
        ids: variant -> seed -> member, of every seed there may be.
        records: what has been trained.
        given_up: members that never will be.
        task: decides the metric.
    """
    if isinstance(config.num_seeds, int):
        return Rounds((), dict.fromkeys(config.variant_names, config.num_seeds), is_over=True)
    metric = primary_metric(task)
    return replay(
        {
            variant: list(_scores(by_seed.values(), records, given_up, metric))
            for variant, by_seed in ids.items()
        },
        baseline=config.baseline,
        looks=planned_looks(config),
        half_width=config.half_width,
        higher_is_better=HIGHER_IS_BETTER[metric],
    )


def looks_summary(config: StudyConfig, rounds: Rounds) -> Looks | None:
    """What `results.json` keeps of the looks; None where the number of seeds was given."""
    if isinstance(config.num_seeds, int):
        return None
    return Looks(
        planned=planned_looks(config),
        half_width=config.half_width,
        taken=rounds.looks,
        num_seeds=rounds.num_seeds,
    )


def _scores(
    ids: Collection[str],
    records: Mapping[str, MemberRecord],
    given_up: Collection[str],
    metric: str,
) -> Iterator[float]:
    """Validation scores seed by seed, up to the first that is still to be trained."""
    for id in ids:
        if id in records and records[id].status == "done":
            yield records[id].metrics["val"][metric]
        elif id in records or id in given_up:
            yield float("nan")
        else:
            return
