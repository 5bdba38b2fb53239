"""What the report adds to a search's verdict: what is missing, and what to look at again."""

from kmlp.stats.formatting import listed
from tuning.report.scales import scale_of
from tuning.results.importance import MIN_TRIALS
from tuning.results.records.search import SearchFindings
from tuning.results.trials import drawn_after_test, formatted

_EDGE = 0.03  # of a range


def remarks(results: SearchFindings) -> list[str]:
    """Sentences for under the verdict.

    Args:
        results: of the search.
    """
    return [*missing(results), *at_the_edge(results)]


def why_no_importance(results: SearchFindings) -> str:
    """Why a report shows no importances, and how many trials are missing."""
    num = len(results.concluded)
    if num < MIN_TRIALS:
        return (
            f"No importance of hyperparameters is shown: it needs {MIN_TRIALS} configurations with "
            f"a score, here are {num}. {MIN_TRIALS - num} more would do."
        )
    return "No importance of hyperparameters is shown: nothing was varied."


def missing(results: SearchFindings) -> list[str]:
    """Trials that have not ended, and those that were never begun."""
    sentences = []
    running = [str(t.number) for t in results.unfinished if t.status == "running"]
    if running:
        sentences.append(
            f"Trial{'s' * (len(running) > 1)} {listed(running)} still "
            f"{'run' if len(running) > 1 else 'runs'}, or the search was interrupted: the "
            "command that began it goes on."
        )
    begun, wanted = len(results.trials), results.settings.max_trials
    has_ended = results.followup and not drawn_after_test(results)
    if begun < wanted and not (results.settings.is_hyperband or has_ended):
        sentences.append(
            f"{begun} of {wanted} trials have begun: this is what is known so far, unless the "
            "space holds no more."
        )
    return sentences


def at_the_edge(results: SearchFindings) -> list[str]:
    """Hyperparameters that the picked trial has at an end of their range."""
    if results.picked is None:
        return []
    picked, at = results.picked_trial, []
    for parameter in results.varied:
        scale, value = scale_of(parameter), picked.values.get(parameter.name)
        if value is None or scale.ends is None:
            continue
        (low, high), place = scale.ends, scale.place(value)
        # Nothing lies below a rate of 0 or a single layer.
        at_low = place <= scale.place(low) + _EDGE and low not in (0, 1)
        if at_low or place >= scale.place(high) - _EDGE:
            at.append(f"{parameter.name} ({formatted(value)})")
    if not at:
        return []
    return [
        f"In the picked trial {listed(at)} {'lies' if len(at) == 1 else 'lie'} at the end of what "
        "was searched: a wider range may hold a better value."
    ]
