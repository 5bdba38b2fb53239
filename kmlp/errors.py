"""Errors that a caller may want to catch."""


class KmlpError(Exception):
    """Base of kmlp's own errors; the command line prints them in one line."""


class DataError(KmlpError, ValueError):
    """A data set is missing, malformed or of a kind that is not supported."""


class ConfigError(KmlpError, ValueError):
    """A configuration value is out of range, unknown or not supported."""


class RunFolderError(KmlpError):
    """A run folder belongs to another study, is in use, or is damaged."""


class ForeignFolderError(RunFolderError):
    """A folder to write to holds what kmlp did not make, or something else of kmlp's; nothing in
    it was touched."""


class ForeignFileError(KmlpError):
    """A file to write is there already, and kmlp did not write it; it was not touched."""


class ClusterError(KmlpError):
    """A cluster cannot be reached, or its machines are not what the study needs."""


class MemoryLimitError(KmlpError, MemoryError):
    """What is asked for cannot fit into memory; nothing has been trained."""


class ModelError(KmlpError):
    """An exported model is missing, damaged, or not kmlp's."""


class SelectionError(KmlpError, ValueError):
    """A study has no finished network of that variant and seed."""
