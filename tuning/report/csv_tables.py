"""All numbers of a search as CSV, unrounded, in the metrics' own units."""

from kmlp.report.csv_tables import Rows, to_csv
from tuning.results.trials import Results

_PARTS = ("val", "train")


def csv_tables(results: Results) -> dict[str, str]:
    """File name -> content: a row a trial, a row an execution, a row a hyperparameter.

    Args:
        results: as in `results.json`.
    """
    tables = {"trials": _trials(results), "executions": _executions(results)}
    if results["importance"]:
        fields = ("name", "importance", "sd")
        tables["importance"] = [fields, *([r[f] for f in fields] for r in results["importance"])]
    return {f"{name}.csv": to_csv(rows) for name, rows in tables.items()}


def _trials(results: Results) -> Rows:
    fields = (
        "number",
        "id",
        "status",
        "score",
        "se",
        "num_weights",
        "seconds",
        "bracket",
        "round",
        "resumed_from",
        "message",
    )
    names = [p["name"] for p in results["space"]]
    yield [*fields, "epochs", "picked", "tied", *names]
    for trial in results["trials"]:
        yield [
            *(trial[f] for f in fields),
            sum(trial["epochs"] or ()),
            int(trial["number"] == results["picked"]),
            int(trial["number"] in results["ties"]),
            *(trial["values"].get(name) for name in names),
        ]


def _executions(results: Results) -> Rows:
    fields = ("seed", "score", "best_epoch", "stopped_epoch", "status", "member")
    executions = [(t["number"], e) for t in results["trials"] for e in t["executions"]]
    scores = {p: list(dict.fromkeys(m for _, e in executions for m in e[p] or {})) for p in _PARTS}
    yield ["trial", *fields, *(f"{part}_{metric}" for part in _PARTS for metric in scores[part])]
    for number, execution in executions:
        yield [
            number,
            *(execution[f] for f in fields),
            *((execution[p] or {}).get(metric) for p in _PARTS for metric in scores[p]),
        ]
