"""The fuzzer finds what it is for: faults planted where none was found, each within 400 inputs."""

import contextlib
import sys
import tomllib

import numpy as np
import pytest

from kmlp.data.arrays.stored import StoredArray
from tests.fuzz.harness import fuzz
from tests.fuzz.targets import TARGETS

_COUNT = 400


def _nothing(*_: object, **__: object) -> contextlib.nullcontext[None]:
    return contextlib.nullcontext()


def _trusting_read(self: StoredArray) -> np.ndarray:
    """Allocates whatever the header claims, then fills it."""
    content = np.empty(self._claimed, np.uint8)
    content[:] = np.frombuffer(self._next(self._claimed), np.uint8)
    return content.view(self.dtype).reshape(self.shape)


PLANTED = {
    "errors of NumPy's headers get out": (
        *("x.npy", "kmlp.deploy.inputs.reading", _nothing),
        "ValueError",
    ),
    "errors of Pillow get out": ("x.png", "kmlp.data.arrays.images.reading", _nothing, "Error"),
    "a header's claim is allocated": (
        *("x-idx3-ubyte.gz", "kmlp.data.arrays.stored.StoredArray.read", _trusting_read),
        "took memory before it refused",
    ),
    "TOML's errors get out": (
        *("study.toml", "kmlp.config.study_file.parse_toml", tomllib.loads),
        "TOMLDecodeError",
    ),
    "an environment's fields are not checked": (
        *("environment.json", "kmlp.study.provenance._fits", lambda value, shape: True),
        "Error",
    ),
    "a cell of a request may be anything": (
        *("table-body.json", "kmlp.serve.cells._number", lambda name, value, place: float(value)),
        "TypeError",
    ),
    "a member's scores may be no table": (
        *("member.json", "kmlp.study.run_folder.records._values", lambda table: table.values()),
        "AttributeError",
    ),
}


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="limits its memory as Linux does")
@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(fault, tmp_path, monkeypatch):
    name, place, planted, told = PLANTED[fault]
    target = next(t for t in TARGETS if t.name == name)
    folder = tmp_path / "1"
    folder.mkdir()
    monkeypatch.setattr(place, planted)
    found = fuzz(target, _COUNT, folder)
    assert any(told in said for said in found.broken), found.broken
