"""How long a large CSV takes from the disk to encoded matrices, and how much memory.

    python benchmarks/tables.py [--rows 1000000]

The file, of 30 columns (numbers with and without gaps, whole numbers, categories of 3 to 3,000
values, yes and no, a date, two classes), is made in a temporary folder by another process, whose
memory does not count here.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COLUMNS = 30


def make(path: Path, num_rows: int) -> None:
    """Writes the file."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(0)
    columns: dict[str, np.ndarray] = {
        f"x{i}": rng.normal(size=num_rows).round(5) for i in range(14)
    }
    columns |= {f"whole{i}": rng.integers(0, 10 ** (i + 1), num_rows) for i in range(5)}
    for i in range(6):
        words = np.array([f"value {j}" for j in range(3 * 4**i)])
        columns[f"category{i}"] = words[rng.integers(0, len(words), num_rows)]
    gaps = rng.random(num_rows).round(4)
    columns["gaps"] = np.where(gaps < 0.1, np.nan, gaps)
    columns["member"] = np.array(["no", "yes"])[rng.integers(0, 2, num_rows)]
    days = rng.integers(0, 900, num_rows).astype("timedelta64[D]")
    columns["joined"] = np.datetime64("2020-01-01") + days
    columns["share"] = rng.random(num_rows).round(3)
    columns["status"] = np.array(["leaves", "stays"])[rng.integers(0, 2, num_rows)]
    pl.DataFrame(columns).fill_nan(None).write_csv(path)


def measure(path: Path) -> None:
    """Reads, parts, infers and encodes, as `load_dataset` does; prints seconds and peak memory."""
    from kmlp.data.dataset import Dataset
    from kmlp.data.preparation import prepare
    from kmlp.data.tables import read_table

    start = time.perf_counter()
    print(f"{'':10} {'seconds':>8} {'peak MB':>8}")
    _print("import", 0.0)
    table = read_table(path)
    _print("read", time.perf_counter() - start)
    made = prepare(table, "status", test=0.2, use_up=True)
    _print("encode", time.perf_counter() - start)
    data = Dataset.from_prepared(made, name="table", location=str(path))
    _print("hash", time.perf_counter() - start)
    size = (data.x_train.nbytes + data.x_test.nbytes) / 2**20
    print(
        f"{path.stat().st_size / 2**20:.0f} MB of CSV, {len(data.y_train):,} training and "
        f"{len(data.y_test):,} test rows, {COLUMNS} columns ({data.x_train.shape[1]} encoded); the "
        f"matrices are {size:.0f} MB"
    )


def _print(what: str, seconds: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"{what:10} {seconds:8.1f} {peak:8.0f}")


def main() -> None:
    """Makes the file in a process of its own, then measures in this one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.make:
        make(arguments.make, arguments.rows)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        again = [sys.executable, __file__, "--rows", str(arguments.rows), "--make", str(path)]
        subprocess.run(again, check=True)
        measure(path)


if __name__ == "__main__":
    main()
