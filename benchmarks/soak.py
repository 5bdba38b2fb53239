"""Whether memory stays flat while one process studies, searches, reports, exports and predicts.

    python benchmarks/soak.py [--minutes 30] [--only study,search,predict]

Rounds follow each other in this process: a study with its report, a search, an export, predictions
of the export; and requests to a `kmlp serve` beside it, which takes each new version over. Seeds
are new in every round, structures come round again after three: their programs are kept. With
`--new-searches` each search draws other settings, and programs that nobody asks for again are
forgotten in time (docs/devices.md). Prints the resident memory of both after each round, and how
it grows by the hour: a straight line through the rounds after the first third, in which all that is
compiled once is compiled.
"""

import argparse
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import psutil

import kmlp

WIDTHS, SEARCHES, REQUESTS = ((8,), (16, 8), (24,)), 3, 200


class Rounds:
    """What a process that goes on and on does."""

    def __init__(self, folder: Path, num_searches: int) -> None:
        rng = np.random.default_rng(0)
        y = np.arange(600) % 3
        x = (rng.normal(size=(3, 12))[y] + rng.normal(size=(600, 12))).astype("float32")
        self.data = kmlp.Dataset.from_arrays(x[:450], y[:450], x[450:], y[450:], name="clouds")
        self.folder, self.number, self.num_searches = folder, 0, num_searches
        self.train = kmlp.TrainConfig(max_epochs=5, batch_size=32)

    def study(self) -> None:
        """Another width and other seeds, its report and a new version of the served model."""
        width = WIDTHS[self.number % len(WIDTHS)]
        config = kmlp.StudyConfig(
            dataset="clouds",
            variants=("none", "dropout", "l2", "batch_norm"),
            num_seeds=6,
            first_seed=10 * self.number,
            model=kmlp.MLPConfig(hidden_units=width),
            train=self.train,
        )
        run = self.folder / "study"
        study = kmlp.run_study(config, run, self.data)
        kmlp.write_report(run)
        versions = self.folder / "models" / "clouds"
        kmlp.export(study.ensemble("none"), versions)
        numbers = sorted(int(path.name) for path in versions.iterdir() if path.name.isdigit())
        for old in numbers[:-2]:
            shutil.rmtree(versions / str(old))
        shutil.rmtree(run)

    def search(self) -> None:
        """Eight random trials of two seeds."""
        space = ["none", "learning_rate=1e-3:1e-1:log", "dropout=0,0.2", "hidden_units=8,16-8"]
        run = self.folder / "search"
        kmlp.tune(
            self.data,
            run,
            tuner="random",
            max_trials=8,
            num_seeds=2,
            first_seed=10 * self.number,
            seed=self.number % self.num_searches,
            space=space,
            train={"max_epochs": 5, "batch_size": 32},
        )
        shutil.rmtree(run)

    def predict(self) -> None:
        """The newest version, loaded anew."""
        model = kmlp.load_saved(self.folder / "models" / "clouds")
        for _ in range(REQUESTS):
            model.predict(self.data.x_test)


def ask(url: str, data: kmlp.Dataset) -> None:
    """Requests of all test rows, one after the other."""
    parts = urlsplit(url)
    client = http.client.HTTPConnection(parts.hostname or "", parts.port)
    body = json.dumps({"instances": data.x_test.tolist()})
    for _ in range(REQUESTS):
        client.request("POST", "/v1/models/clouds:predict", body)
        answer = client.getresponse()
        if answer.status != 200:
            raise SystemExit(answer.read().decode())
        answer.read()
    client.close()


def growth(minutes: list[float], mib: list[float]) -> float:
    """MiB an hour, of the rounds after the first third."""
    kept = len(minutes) // 3
    return 60 * float(np.polyfit(minutes[kept:], mib[kept:], 1)[0])


def soak(folder: Path, minutes: float, only: list[str], num_searches: int) -> None:
    rounds = Rounds(folder, num_searches)
    rounds.study()
    command = [sys.executable, "-m", "kmlp", "serve", str(folder / "models"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        url = server.stdout.readline().split(" at ")[1].split()[0]
        parts: dict[str, Callable[[], None]] = {
            "study": rounds.study,
            "search": rounds.search,
            "predict": rounds.predict,
            "serve": lambda: ask(url, rounds.data),
        }
        own, its = psutil.Process(), psutil.Process(server.pid)
        began, spent, resident = time.monotonic(), [], []
        print(f"{'minute':>7} {'round':>6} {'this, MiB':>10} {'server, MiB':>12}", flush=True)
        while not spent or spent[-1] < minutes:
            rounds.number += 1
            for name in only:
                parts[name]()
            spent.append((time.monotonic() - began) / 60)
            resident.append([p.memory_info().rss / 2**20 for p in (own, its)])
            here, there = resident[-1]
            print(f"{spent[-1]:7.1f} {rounds.number:6} {here:10.0f} {there:12.0f}", flush=True)
        server.send_signal(signal.SIGTERM)
    for place, name in enumerate(("this process", "the server")):
        grown = growth(spent, [both[place] for both in resident])
        print(f"{name}: {grown:+.0f} MiB an hour")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--only", default="study,search,predict,serve")
    parser.add_argument("--new-searches", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        num_searches = 10_000 if asked.new_searches else SEARCHES
        soak(Path(folder), asked.minutes, asked.only.split(","), num_searches)


if __name__ == "__main__":
    main()
