"""A reference of a finished study to take away: fitted again, and held to what was recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.data import Dataset
from kmlp.errors import RunFolderError, SelectionError
from kmlp.machine import package_version
from kmlp.stats.formatting import listed
from kmlp.stats.monitoring import plain_loss_name
from kmlp.study.judging.test_rows import load_data
from kmlp.study.loading import Study, load_study
from kmlp.study.plan import plan_study
from kmlp.study.provenance import stored_environment
from kmlp.study.references.member import ReferenceMember
from kmlp.study.references.training import chosen_settings, fitted_estimator, outputs_of
from kmlp.study.results.records.references import ReferenceResult
from kmlp.study.run_folder import RunFolder
from kmlp.text import did_you_mean, shown

_FAR = 1e-4  # by which the same fit may differ on another processor


@dataclass(frozen=True)
class FittedReference:
    """One reference of a study, fitted.

    Attributes:
        result: what the study found of it.
        seed: of its draws and its rows.
        settings: beside scikit-learn's defaults.
        estimator: scikit-learn's, of the encoded matrix.
        data: that it was fitted to.
        environment: of the study.
        basis: what its scores rest on, "test" or "folds".
        metric: that the study is decided by.
    """

    result: ReferenceResult
    seed: int
    settings: Mapping[str, float] | None
    estimator: Any
    data: Dataset
    environment: Mapping[str, Any]
    basis: str
    metric: str


def fitted_reference(
    run_dir: str | Path, name: str, *, seed: int | None = None, data: Dataset | None = None
) -> FittedReference:
    """Fits a reference of a study again; none is kept in a run folder.

    Args:
        run_dir: a run folder.
        name: of the reference.
        seed: which of its models; the one with the lowest loss on validation where omitted. Where
            folds test, it is fitted to all rows, as networks that are taken away are.
        data: of the study; loaded where omitted.

    Raises:
        SelectionError: the study has no such reference, or not of this seed.
        RunFolderError: the data are others, or what is fitted is not what was recorded.
    """
    study, folder = load_study(run_dir), RunFolder(run_dir)
    result = _found(study, name)
    data = load_data(study.config, run_dir)[0] if data is None else data
    if data.provenance.sha256 != study.record.dataset.sha256:
        raise RunFolderError(
            f"{folder.path} is of other data: hash of the data as used "
            f"{study.record.dataset.sha256[:12]} there, {data.provenance.sha256[:12]} here. Name "
            "the data that the study trained on."
        )
    seed = _chosen(study, result) if seed is None else seed
    by_seed = plan_study(study.config, data.provenance.sha256).references[name]
    if seed not in by_seed:
        raise SelectionError(
            f"no {name} of seed {seed}. Seeds of the study: {listed(map(str, by_seed))}."
        )
    member = by_seed[seed]
    settings = _settings(member, folder, data)
    estimator = fitted_estimator(member, data, settings)
    _refuse_another(member, folder, estimator, data)
    return FittedReference(
        result=result,
        seed=seed,
        settings=settings,
        estimator=estimator,
        data=data,
        environment=stored_environment(folder),
        basis=study.record.basis,
        metric=study.record.metric.name,
    )


def _found(study: Study, name: str) -> ReferenceResult:
    known = {r.name: r for r in study.record.references}
    if name not in known:
        there = listed(known) if known else "none"
        raise SelectionError(
            f"the study has no reference {shown(name)}.{did_you_mean(name, known)} It has: {there}."
        )
    return known[name]


def _chosen(study: Study, result: ReferenceResult) -> int:
    """By the loss on validation; where folds test, the first: none was trained on all rows."""
    if study.record.basis == "folds":
        return study.config.first_seed
    loss = plain_loss_name(study.record.dataset.task)
    return min(result.members, key=lambda m: (m.val or m.train).get(loss) or np.inf).seed


def _settings(
    member: ReferenceMember, folder: RunFolder, data: Dataset
) -> Mapping[str, float] | None:
    """As recorded; of one that was not, as it would have been tuned."""
    if member.num_trials == 1:
        return None
    recorded = folder.records().get(member.id)
    return recorded.settings if recorded else chosen_settings(member, data)


def _refuse_another(
    member: ReferenceMember, folder: RunFolder, estimator: Any, data: Dataset
) -> None:
    """What is taken away must say on the test rows what the study scored."""
    if member.id not in folder.records() or not data.has_test_rows:
        return
    before, now = folder.test_outputs(member.id), outputs_of(estimator, data.x_test, data.spec)
    if before.shape != now.shape or _distance(before, now) > _FAR:
        there = stored_environment(folder)["packages"].get("scikit-learn")
        raise RunFolderError(
            f"{folder.path}: {member.name}, fitted again, says something else than the study "
            f"scored: scikit-learn {there} there, {package_version('scikit-learn')} here. Install "
            "the study's version, or run the study anew in another folder."
        )


def _distance(before: np.ndarray, now: np.ndarray) -> float:
    """The largest, of probabilities; of numbers in standard deviations."""
    if now.ndim == 2:
        return float(np.abs(np.exp(before) - np.exp(now)).max())
    return float(np.abs(before - now).max() / (np.std(before) or 1.0))
