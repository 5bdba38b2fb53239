"""A search's folder in, files for TensorBoard out."""

from pathlib import Path

from kmlp.study.run_folder import RunFolder
from tuning.search.tensorboard import write_events


def write_tensorboard(run_dir: str | Path) -> Path:
    """Writes `tensorboard/` of a search's run folder: `tensorboard --logdir RUN/tensorboard`.

    Every execution is a run `trial-0007/seed-0` with its curves by epoch, its scores and its
    hyperparameters; the HParams page averages the executions of a trial. Trials without a score
    are there too, with the status that says so. Written again, it replaces what was there, and
    gives the same bytes.

    Args:
        run_dir: a run folder of `tune`.

    Returns:
        The folder to name to TensorBoard.

    Raises:
        RunFolderError: no folder of a search, or it is damaged.
    """
    from tuning.search.loading import load_search

    return write_events(RunFolder(run_dir), load_search(run_dir).record)
