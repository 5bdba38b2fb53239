"""`num_seeds="auto"`: which seeds of which variants a study trains, from its validation scores.

A study looks at its results a few times, planned beforehand. All that a look sees are validation
scores, so that a study that goes on from its run folder decides again what it decided before, and
nothing of the test set has a say in when it stops. See `kmlp.stats.group_sequential`.
"""

from collections.abc import Collection, Iterator, Mapping

from kmlp.config import StudyConfig
from kmlp.stats.group_sequential import Rounds, replay, useful_schedule
from kmlp.stats.metrics import HIGHER_IS_BETTER
from kmlp.stats.monitoring import resolved_metric
from kmlp.study.plan import Plan
from kmlp.study.results.records.choices import Looks
from kmlp.study.run_folder import RunFolder
from kmlp.study.run_folder.folder import MemberRecord

FIRST_LOOK = 10


def schedule_of(config: StudyConfig) -> tuple[int, ...]:
    """At how many seeds a study looks: 10, 20, 40 and so on, the last time at `max_seeds`.

    The first look waits until so many variants can be told apart at all.

    Example:
        >>> schedule_of(StudyConfig(dataset="mnist", num_seeds="auto", max_seeds=30))
        (10, 20, 30)
    """
    schedule = [min(FIRST_LOOK, config.max_seeds)]
    while schedule[-1] < config.max_seeds:
        schedule.append(min(2 * schedule[-1], config.max_seeds))
    useful = useful_schedule(len(config.variant_names) - 1, schedule)
    return tuple(sorted({min(num_seeds, config.max_seeds) for num_seeds in useful}))


def looks_in(folder: RunFolder, plan: Plan, task: str) -> Rounds:
    """As `take_looks`, of what a run folder holds by now."""
    if isinstance(plan.config.num_seeds, int):
        return take_looks(plan, {}, (), task)
    return take_looks(plan, folder.records(), folder.stacks.given_up(), task)


def take_looks(
    plan: Plan, records: Mapping[str, MemberRecord], given_up: Collection[str], task: str
) -> Rounds:
    """How many seeds of each variant are wanted by now, and whether that is all.

    Args:
        plan: of the study, with every seed there may be.
        records: what has been trained.
        given_up: members that never will be.
        task: decides the metric.
    """
    config = plan.config
    if isinstance(config.num_seeds, int):
        return Rounds((), dict.fromkeys(config.variant_names, config.num_seeds), is_over=True)
    metric = resolved_metric(config.metric, task)
    return replay(
        {
            variant: list(_scores(by_seed.values(), records, given_up, metric))
            for variant, by_seed in plan.ids.items()
        },
        baseline=config.baseline,
        schedule=schedule_of(config),
        half_width=config.half_width,
        higher_is_better=HIGHER_IS_BETTER[metric],
    )


def looks_summary(config: StudyConfig, rounds: Rounds) -> Looks | None:
    """What `results.json` keeps of the looks; None where the number of seeds was given."""
    if isinstance(config.num_seeds, int):
        return None
    return Looks(
        planned=schedule_of(config),
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
