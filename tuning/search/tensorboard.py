"""A search for TensorBoard: its HParams page shows the trials, its scalars every execution."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.study.run_folder import RunFolder
from kmlp.study.tensorboard import EVENTS_FOLDER, curve_events, write_event_file
from tuning.results.records.search import SearchedParameter, SearchFindings
from tuning.results.records.trials import ExecutionResult, TrialResult

SCORE = "score"
"""The tag of the objective at the epoch whose weights were kept: what trials were ranked by."""


def write_events(folder: RunFolder, results: SearchFindings) -> Path:
    """As `write_tensorboard`, of results that were made from the folder."""
    recorded = folder.records().keys()
    out = folder.path / EVENTS_FOLDER
    write_event_file(out, [(0, _experiment(results))])
    for trial in results.trials:
        name = _name(trial)
        for execution in trial.executions:
            id = execution.member
            arrays = folder.arrays(id) if id in recorded else {}
            events = _execution(arrays, execution)
            end = (0, _end(trial.status))
            write_event_file(out / name / _place(execution), [(0, _session(trial)), *events, end])
        if not trial.executions:
            write_event_file(out / name, [(0, _session(trial)), (0, _end(trial.status))])
    return out


def _name(trial: TrialResult) -> str:
    """Names that sort by number."""
    return f"trial-{trial.number:04d}"


def _place(execution: ExecutionResult) -> str:
    fold = "" if execution.fold is None else f"-fold-{execution.fold}"
    return f"seed-{execution.seed}{fold}"


def _experiment(results: SearchFindings) -> Any:
    """What the HParams page's columns are."""
    from tensorboard.plugins.hparams import api

    title = f"{results.kind_of_score} {results.unit.title}, mean"
    return api.hparams_config_pb(
        hparams=[api.HParam(p.name, _domain(p)) for p in results.varied],
        metrics=[api.Metric(SCORE, display_name=title)],
        time_created_secs=0,
    )


def _domain(parameter: SearchedParameter) -> Any:
    from tensorboard.plugins.hparams import api

    if parameter.kind == "bool":
        return api.Discrete([False, True], dtype=bool)
    if parameter.min is None or parameter.max is None:
        return api.Discrete(parameter.values, dtype=type(parameter.values[0]))
    kind, interval = (
        (int, api.IntInterval) if parameter.kind == "int" else (float, api.RealInterval)
    )
    return interval(kind(parameter.min), kind(parameter.max))


def _session(trial: TrialResult) -> Any:
    """Which values an execution had, and that those of one trial belong together."""
    from tensorboard.plugins.hparams import api, plugin_data_pb2

    summary = api.hparams_pb(trial.values, trial_id=_name(trial), start_time_secs=0)
    # Else the values stand in another order in every process, and the files differ.
    data = summary.value[0].metadata.plugin_data
    session = plugin_data_pb2.HParamsPluginData.FromString(data.content)
    data.content = session.SerializeToString(deterministic=True)
    return summary


def _end(status: str) -> Any:
    from tensorboard.plugins.hparams import api_pb2, summary

    code = {"done": api_pb2.STATUS_SUCCESS, "running": api_pb2.STATUS_RUNNING}
    return summary.session_end_pb(code.get(status, api_pb2.STATUS_FAILURE), end_time_secs=0)


def _execution(
    arrays: Mapping[str, np.ndarray], execution: ExecutionResult
) -> Iterator[tuple[int, Any]]:
    """Steps and summaries: curves from epoch 1 on, scores at the epoch that was kept."""
    from tensorboard.plugins.scalar import summary_v2

    yield from curve_events(arrays)
    kept = execution.best_epoch or 0
    if execution.score is not None:
        yield kept, summary_v2.scalar_pb(SCORE, execution.score)
    parts = {"val": execution.val, "fold": execution.held_out, "train": execution.train}
    for part, scores in parts.items():
        for metric, value in scores.items():
            if value is not None:
                yield kept, summary_v2.scalar_pb(f"{part}/{metric}", value)
