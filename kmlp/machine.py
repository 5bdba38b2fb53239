"""What this process runs on: cores, processor, memory, installed packages."""

import contextlib
import ctypes
import importlib
import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from types import ModuleType


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


def cpu_name() -> str:
    """The processor's model, or its architecture where no more is told."""
    return cpu_info("model name") or platform.processor() or platform.machine()


def package_version(package: str) -> str | None:
    """The installed version; None where it is missing."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def available_memory() -> int:
    """Bytes that this process may still take: what the machine has, within its cgroup's limit."""
    import psutil

    return min([psutil.virtual_memory().available, *_left_in_cgroups(Path("/"))])


def give_memory_back() -> None:
    """What the C library has freed and keeps for later, where it can: else the process seems to
    need what it once took."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def in_words(num_bytes: float) -> str:
    """GiB from 1 on, else MiB."""
    gib = num_bytes / 2**30
    return f"{gib:.1f} GiB" if gib >= 1 else f"{num_bytes / 2**20:.0f} MiB"


def _left_in_cgroups(root: Path) -> list[int]:
    """What each cgroup of this process, and each around it, may still take."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            mount, limit, usage = "sys/fs/cgroup", "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            mount, limit, usage = (
                "sys/fs/cgroup/memory",
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
            )
        else:
            continue
        folder = root / mount / path.lstrip("/")
        # A container often sees its own cgroup as the root.
        for place in {folder, *folder.parents, root / mount} - set((root / mount).parents):
            found += _left(place, limit, usage)
    return found


def _left(folder: Path, limit: str, usage: str) -> list[int]:
    try:
        most, used = (folder / limit).read_text().strip(), int((folder / usage).read_text())
        # Files that are cached give way.
        cached = dict(
            line.split() for line in (folder / "memory.stat").read_text().splitlines()
        ).get("inactive_file", 0)
    except (OSError, ValueError):
        return []
    return [] if most == "max" else [max(0, int(most) - used + int(cached))]


def import_quietly(module: str) -> ModuleType:
    """What may load TensorFlow, which writes notes on CUDA and oneDNN to stderr as it loads, and
    on every program later, unless it is told not to; its errors still raise.

    Who wants to read them sets TF_CPP_MIN_LOG_LEVEL to 0.
    """
    is_asked_for = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "0"
    if is_asked_for or module in sys.modules or sys.stderr is None:
        return importlib.import_module(module)
    sys.stderr.flush()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        return importlib.import_module(module)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)
