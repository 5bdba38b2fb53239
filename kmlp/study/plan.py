"""Which members a study consists of. No Keras."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from kmlp.config import STREAMS, StudyConfig, Variant
from kmlp.config.seeds import Seeds
from kmlp.config.settings import switched_on
from kmlp.data.sampling import Sample, parse_resample
from kmlp.engine.member import Member
from kmlp.study.references.member import ReferenceMember

NUM_SETTINGS = 3
"""At how many settings of the other streams one stream varies."""
_FOR = {
    "folds": "folds",
    "resample": "samples of the rows",
    "randomness": "the streams of randomness",
}


@dataclass(frozen=True, kw_only=True)
class Extra:
    """A member beside the ordinary ones, and what it stands for.

    Attributes:
        group: "resample", "folds" or "randomness".
        variant: its variant's name.
        place: from 0, which sample, which fold, or which setting of the streams that are held.
        seed: of the member; of the repeat; of the stream that varies.
        stream: which one varies, in the group "randomness".
        member: what is trained.
    """

    group: str
    variant: str
    place: int
    seed: int
    stream: str | None = None
    member: Member

    @property
    def title(self) -> str:
        """What progress calls it."""
        return f"{self.variant}, {self.group}"


@dataclass(frozen=True)
class Plan:
    """The members of a study: which one stands for which variant and seed.

    Attributes:
        config: the study.
        members: variant -> seed -> member, of every seed there may be; one seed pairs all variants.
        extras: the members beside these, variant by variant.
    """

    config: StudyConfig
    members: Mapping[str, Mapping[int, Member]]
    extras: tuple[Extra, ...] = ()

    @cached_property
    def ids(self) -> dict[str, dict[int, str]]:
        """Variant -> seed -> the member's id."""
        return {
            name: {seed: member.id for seed, member in by_seed.items()}
            for name, by_seed in self.members.items()
        }

    @cached_property
    def by_id(self) -> dict[str, Member]:
        """All members, the ordinary ones first; who stands for several things is trained once."""
        return {member.id: member for _, member in self._titled()}

    @cached_property
    def titles(self) -> dict[str, str]:
        """What progress calls each member, by id: an ordinary one by its variant."""
        found: dict[str, str] = {}
        for title, member in self._titled():
            found.setdefault(member.id, title)
        return found

    @cached_property
    def references(self) -> dict[str, dict[int, ReferenceMember]]:
        """Reference -> seed -> what is trained on the rows of the baseline's network; where it is
        given few, of that which is given most: no network has an advantage of rows."""
        by_seed = self.members[self._of_most_rows]
        return {
            name: {seed: self._reference(name, seed, member) for seed, member in by_seed.items()}
            for name in self.config.named_references
        }

    @cached_property
    def fold_references(self) -> dict[str, dict[tuple[int, int], ReferenceMember]]:
        """Reference -> repeat's seed and fold -> what is trained on the rows of that fold's
        network; for a study that folds test."""
        networks = {
            (extra.seed, extra.place): extra.member
            for extra in self.extras
            if extra.group == "folds" and extra.variant == self._of_most_rows
        }
        return {
            name: {at: self._reference(name, at[0], member) for at, member in networks.items()}
            for name in self.config.named_references
        }

    def _reference(self, name: str, seed: int, network: Member) -> ReferenceMember:
        return ReferenceMember(name, seed, network, self.config.trials_of(name))

    @property
    def _of_most_rows(self) -> str:
        """The baseline, unless another variant is given more rows."""
        names = (self.config.baseline, *self.members)
        return max(names, key=lambda name: _num_rows(self.members[name]))

    def of_seeds(self, num_seeds: Mapping[str, int]) -> "Plan":
        """The same plan with the first so many seeds of each variant."""
        seeds = {name: self.config.seeds[:number] for name, number in num_seeds.items()}
        members = {
            name: {seed: by_seed[seed] for seed in seeds[name]}
            for name, by_seed in self.members.items()
        }
        return replace(self, members=members)

    @property
    def made_of(self) -> str:
        """What the networks are, where their number alone would be a riddle: "4 variants x 10
        seeds, and 80 for folds"."""
        by_variant = {name: set(ids.values()) for name, ids in self.ids.items()}
        seen, sizes = set[str]().union(*by_variant.values()), {*map(len, by_variant.values())}
        num, most = len(by_variant), max(sizes)
        up_to = "up to " * (len(sizes) > 1)
        seeds = f"{num} variant{'s' * (num > 1)} x {up_to}{most} seed{'s' * (most > 1)}"
        others = {e.member.id: e.group for e in self.extras if e.member.id not in seen}
        beside = Counter(others.values())
        return ", and ".join([seeds, *(f"{number} for {_FOR[g]}" for g, number in beside.items())])

    def _titled(self) -> Iterator[tuple[str, Member]]:
        for name, by_seed in self.members.items():
            yield from ((name, member) for member in by_seed.values())
        yield from ((extra.title, extra.member) for extra in self.extras)


def _num_rows(by_seed: Mapping[int, Member]) -> float:
    """How many training rows a variant's members are given; all of them are more than any."""
    given = next(iter(by_seed.values())).num_train
    return float("inf") if given is None else given


def plan_study(config: StudyConfig, data_sha256: str) -> Plan:
    """The members of a study of data with this hash."""
    variants = config.resolved_variants
    return Plan(
        config,
        _members(config, variants, data_sha256),
        _extra_members(config, variants, data_sha256),
    )


def _members(
    config: StudyConfig, variants: Sequence[Variant], data_sha256: str
) -> dict[str, dict[int, Member]]:
    return {
        variant.name: {
            seed: _member(config, data_sha256, variant, Seeds.all(seed, config.seed_streams))
            for seed in config.seeds
        }
        for variant in variants
    }


def _extra_members(
    config: StudyConfig, variants: Sequence[Variant], data_sha256: str
) -> tuple[Extra, ...]:
    return tuple(
        Extra(
            group=group,
            variant=variant.name,
            member=_member(config, data_sha256, variant, seeds, sample),
            **place,
        )
        for variant in variants
        for group, seeds, sample, place in _extras(config, variant)
    )


Drawn = tuple[str, Seeds, Sample | None, dict[str, Any]]


def _extras(config: StudyConfig, variant: Variant) -> Iterator[Drawn]:
    yield from _resampled(config)
    yield from _folds(config)
    if config.randomness:
        yield from _randomness(config, variant)


def _resampled(config: StudyConfig) -> Iterator[Drawn]:
    """Every sample is the same rows for each variant and seed, and so is what they validate on."""
    if config.resample is None:
        return
    first, fixed = config.first_seed, config.seed_streams or {}
    for sample in parse_resample(config.resample, first):
        for seed in range(first, first + config.resample_seeds):
            seeds = Seeds.all(seed, {"split": first, **fixed})
            yield "resample", seeds, sample, {"place": sample.index, "seed": seed}


def _folds(config: StudyConfig) -> Iterator[Drawn]:
    """Each repeat cuts the folds anew, by its seed, which seeds its members too."""
    if config.folds is None:
        return
    for seed in config.fold_seeds:
        for fold in range(config.folds):
            sample = Sample(kind="folds", index=fold, of=config.folds, seed=seed)
            seeds = Seeds.all(seed, config.seed_streams)
            yield "folds", seeds, sample, {"place": fold, "seed": seed}


def _randomness(config: StudyConfig, variant: Variant) -> Iterator[Drawn]:
    """Settings share no seed of the stream that varies, lest they vary by the same draws of it.

    They take turns, so that more seeds train only what is missing.
    """
    first, fixed = config.first_seed, config.seed_streams or {}
    for stream in streams_of(config, variant):
        for setting in range(NUM_SETTINGS):
            for turn in range(config.randomness_seeds):
                held, seed = first + setting, first + setting + NUM_SETTINGS * turn
                # Where both are equal it is an ordinary member, which is trained but once.
                seeds = Seeds.all(held, {**fixed, stream: seed})
                place = {"place": setting, "seed": seed, "stream": stream}
                yield "randomness", seeds, None, place


def streams_of(config: StudyConfig, variant: Variant) -> tuple[str, ...]:
    """The streams that a variant's members draw anything from, but those of a fixed seed."""
    train, on = variant.train, switched_on(variant.model, variant.train)
    idle = set(config.seed_streams or {})
    idle |= {"noise"} if not any(record.draws for record in on) else set()
    idle |= {"split"} if not config.validation_fraction and variant.num_train is None else set()
    idle |= {"order"} if train.batch_size == "full" else set()
    return tuple(stream for stream in STREAMS if stream not in idle)


def _member(
    config: StudyConfig,
    data_sha256: str,
    variant: Variant,
    seeds: Seeds,
    sample: Sample | None = None,
) -> Member:
    return Member(
        model=variant.model,
        train=variant.train,
        seeds=seeds,
        validation_fraction=config.validation_fraction,
        data_sha256=data_sha256,
        sample=sample,
        num_train=variant.num_train,
        calibration_fraction=config.calibration_fraction,
    )
