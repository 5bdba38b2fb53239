"""The doctor finds what is there, notices what is wrong, and says what to do."""

import json
import os
import subprocess
import sys

import pytest

from kmlp.cli import diagnosis
from kmlp.cli.diagnosis import Check, examine
from kmlp.cli.doctor import doctor
from kmlp.engine import self_test
from kmlp.engine.programs import disk
from kmlp.machine import cpu_info


@pytest.mark.slow
def test_every_check_has_something_to_say_and_all_is_well_here():
    found = list(examine())
    assert {c.name for c in found} == {
        "packages", "backend", "device", "threads", "memory", "precision", "data", "programs",
        "self-test",
    }  # fmt: skip
    assert [c for c in found if c.status == "fails"] == []
    assert all(c.advice for c in found if c.status != "ok")


def test_a_device_that_computes_something_else_fails(monkeypatch):
    found = self_test.SelfTest(0.5, 1e-5, num_members=3, num_steps=8, seconds=1.0)
    monkeypatch.setattr(self_test, "run_self_test", lambda: found)
    (check,) = diagnosis._self_test()
    assert check.status == "fails"
    assert "within 0.5 of NumPy's" in check.found
    assert "trust no result" in check.advice


def test_a_check_that_raises_has_failed_and_the_rest_goes_on(monkeypatch):
    def broken():
        raise ImportError("libcudart.so.12: cannot open shared object file")

    def fine():
        yield Check("memory", "ok", "enough")

    monkeypatch.setattr(diagnosis, "_CHECKS", {"backend": broken, "memory": fine})
    first, second = examine()
    assert (first.name, first.status, second.status) == ("backend", "fails", "ok")
    assert first.found == "ImportError: libcudart.so.12: cannot open shared object file"


def test_a_missing_package_is_named(monkeypatch):
    versions = {"typst": None}
    monkeypatch.setattr(diagnosis, "package_version", lambda name: versions.get(name, "1.0"))
    (check,) = diagnosis._packages()
    assert (check.status, check.advice) == ("note", "pip install typst")
    versions["keras"] = None
    (check,) = diagnosis._packages()
    assert check.status == "fails"


def test_a_backend_that_kmlp_does_not_know_is_named(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setattr(diagnosis, "package_version", lambda name: "1.0")
    (packages,) = diagnosis._packages()
    assert packages.status == "ok"
    assert "torch" not in packages.found
    (check,) = diagnosis._backend()
    assert (check.status, check.found) == ("fails", "KERAS_BACKEND=torch")
    assert "set KERAS_BACKEND to one of them, or unset it" in check.advice


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        ([("cpu", "c", None), ("gpu", "A100", (8, 0))], "native (compute capability 8.0)"),
        ([("cpu", "c", None), ("gpu", "T4", (7, 5))], "emulated"),
    ],
)
def test_bfloat16_is_native_from_ampere_on(monkeypatch, devices, expected):
    from kmlp.nn import backend

    monkeypatch.setattr(backend, "devices", lambda: devices)
    (check,) = diagnosis._precision()
    assert expected in check.found


@pytest.mark.parametrize(
    ("backend_name", "flags", "in_xla", "expected"),
    [
        (
            "tensorflow",
            "fpu amx_bf16",
            False,
            "native, for wide networks without normalization (amx_bf16)",
        ),
        ("tensorflow", "fpu avx_ne_convert", False, "emulated"),
        ("jax", "fpu amx", False, "emulated, and slow: leave it at float32 (jax without a GPU)"),
        ("jax", "fpu avx512_bf16", True, "native (avx512_bf16)"),
        ("tensorflow", "fpu avx512_bf16", True, "native (avx512_bf16)"),
    ],
)
def test_bfloat16_on_a_processor_is_what_its_instructions_and_the_backend_make_of_it(
    monkeypatch, backend_name, flags, in_xla, expected
):
    import keras

    from kmlp.nn import backend

    monkeypatch.setattr(backend, "devices", lambda: [("cpu", "c", None)])
    monkeypatch.setattr(backend, "multiplies_bfloat16", lambda: in_xla)
    monkeypatch.setattr(keras.backend, "backend", lambda: backend_name)
    monkeypatch.setattr(diagnosis, "cpu_info", lambda key: flags)
    (check,) = diagnosis._precision()
    assert expected in check.found


def test_the_kept_programs_are_counted_and_cleared(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("KMLP_CACHE", str(tmp_path))
    folder = disk.prepare()
    (folder / "xla_compile_cache__1__2__XLA_CPU_JIT.pb").write_bytes(bytes(2**20))
    (check,) = diagnosis._programs()
    assert check.found == f"1 kept, 1 MiB, in {tmp_path / 'programs'}"
    doctor(clear_cache=True)
    assert capsys.readouterr().out == "Removed 1 compiled programs, 1 MiB.\n"
    assert disk.size() == (0, 0)
    monkeypatch.setenv(disk.SWITCH, "off")
    (check,) = diagnosis._programs()
    assert check.found == "none are kept: KMLP_PROGRAM_CACHE=off"


def test_the_processor_is_read_from_linux(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel name\t: Made Up 3000\nflags\t\t: fpu avx512_bf16\n")
    assert cpu_info("model name", path) == "Made Up 3000"
    assert cpu_info("flags", path).split() == ["fpu", "avx512_bf16"]
    assert cpu_info("flags", tmp_path / "none") == ""


def test_the_command_exits_with_1_if_something_fails():
    script = (
        "from kmlp.cli import diagnosis, main; "
        "diagnosis._CHECKS = {'data': lambda: [diagnosis.Check('data', 'fails', 'x', 'y')]}; main()"
    )
    command = [sys.executable, "-c", script, "doctor", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout) == [
        {"name": "data", "status": "fails", "found": "x", "advice": "y"}
    ]


def test_the_command_reports_a_keras_that_cannot_be_imported(tmp_path):
    (tmp_path / "keras.py").write_text("raise ImportError('libcudart.so.12: cannot open')")
    command = [sys.executable, "-m", "kmlp", "doctor", "--json"]
    path = os.pathsep.join([str(tmp_path), *sys.path])
    environment = os.environ | {"PYTHONPATH": path}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")
    found = {c["name"]: c for c in json.loads(done.stdout)}
    assert found["backend"]["status"] == "fails"
    assert found["backend"]["found"] == "ImportError: libcudart.so.12: cannot open"
    assert found["data"]["status"] != "fails"
