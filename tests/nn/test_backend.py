"""The devices that TensorFlow is asked for before it starts: seen in processes of their own."""

import gc
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from kmlp.machine import num_cores

tf = pytest.importorskip("tensorflow")
on_gpu = bool(tf.config.list_physical_devices("GPU"))
pytestmark = pytest.mark.skipif(on_gpu, reason="these are a CPU's")


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
    # The first is for what else the process computes.
    assert done.stdout.split() == [*(f"device:CPU:{1 + i}" for i in range(num_cores())), "1"]
    assert "had started" not in done.stderr


@pytest.mark.process
def test_a_place_forgets_what_is_compiled_and_compiles_it_again():
    done = run(
        "from kmlp.nn.backend.tensorflow_programs import compiled_programs\n"
        "backend.num_places()\n"
        "twice = backend.compile(lambda x: 2 * x)\n"
        "def is_there(index):\n"
        "    with backend.place(index):\n"
        "        try:\n"
        "            tf.raw_ops.DestroyResourceOp(\n"
        "                resource=compiled_programs(), ignore_lookup_error=False\n"
        "            )\n"
        "        except tf.errors.NotFoundError:\n"
        "            return False\n"
        "    return True\n"
        "def called():\n"
        "    with backend.place(0):\n"
        "        return float(twice(tf.ones(())))\n"
        "print(called(), backend.forget_programs(0), is_there(0))\n"
        "print(called(), is_there(0), called())\n"
    )
    assert done.stdout.split() == ["2.0", "True", "False", "2.0", "True", "2.0"]


@pytest.mark.process
def test_nothing_is_forgotten_of_a_device_that_others_compute_on():
    done = run("tf.ones(3) + 1\nbackend.num_places()\nprint(backend.forget_programs(0))")
    assert done.stdout.split() == ["False"]


def test_a_program_that_is_gone_leaves_no_definitions():
    """Two that are the same share theirs; the last one takes them away."""
    from tensorflow.python.eager import context

    from kmlp.nn import backend

    def named() -> set:
        return {n for n in context.context().list_function_names() if "kmlp_" in str(n)}

    def plus_seven():
        return backend.compile(lambda x: x * 7 + 7)

    before, first, second = named(), plus_seven(), plus_seven()
    assert float(first(tf.ones(()))) == float(second(tf.ones(()))) == 14
    of_both = named() - before
    assert of_both
    del first
    assert named() - before == of_both
    assert float(second(tf.ones(()))) == 14
    del second
    assert named() == before


def graphs() -> int:
    """Of functions that are traced."""
    from tensorflow.python.framework.func_graph import FuncGraph

    gc.collect()
    return sum(isinstance(o, FuncGraph) for o in gc.get_objects())


@pytest.mark.long
def test_a_program_that_differentiates_leaves_no_graphs():
    """TensorFlow registers each gradient that is a function's own for good, and with it a graph."""
    from kmlp.nn import backend

    @tf.custom_gradient
    def doubled(x):
        twice = x * 2
        return twice, lambda upstream: upstream * twice

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = doubled(x)
        return tape.gradient(value, x)

    def in_a_loop(x):
        return tf.while_loop(lambda i, _: i < 2, lambda i, x: (i + 1, gradient(x)), (0, x))[1]

    before, program = graphs(), backend.compile(in_a_loop)
    assert float(program(tf.constant(1.0))) == 4
    del program
    assert graphs() == before


@pytest.mark.long
def test_what_is_fused_lets_go_of_its_graphs_and_is_traced_again():
    from kmlp.nn.backend.tensorflow_functions import Fused

    before, plus_one = graphs(), Fused(lambda x: x + 1)
    assert float(plus_one(tf.constant(1.0))) == 2
    assert graphs() == before + 1
    plus_one.forget()
    assert graphs() == before
    assert float(plus_one(tf.constant(1.0))) == 2


@pytest.mark.skipif(num_cores() == 1, reason="one core is one place")
@pytest.mark.slow
def test_a_tensorflow_that_has_started_is_one_place_and_is_warned_of_once():
    done = run("tf.ones(3) + 1\nprint(backend.num_places(), backend.num_places())")
    assert done.stdout.split() == ["1", "1"]
    assert done.stderr.count("TensorFlow had started before kmlp: one stack trains at a time") == 1


def test_each_gpu_is_a_place_that_is_named_by_its_model(monkeypatch):
    """By stand-ins: TensorFlow makes no devices of another kind."""
    from kmlp.nn.backend import tensorflow

    gpus = [("gpu", "NVIDIA H200", (9, 0)), ("gpu", "NVIDIA A100", (8, 0))]
    logical = [None, None]
    monkeypatch.setattr(tensorflow, "_on_gpu", lambda: True)
    monkeypatch.setattr(tensorflow, "devices", lambda: [("cpu", "", None), *gpus])
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: logical)
    assert tensorflow.num_places() == 2
    assert tensorflow.copies_data()
    assert tensorflow.place_name(1) == ("NVIDIA A100", "gpu:1")
    # Split by the user.
    logical.append(None)
    assert tensorflow.num_places() == 3
    assert tensorflow.place_name(1) == ("NVIDIA A100 or NVIDIA H200", "gpu:1")


def test_a_stack_must_fit_the_gpu_that_has_least(monkeypatch):
    from tensorflow.python.client import device_lib

    from kmlp.nn.backend import tensorflow

    found = [("CPU", 1), ("GPU", 80), ("GPU", 40)]
    found = [SimpleNamespace(device_type=kind, memory_limit=limit) for kind, limit in found]
    monkeypatch.setattr(tensorflow, "_on_gpu", lambda: True)
    monkeypatch.setattr(device_lib, "list_local_devices", lambda: found)
    assert tensorflow.device_memory() == 40


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [("avx512_bf16", True), ("avx512f", False), ("avx512_bf16 amx_bf16", False)],
)
def test_bfloat16_is_multiplied_in_xla_where_nothing_else_does_it_faster(
    monkeypatch, flags, wanted
):
    """With matrix units TensorFlow's own kernels do."""
    from kmlp.nn.backend import tensorflow

    monkeypatch.setattr(tensorflow, "cpu_info", lambda key: flags)
    monkeypatch.setattr(tf, "__version__", "2.21.0")
    assert tensorflow.multiplies_bfloat16() is wanted
    monkeypatch.setattr(tf, "__version__", "2.20.0")
    assert not tensorflow.multiplies_bfloat16()


@pytest.mark.long
def test_a_device_of_jax_that_tells_no_memory_is_planned_for_little_and_said(monkeypatch, caplog):
    jax = pytest.importorskip("jax")
    from kmlp.nn.backend import jax as backend

    def device(id: int, stats: dict | None) -> SimpleNamespace:
        kind = {"platform": "gpu", "device_kind": "CARD"}
        return SimpleNamespace(id=id, memory_stats=lambda: stats, **kind)

    devices = [device(0, {"bytes_limit": 9 * 2**30}), device(1, {"bytes_limit": 8 * 2**30})]
    monkeypatch.setattr(jax, "local_devices", lambda: devices)
    assert backend.device_memory() == 8 * 2**30
    assert backend.place_name(1) == ("CARD", "gpu:1")
    devices.append(device(2, None))
    assert backend.device_memory() == backend.device_memory() == 4 * 2**30
    said = "JAX does not say how much memory CARD (gpu:2) has: stacks are planned for 4 GiB."
    assert caplog.text.count(said) == 1


def test_flags_that_the_user_has_set_stay(monkeypatch):
    from kmlp.nn import backend

    asked = "--xla_backend_extra_options=xla_mine=1 --xla_cpu_prefer_vector_width=128"
    monkeypatch.setenv("XLA_FLAGS", asked)
    backend.set_flags()
    assert os.environ["XLA_FLAGS"] == asked


def test_flags_are_set_once(monkeypatch):
    from kmlp.nn import backend

    monkeypatch.setenv("XLA_FLAGS", "--xla_other=1")
    backend.set_flags()
    once = os.environ["XLA_FLAGS"]
    backend.set_flags()
    assert os.environ["XLA_FLAGS"] == once
    assert once.startswith("--xla_other=1 --xla_backend_extra_options=")


@pytest.mark.process
@pytest.mark.parametrize("flags", ["", "--xla_backend_extra_options=xla_mine=1"])
def test_results_that_follow_from_each_other_are_computed_in_one_loop(monkeypatch, flags):
    """And are the same where the user's flags prevent it."""
    monkeypatch.setenv("XLA_FLAGS", flags)
    done = run(
        "import re, numpy as np\n"
        "backend.set_flags()\n"
        "def step(gradient, weight, mean, square):\n"
        "    gradient = gradient + 0.01 * weight\n"
        "    mean = mean + (gradient - mean) * 0.1\n"
        "    square = square + (gradient * gradient - square) * 0.001\n"
        "    return [weight - mean / (tf.sqrt(square) + 1e-7), mean, square]\n"
        "rng = np.random.default_rng(0)\n"
        "given = [tf.constant(rng.random((2, 40000), np.float32)) for _ in range(4)]\n"
        "f = tf.function(lambda *a: backend.in_one_pass(step, list(a)), jit_compile=True)\n"
        "hlo = f.experimental_get_compiler_ir(*given)(stage='optimized_hlo')\n"
        "for found, wanted in zip(f(*given), backend.in_one_pass(step, given)):\n"
        "    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)\n"
        # A stack's size decides which of the two it is: its members must not notice.
        "alone = tf.function(lambda *a: step(*a), jit_compile=True)\n"
        "for found, wanted in zip(f(*given), alone(*given)):\n"
        "    np.testing.assert_array_equal(found, wanted)\n"
        "one = r'= \\(f32\\[2,40000\\]\\S*, f32\\[2,40000\\]\\S*, f32\\[2,40000\\]\\S*\\) fusion'\n"
        "print(len(re.findall(one, hlo)))\n"
    )
    assert done.stdout.split() == ["0" if flags else "1"]
