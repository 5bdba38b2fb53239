"""How many one-row requests `kmlp serve` answers in a second, by wrk, and how soon one at a tenth.

    apt-get install wrk
    python benchmarks/serve.py saved_models/fashion saved_models/churn

Server and wrk share the machine. Each model is asked by as many connections as are said, as fast as
they are answered; then by one connection at an even pace. What a request costs is told in CPU time
of the server, too, which other work on the machine leaves nearly as it is.
"""

import argparse
import http.client
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [==[{body}]==]
"""


def row_of(model: dict[str, Any]) -> Any:
    """A row that a model takes: an image in two halves, a table's first words and middles."""
    if model["input"] != "table":
        height, width, *_ = model["shape"]
        return [[255 * (x < width // 2) for x in range(width)] for _ in range(height)]
    row: dict[str, Any] = {}
    for column in model["columns"]:
        if column["kind"] == "number":
            row[column["input"]] = (column["low"] + column["high"]) / 2
        elif column["kind"] == "date":
            row[column["input"]] = "2021-03-01"
        else:
            row[column["input"]] = column["words"][0]
    return row


def cpu_seconds(pid: int) -> float:
    """That a process has used so far, all its threads, on Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def by_wrk(url: str, body: str, connections: int, seconds: int) -> str:
    """wrk's own lines."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT.format(body=body))
        script.flush()
        load = [f"-c{connections}", "-t1", f"-d{seconds}s", "--latency", "-s", script.name]
        done = subprocess.run(["wrk", *load, url], capture_output=True, text=True, check=True)
    return done.stdout


def paced(url: str, body: str, rate: float, seconds: float) -> list[float]:
    """Milliseconds of each request of one connection at an even pace."""
    parts, spent = urlsplit(url), []
    client = http.client.HTTPConnection(parts.hostname or "", parts.port)
    begin = time.perf_counter()
    for i in range(int(rate * seconds)):
        time.sleep(max(0, begin + i / rate - time.perf_counter()))
        started = time.perf_counter()
        client.request("POST", parts.path, body)
        client.getresponse().read()
        spent.append(1000 * (time.perf_counter() - started))
    return spent


def measure(model: Path, goal: int, connections: list[int], seconds: int, rows: int) -> None:
    """Prints what a model's server does."""
    command = [sys.executable, "-m", "kmlp", "serve", str(model), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        url = server.stdout.readline().split(" at ")[1].split()[0]
        parts = urlsplit(url)
        client = http.client.HTTPConnection(parts.hostname or "", parts.port)
        client.request("GET", "/page/models")
        (about,) = json.loads(client.getresponse().read())["models"]
        body = json.dumps({"instances": [row_of(about)] * rows})
        predict = f"{url}/v1/models/{about['name']}:predict"
        print(f"{about['name']}: {about['num_networks']} networks, {len(body)} bytes a request")
        for count in connections:
            spent_before = cpu_seconds(server.pid)
            said = by_wrk(predict, body, count, seconds)
            cpu = cpu_seconds(server.pid) - spent_before
            (done,) = re.findall(r"(\d+) requests in", said)
            rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
            half = re.search(r"50%\s+(\S+)", said)
            bad = re.search(r"Non-2xx.*", said)
            assert rate
            assert half
            failed = f", {bad[0]}" if bad else ""
            print(
                f"  {count:4} connections {rate[1]:>9} requests/s, median {half[1]}, "
                f"{1000 * cpu / int(done):.3f} ms of CPU a request{failed}"
            )
        print(f"  load {os.getloadavg()[0]:.1f}")
        spent = paced(predict, body, goal / 10, seconds)
        deciles = statistics.quantiles(spent, n=100)
        print(
            f"  at {goal // 10} requests/s: median {statistics.median(spent):.2f} ms, "
            f"99 % within {deciles[98]:.2f} ms"
        )
        server.send_signal(signal.SIGTERM)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--goal", type=int, default=1000, help="requests/s; a tenth is paced")
    parser.add_argument("--connections", default="1,16,64")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rows", type=int, default=1, help="in a request")
    said = parser.parse_args()
    for model in said.models:
        measure(
            model, said.goal, [int(n) for n in said.connections.split(",")], said.seconds, said.rows
        )


if __name__ == "__main__":
    main()
