"""The devices that TensorFlow is asked for before it starts: seen in processes of their own."""

import subprocess
import sys

import pytest

from kmlp.machine import num_cores

tf = pytest.importorskip("tensorflow")
on_gpu = bool(tf.config.list_physical_devices("GPU"))
pytestmark = pytest.mark.skipif(on_gpu, reason="a GPU is one place")


def run(script: str) -> subprocess.CompletedProcess:
    script = (
        "import os; os.environ['KERAS_BACKEND'] = 'tensorflow'\n"
        "import tensorflow as tf\nfrom kmlp.nn import backend\n"
    ) + script
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True)


@pytest.mark.process
def test_each_core_is_a_place_with_a_device_of_one_thread():
    done = run(
        "backend.devices()\n"
        "for i in range(backend.num_places()):\n"
        "    with backend.place(i):\n"
        "        print((tf.ones(3) + 1).device.rsplit('/', 1)[1])\n"
        "backend.num_places()\n"
        "print(tf.config.threading.get_intra_op_parallelism_threads())\n"
    )
    assert done.stdout.split() == [*(f"device:CPU:{i}" for i in range(num_cores())), "1"]
    assert "had started" not in done.stderr


@pytest.mark.skipif(num_cores() == 1, reason="one core is one place")
@pytest.mark.slow
def test_a_tensorflow_that_has_started_is_one_place_and_is_warned_of_once():
    done = run("tf.ones(3) + 1\nprint(backend.num_places(), backend.num_places())")
    assert done.stdout.split() == ["1", "1"]
    assert done.stderr.count("TensorFlow had started before kmlp: one stack trains at a time") == 1
