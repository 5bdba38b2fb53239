"""A search told in a chapter of someone else's report: how its settings were searched."""

from pathlib import Path

from kmlp.report.blocks import Section, Text, facts_table
from kmlp.stats.formatting import listed
from tuning.report import figures, tables
from tuning.results.folds import in_words
from tuning.results.records.search import SearchResults
from tuning.results.trials import formatted
from tuning.space.catalogue import decided_by

_HELD = ("hidden_units", "activation", "optimizer", "learning_rate", "batch_size", "max_epochs")


def search_section(run_dir: str | Path) -> Section:
    """What was searched, what it cost, what was found; nothing is trained.

    Args:
        run_dir: a run folder of `tune`.

    Raises:
        RunFolderError: no folder of a search, or it is damaged, or was changed by hand.
    """
    from tuning.search.loading import load_search

    results = load_search(run_dir).record
    found = [figures.history(results)] if results.finished else []
    best = [tables.beside(results)] if results.picked is not None else []
    return Section(
        "search",
        "How settings were searched",
        [
            Text(_what(results)),
            *map(Text, results.verdict),
            facts_table({**_space(results), **tables.budget(results)}),
            *found,
            *best,
        ],
    )


def _what(results: SearchResults) -> str:
    settings, data = results.settings, results.dataset
    base, drawn = settings.base, decided_by(p.name for p in results.varied)
    held = ", ".join(
        f"{name.replace('_', ' ')} {formatted(base[name])}"
        for name in _HELD
        if name in base and name not in drawn
    )
    fixed = f" Held fixed: {held}." if held else ""
    return (
        f"On {data.name} ({data.source}) the {settings.tuner} search drew settings of "
        f"{listed(p.name for p in results.varied)}; each trial trained {in_words(settings)} and "
        f"was judged by the mean of its {results.kind_of_score} {settings.objective.metric}."
        f"{fixed} The test set had no say."
    )


def _space(results: SearchResults) -> dict[str, str]:
    """What each hyperparameter could be."""
    return {p.name: tables.range_of(p) for p in results.varied}
