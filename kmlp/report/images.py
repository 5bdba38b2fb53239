"""The test images of a study: loaded again from where they lay, if they are still the same."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.data import Dataset, load_dataset
from kmlp.data.reading.shipped import SHIPPED
from kmlp.data.sources import SOURCES, sample_folder
from kmlp.errors import DataError
from kmlp.study.environment import Environment


def find_test_images(environment: Environment, *, test: Any = None) -> np.ndarray | str | None:
    """`(n, height, width)` or `(n, height, width, channels)`, `uint8`, as the study had them.

    Nothing is downloaded for a report.

    Args:
        environment: of the study.
        test: which rows test, as the study said; None where it did not.

    Returns:
        The images; where they cannot be had, a sentence that says so; None where the data are
        no images.
    """
    dataset, shape = environment.dataset, environment.dataset.input_shape
    is_image = len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3))
    if dataset.input_dtype != "uint8" or not is_image:
        return None
    for data in _candidates(environment.data.location, dataset.name, test):
        if data.provenance.sha256 == dataset.sha256:
            return data.x_test if data.has_test_rows else data.x_train
    return (
        "The misread images are left out: a run folder holds no data, and the data set of this "
        "study was not found where it was read from, nor in any other place that kmlp knows."
    )


def _candidates(location: str, name: str, test: Any) -> Iterator[Dataset]:
    places: list[str | Path] = [location] if Path(location).is_dir() else []
    if name in SOURCES:
        places += [name, sample_folder(name)]
    if name in SHIPPED:
        places.append(name)
    for place in places:
        try:
            yield load_dataset(place, download=False, test=test)
        except (DataError, OSError):
            continue
