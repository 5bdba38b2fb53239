"""`kmlp --version` is what a report of a bug begins with."""

import importlib.metadata
import platform
import subprocess
import sys

import pytest

from kmlp.cli.app import versions
from tests.command_line import kmlp


def test_the_first_line_is_kmlps_and_the_others_are_what_computes():
    done = kmlp("--version")
    first, *others = done.stdout.splitlines()
    assert first == f"kmlp {importlib.metadata.version('kmlp')}"
    assert f"Python {platform.python_version()}" in others
    for name in ("keras", "tensorflow", "numpy", "keras-tuner"):
        assert f"{name} {importlib.metadata.version(name)}" in others


def test_what_is_not_installed_has_no_line():
    found = {"kmlp": "1.2", "numpy": "2.0"}
    assert versions(found.get).splitlines() == [
        "kmlp 1.2",
        f"Python {platform.python_version()}",
        "numpy 2.0",
    ]


@pytest.mark.process
def test_versions_are_told_without_loading_what_they_are_of():
    check = (
        "import sys; from kmlp.cli.app import versions; versions(); "
        "assert not {'keras', 'tensorflow', 'jax', 'keras_tuner'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", check], check=True)
