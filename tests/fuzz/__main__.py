"""`make fuzz`: thousands of inputs for every target, each target in a process of its own.

    python -m tests.fuzz [--count 10000] [--seed 25] [--only NAME ...]

What breaks the contract is kept in `--out`, and the command fails.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.harness import MOST_RESIDENT, SEED, fuzz
from tests.fuzz.targets import TARGETS

_HEAD = (
    f"{'target':18} {'inputs':>7} {'read':>7} {'refused':>7} {'CPU s':>7} {'slowest':>8} {'MiB':>5}"
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--count", type=int, default=10_000, help="inputs for each target")
    parser.add_argument("--seed", type=int, default=SEED, help="another one makes other inputs")
    parser.add_argument("--only", nargs="*", help="names of targets", default=())
    parser.add_argument("--out", type=Path, default=Path("fuzz-found"), help="what breaks")
    parser.add_argument("--within", action="store_true", help=argparse.SUPPRESS)
    said = parser.parse_args()
    names = [t.name for t in TARGETS if not said.only or t.name in said.only]
    if said.within:
        return _within(names[0], said)
    print(_HEAD)
    broken = sum(_in_a_process(name, said) for name in names)
    print(
        f"{broken} of {len(names)} targets broke the contract" + f"; see {said.out}" * bool(broken)
    )
    return min(broken, 1)


def _in_a_process(name: str, said: argparse.Namespace) -> bool:
    """Whether the target broke; a process that dies broke it, too, by its last input."""
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        numbers = ["--count", str(said.count), "--seed", str(said.seed)]
        words = ["--within", "--only", name, *numbers, "--out", str(said.out.absolute())]
        command = [sys.executable, "-m", "tests.fuzz", *words]
        # Pillow's and polars's libraries write there of what they meet, thousands of times.
        environment = {**os.environ, "KMLP_FUZZ": folder, "RUST_BACKTRACE": "0"}
        done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, check=False)
        if (code := done.returncode) not in (0, 1) or b"Traceback" in done.stderr:
            for last in Path(folder).rglob(name):
                _keep(said.out, name, "died", last.read_bytes())
            last_words = done.stderr.decode(errors="replace")[-2000:]
            print(f"{name:18} died, exit status {code}: {last_words}")
    return code != 0


def _within(name: str, said: argparse.Namespace) -> int:
    folder = Path(os.environ["KMLP_FUZZ"]) / "1"
    folder.mkdir()
    target = next(t for t in TARGETS if t.name == name)
    found = fuzz(target, said.count, folder, said.seed)
    numbers = f"{found.count:7,} {found.read:7,} {found.refused:7,} {time.process_time():7.1f}"
    peak = _peak()
    print(f"{name:18} {numbers} {found.slowest:8.2f} {peak // 2**20:5}", flush=True)
    for fault, (number, content) in found.broken.items():
        kept = _keep(said.out, name, str(number), content)
        print(f"  input {number}: {fault}; kept as {kept}", flush=True)
    if peak > MOST_RESIDENT:
        print(f"  took {peak:,} bytes at once, at most {MOST_RESIDENT:,} are due", flush=True)
    return int(bool(found.broken) or peak > MOST_RESIDENT)


def _keep(out: Path, name: str, number: str, content: bytes) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{number}-{name}"
    path.write_bytes(content)
    return path


def _peak() -> int:
    """Bytes that this process held at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def _memory() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


if __name__ == "__main__":
    sys.exit(main())
