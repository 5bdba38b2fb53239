"""A study for TensorBoard: its HParams page shows the variants, its scalars every network."""

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.files import make_folder, write_atomically
from kmlp.study.loading import load_study
from kmlp.study.results.records.members import MemberScores
from kmlp.study.results.records.study import StudyResults
from kmlp.study.run_folder import RunFolder

EVENTS_FOLDER = "tensorboard"
# TensorBoard takes any file of such a name; a fixed one is written again, not added to.
EVENTS_FILE = "events.out.tfevents.0.kmlp"
Events = Iterable[tuple[int, Any]]
"""Steps and what is told of each."""


def write_tensorboard(run_dir: str | Path) -> Path:
    """Writes `tensorboard/` of a study's run folder: `tensorboard --logdir RUN/tensorboard`.

    Every network is a run `01-dropout/seed-0` with its curves by epoch, and its scores at the
    epoch whose weights were kept; the HParams page averages the seeds of a variant. Written again,
    it replaces what was there, and gives the same bytes.

    Args:
        run_dir: a study's run folder.

    Returns:
        The folder to name to TensorBoard.

    Raises:
        RunFolderError: no study's folder, or it is damaged.
    """
    results, folder = load_study(run_dir).record, RunFolder(run_dir)
    out = folder.path / EVENTS_FOLDER
    write_event_file(out, [(0, _experiment(results))])
    places = {v.name: _place(i, v.name) for i, v in enumerate(results.variants)}
    for member in results.members:
        if isinstance(member, MemberScores):
            place = out / places[member.variant] / f"seed-{member.seed}"
            events = [*curve_events(folder.arrays(member.id)), *_scores(member)]
            write_event_file(place, [(0, _session(member)), *events])
    return out


def curve_events(arrays: Mapping[str, np.ndarray]) -> Iterator[tuple[int, Any]]:
    """What a network's arrays hold of its epochs, from 1 on."""
    from tensorboard.plugins.scalar import summary_v2

    for name in sorted(n for n in arrays if n.startswith("curve_")):
        tag = f"epochs/{name.removeprefix('curve_')}"
        for epoch, value in enumerate(arrays[name], start=1):
            if np.isfinite(value):
                yield epoch, summary_v2.scalar_pb(tag, float(value))


def write_event_file(folder: Path, events: Events) -> None:
    """An event file, whole or not at all."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    buffer = io.BytesIO()
    writer = RecordWriter(buffer)
    writer.write(Event(file_version="brain.Event:2").SerializeToString())
    for step, summary in events:
        # Scalars come as TensorFlow's own class. No wall time: when an epoch ended is not kept.
        summary = Summary.FromString(summary.SerializeToString())
        writer.write(Event(step=step, summary=summary).SerializeToString())
    make_folder(folder)
    write_atomically(folder / EVENTS_FILE, buffer.getvalue())


def _place(number: int, variant: str) -> str:
    """A folder's name: it sorts as the variants do, whatever they are called."""
    return f"{number:02d}-{re.sub(r'[^A-Za-z0-9.=]+', '_', variant)[:60]}"


def _experiment(results: StudyResults) -> Any:
    """What the HParams page's columns are."""
    from tensorboard.plugins.hparams import api

    names = [v.name for v in results.variants]
    score = results.unit()
    return api.hparams_config_pb(
        hparams=[api.HParam("variant", api.Discrete(names, dtype=str))],
        metrics=[
            api.Metric(f"{part}/{score.metric}", display_name=f"{words} {score.title}")
            for part, words in (("test", "test"), ("val", "validation"))
        ],
        time_created_secs=0,
    )


def _session(member: MemberScores) -> Any:
    """Whose a network is; those of one variant belong together."""
    from tensorboard.plugins.hparams import api

    values = {"variant": member.variant}
    return api.hparams_pb(values, trial_id=member.variant, start_time_secs=0)


def _scores(member: MemberScores) -> Iterator[tuple[int, Any]]:
    """At the epoch whose weights were kept."""
    from tensorboard.plugins.scalar import summary_v2

    for part in ("test", "val", "train"):
        for metric, value in getattr(member, part).items():
            if value is not None:
                yield member.best_epoch, summary_v2.scalar_pb(f"{part}/{metric}", value)
