"""The members of a study as its results list them."""

from collections.abc import Collection, Iterator, Mapping

from kmlp.config import StudyConfig
from kmlp.data.sampling import parse_resample
from kmlp.study.plan import NUM_SETTINGS, Plan
from kmlp.study.results.records.decompositions import Resampling
from kmlp.study.results.records.folds import FoldPlan
from kmlp.study.results.records.members import (
    Extra,
    ExtraGivenUp,
    ExtraScores,
    GivenUp,
    Member,
    MemberScores,
    TrainedStack,
)
from kmlp.study.results.records.seed_streams import RandomnessPlan
from kmlp.study.results.records.study import DataFacts, Groups
from kmlp.study.results.variants import finite
from kmlp.study.run_folder.folder import MemberRecord

Records = Mapping[str, MemberRecord]


def ordinary_members(plan: Plan, records: Records, given_up: Collection[str]) -> Iterator[Member]:
    """Those that have a record, or never will."""
    for variant, ids in plan.ids.items():
        for seed, id in ids.items():
            place = {"id": id, "variant": variant, "seed": seed}
            if id in records:
                yield MemberScores.model_validate(place | _scored(records[id], "test"))
            elif id in given_up:
                yield GivenUp.model_validate(place)


def extra_members(plan: Plan, records: Records, given_up: Collection[str]) -> Iterator[Extra]:
    """The same of the members beside the ordinary ones: each with its group, and its place."""
    for extra in plan.extras:
        named = ("variant", "seed", "group", "place", "stream")
        place = {"id": extra.member.id, **{name: getattr(extra, name) for name in named}}
        if record := records.get(extra.member.id):
            part = "fold" if "fold" in record.metrics else "test"
            yield ExtraScores.model_validate(place | _scored(record, part))
        elif extra.member.id in given_up:
            yield ExtraGivenUp.model_validate(place)


def finished_seeds(plan: Plan, records: Records) -> dict[str, int]:
    """How many seeds of each variant finished; where folds test, how many folds."""
    done = {id for id, record in records.items() if record.status == "done"}
    seeds = {variant: done & {*ids.values()} for variant, ids in plan.ids.items()}
    # Only where rows are set aside is an ordinary member scored on any.
    if any("test" in records[id].metrics for ids in seeds.values() for id in ids):
        return {variant: len(ids) for variant, ids in seeds.items()}
    folds = [e for e in plan.extras if e.group == "folds" and e.member.id in done]
    return {variant: sum(e.variant == variant for e in folds) for variant in plan.ids}


def mixed_devices(plan: Plan, records: Records) -> tuple[str, ...]:
    """The kinds of processors and cards that trained a study's members, if there are several."""
    kinds = {records[id].device for id in plan.by_id if id in records}
    named = sorted(kind for kind in kinds if kind)
    return tuple(named) if len(named) > 1 else ()


def trained_stacks(plan: Plan, records: Records) -> tuple[TrainedStack, ...]:
    """The stacks of a study's members of which is known where they trained; by the first member of
    each in the plan."""
    together: dict[tuple[str, str], list[MemberRecord]] = {}
    for id in plan.by_id:
        record = records.get(id)
        if record and record.stack and record.place:
            together.setdefault((record.stack, record.place), []).append(record)
    return tuple(
        TrainedStack(
            id=stack, place=place, num_members=len(found), seconds=sum(r.seconds for r in found)
        )
        for (stack, place), found in together.items()
    )


def _scored(record: MemberRecord, part: str) -> dict[str, object]:
    """All that its record says, but its place in the study; a part that it lacks is empty.

    Args:
        record: a trained member's.
        part: what it is scored on at last: "test", or the "fold" that was held out.
    """
    return {
        "best_epoch": record.best_epoch,
        "stopped_epoch": record.stopped_epoch,
        "seconds": record.seconds,
        "status": record.status,
        **{part: finite(record.metrics.get(part, {})) for part in (part, "val", "train")},
    }


def planned_groups(config: StudyConfig, data: DataFacts) -> Groups:
    """What each group of members beside the ordinary ones consists of, and its numbers of rows."""
    return Groups(
        resample=_resampling(config, data) if config.resample else None,
        folds=_fold_plan(config, config.folds, data) if config.folds else None,
        randomness=RandomnessPlan(num_settings=NUM_SETTINGS, num_seeds=config.randomness_seeds)
        if config.randomness
        else None,
    )


def _resampling(config: StudyConfig, data: DataFacts) -> Resampling:
    assert config.resample
    samples = parse_resample(config.resample, config.first_seed)
    return Resampling.model_validate(
        {
            "kind": samples[0].kind,
            "num_samples": len(samples),
            "num_seeds": config.resample_seeds,
            "num_train": data.num_train // (samples[0].of or 1),
        }
    )


def _fold_plan(config: StudyConfig, num_folds: int, data: DataFacts) -> FoldPlan:
    # Rows that are given to validate are in no fold.
    is_given = data.validation == "given"
    num_rows = data.num_train + (0 if is_given else data.num_val)
    num_held_out = -(-num_rows // num_folds)
    share = 0.0 if is_given else config.validation_fraction
    num_val = round(share * (num_rows - num_held_out))
    return FoldPlan(
        num_folds=num_folds,
        num_repeats=config.num_repeats,
        num_train=num_rows - num_held_out - num_val,
        num_held_out=num_held_out,
    )
