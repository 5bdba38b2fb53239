"""A run folder judged by another metric: its numbers follow from the stored predictions."""

import dataclasses
import logging
import shlex
from pathlib import Path

from kmlp.config import AUTO, StudyConfig
from kmlp.errors import ConfigError, KmlpError
from kmlp.stats.metrics.own import Metric
from kmlp.stats.monitoring import resolved_metric
from kmlp.study.judging.checks import refuse_unfit
from kmlp.study.judging.own_scores import score_members
from kmlp.study.loading import Study, load_study
from kmlp.study.plan import Plan, plan_study
from kmlp.study.provenance import stored_config, stored_environment
from kmlp.study.results.analyses.shuffled_models import known_importance
from kmlp.study.results.records.own_metric import read_own_scores
from kmlp.study.results.records.study import StudyResults
from kmlp.study.run_folder.folder import IMPORTANCE, METRIC, RunFolder
from kmlp.study.run_folder.readings import note_reading

logger = logging.getLogger(__name__)
_DECIDING = ("study.toml", METRIC)


def rescore(run_dir: str | Path, metric: str | Metric) -> Study:
    """Judges a study by another metric; trains nothing, loads no data and no Keras.

    The best is chosen anew on validation rows, and the verdict, the report and what is exported
    follow. Say in what you write which metric you chose before you saw the scores.

    Args:
        run_dir: a run folder.
        metric: one that kmlp has, by its name, or one of your own.

    Raises:
        ConfigError: no metric of this task, its function fails, or the study let a metric decide
            on the way how many seeds, or which strengths, it trains.
        RunFolderError: no run folder, one that is damaged, or one without the predictions that it
            takes.

    Example:
        profit = kmlp.Metric("profit", my_function, higher_is_better=True)
        kmlp.rescore("runs/a", profit).best()
    """
    folder, before = RunFolder(run_dir), load_study(run_dir).record
    with folder.writing():
        kept = {name: folder.read_text(name) for name in _DECIDING if (folder.path / name).exists()}
        try:
            _decide_by(metric, folder)
            study = load_study(run_dir)
        except KmlpError:
            _restore(folder, kept)
            raise
        folder.write_json("results.json", study.results)
        note_as_read(folder, study.record)
    _tell_of_columns(folder, study.record.metric.name)
    if study.record.metric.name != before.metric.name:
        tell_of_another(folder, before.metric.name, study.record.metric.name)
    if study.record.best != before.best:
        logger.warning(
            "another network is the best now: a model that was exported before is still the best "
            "by %s; kmlp export %s writes the new one",
            before.metric.name,
            shlex.quote(str(run_dir)),
        )
    return study


def _decide_by(metric: str | Metric, folder: RunFolder) -> None:
    config, dataset = stored_config(folder), stored_environment(folder)["dataset"]
    if isinstance(metric, Metric):
        refuse_unfit(metric, vars(config))
        keep_own_scores(folder, plan_study(config, dataset["sha256"]), metric)
        if (known := known_importance(folder)) and known.metric == metric.name:
            # Its function may be another now, and there are no rows here to shuffle.
            folder.forget(IMPORTANCE)
        return
    _refuse_decided(config, resolved_metric(metric, dataset["task"]), dataset["task"])
    forget_own_scores(folder)
    folder.write_text("study.toml", dataclasses.replace(config, metric=metric).to_toml())


def _tell_of_columns(folder: RunFolder, metric: str) -> None:
    """To shuffle columns takes the data's rows, which are not here."""
    known = known_importance(folder)
    if known and known.metric != metric:
        logger.warning(
            "which columns matter is known by %s alone: the command that made the study, with "
            "--metric %s, finds it anew and trains nothing",
            known.metric,
            metric,
        )


def _restore(folder: RunFolder, kept: dict[str, str]) -> None:
    """What decided before decides again: the new metric cannot be told."""
    if METRIC not in kept:
        forget_own_scores(folder)
    for name, text in kept.items():
        folder.write_text(name, text)


def judge_by(metric: Metric | None, folder: RunFolder, plan: Plan) -> None:
    """What decides from now on: the user's own metric, or the one that the config names."""
    before = read_own_scores(folder)
    if metric:
        keep_own_scores(folder, plan, metric)
    elif before:
        forget_own_scores(folder)
        tell_of_another(folder, before.name, plan.config.metric)


def keep_own_scores(folder: RunFolder, plan: Plan, metric: Metric) -> None:
    """From now on the folder's study is decided by this metric."""
    folder.write_json(METRIC, score_members(folder, plan, metric).to_dict())


def forget_own_scores(folder: RunFolder) -> None:
    """From now on it is decided by what its study file names."""
    if read_own_scores(folder) is not None:
        folder.write_json(METRIC, None)


def note_as_read(folder: RunFolder, results: StudyResults) -> None:
    """The folder remembers what its test rows told, by which metric."""
    # Seeds; where folds test, folds.
    num_seeds = {v.name: len(results.by_pair(v.name)) for v in results.variants}
    note_reading(folder, results.metric.name, results.baseline, num_seeds)


def tell_of_another(folder: RunFolder, before: str, now: str) -> None:
    """Who looks through metrics until one pleases finds chance."""
    logger.warning(
        "%s was judged by %s before, and is by %s now: say in what you write which you chose "
        "before you saw the scores",
        folder.path,
        before,
        now,
    )


def _refuse_decided(config: StudyConfig, metric: str, task: str) -> None:
    """What was decided on the way was decided by another metric."""
    decided = resolved_metric(config.metric, task)
    for field in ("num_seeds", "strengths"):
        if getattr(config, field) == AUTO and metric != decided:
            raise ConfigError(
                f"this study has {field}='auto', which {decided} decided on the way. Received: "
                f"metric={metric!r}. Run it by that metric in another folder, with --out."
            )
