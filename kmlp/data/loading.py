"""A name, a file or a folder in; a data set out."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kmlp.data.arrays.archives import has_test_part, part_arrays, parted, read_archive
from kmlp.data.arrays.image_folders import (
    as_coloured,
    find_image_classes,
    holds_image_classes,
    read_classes,
)
from kmlp.data.arrays.images import is_image
from kmlp.data.dataset import Dataset, Provenance
from kmlp.data.reading.shipped import SHIPPED, shipped_images, shipped_table
from kmlp.data.sources import SOURCES, load_folder, load_named
from kmlp.errors import DataError
from kmlp.machine import package_version
from kmlp.text import did_you_mean, shown


def load_dataset(
    name: str | Path,
    *,
    folder: str | Path | None = None,
    download: bool = True,
    target: str | None = None,
    test: Any = None,
    columns: Mapping[str, str] | None = None,
    drop: Sequence[str] = (),
    task: str = "auto",
    group_on: str | None = None,
    time_on: str | None = None,
    stratify_on: str | None = None,
    fold_on: str | None = None,
    weight_on: str | None = None,
    validation: Any = None,
) -> Dataset:
    """Loads a table from a file, images from a folder a class, MNIST, Fashion-MNIST, a set that
    ships with scikit-learn, or arrays: an `.npz` file or a folder of four IDX files.

    MNIST and Fashion-MNIST are looked for in `folder`, in the folder that `KMLP_DATA` names, in
    kmlp's cache, in Keras's cache, in the system's data sets; then downloaded (unless
    `KMLP_OFFLINE` is set); without a network the sample in the package serves. Content is checked
    against the published hashes.

    Args:
        name: "mnist", "fashion_mnist", "breast_cancer", "wine", "diabetes", "digits"; a table's
            file, such as churn.csv; an `.npz` file with x_train, y_train, x_test and y_test, or x
            and y; a folder that holds a folder of images a class, or that twice, as `train` and
            `test`; or a folder that holds `train-images-idx3-ubyte` and its three companions,
            compressed (.gz, .zst, .xz, .bz2) or not.
        folder: where to look first; it may hold the files, or a folder of the set's name.
        download: whether a named set that lies nowhere is downloaded.
        target, columns, drop: of a table; see `Dataset.from_table`.
        task: of a table or an `.npz` file; found out where omitted.
        group_on, time_on, stratify_on, fold_on, weight_on, validation: of a table; which rows go
            where, and what they weigh; see `RowOptions`.
        test: of what has no test rows of its own: which rows test; a share, or "cv" for folds.
            Where omitted folds of fewer than 2,000 rows, else a fifth; see `Dataset.from_table`.

    Returns:
        The data set; `provenance.source` says "full", "sample", "folder" or "file".

    Raises:
        DataError: nothing of that name, or a malformed file, named with what is wrong.
    """
    of_rows = {
        "group_on": group_on,
        "time_on": time_on,
        "stratify_on": stratify_on,
        "fold_on": fold_on,
        "weight_on": weight_on,
        "validation": validation,
    }
    of_table: dict[str, Any] = {"target": target, "columns": columns, "drop": drop, **of_rows}
    if not os.path.isdir(name) and is_table_name(name):
        return _load_table(Path(name), test=test, task=task, **of_table)
    _refuse_unknown(str(name))
    if str(name) in SHIPPED and SHIPPED[str(name)].target:
        return load_shipped(str(name), test=test, task=task, **of_table)
    if said := [key for key, value in of_table.items() if _is_said(value)]:
        raise DataError(f"{said[0]} is of tables, such as a .csv file; {str(name)!r} is none.")
    if Path(name).suffix.lower() == ".npz":
        return _load_npz(Path(name), test, task)
    if task != "auto":
        raise DataError(
            f"task is of tables and .npz files; {str(name)!r} is none. Received: task={task!r}. "
            "Leave it out: the labels of images are classes."
        )
    if str(name) in SHIPPED:
        return load_shipped(str(name), test=test)
    if os.path.isdir(name) and holds_image_classes(Path(name)):
        return load_images(Path(name), test)
    if str(name) not in SOURCES:
        _refuse_no_set(Path(name))
    if test is not None:
        raise DataError(f"{str(name)!r} has test rows of its own. Received: test={test!r}.")
    if str(name) in SOURCES:
        return load_named(str(name), folder, download_it=download)
    return load_folder(Path(name))


def has_own_test_rows(name: str | Path) -> bool:
    """Whether what a name stands for says itself which rows test; false of what is nothing.

    Raises:
        DataError: it cannot be read.
    """
    path = Path(name)
    if str(name) in SHIPPED:
        return False
    if os.path.isdir(path) and holds_image_classes(path):
        return find_image_classes(path).test is not None
    if path.suffix.lower() == ".npz":
        return has_test_part(path)
    return str(name) in SOURCES or os.path.isdir(path)


def _is_said(value: Any) -> bool:
    """Whether an option was given; an empty list says nothing, and a frame is no truth value."""
    return value is not None and not (isinstance(value, Mapping | Sequence) and not value)


def _refuse_unknown(name: str) -> None:
    """Says of what is nothing that could be loaded what could, before its options are judged."""
    known = (*SOURCES, *SHIPPED)
    is_array = Path(name).suffix.lower() == ".npz"
    if name in known or is_array or os.path.isdir(name):
        return
    raise DataError(
        f"no data set {shown(name)}: neither a known name ({', '.join(known)}), nor a table's file "
        f"such as churn.csv, nor an .npz file, nor a folder.{did_you_mean(name, known)}"
    )


def load_shipped(
    name: str,
    *,
    target: str | None = None,
    test: Any = None,
    columns: Mapping[str, str] | None = None,
    drop: Sequence[str] = (),
    task: str = "auto",
    **of_rows: Any,
) -> Dataset:
    """A set that ships with scikit-learn; see `load_dataset`."""
    about, location = SHIPPED[name], f"scikit-learn {package_version('scikit-learn')}"
    if not about.target:
        data = Dataset.from_arrays(*parted(*shipped_images(name), test), name=name)
    else:
        data = Dataset.from_table(
            shipped_table(name),
            target or about.target,
            test=test,
            columns=columns,
            drop=drop,
            task=about.task if (target or about.target, task) == (about.target, "auto") else task,
            name=name,
            **of_rows,
        )
    origin = Provenance("full", location, data.provenance.sha256)
    return dataclasses.replace(data, provenance=origin)


def load_images(path: Path, test: Any = None) -> Dataset:
    """A folder of images a class; see `load_dataset`."""
    found = find_image_classes(path)
    train = read_classes(found.train)
    if found.test is None:
        x_train, y_train, x_test, y_test = parted(*train, test)
    elif test is not None:
        raise DataError(f"{str(path)!r} has test images of its own. Received: test={test!r}.")
    else:
        (x_train, y_train), (x_test, y_test) = train, read_classes(found.test)
        x_train, x_test = as_coloured(x_train, x_test)
    name = path.resolve().name
    data = Dataset.from_arrays(
        x_train, y_train, x_test, y_test, name=name, class_names=found.class_names
    )
    origin = Provenance("folder", str(path), data.provenance.sha256)
    return dataclasses.replace(data, provenance=origin)


def _refuse_no_set(path: Path) -> None:
    """Says of a folder that holds nothing of any layout which there are."""
    if any(path.glob("*-ubyte*")):
        return
    are_loose = any(map(is_image, path.iterdir()))
    hint = " Put the images of each class into a folder of their own." if are_loose else ""
    raise DataError(
        f"{path}: is no data set: it holds neither a folder of images a class, nor "
        f"train-images-idx3-ubyte and its three companions.{hint}"
    )


def is_table_name(name: str | Path) -> bool:
    """Whether it is a table's file by its name."""
    # Tables are read by polars, which takes a third of a second to load: only where one is.
    from kmlp.data.tables import is_table_file

    return "." in Path(name).name and is_table_file(name)


def _load_table(
    path: Path,
    target: str | None,
    *,
    columns: Mapping[str, str] | None,
    drop: Sequence[str],
    test: Any,
    task: str,
    **of_rows: Any,
) -> Dataset:
    from kmlp.data.preparation import prepare, read_for
    from kmlp.data.rows.options import RowOptions

    table = read_for(path, columns)
    how: dict[str, Any] = {"columns": columns, "drop": drop, "test": test, "task": task}
    made = prepare(table, target, options=RowOptions(**of_rows), use_up=True, **how)
    name = path.name.partition(".")[0] or path.name
    return Dataset.from_prepared(made, name=name, location=str(path), file_sha256=table.sha256)


def _load_npz(path: Path, test: Any, task: str) -> Dataset:
    arrays, digest = read_archive(path)
    parts = part_arrays(arrays, path, test)
    data = Dataset.from_arrays(*parts, task=task, name=path.stem)
    origin = Provenance("file", str(path), data.provenance.sha256, digest)
    return dataclasses.replace(data, provenance=origin)
