"""What goes beyond the ordinary networks, as tables of numbers: unrounded, a row a case."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Rows = Iterable[Sequence[Any]]
_LISTS = ("repeats", "scores", "of_repeats")


def beyond(results: Mapping[str, Any]) -> dict[str, Rows]:
    """Bias and variance, folds, randomness, sweeps and looks: those that there are, by name."""
    folds = results.get("cross_validation") or {"variants": []}
    looks = results.get("looks") or {"taken": []}
    found = {
        "bias_variance": [
            {
                **{n: entry[n] for n in ("variant", "strength", "resample", "num_train")},
                **{n: entry[n] for n in ("num_samples", "num_seeds")},
                "decomposition": loss,
                **flat(entry[loss]),
                **flat((entry["versus_baseline"] or {}).get(loss, {})),
            }
            for entry in results["bias_variance"]
            for loss in ("squared_error", "cross_entropy", "zero_one")
            if loss in entry
        ],
        "folds": [
            {"variant": entry["variant"], "repeat": repeat, "fold": fold, "score": score}
            for entry in folds["variants"]
            for repeat, scores in zip(_repeats(entry), entry["scores"], strict=True)
            for fold, score in enumerate(scores)
        ],
        "folds_by_variant": [
            flat({n: x for n, x in entry.items() if n not in _LISTS}) for entry in folds["variants"]
        ],
        "randomness": [
            {"variant": entry["variant"], **flat(stream)}
            for entry in results.get("randomness", ())
            for stream in entry["streams"]
        ],
        "sweeps": [
            {"field": sweep["field"], "value": _written(value), "variant": variant}
            for sweep in results.get("sweeps", ())
            for value, variant in zip(sweep["values"], sweep["variants"], strict=True)
        ],
        "looks": [
            {"look": taken["num_seeds"], **flat(decision)}
            for taken in looks["taken"]
            for decision in taken["decisions"]
        ],
    }
    return {name: _table(rows) for name, rows in found.items() if rows}


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Intervals become two columns, nested values one each."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}_")
        elif isinstance(value, list | tuple):
            ends = ("low", "high") if len(value) == 2 else range(len(value))
            found |= {f"{prefix}{name}_{e}": x for e, x in zip(ends, value, strict=True)}
        else:
            found[prefix + name] = value
    return found


def _repeats(entry: Mapping[str, Any]) -> Sequence[int]:
    """The numbers of those that are whole; results of older versions do not say."""
    return entry.get("repeats") or range(len(entry["scores"]))


def _table(rows: Sequence[Mapping[str, Any]]) -> Rows:
    """A line of names, then the values; what a row lacks is left empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [names, *([row.get(name) for name in names] for row in rows)]


def _written(value: Any) -> Any:
    return "-".join(map(str, value)) if isinstance(value, list) else value
