"""A run folder of 2,000 members: how long `kmlp show` and `kmlp report` take, and how much memory.

    python benchmarks/growth.py [--members 2000] [--out FOLDER] [--keras]

20 variants over MNIST's bundled sample (1,000 test rows of ten classes), recorded, hashed and read
back by the program's own run folder. Linear models stand in for networks, unless --keras trains
these. A folder that is given is kept, and not trained again. The peak is the kernel's own count of
each command's process; CPU seconds tell more than the others where the machine is shared. Modules
are compiled before, as pip leaves them: where nobody may write bytecode, each command would do it.
"""

import argparse
import compileall
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("KMLP_OFFLINE", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer

ROOT = Path(__file__).parents[1]
RATES = tuple(f"dropout={rate / 100}" for rate in range(5, 100, 5))


def grown(folder: Path, num_members: int, keras: bool) -> None:
    """A study of `num_members` networks, or what it lacks."""
    variants = ("none", *RATES)
    config = StudyConfig(
        dataset="mnist",
        variants=variants,
        num_seeds=num_members // len(variants),
        model=MLPConfig(hidden_units=(32,)),
        train=TrainConfig(max_epochs=3),
    )
    run_study(config, folder, trainer=None if keras else LinearTrainer(width=20))


def taken(*command: str) -> tuple[float, float, float]:
    """Seconds, CPU seconds and peak MiB of a `kmlp` command in a process of its own."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "kmlp", *command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"kmlp {' '.join(command)} ended with status {status}")
    cpu = usage.ru_utime + usage.ru_stime
    return time.perf_counter() - began, cpu, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=2000)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--keras", action="store_true")
    asked = parser.parse_args()
    for package in ("kmlp", "tuning"):
        compileall.compile_dir(ROOT / package, quiet=1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.out or Path(temporary) / "grown"
        began = time.perf_counter()
        grown(folder, asked.members, asked.keras)
        print(f"{'trained and recorded':22} {time.perf_counter() - began:7.1f} s")
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        print(f"{'on the disk':22} {size / 2**20:7.0f} MiB")
        for command in (("show",), ("show", "--json"), ("report",)):
            seconds, cpu, peak = taken(command[0], str(folder), *command[1:])
            name = "kmlp " + " ".join(command)
            print(f"{name:22} {seconds:7.1f} s  {cpu:6.1f} s of CPU  {peak:6.0f} MiB")


if __name__ == "__main__":
    main()
