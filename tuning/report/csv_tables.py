"""All numbers of a search as CSV, unrounded, in the metrics' own units."""

from collections.abc import Sequence

from kmlp.report.csv_tables import Rows, to_csv
from kmlp.study.results.records.base import Record
from tuning.report import trials
from tuning.results.records.search import SearchResults

_EXECUTION = ("seed", "fold", "score", "best_epoch", "stopped_epoch", "status", "member")
_IMPORTANCE = ("name", "importance", "sd")


def csv_tables(results: SearchResults) -> dict[str, str]:
    """File name -> content: a row a trial, a row an execution, a row a hyperparameter.

    Args:
        results: of the search.
    """
    tables = {"trials": trials.csv_rows(results), "executions": _executions(results)}
    if results.importance:
        tables["importance"] = _rows(_IMPORTANCE, results.importance)
    return {f"{name}.csv": to_csv(rows) for name, rows in tables.items()}


def _executions(results: SearchResults) -> Rows:
    executions = [(t.number, e) for t in results.trials for e in t.executions]
    validated = dict.fromkeys(metric for _, e in executions for metric in e.val)
    trained = dict.fromkeys(metric for _, e in executions for metric in e.train)
    held_out = dict.fromkeys(metric for _, e in executions for metric in e.held_out)
    heads = [*(f"val_{m}" for m in validated), *(f"fold_{m}" for m in held_out)]
    heads += [f"train_{m}" for m in trained]
    yield ["trial", *_EXECUTION, *heads]
    for number, execution in executions:
        yield [
            number,
            *_values(execution, _EXECUTION),
            *(execution.val.get(metric) for metric in validated),
            *(execution.held_out.get(metric) for metric in held_out),
            *(execution.train.get(metric) for metric in trained),
        ]


def _rows(names: Sequence[str], records: Sequence[Record]) -> Rows:
    yield names
    for record in records:
        yield _values(record, names)


def _values(record: Record, names: Sequence[str]) -> list[object]:
    return [getattr(record, name) for name in names]
