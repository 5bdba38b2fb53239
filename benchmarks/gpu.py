r"""On a machine with GPUs: are they seen, do members equal solo runs on them, how fast are they?

    KERAS_BACKEND=jax python benchmarks/gpu.py --data fashion_mnist --json gpu.json
    KERAS_BACKEND=jax python benchmarks/gpu.py --rows 1200 --members 1,2 --hidden 128-64 \
        --sides kmlp,keras_fit,floor_jax --rounds 1 --tests "mixed_stack_holds and layer"

Four steps, each a process of its own; the first that fails is the last: `kmlp doctor`, whose
self-test trains small networks against NumPy in float64 on each GPU; the tests that hold members of
stacks to solo runs and to Keras, and to themselves in other places; a small study, which tells
where each of its stacks trained ("Trained in 4 stacks: 1 on NVIDIA H200 (gpu:0), ..."); and
`speed.py` over K, with the sides that a GPU makes sense for. Without a GPU all of it runs on the
CPU, and says so; `--rows` and few members make that short.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_SIDES = "kmlp,keras_fit,keras_tuned,torch_loop,torch_batched,floor_torch"
_TESTS = ("tests/engine/test_equality.py", "tests/engine/test_places.py")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", default="fashion_mnist", help="a name, a folder of IDX files, or an .npz")
    add("--rows", help="use so many of the training rows; all where omitted")
    add("--members", default="1,10,100,1000", help="K")
    add("--hidden", default="128-64,512-256-128")
    add("--sides", help="of speed.py; those for a GPU where omitted")
    add("--epochs", default="3")
    add("--rounds", default="3")
    add("--seeds", default="16", help="of the small study: at least as many as there are GPUs")
    add("--tests", default="", help="only those whose name this expression fits, as pytest's -k")
    add("--json", type=Path, help="keep every round in this file")
    options = parser.parse_args()
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with tempfile.TemporaryDirectory() as folder:
        for step in steps(options, backend, folder):
            if code := _run(*step):
                return code
    return 0


def _run(name: str, command: list[str], more: dict[str, str]) -> int:
    """Its exit status."""
    print(f"\n## {name}: {' '.join(command)}\n", flush=True)
    started = time.perf_counter()
    path = os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    environment = {**os.environ, "PYTHONPATH": path, **more}
    code = subprocess.run([sys.executable, *command], cwd=_ROOT, env=environment).returncode
    print(f"\n{name}: {'passed' if not code else f'failed with {code}'}", end=", ")
    print(f"{time.perf_counter() - started:.0f} s", flush=True)
    return code


def steps(
    options: argparse.Namespace, backend: str, folder: str
) -> list[tuple[str, list[str], dict[str, str]]]:
    """Each one's name, what Python is called with, and what its environment has besides."""
    study = ["--variants", "none", "--seeds", options.seeds, "--max-epochs", "1", "--out", folder]
    chosen = ["-k", options.tests] if options.tests else []
    speed = {
        "data": options.data,
        "rows": options.rows,
        "members": options.members,
        "hidden": options.hidden,
        "sides": options.sides or f"{_SIDES},floor_{backend}",
        "epochs": options.epochs,
        "rounds": options.rounds,
        "loop-members": "1",
        "json": options.json and str(options.json.resolve()),
    }
    flags = [part for name, value in speed.items() if value for part in (f"--{name}", value)]
    # TensorFloat-32 keeps 11 bits: no test could tell a wrong sum from its rounding.
    exact = {"NVIDIA_TF32_OVERRIDE": "0"}
    return [
        ("doctor", ["-m", "kmlp", "doctor"], {}),
        ("equality", ["-m", "pytest", "-q", "-p", "no:cacheprovider", *_TESTS, *chosen], exact),
        ("places", ["-m", "kmlp", "study", options.data, *study], {}),
        ("speed", ["benchmarks/speed.py", *flags], {}),
    ]


if __name__ == "__main__":
    sys.exit(main())
