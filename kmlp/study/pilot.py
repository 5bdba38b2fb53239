"""Chooses each named variant's strength on validation, with pilot seeds of their own.

Five strengths a variant, weak to strong, each over three seeds that the study itself never uses:
what the study then compares was not chosen by the luck of its own seeds. The test set has no say.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from kmlp.config import StudyConfig
from kmlp.config.variants import STRENGTHS, VARIANTS, resolve_variant
from kmlp.errors import ConfigError
from kmlp.study.results.ranking import choice_scores
from kmlp.study.results.records.choices import PilotSummary, TriedStrength
from kmlp.study.results.records.study import StudyScores
from kmlp.study.results.records.variants import VariantResult

NUM_PILOT_SEEDS = 3
FIRST_PILOT_SEED = 1_000_000


def pilot_study(config: StudyConfig) -> StudyConfig | None:
    """The study that tries every strength of the variants named without one; None if there are
    none.

    Args:
        config: of the study proper; "all" is written out.

    Example:
        >>> pilot = pilot_study(StudyConfig(dataset="mnist", variants=("none", "dropout")))
        >>> pilot.variant_names[:3], pilot.num_seeds
        (('dropout=0.1', 'dropout=0.2', 'dropout=0.3'), 3)
    """
    tables = [table for name in _tuned(config) for table in _tables(name, config)]
    if not tables:
        return None
    if (
        config.first_seed < FIRST_PILOT_SEED + NUM_PILOT_SEEDS
        and config.seeds[-1] >= FIRST_PILOT_SEED
    ):
        raise ConfigError(
            f"the seeds from {FIRST_PILOT_SEED} are the pilot's own. Received: first_seed="
            f"{config.first_seed}, num_seeds={config.num_seeds}. Take others."
        )
    return dataclasses.replace(
        config,
        variants=tuple(tables),
        baseline=tables[0]["name"],
        num_seeds=NUM_PILOT_SEEDS,
        first_seed=FIRST_PILOT_SEED,
        strengths="default",
        sweep=(),
        resample=None,
        folds=None,
        randomness=False,
        references="none",
        reference_trials=1,
        importance=False,
    )


def with_chosen_strengths(config: StudyConfig, pilot: StudyScores) -> StudyConfig:
    """The study proper, each tuned variant at its best strength.

    Args:
        config: as for `pilot_study`.
        pilot: the pilot's results; the best mean validation score wins, of equals the weaker.
    """
    scores = choice_scores(pilot.variants, pilot.unit())

    def score(table: Mapping[str, Any]) -> float:
        return scores.get(table["name"], float("-inf"))

    best = {name: max(_tables(name, config), key=score) for name in _tuned(config)}
    variants = [
        {**best[v], "name": v} if isinstance(v, str) and v in best else v for v in config.variants
    ]
    return dataclasses.replace(config, variants=tuple(variants))


def pilot_summary(pilot: StudyScores) -> PilotSummary:
    """What a study's results keep of its pilot: every strength's mean validation score."""
    return PilotSummary(
        num_seeds=NUM_PILOT_SEEDS,
        first_seed=FIRST_PILOT_SEED,
        strengths=tuple(_tried(v, pilot.metric.name) for v in pilot.variants if v.num_members),
    )


def _tried(variant: VariantResult, metric: str) -> TriedStrength:
    found = variant.judged_by[metric]
    return TriedStrength(
        strength=variant.strength, part=variant.chosen_on, mean=found.mean, se=found.se
    )


def _tuned(config: StudyConfig) -> list[str]:
    return [v for v in config.variants if isinstance(v, str) and v in STRENGTHS]


def _tables(name: str, config: StudyConfig) -> list[dict[str, Any]]:
    """The variant's five tables, named by their strength."""
    tables = [{"name": name, **VARIANTS[name], **strength} for strength in STRENGTHS[name]]
    resolved = [resolve_variant(t, config.model, config.train) for t in tables]
    return [
        {**table, "name": f"{name} #{i + 1}" if ", " in variant.strength else variant.strength}
        for i, (table, variant) in enumerate(zip(tables, resolved, strict=True))
    ]
