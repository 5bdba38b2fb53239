"""What a config needs of the data and the split it meets: checked before anything trains."""

from collections.abc import Mapping

import numpy as np

from kmlp.config.network_checks import resolved_scaling
from kmlp.config.settings import RECORDS
from kmlp.config.study import StudyConfig
from kmlp.config.tables.encoding import DEFAULTS
from kmlp.data.dataset import DataSpec
from kmlp.data.rows.record import Rows, as_rows
from kmlp.data.sampling import Sample
from kmlp.engine.member import Member
from kmlp.errors import ConfigError
from kmlp.stats.monitoring import AUTO, monitors

_DECOMPOSED = ("splits", "bootstrap")
_ASKED = {"folds": "folds", "splits": "resample", "bootstrap": "resample"}


def check_member(member: Member, spec: DataSpec) -> None:
    """Refuses a member whose config does not fit the data.

    Raises:
        ConfigError: what does not fit, and what to write instead.
    """
    resolved_scaling(member.model.input_scaling, spec)
    _check_columns(member, spec)
    _check_monitor(member, spec)
    _check_dropout(member)
    train = member.train
    if spec.task == "regression":
        for name, record in RECORDS.items():
            if record.classes_only and record.is_on(value := member.setting(name)):
                raise ConfigError(
                    f"{name} is for classes; the task is regression. Received: {name}={value!r}. "
                    "Leave it out."
                )
    elif member.model.clamped_predictions:
        raise ConfigError(
            f"clamped_predictions is for numbers; the task is {spec.task}. Received: "
            "clamped_predictions=True. Leave it out."
        )
    elif isinstance(train.class_weight, dict):
        for key in train.class_weight:
            _check_class(key, spec)


def _check_dropout(member: Member) -> None:
    """Refuses rates that change where the inference needs one."""
    train = member.train
    if member.model.dropout_scaling == "training":
        return
    if train.dropout_schedule != "constant" or train.dropout_warm_up:
        raise ConfigError(
            "dropout_scaling='inference' multiplies by 1 - rate, of one rate. Received: "
            f"dropout_schedule={train.dropout_schedule!r}, dropout_warm_up="
            f"{train.dropout_warm_up}. Use dropout_scaling='training'."
        )


def check_split(member: Member, y: np.ndarray, spec: DataSpec, rows: Rows | None = None) -> None:
    """Refuses a split that leaves nothing to train or to validate on.

    Args:
        member: whose split is tried; every seed's has about as many rows of each class.
        y: `(n,)` class indices or targets of the training set.
        spec: the data.
        rows: what is known of the training rows; `y` alone where omitted.

    Raises:
        ConfigError: an empty part, a class without a row to train on, or what these rows cannot be
            parted by.
    """
    known, sample = as_rows(y if rows is None else rows), member.sample
    if sample:
        _check_sample(sample, known, member.usable(known))
    _check_fraction(member, known)
    _check_calibration(member, known)
    kept, held_out = member.split(known)
    fraction = f"Received: validation_fraction={member.validation_fraction:g} of {len(known)} rows."
    if not len(held_out) and member.validation_fraction:
        raise ConfigError(f"no row would be left to validate on. {fraction} Hold more rows out.")
    if member.num_train is not None and len(kept) < member.num_train:
        where = f", each of {sample.kind}," if sample else ""
        raise ConfigError(
            f"num_train={member.num_train} is more than the {len(kept)} training rows{where} "
            f"that are left once validation rows are held out. {fraction} Take fewer."
        )
    parts = {"train": kept, "validate": held_out, "score": member.fold(known)}
    _check_weights(known, parts | {"calibrate": member.calibration(known)})
    if sample and sample.kind == "bootstrap":
        return  # what a draw leaves out is chance
    absent = np.setdiff1d(np.arange(spec.num_classes), y[kept])
    if not len(kept) or (spec.num_classes and len(absent)):
        what = f" of class {spec.class_names[absent[0]]}" if len(absent) else ""
        whole = " Groups stay whole: are there enough?" if known.groups is not None else ""
        raise ConfigError(
            f"no row{what} would be left to train on. {fraction} Hold fewer out, or train on more."
            f"{whole}"
        )


def _check_calibration(member: Member, known: Rows) -> None:
    """Refuses to keep rows for calibration where none would be kept, or nothing be left."""
    share, kept = member.calibration_fraction, member.calibration(known)
    if not share or 0 < len(kept) < len(known.others):
        return
    what = "no row would be kept" if not len(kept) else "every row would be kept"
    whole = " Groups, and rows of one moment, stay whole." if known.are_uneven else ""
    raise ConfigError(
        f"{what} to calibrate. Received: calibration_fraction={share:g} of {len(known.others)} "
        f"rows.{whole} Write another fraction, or leave it out."
    )


def _check_sample(sample: Sample, known: Rows, usable: np.ndarray) -> None:
    """Refuses a sample that such rows cannot be parted into."""
    if known.time is not None:
        raise ConfigError(
            f"rows are in order of time, and {sample.kind} shuffle them: what is later would be "
            f"learned from. Leave {_ASKED[sample.kind]} out, or time_on."
        )
    if sample.kind in _DECOMPOSED and known.weight is not None:
        raise ConfigError(
            "bias and variance are means over rows that count alike, and these have weights. Leave "
            "resample or the weights out."
        )
    if sample.kind == "bootstrap":
        return
    units = len(usable) if known.groups is None else len(np.unique(known.groups[usable]))
    unit = "row" if known.groups is None else "group"
    if sample.of > units:
        raise ConfigError(
            f"every {sample.kind.removesuffix('s')} needs a {unit}. Received: "
            f"{sample.kind}={sample.of}, {units} {unit}s."
        )
    if sample.kind == "folds" and known.num_folds not in (0, sample.of):
        raise ConfigError(
            f"the folds that fold_on gives are {known.num_folds}. Received: folds={sample.of}. "
            f"Write folds={known.num_folds}."
        )


def check_repeats(folds: int | None, repeats: int, rows: Rows) -> None:
    """Refuses to cut folds anew that are given.

    Raises:
        ConfigError: they would be the same in each repeat.
    """
    if folds and rows.num_folds and repeats > 1:
        raise ConfigError(
            "the folds are given by fold_on, and the same in each repeat. Received: "
            f"repeats={repeats}. Leave repeats out."
        )


def _check_weights(known: Rows, parts: Mapping[str, np.ndarray]) -> None:
    """Refuses rows of which none counts."""
    for what, rows in parts.items():
        if known.weight is not None and len(rows) and not known.weight[rows].any():
            raise ConfigError(f"every row to {what} on weighs 0. Give some of them a weight.")


def _check_fraction(member: Member, known: Rows) -> None:
    """Refuses to hold rows out where those that validate are given."""
    if known.is_validation is None or member.validation_fraction == StudyConfig.validation_fraction:
        return
    raise ConfigError(
        f"{int(known.is_validation.sum())} validation rows are given, and no others are held out. "
        f"Received: validation_fraction={member.validation_fraction:g}. Leave it out."
    )


def thin_classes(
    member: Member, y: np.ndarray, spec: DataSpec, rows: Rows | None = None
) -> list[str]:
    """Classes of so few rows that a split leaves none on one side: sentences.

    Args:
        member: whose split is looked at; every seed's has as many rows of each class.
        y: `(n,)` class indices or targets of the training set.
        spec: the data.
        rows: as for `check_split`.
    """
    if not spec.num_classes:
        return []
    counts, told = np.bincount(y, minlength=spec.num_classes), []
    _, held_out = member.split(as_rows(y if rows is None else rows))
    absent = np.setdiff1d(np.arange(spec.num_classes), y[held_out])
    if len(held_out) and len(absent):
        told.append(
            f"no validation row is of {_classes(absent, spec, counts)}: what is chosen on "
            "validation rows is chosen without them"
        )
    folds = member.sample.of if member.sample and member.sample.kind == "folds" else 0
    few = np.flatnonzero(counts < folds)
    if len(few):
        told.append(
            f"{_classes(few, spec, counts)} of fewer rows than there are folds, {folds}: some are "
            "scored without them; take fewer folds"
        )
    return told


def _classes(indices: np.ndarray, spec: DataSpec, counts: np.ndarray) -> str:
    """ "class b (2 rows)"."""
    rows = [f"{n} row{'s' * (n != 1)}" for n in counts.tolist()]
    named = [f"{spec.class_names[i]} ({rows[i]})" for i in indices[:10]]
    return f"class{'es' * (len(named) > 1)} {', '.join(named)}"


def _check_class(key: str, spec: DataSpec) -> None:
    if spec.class_index(key) is None:
        raise ConfigError(
            f"class_weight names a class that the data do not have. Received: {key!r}. "
            f"The classes are 0 to {spec.num_classes - 1}, or {', '.join(spec.class_names)}."
        )


def _check_columns(member: Member, spec: DataSpec) -> None:
    """What acts on a table's columns would be another name for the same network elsewhere."""
    for name, default in DEFAULTS.items():
        value = getattr(member.model, name)
        if value != default and not spec.columns:
            raise ConfigError(
                f"{name} is for the columns of a table, which these data do not have. "
                f"Received: {name}={value!r}. Leave it out."
            )


def _check_monitor(member: Member, spec: DataSpec) -> None:
    monitor = member.train.monitor
    if monitor == AUTO:
        return
    if monitor.startswith("val_") and not member.validation_fraction:
        raise ConfigError(
            f"monitor={monitor!r} needs validation rows, but validation_fraction is 0. "
            f"Use monitor={monitor.removeprefix('val_')!r}, or hold some rows out."
        )
    if monitor not in (fitting := monitors(spec.task)):
        raise ConfigError(
            f"monitor={monitor!r} does not exist for a {spec.task} task. "
            f"Use one of {', '.join(fitting)}."
        )
