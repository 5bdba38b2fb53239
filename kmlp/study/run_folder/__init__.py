"""A run folder: what was done, durable, and read back only as it was written."""

from kmlp.study.run_folder.folder import RunFolder

__all__ = ["RunFolder"]
