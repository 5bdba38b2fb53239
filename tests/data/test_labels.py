"""The task is read from the labels, or checked against what is said."""

import re

import numpy as np
import pytest
from sklearn import datasets

from kmlp.data import Dataset
from kmlp.data.labels import read_labels
from kmlp.errors import DataError

CLASSES = np.array([0, 1, 1, 0, 2, 0])
TWO = CLASSES % 2
TARGETS = np.array([0.5, 1.25, -3.0, 4.0, 2.5, 1.0])


def read(train, test=None, **options):
    test = train if test is None else test
    return read_labels(train, test, num_rows=(6, len(test)), **options)


def from_sklearn(name: str, **options) -> Dataset:
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return Dataset.from_arrays(x[::2], y[::2], x[1::2], y[1::2], **options)


@pytest.mark.parametrize(
    ("name", "task", "num_classes", "num_outputs", "options"),
    [
        ("breast_cancer", "binary", 2, 1, {}),
        ("wine", "multiclass", 3, 3, {}),
        ("digits", "multiclass", 10, 10, {}),
        ("diabetes", "regression", 0, 1, {}),
        ("digits", "regression", 0, 1, {"task": "regression"}),
    ],
)
def test_known_sets_have_their_task(name, task, num_classes, num_outputs, options):
    data = from_sklearn(name, **options)
    spec = data.spec
    assert (spec.task, spec.num_classes, spec.num_outputs) == (task, num_classes, num_outputs)
    assert len(spec.class_names) == num_classes
    assert data.y_train.dtype == data.y_test.dtype == (np.int32 if num_classes else np.float32)
    assert data.x_train.dtype == np.float32


def test_targets_are_kept_as_they_are():
    _, y = datasets.load_diabetes(return_X_y=True)
    assert (y == np.rint(y)).all()  # whole numbers, but too many different ones to be classes
    data = from_sklearn("diabetes")
    np.testing.assert_array_equal(data.y_train, y[::2])
    np.testing.assert_array_equal(data.y_test, y[1::2])


@pytest.mark.parametrize(
    ("labels", "task", "names", "values"),
    [
        (TWO, "binary", ("0", "1"), TWO),
        (TWO.astype(np.uint8), "binary", ("0", "1"), TWO),
        (TWO.tolist(), "binary", ("0", "1"), TWO),
        (TWO.astype(object), "binary", ("0", "1"), TWO),
        (TWO.astype(bool), "binary", ("False", "True"), TWO),
        (TWO.astype(bool).astype(object), "binary", ("False", "True"), TWO),
        (CLASSES, "multiclass", ("0", "1", "2"), CLASSES),
        (list("axxama"), "multiclass", ("a", "m", "x"), [0, 2, 2, 0, 1, 0]),
        (np.array(list("noonon"), object), "binary", ("n", "o"), [0, 1, 1, 0, 1, 0]),
        (TARGETS, "regression", (), TARGETS),
        (TARGETS.astype(np.float16), "regression", (), TARGETS),
        (TARGETS.astype(object), "regression", (), TARGETS),
    ],
)
def test_the_task_is_read_from_the_labels(labels, task, names, values):
    read_ = read(labels)
    assert (read_.task, read_.class_names) == (task, names)
    assert read_.train.dtype == (np.float32 if task == "regression" else np.int32)
    np.testing.assert_array_equal(read_.train, values)
    np.testing.assert_array_equal(read_.test, values)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_task_can_be_said(task):
    labels = {"binary": TWO, "multiclass": CLASSES, "regression": CLASSES}[task]
    read_ = read(labels, task=task)
    assert read_.task == task
    np.testing.assert_array_equal(read_.train, labels)


def test_class_names_give_strings_their_order():
    read_ = read(list("lhmlhm"), class_names=("l", "m", "h"))
    assert read_.class_names == ("l", "m", "h")
    assert read_.train.tolist() == [0, 2, 1, 0, 2, 1]


def test_whole_floats_are_targets_once_they_are_too_many_to_be_classes():
    y = np.arange(21.0)
    assert read_labels(y, y, num_rows=(21, 21)).task == "regression"
    with pytest.raises(DataError, match="y_train holds 20 different whole numbers"):
        read_labels(y % 20, y % 20, num_rows=(21, 21))


def test_one_fraction_in_the_test_set_settles_it():
    assert read(CLASSES.astype(float), [0.5]).task == "regression"


def test_equal_numbers_of_another_task_have_another_hash():
    x = np.zeros((6, 2))
    classes = Dataset.from_arrays(x, CLASSES, x, CLASSES)
    targets = Dataset.from_arrays(x, CLASSES, x, CLASSES, task="regression")
    assert classes.provenance.sha256 != targets.provenance.sha256


BAD_LABELS = {
    "unknown task": (
        (TWO, {"task": "regresion"}),
        "task must be auto, binary, multiclass, regression. Received: task='regresion'.",
    ),
    "doubtful": (
        (CLASSES.astype(np.float32), {}),
        "y_train holds 3 different whole numbers as float32: classes or quantities? Say "
        'task="regression", or convert the labels to integers: y_train.astype(int).',
    ),
    "whole floats as classes": (
        (CLASSES.astype(float), {"task": "multiclass"}),
        "the classes 0, 1, 2, ... Received: dtype float64. Write y_train.astype(int).",
    ),
    "fractions as classes": (
        (TARGETS, {"task": "binary"}),
        'Received: dtype float64. If they are quantities: task="regression".',
    ),
    "three as binary": (
        (CLASSES, {"task": "binary"}),
        "task='binary' needs two classes. Received: 3 classes. Say task='multiclass'.",
    ),
    "two as multiclass": (
        (TWO, {"task": "multiclass"}),
        "task='multiclass' needs three classes or more. Received: 2 classes. Say task='binary'.",
    ),
    "minus one": (
        (2 * TWO - 1, {}),
        "y_train must start at 0. Received: a smallest label of -1. Number the classes from 0 "
        "without gaps, or write y_train.astype(str) to name them; if they are quantities, say "
        'task="regression".',
    ),
    "years": (
        (1990 + CLASSES, {}),
        "and others. Number the classes from 0 without gaps, or write y_train.astype(str)",
    ),
    "NaN targets": (
        (np.where(TARGETS > 1, np.nan, TARGETS), {}),
        "y_train holds NaN or infinite values in 3 rows. Drop those rows.",
    ),
    "infinite targets": (
        (np.where(TARGETS > 3, np.inf, TARGETS), {}),
        "y_train holds NaN or infinite values in 1 rows.",
    ),
    "NaN labels": (
        (np.where(CLASSES == 0, np.nan, CLASSES), {"task": "multiclass"}),
        "y_train holds NaN or infinite values in 3 rows.",
    ),
    "missing strings": (
        (np.array(["a", None, "b", float("nan"), "a", "b"], object), {}),
        "y_train holds NaN or infinite values in 2 rows.",
    ),
    "mixed": (
        (np.array(["a", 1, "b", 2, "a", "b"], object), {}),
        "y_train must hold numbers or strings, not both. Received: int, str.",
    ),
    "constant": (
        (np.full(6, 2.5), {}),
        "y_train is constant, 2.5 in every row: there is nothing to predict.",
    ),
    "too large": (
        (TARGETS * 1e300, {"task": "regression"}),
        "y_train must hold numbers up to 1e+150. Received: values up to 4e+300.",
    ),
    "strings as targets": (
        (list("abcabc"), {"task": "regression"}),
        "y_train must hold numbers for regression. Received: dtype <U1.",
    ),
    "truth values as targets": (
        (TWO.astype(bool), {"task": "regression"}),
        "y_train must hold numbers for regression. Received: dtype bool.",
    ),
    "names of targets": (
        (TARGETS, {"class_names": ("a", "b")}),
        "regression has no classes. Received: class_names=('a', 'b').",
    ),
    "a column": (
        (TARGETS[:, None], {}),
        "y_train must be (n,). Received: shape (6, 1). Write y_train[:, 0].",
    ),
    "dates": (
        (np.array(["2020-01-01"] * 6, "datetime64[D]"), {}),
        "y_train must hold whole numbers, the classes 0, 1, 2, ... Received: dtype datetime64[D].",
    ),
    "one name": ((["a"] * 6, {}), "at least two classes are needed. Received: 1."),
    "one truth value": (([True] * 6, {}), "y_train holds no example of class False."),
    "a name without an example": (
        (list("aacaac"), {"class_names": ("a", "b", "c")}),
        "y_train holds no example of class b.",
    ),
    "an unknown name": (
        (list("abcabc"), {"class_names": ("a", "b")}),
        "y_train holds 'c', not among the classes a, b.",
    ),
}


@pytest.mark.parametrize("case", BAD_LABELS)
def test_bad_labels_are_refused_with_what_to_write(case):
    (labels, options), message = BAD_LABELS[case]
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        read(labels, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (list("ababab"), list("abc"), "y_test holds 'c', not among the classes a, b."),
        (list("ababab"), [0, 1], "y_test must hold the classes' names. Received: dtype int64."),
        (TWO, ["0", "1"], "y_test must hold whole numbers"),
        (TWO, [0.0, 1.0], "Received: dtype float64. Write y_test.astype(int)."),
        (TWO, [0, 2], "y_train holds no example of class 2."),
        (TARGETS, ["a"], "y_test must hold numbers for regression. Received: dtype <U1."),
        (TARGETS, [0.5, np.nan], "y_test holds NaN or infinite values in 1 rows."),
    ],
)
def test_the_test_sets_labels_must_fit_the_training_sets(train, test, message):
    with pytest.raises(DataError, match=re.escape(message)):
        read(train, test)


def test_a_constant_test_target_is_no_error():
    assert read(TARGETS, [1.5, 1.5]).task == "regression"
