"""The study that follows a search: its best trials and the default, over seeds never used."""

import dataclasses
from pathlib import Path
from typing import Any

from kmlp.config import AUTO, DataConfig, MLPConfig, StudyConfig, TrainConfig
from kmlp.config.settings import RECORDS
from kmlp.config.study import NUM_REPEATS
from kmlp.config.study_file import seen_from
from kmlp.config.tables.table import setting_aside
from kmlp.data import Dataset
from kmlp.engine.trainer import Trainer
from kmlp.stats.monitoring import primary_metric
from kmlp.study.loading import Study
from kmlp.study.provenance import stored_config
from kmlp.study.results.records.base import Plain
from kmlp.study.run_folder import RunFolder
from kmlp.study.runner import StudyWatcher
from kmlp.study.study import run_study
from tuning.results.followup import (
    FOLLOWUP_FILE,
    NUM_SEEDS,
    STUDY_FOLDER,
    first_fresh_seed,
    followup_of,
    name_in_study,
    variant_name,
)
from tuning.results.records.fresh import FollowUp
from tuning.results.records.search import SearchFindings
from tuning.results.records.trials import FinishedTrial
from tuning.results.search_folder import SearchFolder

NUM_TRIALS = 3
BASELINE = "default"


# What TOML, which has no null, could not switch off again in a variant.
_OPTIONAL = [name for name, record in RECORDS.items() if record.default is None]


def study_config(
    results: SearchFindings,
    *,
    num_trials: int = NUM_TRIALS,
    num_seeds: int = NUM_SEEDS,
    baseline: str = BASELINE,
) -> StudyConfig:
    """The study of the trial that was picked, the best others, and the base as the baseline.

    Its seeds begin beyond the search's: what the search owes to the luck of its seeds is gone.

    Args:
        results: the search's.
        num_trials: how many trials, the one picked included.
        num_seeds: fresh seeds each.
        baseline: what the base is called.
    """
    settings = results.settings
    base = settings.base
    bare = {**base, **dict.fromkeys(_OPTIONAL)}
    variants = [_variant(baseline, base, bare)]
    for trial in _best_trials(results)[:num_trials]:
        variant = _variant(variant_name(trial.number), trial.config, bare)
        if trial.config != base:
            variants.append(variant)
    return StudyConfig(
        dataset=results.dataset.name,
        variants=tuple(variants),
        num_seeds=num_seeds,
        first_seed=first_fresh_seed(results),
        model=MLPConfig.from_dict({k: bare[k] for k in settings.model}),
        train=TrainConfig.from_dict({k: bare[k] for k in settings.train}),
        validation_fraction=settings.validation_fraction,
        folds=settings.folds,
        # Folds share a seed a repeat: of one repeat its luck would be in no standard error.
        repeats=max(settings.repeats, NUM_REPEATS) if settings.folds else 1,
        baseline=baseline,
        metric=_metric(results),
        searched=len(results.trials),
        picked=name_in_study(results.picked_trial, results, baseline),
    )


def _metric(results: SearchFindings) -> str:
    """What the search was on, where that is not what studies are decided by anyway."""
    metric = results.settings.objective.metric
    return AUTO if metric == primary_metric(results.dataset.task) else metric


def best_study_file(
    results: SearchFindings, dataset: str, table: DataConfig | None, place: Path
) -> StudyConfig:
    """The configuration that was picked beside the one that the search began from, as a study of
    its own, with fresh seeds, for a file in the folder `place`."""
    config = study_config(results, num_trials=1)
    # By itself the file would leave open which rows test; those that chose must not.
    config = dataclasses.replace(config, dataset=dataset, data=setting_aside(dataset, table))
    return seen_from(place, config)


def run_followup(
    results: SearchFindings,
    folder: SearchFolder,
    data: Dataset,
    *,
    dataset: str,
    table: DataConfig | None = None,
    num_trials: int = NUM_TRIALS,
    num_seeds: int = NUM_SEEDS,
    progress: StudyWatcher | None = None,
    trainer: Trainer | None = None,
    cluster: str | None = None,
    storage: str | Path | None = None,
) -> Study:
    """Runs the study in the search's folder; the test set is read here, and only here.

    How many trials there were then is kept: a search may be given more afterwards.
    """
    if followup_of(folder) is None:
        folder.write_json(FOLLOWUP_FILE, FollowUp(num_trials=len(results.trials)).to_dict())
    place = folder.path / STUDY_FOLDER
    # 0.1.0 called the base "none"; a name that results and exports bear is kept.
    is_new = not (place / "study.toml").exists()
    baseline = BASELINE if is_new else stored_config(RunFolder(place)).baseline
    config = study_config(results, num_trials=num_trials, num_seeds=num_seeds, baseline=baseline)
    config = dataclasses.replace(config, dataset=dataset, data=table)
    return run_study(
        config, place, data, progress=progress, trainer=trainer, cluster=cluster, storage=storage
    )


def _best_trials(results: SearchFindings) -> list[FinishedTrial]:
    """The one picked, then the best in the order of the table; each configuration once."""
    done = [t for t in results.ranked if t.until == results.best_trial.until]
    ranked = sorted(done, key=lambda t: t.number != results.picked)
    distinct: list[FinishedTrial] = []
    for trial in ranked:
        if all(trial.config != other.config for other in distinct):
            distinct.append(trial)
    return distinct


def _variant(name: str, config: Plain, base: Plain) -> dict[str, Any]:
    return {"name": name, **{k: v for k, v in config.items() if v != base[k]}}
