"""What kmlp finds on this machine, and whether it computes what it should."""

import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kmlp.machine import (
    available_memory,
    cpu_info,
    import_quietly,
    in_words,
    num_cores,
    package_version,
)

# What the engine cannot do without; what only some commands need; what may serve as the backend.
_ENGINE = ("kmlp", "keras", "numpy", "scipy")
_COMMANDS = ("keras-tuner", "matplotlib", "typst", "pooch")
_BACKENDS = ("tensorflow", "jax")
_OTHER_BACKEND = "kmlp trains on tensorflow or jax: set KERAS_BACKEND to one of them, or unset it."
# With less, even the sample trains in a tight place.
_LITTLE_MEMORY = 2**30
# The first NVIDIA GPUs that multiply bfloat16: Ampere.
_BFLOAT16_GPU = (8, 0)
_BFLOAT16_CPU = ("avx512_bf16", "amx_bf16")


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        name: what was looked at.
        status: "ok"; "note", something works less well than it could; "fails".
        found: in words.
        advice: what to do; empty where all is well.
    """

    name: str
    status: str
    found: str
    advice: str = ""


def examine() -> Iterator[Check]:
    """Every check, one after the other; one that raises has failed, and the rest goes on."""
    for name, check in _CHECKS.items():
        try:
            yield from check()
        except Exception as error:  # whatever a broken installation raises is what is looked for
            advice = "Install kmlp anew into an environment of its own: pip install kmlp."
            if _wanted_backend() not in _BACKENDS:
                advice = _OTHER_BACKEND
            yield Check(name, "fails", f"{type(error).__name__}: {error}", advice)


def _wanted_backend() -> str:
    return os.environ.get("KERAS_BACKEND", "tensorflow")


def _packages() -> Iterator[Check]:
    backend = _wanted_backend()
    needed = (*_ENGINE, backend) if backend in _BACKENDS else _ENGINE
    versions = {name: package_version(name) for name in (*needed, *_COMMANDS)}
    missing = [name for name, version in versions.items() if version is None]
    found = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    python = f"Python {platform.python_version()}"
    if not missing:
        yield Check("packages", "ok", f"{python}, {found}")
        return
    status = "fails" if set(missing) & set(needed) else "note"
    lacking = f"{python}, {found}; missing: {', '.join(missing)}"
    yield Check("packages", status, lacking, f"pip install {' '.join(missing)}")


def _backend() -> Iterator[Check]:
    if (wanted := _wanted_backend()) not in _BACKENDS:
        yield Check("backend", "fails", f"KERAS_BACKEND={wanted}", _OTHER_BACKEND)
        return
    import_quietly("keras")
    import keras

    from kmlp.nn import backend

    name = keras.backend.backend()
    places = backend.num_places()
    yield Check("backend", "ok", f"{name} {package_version(name)}, Keras {keras.__version__}")
    for kind, device, _ in backend.devices():
        memory = backend.device_memory() if kind != "cpu" else None
        device = cpu_info("model name") or device if kind == "cpu" else device
        words = f"{kind}: {device}" + (f", {in_words(memory)} usable" if memory else "")
        yield Check("device", "ok", words)
    yield _threads(name, places, backend.device_memory() is not None)


def _threads(backend: str, places: int, on_accelerator: bool) -> Check:
    cores = num_cores()
    found = f"{cores} of {os.cpu_count()} cores usable, {places} stacks at once"
    given = {
        n: os.environ[n] for n in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS") if n in os.environ
    }
    if given:
        found += "; " + ", ".join(f"{name}={value}" for name, value in given.items())
    if backend == "tensorflow" and places < cores and not on_accelerator:
        advice = "TensorFlow had started before kmlp: import kmlp's functions and train first."
        return Check("threads", "note", found, advice)
    return Check("threads", "ok", found)


def _memory() -> Iterator[Check]:
    import psutil

    free = available_memory()
    found = f"{in_words(psutil.virtual_memory().total)} in all, {in_words(free)} to be had"
    if free < _LITTLE_MEMORY:
        advice = "Close other programs, or raise the container's limit."
        yield Check("memory", "note", found, advice)
    else:
        yield Check("memory", "ok", found)


def _precision() -> Iterator[Check]:
    verdict, reason = _bfloat16()
    yield Check("precision", "ok", f"float32; mixed_bfloat16 {verdict} ({reason})")


def _bfloat16() -> tuple[str, str]:
    """Where it pays, and what says so."""
    import keras

    from kmlp.nn import backend

    slow = "emulated, and slow: leave it at float32"
    capabilities = [c for kind, _, c in backend.devices() if kind == "gpu"]
    if capabilities:
        is_native = all(c is not None and c >= _BFLOAT16_GPU for c in capabilities)
        return "native" if is_native else slow, f"compute capability {_dotted(capabilities[0])}"
    if backend.multiplies_bfloat16():
        return "native", "avx512_bf16"
    if keras.backend.backend() != "tensorflow":
        return slow, f"{keras.backend.backend()} without a GPU"
    flags = [flag for flag in _BFLOAT16_CPU if flag in cpu_info("flags").split()]
    if flags:
        return "native, for wide networks without normalization", ", ".join(flags)
    return slow, "no bfloat16 instructions"


def _data() -> Iterator[Check]:
    from kmlp.data.sources import SOURCES, survey

    places = list(survey())
    for name in SOURCES:
        full = [
            path for set_, _, path, state in places if set_ == name and state.startswith("full")
        ]
        if full:
            yield Check("data", "ok", f"{name}: full set in {full[0]}")
        else:
            advice = (
                "The bundled sample serves, or a download at the first use; kmlp data tells more."
            )
            yield Check("data", "note", f"{name}: no full set at hand", advice)


def _programs() -> Iterator[Check]:
    from kmlp.engine.programs import disk

    count, num_bytes = disk.size()
    found = f"{count} kept, {in_words(num_bytes)}, in {disk.programs_folder()}"
    if disk.is_off():
        found = f"none are kept: {disk.SWITCH}={os.environ[disk.SWITCH]}"
    yield Check("programs", "ok", found)


def _self_test() -> Iterator[Check]:
    from kmlp.engine.self_test import run_self_test

    test = run_self_test()
    found = (
        f"{test.num_members} networks, {test.num_steps} steps, in {test.seconds:.1f} s: weights "
        f"within {test.difference:.1g} of NumPy's in float64 (tolerance {test.tolerance:g})"
    )
    if test.passed:
        yield Check("self-test", "ok", found)
        return
    advice = (
        "This device computes something else: try CUDA_VISIBLE_DEVICES= for the CPU, other "
        "drivers, or another release of the backend; trust no result from it."
    )
    yield Check("self-test", "fails", found, advice)


def examine_nodes(address: str) -> Iterator[Check]:
    """Every node of a cluster: what it is, what differs from here, and the self-test on it.

    Raises:
        ClusterError: the cluster cannot be reached.
    """
    from kmlp.cluster.examination import examine_cluster, kinds_in

    findings = []
    for found in examine_cluster(address):
        findings.append(found)
        if found.node is None or found.test is None:
            advice = "Install kmlp with the same versions there, and start Ray from it."
            yield Check(found.name, "fails", found.error, advice)
            continue
        if found.differs:
            advice = "Install the same versions everywhere, from one requirements file."
            yield Check(found.name, "fails", f"has {found.differs}", advice)
        said = (
            f"{found.node.device}; self-test within {found.test.difference:.1g} of NumPy's "
            f"(tolerance {found.test.tolerance:g})"
        )
        yield Check(found.name, "ok" if found.test.passed else "fails", said)
    if not findings:
        yield Check("cluster", "fails", "no node answers", "ray status tells what there is.")
    elif len(kinds := kinds_in(findings)) > 1:
        found_words = f"{len(kinds)} kinds of processors or cards"
        advice = "Members agree to rounding, not to the bit; each record names what trained it."
        yield Check("cluster", "note", found_words, advice)


_CHECKS: dict[str, Callable[[], Iterator[Check]]] = {
    "packages": _packages,
    "backend": _backend,
    "memory": _memory,
    "precision": _precision,
    "data": _data,
    "programs": _programs,
    "self-test": _self_test,
}


def _dotted(capability: tuple[int, int] | None) -> str:
    return ".".join(map(str, capability)) if capability else "unknown"
