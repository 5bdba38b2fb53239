"""Trains a variant on all rows, for as many epochs as its networks trained best."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kmlp.config import StudyConfig
from kmlp.data import Dataset
from kmlp.engine.checkpoint import Checkpoints
from kmlp.engine.member import Member
from kmlp.engine.trainer import Trainer
from kmlp.errors import RunFolderError, SelectionError
from kmlp.study.judging.test_rows import load_data
from kmlp.study.plan import plan_study
from kmlp.study.refit.rows import with_all_rows
from kmlp.study.results.records.members import MemberScores
from kmlp.study.run_folder import RunFolder
from kmlp.study.runner import StudyWatcher, default_trainer, paused_id, train_missing


@dataclass(frozen=True)
class Refit:
    """A network that was trained on all rows.

    Attributes:
        id: what it is recorded under.
        seed: its own.
        epochs: that it trained, the mean of `best_epochs`, rounded.
        best_epochs: of the study's networks by seed, whose weights have trained so long.
        num_rows: that it trained on.
    """

    id: str
    seed: int
    epochs: int
    best_epochs: dict[int, int]
    num_rows: int

    def to_dict(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {
            "epochs": self.epochs,
            "best_epochs": list(self.best_epochs.values()),
            "seeds": list(self.best_epochs),
            "num_rows": self.num_rows,
        }


def refit(
    folder: RunFolder,
    config: StudyConfig,
    trained: Sequence[MemberScores],
    data: Dataset | None = None,
    *,
    data_sha256: str,
    trainer: Trainer | None = None,
    watcher: StudyWatcher | None = None,
) -> Refit:
    """Trains one more network of a variant: on training, validation and test rows together.

    No row is left to stop it or to score it. It trains for the mean best number of epochs of the
    networks that the study has, with the first one's seed, at the rates that the study's schedule
    has in these epochs. A rate that falls on a plateau looks at the training loss. The run folder
    keeps it: the same call trains nothing.

    Args:
        folder: of the study.
        config: of the study.
        trained: the variant's finished networks.
        data: of the study; loaded where omitted.
        data_sha256: what its hash must be.
        trainer: what trains it; Keras where omitted.
        watcher: told of every epoch.

    Raises:
        RunFolderError: the data are others, or the folder cannot be written.
        SelectionError: it diverged.
    """
    data = load_data(config, folder.path)[0] if data is None else data
    if data.provenance.sha256 != data_sha256:
        raise RunFolderError(
            f"{folder.path} is of other data: hash of the data as used {data_sha256[:12]} "
            f"there, {data.provenance.sha256[:12]} here. Name the data that the study trained on."
        )
    whole, seed = with_all_rows(data), min(one.seed for one in trained)
    variant = trained[0].variant
    planned = plan_study(config, data_sha256).members[variant][seed]
    best = {one.seed: _epochs_of(one, planned) for one in trained}
    epochs = max(1, round(sum(best.values()) / len(best)))
    member = _on_all_rows(planned, whole)
    found = Refit(paused_id(member, epochs), seed, epochs, best, len(whole.y_train))
    record = folder.records().get(found.id)
    if record is None or folder.damaged([found.id]):
        _train(folder, variant, found, member, whole, trainer or default_trainer(), watcher)
        record = folder.records().get(found.id)
    if record is None or record.status != "done":
        raise SelectionError(
            f"{variant} does not train to its end on all rows: "
            f"{'its loss was not finite' if record else 'its process ended too often'}. Export one "
            "of the study's own networks: best, a seed, or ensemble."
        )
    return found


def _epochs_of(one: MemberScores, planned: Member) -> int:
    """How long the weights that a network of the study has were trained."""
    train = planned.train
    is_restored = train.early_stopping and train.restore_best_weights
    return one.best_epoch if is_restored else one.stopped_epoch


def _on_all_rows(member: Member, whole: Dataset) -> Member:
    """The same network on all rows; with none to validate on nothing stops it."""
    return dataclasses.replace(
        member,
        train=dataclasses.replace(member.train, early_stopping=False, monitor="auto"),
        validation_fraction=0.0,
        calibration_fraction=0.0,
        data_sha256=whole.provenance.sha256,
        num_train=None,
    )


def _train(
    folder: RunFolder,
    variant: str,
    wanted: Refit,
    member: Member,
    data: Dataset,
    trainer: Trainer,
    watcher: StudyWatcher | None,
) -> None:
    """Trains it into the run folder; an interrupted one goes on from its checkpoint."""
    if watcher:
        title = f"On all {len(data.y_train):,} rows, {wanted.epochs} epochs: "
        watcher.start({member.id: variant}, (), title)
    with folder.writing():
        train_missing(
            folder,
            {wanted.id: member},
            data,
            watcher,
            trainer=trainer,
            until=wanted.epochs,
            parts=("train",),
        )
        Checkpoints(folder.stacks.paused_folder([member.id])).remove()
