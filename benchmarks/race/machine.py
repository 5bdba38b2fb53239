"""What the times were taken on."""

import os
import platform
import subprocess

from kmlp.machine import cpu_info, cpu_name, num_cores, package_version

_PACKAGES = (
    "keras",
    "tensorflow",
    "jax",
    "torch",
    "numpy",
    "scikit-learn",
    "keras-tuner",
)


def machine_facts() -> dict[str, str]:
    """Cores, CPU, what it multiplies with, GPU, memory, versions."""
    flags = cpu_info("flags").split()
    units = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in flags]
    return {
        "CPU": f"{num_cores()} cores, {cpu_name()}, "
        + (", ".join(units) or "vector units unknown"),
        "GPU": _gpu() or "none",
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "load before": f"{os.getloadavg()[0]:.1f}",
        "backend": os.environ.get("KERAS_BACKEND", "tensorflow"),
        "versions": f"Python {platform.python_version()}, " + ", ".join(_versions()),
    }


def _gpu() -> str:
    try:
        command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _versions() -> list[str]:
    versions = {name: package_version(name) for name in _PACKAGES}
    return [f"{name} {version}" for name, version in versions.items() if version]
