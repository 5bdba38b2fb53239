"""Counts and times of requests, as Prometheus reads them."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Histogram:
    """Values counted by bounds that they do not exceed.

    Args:
        bounds: ascending.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds, self._counts, self._sum = bounds, [0] * (len(bounds) + 1), 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self, name: str, labels: str) -> Iterable[str]:
        """Cumulative, as the text format has it."""
        total = 0
        for bound, count in zip((*self._bounds, "+Inf"), self._counts, strict=True):
            total += count
            yield f'{name}_bucket{{{labels},le="{bound}"}} {total}'
        yield f"{name}_sum{{{labels}}} {self._sum:.6f}"
        yield f"{name}_count{{{labels}}} {total}"


class Metrics:
    """What has happened since the server started; only models that are served have labels."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, int]] = Counter()
        self._seconds: dict[str, Histogram] = {}
        self._batches: dict[str, Histogram] = {}

    def count(self, model: str, status: int, seconds: float) -> None:
        """A `:predict` request that was answered.

        Args:
            model: its name; empty where no such model is served.
            status: of HTTP.
            seconds: from its head to its answer.
        """
        self._requests[model, status] += 1
        self._seconds.setdefault(model, Histogram(_SECONDS)).add(seconds)

    def count_batch(self, model: str, rows: int) -> None:
        """A batch that is computed."""
        self._batches.setdefault(model, Histogram(_ROWS)).add(rows)

    def text(self, queued: Iterable[tuple[str, int, int]]) -> str:
        """All of it in Prometheus's text format.

        Args:
            queued: name, version and rows that wait, of each model that is served.
        """
        lines = [
            "# HELP kmlp_requests_total Requests for predictions, by status of HTTP.",
            "# TYPE kmlp_requests_total counter",
        ]
        for (model, status), count in sorted(self._requests.items()):
            lines.append(f'kmlp_requests_total{{{_label(model)},status="{status}"}} {count}')
        lines += _histograms(
            "kmlp_request_seconds", "From a request's head to its answer.", self._seconds
        )
        lines += _histograms("kmlp_batch_rows", "Rows that were computed at once.", self._batches)
        lines += ["# HELP kmlp_queued_rows Rows that wait.", "# TYPE kmlp_queued_rows gauge"]
        for model, version, rows in queued:
            lines.append(f'kmlp_queued_rows{{{_label(model)},version="{version}"}} {rows}')
        return "\n".join(lines) + "\n"


def _histograms(name: str, told: str, histograms: dict[str, Histogram]) -> list[str]:
    lines = [f"# HELP {name} {told}", f"# TYPE {name} histogram"]
    for model, histogram in sorted(histograms.items()):
        lines += histogram.lines(name, _label(model))
    return lines


def _label(model: str) -> str:
    escaped = model.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'model="{escaped}"'
