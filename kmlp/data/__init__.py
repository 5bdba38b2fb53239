"""A name, a folder or arrays in; a checked `Dataset` out."""

from kmlp.data.dataset import Dataset, DataSpec, Provenance
from kmlp.data.loading import load_dataset

__all__ = ["DataSpec", "Dataset", "Provenance", "load_dataset"]
