"""Arrays with what must be known of them: the task, the shapes, the names, the origin."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from kmlp.data.arrays.cautions import (
    of_absent_classes,
    of_classes,
    of_repeated_rows,
    of_shared_rows,
)
from kmlp.data.arrays.ranges import range_of
from kmlp.data.columns import DataSpec, Schema, decode_target
from kmlp.data.features import Features, read_features
from kmlp.data.labels import Labels, read_labels
from kmlp.data.rows.given import GivenRows, Validation, has_test_rows, moved
from kmlp.data.rows.options import RowOptions
from kmlp.data.rows.record import Rows
from kmlp.errors import DataError
from kmlp.text import name_trouble, shown

if TYPE_CHECKING:
    from kmlp.data.preparation import Prepared


ARRAYS, FRAME = "arrays", "frame"
"""What data are called that nobody named."""


@dataclass(frozen=True)
class Provenance:
    """Where the data came from: "full", "sample", "folder", "file" or "arrays"; the place; the
    hash of the content, meaning included; of a file, the hash of its bytes."""

    source: str
    location: str
    sha256: str
    file_sha256: str = ""


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training and a test set.

    Attributes:
        name: what reports call it.
        x_train, x_test: `(n, *input_shape)`, `uint8` images or `float32` features. Where folds
            test there are no test rows: each training row is held out in its fold.
        y_train, y_test: `(n,)`, `int32` class indices or `float32` targets of a regression.
        spec: see `DataSpec`.
        provenance: see `Provenance`.
        schema: of a table, what its columns and its target are; None of arrays.
        given_rows: what is known of training rows beside inputs and targets; None of most sets.
        test_weight: how much each test row counts, `(n,)`; None where all count alike.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    spec: DataSpec
    provenance: Provenance
    schema: Schema | None = None
    given_rows: Rows | None = None
    test_weight: np.ndarray | None = None

    def __post_init__(self) -> None:
        assert self.given_rows is None or len(self.given_rows) == len(self.y_train)
        assert self.test_weight is None or len(self.test_weight) == len(self.y_test)
        called = {"the data set": self.name}
        called |= {f"class {i}": name for i, name in enumerate(self.spec.class_names)}
        for what, name in called.items():
            if trouble := name_trouble(name):
                raise DataError(f"the name of {what}: {trouble} Received: {shown(name)}.")

    def __repr__(self) -> str:
        inputs = f"{self.spec.input_shape} {self.spec.input_dtype}"
        what = f"{self.spec.task}, {self.sizes} of {inputs}, {self.provenance.source}"
        return f"<Dataset {shown(self.name)}: {what}>"

    @property
    def has_test_rows(self) -> bool:
        """Whether rows are set aside that test; else folds do."""
        return len(self.y_test) > 0

    @property
    def sizes(self) -> str:
        """How many rows there are, and what for, in words."""
        if not self.has_test_rows:
            return f"{len(self.y_train):,} rows without test rows (folds test)"
        return f"{len(self.y_train):,} training and {len(self.y_test):,} test rows"

    @classmethod
    def from_arrays(
        cls,
        x_train: Any,
        y_train: Any,
        x_test: Any = None,
        y_test: Any = None,
        *,
        task: str = "auto",
        name: str = ARRAYS,
        class_names: Sequence[str] | Mapping[int, str] | None = None,
        provenance: Provenance | None = None,
        groups: Any = None,
        sample_weight: Any = None,
        validation: Any = None,
    ) -> Self:
        """Checks arrays and wraps them.

        Args:
            x_train, x_test: `(n, ...)` numbers, the same trailing shape. `(n, columns)` is a
                table, stored as float32 of which an offset and a power of two are taken off where
                its digits need it; more dimensions of `uint8` are images. Frames of numbers are
                matched by their columns' names. Masked cells are missing values. Without x_test
                folds test: each row is held out once a repeat.
            y_train, y_test: `(n,)`. Classes: whole numbers from 0 to `num_classes - 1`, truth
                values or strings, each class in the training set. Regression: numbers.
            task: "binary", "multiclass" or "regression"; "auto" reads it from the labels:
                floating-point numbers mean regression, anything else classes.
            name: what reports call it.
            class_names: one name a class, for strings in the order wanted, or a mapping of the
                numbers to names; the numbers, or the sorted strings, where omitted.
            provenance: where it came from; hashed from the arrays where omitted.
            groups: `(n,)`, of the training rows: those of one group are never parted.
            sample_weight: `(n,)`, how much each training row counts; or a pair of that and of the
                test rows', which all count alike otherwise.
            validation: (x, y), with weights (x, y, sample_weight): rows that validate whatever the
                seed; they stand after the training rows.

        Raises:
            DataError: what is wrong with which array or name, and what to write instead.

        Example:
            >>> x = np.zeros((6, 4), "float32")
            >>> Dataset.from_arrays(x, np.arange(6) % 3, x, np.arange(6) % 3).spec.task
            'multiclass'
            >>> Dataset.from_arrays(x, np.arange(6) / 4, x, np.arange(6) / 4)
            <Dataset 'arrays': regression, 6 training and 6 test rows of (4,) float32, arrays>
            >>> Dataset.from_arrays(x, np.arange(6) / 4).sizes
            '6 rows without test rows (folds test)'
        """
        has_test, own = has_test_rows(x_test, y_test, validation), Validation.of(validation)
        # Without test rows the training rows are read in their place, and none is kept.
        stand_in = (x_test, y_test) if has_test else (x_train, y_train)
        features = read_features(x_train, stand_in[0], own.x)
        num_own = own.num_rows(len(features.test))
        labels = read_labels(
            y_train,
            own.before(stand_in[1]),
            num_rows=(len(features.train), len(features.test)),
            task=task,
            class_names=class_names,
        )
        arrays = moved(num_own, features.train, labels.train, features.test, labels.test)
        said = GivenRows.read(arrays, num_own, groups, sample_weight, own.weight)
        rows, test_weight = said.rows, said.test_weight
        if not has_test:
            arrays = (*arrays[:2], arrays[2][:0], arrays[3][:0])
            test_weight = None if test_weight is None else test_weight[:0]
        spec = _spec(features, labels)
        spec = dataclasses.replace(spec, is_weighted=test_weight is not None)
        provenance = provenance or Provenance(
            source="arrays",
            location="memory",
            sha256=content_sha256(spec, *arrays, rows=rows, test_weight=test_weight),
        )
        return cls(name, *arrays, spec, provenance, None, rows, test_weight)

    @classmethod
    def from_table(
        cls,
        frame: Any,
        target: str | None = None,
        *,
        test: Any = None,
        columns: Mapping[str, str] | None = None,
        drop: Sequence[str] = (),
        task: str = "auto",
        name: str = FRAME,
        location: str = "memory",
        group_on: str | None = None,
        time_on: str | None = None,
        stratify_on: str | None = None,
        fold_on: str | None = None,
        weight_on: str | None = None,
        validation: Any = None,
    ) -> Self:
        """Reads a table: what each column is, and what becomes of it, stands in `schema`.

        Args:
            frame: a pandas, polars or pyarrow frame, a mapping of names to columns, a file, or
                what `read_table` gave.
            target: the column to predict.
            test: the share of rows that test, drawn once and stratified by class; a column that
                marks them; a frame or file of their own; or "cv": none is set aside, and each row
                is held out in its fold. Where omitted "cv" of fewer than 2,000 rows, else 0.2.
            columns: kinds that are said, "number", "category", "boolean" or "date", by column.
            drop: columns that are not to be used.
            task: "binary", "multiclass" or "regression"; "auto" reads it from the target.
            name: what reports call it.
            location: where it came from.
            group_on, time_on, stratify_on, fold_on, weight_on, validation: columns that say how
                rows are parted and what they weigh; see `RowOptions`. They are no inputs, but for
                those whose kind `columns` says.

        Raises:
            DataError: the column, the cell and what to do.

        Example:
            >>> table = {"age": [20, 31, 44, 31] * 9, "left": ["no", "yes", "no", "no"] * 9}
            >>> data = Dataset.from_table(table, target="left", test=0.25)
            >>> data.spec.class_names, data.x_train.shape, data.schema.inputs
            (('no', 'yes'), (27, 1), {'age': 'number'})
        """
        from kmlp.data.preparation import prepare
        from kmlp.data.tables import as_table

        table = as_table(frame)
        options = RowOptions(
            group_on=group_on,
            time_on=time_on,
            stratify_on=stratify_on,
            fold_on=fold_on,
            weight_on=weight_on,
            validation=validation,
        )
        how: dict[str, Any] = {"columns": columns, "drop": drop, "task": task}
        made = prepare(table, target, test=test, options=options, **how)
        return cls.from_prepared(made, name=name, location=location, file_sha256=table.sha256)

    @classmethod
    def from_prepared(
        cls, made: "Prepared", *, name: str, location: str, file_sha256: str = ""
    ) -> Self:
        """Wraps a table that was parted and encoded; see `from_table`."""
        source = "file" if file_sha256 else "arrays"
        if made.schema is None:
            x_train, y_train, *test = made.arrays
            images = cls.from_arrays(x_train, y_train, *(test if len(test[0]) else ()), name=name)
            origin = Provenance(source, location, images.provenance.sha256, file_sha256)
            return dataclasses.replace(images, provenance=origin)
        spec = _spec_of_schema(made.schema)
        spec = dataclasses.replace(spec, is_weighted=made.test_weight is not None)
        sha256 = content_sha256(spec, *made.arrays, rows=made.rows, test_weight=made.test_weight)
        origin = Provenance(source, location, sha256, file_sha256)
        return cls(name, *made.arrays, spec, origin, made.schema, made.rows, made.test_weight)

    @functools.cached_property
    def rows(self) -> Rows:
        """By what training rows are parted: strata of the classes, where nothing else is known."""
        return self.given_rows or Rows.of(self.y_train)

    @functools.cached_property
    def warnings(self) -> tuple[str, ...]:
        """What to look at before anything trains: of a table as its schema says, of arrays and
        images rows that stand in both sets, or more than once where folds test, classes of few rows
        or of very unequal size."""
        if self.schema:
            return self.schema.warnings
        if self.has_test_rows:
            shared = of_shared_rows(self.x_train, self.x_test)
        else:
            shared = of_repeated_rows(self.x_train)
        if not (names := self.spec.class_names):
            return shared
        train, test = (np.bincount(y, minlength=len(names)) for y in (self.y_train, self.y_test))
        absent = of_absent_classes(names, test)
        return of_classes(repr(self.name), names, train) + absent + shared

    @property
    def raw_test(self) -> np.ndarray:
        """The test rows as they came, which is what an exported model takes."""
        if not self.spec.is_scaled:
            return self.x_test
        return np.stack(
            [decode_target(self.x_test[:, i], c) for i, c in enumerate(self.spec.columns)], axis=1
        )


def content_sha256(
    spec: DataSpec,
    *arrays: np.ndarray,
    rows: Rows | None = None,
    test_weight: np.ndarray | None = None,
) -> str:
    """The hash of arrays and of what they mean; of what float32 holds as it is, of the arrays."""
    digest = hashlib.sha256()
    for array in arrays:
        _add(digest, array)
    for name, array in (rows.parts() if rows else {}).items():
        digest.update(name.encode())
        _add(digest, array)
    if test_weight is not None:
        _add(digest, test_weight)
    meaning = {k: v for k, v in spec.to_dict().items() if k in ("columns", "target")}
    if meaning:
        digest.update(json.dumps(meaning, sort_keys=True).encode())
    return digest.hexdigest()


def _add(digest: Any, array: np.ndarray) -> None:
    digest.update(f"{array.dtype}{array.shape}".encode())
    # Moments have no buffer of their own.
    plain = array.view(np.int64) if array.dtype.kind == "M" else array
    digest.update(np.ascontiguousarray(plain).data)


def _spec(features: Features, labels: Labels) -> DataSpec:
    return DataSpec(
        task=labels.task,
        input_shape=features.train.shape[1:],
        input_dtype=str(features.train.dtype),
        num_classes=len(labels.class_names),
        class_names=labels.class_names,
        columns=features.columns,
        target=labels.target,
        feature_names=features.names,
        value_range=_value_range(features),
    )


def _value_range(features: Features) -> tuple[float, float] | None:
    """Of numbers that are stored as they came; columns of a table keep ranges of their own."""
    is_plain = features.train.dtype == np.float32 and not features.columns
    return range_of(features.train) if is_plain else None


def _spec_of_schema(schema: Schema) -> DataSpec:
    columns, target = schema.columns, schema.target
    is_scaled = target.kind == "number" and bool(target.offset or target.exponent)
    are_numbers = all(column.kind == "number" and not column.part for column in columns)
    return DataSpec(
        task=schema.task,
        input_shape=(len(columns),),
        input_dtype="float32",
        num_classes=len(schema.class_names),
        class_names=schema.class_names,
        columns=columns,
        target=target if is_scaled else None,
        feature_names=tuple(column.name for column in columns) if are_numbers else (),
    )
