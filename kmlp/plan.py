"""Which members a study consists of. No Keras."""

from collections.abc import Mapping
from dataclasses import dataclass

from kmlp.config import StudyConfig
from kmlp.member import Member, Seeds


@dataclass(frozen=True)
class Plan:
    """Which member stands for which variant and seed.

    Attributes:
        config: the study.
        ids: variant -> seed -> the member's id.
        given_up: ids of members that ended their process too often and are not tried again.
    """

    config: StudyConfig
    ids: Mapping[str, Mapping[int, str]]
    given_up: frozenset[str] = frozenset()


def plan_members(config: StudyConfig, data_sha256: str) -> dict[str, dict[int, Member]]:
    """Members by variant and seed; one seed pairs all variants."""
    return {
        variant.name: {
            seed: Member(
                model=variant.model,
                train=variant.train,
                seeds=Seeds.all(seed, config.seed_streams),
                validation_fraction=config.validation_fraction,
                data_sha256=data_sha256,
            )
            for seed in config.seeds
        }
        for variant in config.resolved_variants
    }
