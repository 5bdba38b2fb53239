"""What a search found, in sentences that follow from the numbers by rules."""

from collections.abc import Sequence

from kmlp.config.training import TrainConfig
from kmlp.stats.formatting import Unit, holm_decides, listed, p_equals, unit_of
from kmlp.study.results.caveats import on_other_rows
from kmlp.study.results.ranking import only_on_these_rows
from kmlp.study.results.records.study import StudyResults
from kmlp.study.results.records.variants import VersusBaseline
from tuning.results.caveats import caveats
from tuning.results.folds import in_words
from tuning.results.records.fresh import Fresh
from tuning.results.records.search import SearchFindings
from tuning.results.records.trials import FinishedTrial
from tuning.results.trials import drawn_after_test

_AT_MOST = 5
_DIGITS = 12
_LEVEL = "at 95 %, for all trials together"


def verdict(results: SearchFindings, study: StudyResults | None = None) -> tuple[str, ...]:
    """The sentences of `results.json`.

    Args:
        results: all but the verdict.
        study: the results of the follow-up study, if there was one.
    """
    unit, sentences = results.unit, [_counts(results)]
    if results.picked is None:
        what = "been trained to the end" if results.finished else "finished"
        return (*sentences, f"No trial has {what}: there is nothing to choose.")
    best, of_pick = results.best_trial, study if results.fresh else None
    sentences.append(
        f"Trial {best.number} has the best mean {results.kind_of_score} {unit.title}, "
        f"{with_se(unit, best.score, best.se, f' over {in_words(results.settings)}')}."
    )
    sentences.append(_ties(results))
    sentences += [_fresh(results, results.fresh)] if results.fresh else [_not_known(results)]
    sentences += _on_test(results, results.fresh, of_pick) if results.fresh else []
    sentences += caveats(results, of_pick)
    if later := drawn_after_test(results):
        sentences.append(
            f"The test set was read before {later} {'were' if ' to ' in later else 'was'} drawn."
        )
    if results.dataset.source == "sample":
        sentences.append("This is the bundled sample, not the full data set.")
    return tuple(dict.fromkeys(sentences))  # what holds of variants may hold of models beside them


def with_se(unit: Unit, score: float, se: float | None, over: str = "") -> str:
    """ "88.61 % (standard error 0.12 over 3 seeds)"."""
    return unit.with_unit(score) + (
        "" if se is None else f" (standard error {unit.value(se)}{over})"
    )


def _counts(results: SearchFindings) -> str:
    running = [t for t in results.unfinished if t.status == "running"]
    lost = [t for t in results.unfinished if t.status != "running"]
    networks = in_words(results.settings)
    text = f"{len(results.finished)} of {len(results.trials)} trials finished, {networks} each"
    if running:
        text += f"; {len(running)} are running"
    if lost:
        named = ", ".join(f"trial {t.number}: {t.message}" for t in lost[:_AT_MOST])
        more = f", and {len(lost) - _AT_MOST} more" if len(lost) > _AT_MOST else ""
        text += f"; {len(lost)} failed ({named}{more})"
    return text + "."


def _ties(results: SearchFindings) -> str:
    unit, picked, others = results.unit, results.picked, results.ties[1:]
    if results.best_trial.se is None:
        return (
            f"With one seed a trial no two can be told apart, nor luck from merit: trial {picked}, "
            "the best, is picked; --seeds 3 says more."
        )
    if not others:
        return f"Every other is told apart from it ({_LEVEL}): trial {picked} is picked."
    least = results.least_difference
    needed = f"at least {unit.value(least)} {unit.of_difference} would be needed" if least else ""
    told = f" ({needed}, {_LEVEL}{_uneven(results)})" if needed else _no_spread(results)
    named = _trials(others).capitalize() + ("," if len(others) > _AT_MOST else "")
    return f"{named} cannot be told apart from it{told}. {_pick(results)}"


def _trials(numbers: Sequence[int]) -> str:
    """ "trial 3", "trials 3 and 7", "trials 3, 7, 0, 8 and 11, and 12 others"."""
    rest = len(numbers) - _AT_MOST
    others = f", and {rest} other{'s' * (rest > 1)}" if rest > 0 else ""
    return f"trial{'s' * (len(numbers) > 1)} {listed(map(str, numbers[:_AT_MOST]))}{others}"


def _uneven(results: SearchFindings) -> str:
    """Which trials lose more than that, and why they are not told apart all the same."""
    beyond = results.uneven_ties
    if not beyond:
        return ""
    lose = "lose" if len(beyond) > 1 else "loses"
    return (
        f"; {_trials(beyond)} {lose} more, but too unevenly from {_score(results)} to "
        f"{_score(results)} to tell"
    )


def _no_spread(results: SearchFindings) -> str:
    """Why of several seeds no least difference is known."""
    if all(_lost(results, results.trial(n)) <= 0 for n in results.ties):
        return ""
    return " (the best trials differ by the same on each score, which says nothing of chance)"


def _score(results: SearchFindings) -> str:
    """What trials are compared on, one by one."""
    return "seed" if results.settings.folds is None else "fold"


def _lost(results: SearchFindings, trial: FinishedTrial) -> float:
    return results.unit.gain(results.best_trial.score - trial.score)


def _pick(results: SearchFindings) -> str:
    """Which trial is picked of those within one standard error of the best, and why."""
    unit, picked, near = results.unit, results.picked, results.near_best
    error, within = results.standard_error, "with the same score"
    if error:
        score = _score(results)
        uneven = f"whose differences vary more from {score} to {score}"
        written = f"{unit.value(error)} {unit.of_difference}"
        size_of_error = f"{written}, pooled over trials: one trial's own says little"
        if _lost(results, results.picked_trial) > error:
            own = unit.value(results.errors_of_ties[results.picked_trial.number])
            size_of_error += f"; of trial {picked}, {uneven}, {own}"
        elif any(_lost(results, t) > error for t in near):
            size_of_error += f"; more of trials {uneven}"
        of_what = "it" if picked == results.best else "the best"
        within = f"within one standard error of {of_what} ({size_of_error})"
    size, smallest = results.picked_trial.num_weights, min(t.num_weights for t in near)
    if len(near) == 1:
        return f"Trial {picked} is picked: no other lies {within}."
    if picked == results.best:
        simpler = f"no clearly simpler one lies {within}"
        return f"Trial {picked} is picked, with {size:,} weights: {simpler}."
    if size == smallest:
        return f"Trial {picked} is picked: with {size:,} weights the simplest {within}."
    return (
        f"Trial {picked}, with {size:,} weights, is picked: {within} it is the best of those that "
        f"have at most 5 % more than the fewest, {smallest:,}."
    )


def _fresh(results: SearchFindings, fresh: Fresh) -> str:
    unit, how = results.unit, f"Over {fresh.num_seeds} fresh seeds"
    if results.settings.folds:
        how = "Over folds cut anew, with fresh seeds,"
    default = ""
    base, picked = fresh.baseline, fresh.trials.get(results.picked_trial.number)
    if base and base.score is not None and picked and base.variant != picked.variant:
        most, usual = results.settings.base["max_epochs"], TrainConfig().max_epochs
        shorter = f", with at most {most} epochs as all here (kmlp run gives {usual})"
        default = f"; the default configuration has {with_se(unit, base.score, base.se)}"
        default += shorter * (most < usual)
    return (
        f"{how} trial {results.picked} has a {results.kind_of_score} "
        f"{unit.title} of {with_se(unit, fresh.score, fresh.se)}: {_luck(fresh, unit)}{default}."
    )


def _on_test(results: SearchFindings, fresh: Fresh, study: StudyResults | None) -> list[str]:
    """What the test set says of the picked trial, and of it beside the default."""
    if results.test is None:
        return []
    scores = results.test.scores[fresh.test_metric]
    metric = unit_of(fresh.test_metric, [scores.mean])
    seeds = f"{metric.interval(scores.ci95)} over {fresh.num_seeds} seeds"
    expected = (
        f"Expect {metric.with_unit(scores.mean)} {metric.title} of trial {results.test.trial} on "
        f"the test set (95 % interval {seeds}"
        f"{_other_rows(fresh, results.test.trial, study, metric)})."
    )
    versus = results.test.versus_baseline
    if versus is None:
        return [expected]
    num_trials = results.followup.num_trials if results.followup else len(results.trials)
    default = fresh.baseline.test.get(fresh.test_metric) if fresh.baseline else None
    means = f"{metric.value(scores.mean)} against {metric.value(default.mean)}" if default else ""
    of_trial = f"The difference of trial {results.test.trial} from the default configuration"
    is_narrow = only_on_these_rows(versus)
    other_rows = [on_other_rows(of_trial, versus, metric)] if is_narrow else []
    compared = [t.versus_baseline for t in fresh.trials.values() if t.versus_baseline]
    return [
        expected,
        _beside_default(versus, metric, means, num_trials),
        *_worse_otherwise(results, fresh),
        *holm_decides(compared, told=[versus]),
        *other_rows,
    ]


def _worse_otherwise(results: SearchFindings, fresh: Fresh) -> list[str]:
    """By which other scores the pick's interval lies on the worse side of the default's."""
    assert results.test is not None
    base, worse = fresh.baseline.test if fresh.baseline else {}, []
    for metric, own in results.test.scores.items():
        other = base.get(metric)
        if metric == fresh.test_metric or other is None or not (own.ci95 and other.ci95):
            continue
        unit = unit_of(metric, [own.mean])
        below, above = own.ci95[1] < other.ci95[0], own.ci95[0] > other.ci95[1]
        if below if unit.higher_is_better else above:
            worse.append(f"{unit.title} {unit.value(own.mean)} against {unit.value(other.mean)}")
    if not worse:
        return []
    return [f"By other scores, of which none was tested, it is worse: {listed(worse)}."]


def _other_rows(fresh: Fresh, picked: int, study: StudyResults | None, metric: Unit) -> str:
    """The interval that holds the test rows' own chance, too; else that it is not counted."""
    own = study.variant(fresh.trials[picked].variant) if study else None
    rows = own.test_ci95_seeds_and_rows if own else None
    if rows is None:
        return " on these test rows; other rows would differ by more"
    return f", {metric.interval(rows)} over seeds and test rows"


def _beside_default(versus: VersusBaseline, metric: Unit, means: str, num_trials: int) -> str:
    """Whether the picked trial is told apart from the default, and by how much: sizes where it is,
    differences with their sign where it is not, as a study's verdict has them.

    Args:
        versus: of the picked trial.
        metric: how its scores are written.
        means: its own and the default's, in words; empty where unknown.
        num_trials: what the search spent on it.
    """
    gain = metric.gain(round(versus.difference, _DIGITS))  # rounding is no difference
    rows = versus.ci95_seeds_and_rows
    bounds = versus.ci95
    if told := versus.is_significant:
        verb = "beats" if gain > 0 else "is worse than"
        by = f"by {metric.value(abs(gain))} {metric.of_difference}"
        said = f"It {verb} the default configuration on the test set {by}"
        bounds, rows = versus.ci95_of_size, versus.of_size(rows)
    else:
        on_average = f"{metric.on_average} {'better' if gain > 0 else 'worse'}, " * bool(gain)
        by = f"{on_average}{metric.signed(versus.difference)} {metric.of_difference}"
        said = f"It cannot be told apart from the default configuration on the test set: {by}"
    written = f"{metric.interval(bounds, signed=not told)} over seeds"
    if rows and not only_on_these_rows(versus):
        written += f", {metric.interval(rows, signed=not told)} over seeds and test rows"
    stays = "; it stays the pick, for nothing is chosen on the test set" * (gain < 0)
    spent = f"{num_trials} trial{'s' * (num_trials > 1)}"
    return (
        f"{said} ({means}{'; ' * bool(means)}95 % interval {written}, Holm p "
        f"{p_equals(versus.p_holm)}){stays}; the search spent {spent} to find it, and none on the "
        "default."
    )


def _not_known(results: SearchFindings) -> str:
    """What only fresh seeds and the test set can say."""
    known = (
        "The follow-up study is not of the picked trial, or has not ended"
        if results.followup
        else "No fresh seeds have been trained and the test set has not been read"
    )
    return (
        f"{known}: the best of many trials owes part of its score to the luck of its seeds, and "
        "how much is not known yet."
    )


def _luck(fresh: Fresh, unit: Unit) -> str:
    """What the search's score owes to its seeds, and whether that is more than chance does."""
    luck, se = unit.gain(fresh.seed_luck), fresh.seed_luck_se
    size = f"{unit.value(abs(luck))} {unit.of_difference}"
    known = "" if se is None else f" (standard error {unit.value(se)})"
    if se is not None and abs(luck) < 2 * se:
        than = "worse" if luck > 0 else "better"
        return f"{size} {than} than in the search{known}, within what chance does"
    if luck > 0:
        return f"{size} of its score in the search were luck{known}"
    return f"the search's seeds had no luck with it, by {size}{known}"
