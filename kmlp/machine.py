"""What this process runs on: cores, processor, installed packages."""

import importlib.metadata
import os
from pathlib import Path


def num_cores() -> int:
    """The cores this process may use, which in a container are fewer than the machine's."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_info(key: str, path: Path = Path("/proc/cpuinfo")) -> str:
    """What Linux says of the first core, as "model name" or "flags"; empty elsewhere."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "")


def package_version(package: str) -> str | None:
    """The installed version; None where it is missing."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
