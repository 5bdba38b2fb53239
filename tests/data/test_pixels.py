"""Tables of pixels are images, in whatever order their columns stand."""

import numpy as np
import polars as pl
import pytest

from kmlp.data import Dataset
from kmlp.data.pixels import is_pixel_table, pixel_images
from kmlp.data.tables import read_table
from kmlp.errors import DataError


def _pixels(names: list[str]) -> tuple[pl.DataFrame, np.ndarray]:
    images = np.random.default_rng(0).integers(0, 256, (5, 784))
    return pl.DataFrame({name: images[:, i] for i, name in enumerate(names)}), images


@pytest.mark.parametrize(
    "names",
    [
        [f"pixel{i}" for i in range(784)],
        [f"{row}x{column}" for row in range(1, 29) for column in range(1, 29)],
        [f"pixel{i}" for i in range(1, 785)],
    ],
    ids=["pixel0", "1x1", "pixel1"],
)
def test_the_layouts_of_mnist_are_images(names):
    frame, images = _pixels(names)
    labelled = frame.with_columns(pl.Series("label", range(5)))
    assert is_pixel_table(frame)
    found, labels = pixel_images(labelled.select(sorted(labelled.columns)))  # in any order
    np.testing.assert_array_equal(found, images.reshape(-1, 28, 28))
    assert found.dtype == np.uint8
    assert labels is not None
    assert labels.to_list() == list(range(5))
    assert pixel_images(frame)[1] is None


@pytest.mark.long
@pytest.mark.parametrize("label_first", [True, False])
def test_a_file_without_a_header_holds_a_label_beside_the_pixels(tmp_path, label_first):
    images = np.random.default_rng(0).integers(0, 256, (20, 784))
    images[:, [0, -1]] = np.arange(20)[:, None] == 3  # a corner is black but for a speck
    label = np.arange(20)[:, None] % 5
    columns = [label, images] if label_first else [images, label]
    path = tmp_path / "mnist_train.csv"
    np.savetxt(path, np.hstack(columns), fmt="%d", delimiter=",")
    table = read_table(path)
    found, labels = pixel_images(table)
    np.testing.assert_array_equal(found, images.reshape(-1, 28, 28))
    assert labels is not None
    assert labels.to_list() == label[:, 0].tolist()
    data = Dataset.from_table(table, target="column_1" if label_first else "column_785")
    assert (data.spec.input_shape, data.spec.num_classes) == ((28, 28), 5)


def test_a_file_without_a_header_in_which_no_end_or_both_are_classes_is_a_table():
    names = [f"column_{i + 1}" for i in range(785)]
    pixels = {name: np.arange(20) * 12 for name in names}
    assert not is_pixel_table(pixels)
    classes = np.arange(20) % 4
    assert is_pixel_table(pixels | {"column_1": classes})
    assert not is_pixel_table(pixels | {"column_1": classes, "column_785": classes})
    assert not is_pixel_table(pixels | {"column_1": classes + 1})


def test_other_tables_are_no_images():
    frame, _ = _pixels([f"pixel{i}" for i in range(784)])
    assert not is_pixel_table(frame.drop("pixel5"))
    assert not is_pixel_table(frame.with_columns(pl.col("pixel5") + 300))
    assert not is_pixel_table(frame.with_columns(pl.col("pixel5") / 2))
    assert not is_pixel_table(frame.with_columns(pl.lit(1).alias("age")))
    with pytest.raises(DataError, match="no set of images"):
        pixel_images(frame.drop("pixel5"))
