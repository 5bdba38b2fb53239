"""The sets that ship with scikit-learn are known by their names."""

import numpy as np
import pytest
import sklearn.datasets

import kmlp
from kmlp.errors import DataError


@pytest.mark.parametrize("name", ["breast_cancer", "wine", "diabetes"])
def test_a_table_holds_scikit_learns_numbers(name):
    data = kmlp.load_dataset(name, test=0.25)
    found = getattr(sklearn.datasets, f"load_{name}")()
    x, y = found.data.astype(np.float32), np.asarray(found.target)
    rows = np.concatenate([data.x_train, data.x_test])
    place = {row.tobytes(): i for i, row in enumerate(x)}
    order = [place[row.tobytes()] for row in rows]
    assert sorted(order) == sorted(place.values())
    assert abs(len(data.x_test) - len(x) / 4) <= 0.5
    labels = np.concatenate([data.y_train, data.y_test])
    if data.spec.task == "regression":
        np.testing.assert_array_equal(labels, y[order])
    else:
        names = np.array(data.spec.class_names)
        np.testing.assert_array_equal(names[labels], found.target_names[y[order]])
    assert [c.name for c in data.spec.columns] == list(found.feature_names)
    assert data.provenance.location == f"scikit-learn {sklearn.__version__}"
    assert (data.provenance.source, data.name) == ("full", name)


def test_digits_are_images_of_all_brightnesses():
    data = kmlp.load_dataset("digits")
    found = sklearn.datasets.load_digits()
    images = np.concatenate([data.x_train, data.x_test])
    assert (images.dtype, images.shape) == (np.uint8, found.images.shape)
    np.testing.assert_array_equal(np.unique(images), np.rint(np.arange(17) * 255 / 16))
    brightness = np.sort(images.sum(axis=(1, 2), dtype=int))
    wanted = np.sort(np.rint(found.images * 255 / 16).astype(int).sum(axis=(1, 2)))
    np.testing.assert_array_equal(brightness, wanted)
    assert data.spec.class_names == tuple("0123456789")


def test_columns_can_be_said_and_dropped():
    data = kmlp.load_dataset("wine", drop=["alcohol"], target="hue", test=0.5)
    assert data.spec.task == "regression"
    assert "alcohol" in data.schema.left_out
    assert data.schema.inputs["cultivar"] == "category"
    with pytest.raises(DataError, match=r"target is of tables, such as a .csv file; 'digits'"):
        kmlp.load_dataset("digits", target="label")


@pytest.mark.parametrize("name", ["digits", "mnist"])
def test_a_task_of_images_is_refused_not_passed_over(name):
    with pytest.raises(DataError, match=r"Received: task='regression'\. Leave it out"):
        kmlp.load_dataset(name, task="regression", download=False)
