"""Which other runtimes a network can be written for, and what that takes here."""

import importlib.util
from collections.abc import Collection

from kmlp.errors import ConfigError, KmlpError
from kmlp.text import did_you_mean, shown

FORMATS = ("litert", "onnx")
_FOR_ONNX = ("onnx", "onnxruntime", "tf2onnx")


def check_formats(formats: Collection[str]) -> None:
    """Refuses what cannot be written here.

    Raises:
        ConfigError: there is no such format.
        KmlpError: what it needs is not installed.
    """
    for name in formats:
        if name not in FORMATS:
            raise ConfigError(
                f"formats are {', '.join(FORMATS)}. Received: {shown(name)}."
                f"{did_you_mean(name, FORMATS)}"
            )
    needed = _FOR_ONNX if "onnx" in formats else ()
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise KmlpError(f"--format onnx needs {' and '.join(missing)}: pip install 'kmlp[onnx]'")
