"""Small networks compute in one thread each, large ones in as many as there are."""

import os
import subprocess
import sys

import pytest

from tests.command_line import ENVIRONMENT
from tests.serve.stand_in import write_version

CODE = """
import sys
from pathlib import Path
import tensorflow as tf
from kmlp.serve.saved import choose_threads
for path in sys.argv[1:]:
    choose_threads(Path(path))
    print(tf.config.threading.get_intra_op_parallelism_threads())
"""


@pytest.mark.slow
@pytest.mark.process
def test_threads_are_chosen_by_the_largest_network(tmp_path):
    for name, size in (("small", 2**20), ("large", 2**25)):
        weights = write_version(tmp_path / name, "model", 1) / "variables"
        weights.mkdir()
        (weights / "variables.data-00000-of-00001").write_bytes(b"")
        os.truncate(weights / "variables.data-00000-of-00001", size)
    done = subprocess.run(
        [sys.executable, "-c", CODE, tmp_path / "large", tmp_path / "small"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **ENVIRONMENT},
    )
    assert done.stdout.split() == ["0", "1"]
