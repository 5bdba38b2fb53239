"""Makes the samples in `kmlp/data/samples` from the full sets.

    python tools/make_samples.py FOLDER

FOLDER holds `mnist/` and `fashion_mnist/` with the published IDX files. Each sample is
5,000 training and 1,000 test images, the same number of every class, drawn with a fixed seed
and kept in the published order.
"""

import lzma
import sys

import numpy as np

from kmlp.data import load_dataset
from kmlp.data.arrays.idx import idx_bytes
from kmlp.data.sources import FILES, SOURCES, sample_folder

SIZES = {"train": 5000, "test": 1000}


def stratified_rows(labels: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """The same number of rows of each class: sorted indices, `(size,)`."""
    classes = np.unique(labels)
    per_class = size // len(classes)
    chosen = [rng.choice(np.flatnonzero(labels == c), per_class, replace=False) for c in classes]
    return np.sort(np.concatenate(chosen))


def main(folder: str) -> None:
    for name in SOURCES:
        data = load_dataset(name, folder=folder)
        assert data.provenance.source == "full", f"{folder} does not hold the full {name}"
        target = sample_folder(name)
        target.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(0)
        for which, size in SIZES.items():
            rows = stratified_rows(getattr(data, f"y_{which}"), size, rng)
            for key in (f"x_{which}", f"y_{which}"):
                content = idx_bytes(getattr(data, key)[rows].astype(np.uint8))
                path = target / (FILES[key] + ".xz")
                path.write_bytes(lzma.compress(content, preset=9 | lzma.PRESET_EXTREME))
                print(f"{path.stat().st_size:>9,} bytes  {path}")


if __name__ == "__main__":
    main(sys.argv[1])
