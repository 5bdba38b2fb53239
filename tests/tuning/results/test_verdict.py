"""What a search found, in sentences."""

import pytest

from tests.made_results import numbers
from tests.made_search import changed, made_search, with_follow_up
from tests.study.results.test_answer import best_of
from tests.study.results.test_verdict import BETTER
from tests.tuning.report.test_report import of_scores
from tuning.report import figures, tables
from tuning.report.trials import csv_rows, page_table, standings
from tuning.results.records.search import SearchFindings
from tuning.results.trials import export_commands
from tuning.results.verdict import _trials, verdict


def test_what_a_searchs_interval_covers_is_said(tmp_path):
    """An interval over seeds alone is read as what other rows would do, too."""
    results = with_follow_up(made_search(tmp_path, 12))
    first = results.verdict[1]
    assert first.endswith(f"{results.unit.value(results.best_trial.se)} over 3 seeds).")
    told = next(sentence for sentence in results.verdict if sentence.startswith("Expect "))
    assert told == (
        f"Expect 88.10 % accuracy of trial {results.picked} on the test set (95 % interval 88.00 "
        "to 88.20 over 10 seeds "
        "on these test rows; other rows would differ by more)."
    )
    both = {"test_ci95_seeds_and_rows": [0.87, 0.891]}
    name = f"trial {results.picked}"
    best = {"best": {"variant": name, "member": "0" * 16, "seed": 0}}
    study = numbers(best_of({**BETTER, **both, "name": name}) | best)
    (told,) = [one for one in verdict(results, study) if one.startswith("Expect ")]
    assert told.endswith("88.00 to 88.20 over 10 seeds, 87.00 to 89.10 over seeds and test rows).")


def on_test(path, mean: float, p: float, p_holm: float, low: float, both=None):
    """A regression whose picked trial, of RMSE 33, is `mean` worse than the default on the test
    set, with another trial beside it."""
    results = with_follow_up(made_search(path, 12, "regression"))
    versus = {"difference": mean, "ci95": [low, 2 * mean - low], "p": p, "p_holm": p_holm}
    versus |= {"wins": 8, "ties": 0, "losses": 2, "p_wilcoxon": p, "probability_better": None}
    versus |= {"ci95_seeds_and_rows": both, "more_seeds": None}
    fresh, test = results.fresh.to_dict(), results.test.to_dict()
    for number in (results.picked, 99):
        fresh["trials"][str(number)] = {
            **fresh["trials"][str(results.picked)],
            "versus_baseline": versus,
        }
    scores = {"rmse": {**test["rmse"], "mean": 33.0 - mean}}
    fresh["baseline"] = {"variant": "default", "score": 30.0, "se": 0.2, "versus_baseline": None}
    fresh["baseline"]["test"] = scores
    return changed(results, fresh=fresh, test={**test, "versus_baseline": versus})


def test_the_pick_beside_the_default_has_a_size_a_direction_and_both_scores(tmp_path):
    """Of an error a plus is worse: an interval alone does not say which of the two to take."""
    told = next(s for s in on_test(tmp_path, 7.63, 0.2, 0.4, -0.4).verdict if "It cannot" in s)
    assert told.startswith(
        "It cannot be told apart from the default configuration on the test set: on average "
        "worse, +7.63 in RMSE (33.00 against 25.37; 95 % interval -0.40 to +15.66 over seeds, "
        "Holm p = 0.400); it stays the pick, for nothing is chosen on the test set; the search "
    )
    apart = " ".join(on_test(tmp_path, -7.63, 0.002, 0.004, -9.0).verdict)
    assert " beats the default configuration on the test set by 7.63 in RMSE (33.00 aga" in apart
    assert "; 95 % interval 6.26 to 9.00 over seeds, Holm p = 0.004)" in apart
    same = " ".join(on_test(tmp_path, 0.0, 1.0, 1.0, -1.0).verdict)
    assert (
        "It cannot be told apart from the default configuration on the test set: +0.00 in RMSE "
        "(33.00 against 33.00; 95 % interval -1.00 to +1.00 over seeds, " in same
    )


def test_scores_that_are_plainly_worse_stand_beside_a_pick_that_is_not_told_apart(tmp_path):
    """Whoever needs probabilities would take "cannot be told apart" for them, too."""
    results = with_follow_up(made_search(tmp_path, 12))
    fresh, test = results.fresh.to_dict(), results.test.to_dict()
    own = {**test["accuracy"], "mean": 0.4, "ci95": [0.39, 0.41]}
    versus = {"difference": 0.0, "ci95": [-1.0, 1.0], "p": 1.0, "p_holm": 1.0}
    versus |= {"wins": 5, "ties": 0, "losses": 5, "p_wilcoxon": 1.0, "probability_better": None}
    versus |= {"ci95_seeds_and_rows": None, "more_seeds": None}
    test |= {"cross_entropy": own, "versus_baseline": versus}

    def told(mean: float) -> list[str]:
        other = {**own, "mean": mean, "ci95": [mean - 0.01, mean + 0.01]}
        scores = {"accuracy": test["accuracy"], "cross_entropy": other}
        base = {"variant": "default", "score": 0.9, "se": 0.1, "test": scores}
        shown = changed(
            results, fresh=fresh | {"baseline": {**base, "versus_baseline": None}}, test=test
        )
        return [s for s in shown.verdict if "none was tested" in s]

    (sentence,) = told(0.3)
    assert sentence.startswith("By other scores, of which none was tested, it is worse: cross-entr")
    assert "0.4000 against 0.3000" in sentence
    assert not told(0.395)
    assert not told(0.5)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_picks_intervals_are_in_the_direction_of_its_sentence(tmp_path, sign):
    """ "Beats by 3.75" beside "-6.03 to -1.48" tells of two things; the study's page of one."""
    words = ("is worse than", "beats")[sign < 0]

    def told(*bounds: float) -> str:
        both = sorted(sign * bound for bound in bounds)
        low = {1: 1.48, -1: -6.02}[sign]
        return " ".join(on_test(tmp_path, sign * 3.75, 0.002, 0.004, low, both).verdict)

    narrow, wide = told(0.49, 7.01), told(-0.49, 7.95)
    over_seeds = "95 % interval 1.48 to 6.02 over seeds, "
    difference = {1: "-0.49 to +7.95", -1: "-7.95 to +0.49"}[sign]  # as tables have it
    assert f" {words} the default configuration on the test set by 3.75 in RMSE (" in narrow
    assert f"{over_seeds}0.49 to 7.01 over seeds and test rows, Holm p = 0.004)" in narrow
    assert "other test rows together" not in narrow
    assert f"{over_seeds}Holm p = 0.004)" in wide
    assert (
        "from the default configuration holds for these test rows; over seeds and other test rows "
        f"together its 95 % interval, with its sign {difference} in RMSE, contains zero."
    ) in wide


def test_an_interval_of_the_pick_without_zero_beside_a_holm_p_above_5_percent_is_explained(
    tmp_path,
):
    decides = "Holm's p decides: it corrects for 2 comparisons, the interval does not."
    assert decides in " ".join(on_test(tmp_path, 7.63, 0.04, 0.08, 0.4).verdict)
    assert "Holm's p decides" not in " ".join(on_test(tmp_path, 7.63, 0.2, 0.4, -0.4).verdict)


@pytest.mark.parametrize(
    ("mean", "p_holm", "said"),
    [
        (7.63, 0.4, "the default, on the test set not told apart from the pick"),
        (7.63, 0.01, "the default, on the test set better than the pick"),
        (-7.63, 0.01, None),
    ],
)
def test_where_the_pick_is_not_shown_to_be_better_the_default_can_be_taken_too(
    tmp_path, mean, p_holm, said
):
    results = on_test(tmp_path, mean, p_holm / 2, p_holm, mean / 2)
    (of_pick, why), *default = export_commands(results, tmp_path / "a b").items()
    assert of_pick.endswith(f"/study' --variant 'trial {results.picked}'")
    assert why == "what the search picked"
    assert [what for _, what in default] == [said] * (said is not None)
    assert all(command.endswith(" --variant default") for command, _ in default)


def test_the_default_stands_below_the_pick_in_the_tests_table(tmp_path):
    results = on_test(tmp_path, 7.63, 0.2, 0.4, -0.4)
    table, picked = tables.tested(results), f"Trial {results.picked}"
    shown = [[cell.text for cell in row.cells[:3]] for row in table.rows]
    assert shown[:2] == [["RMSE ↓", picked, "33.00"], ["RMSE ↓", "Default", "25.37"]]
    assert [row.is_baseline for row in table.rows[:2]] == [False, True]
    assert table.note.startswith(f"Fresh seeds of {picked.lower()} and of the default. The test")


def test_numbers_of_trials_are_not_mixed_with_how_many_there_are():
    """ "Trials 3, 7 and 12 more" reads as the number of a trial."""
    assert _trials([3]) == "trial 3"
    assert _trials([3, 7]) == "trials 3 and 7"
    assert _trials([3, 7, 0, 8, 11, 2]) == "trials 3, 7, 0, 8 and 11, and 1 other"
    assert _trials([3, 7, 0, 8, 11, *range(20, 32)]).endswith("8 and 11, and 12 others")


def test_a_trial_that_loses_much_but_unevenly_is_open_and_named(tmp_path):
    """Beside trials that lose less and are told apart it would be taken for a mistake."""
    near = [(0.0, 0.0003, 0.0001), (0.0001, 0.0, 0.0002)]
    results = of_scores(tmp_path, (9, 9, 9), [*near, (-0.4, 0.05, -0.3)])
    assert set(results.ties) == {0, 1, 2}
    assert results.uneven_ties == (2,)
    assert standings(results)[2] == "open"
    head, *rows = csv_rows(results)
    is_open = {row[head.index("number")]: row[head.index("open")] for row in rows}
    assert is_open == {0: int(results.best != 0), 1: int(results.best != 1), 2: 1}
    ringed = {p.number: int(p.is_open) for p in figures.points(results, results.finished)}
    assert ringed == is_open
    assert "; trial 2 loses more, but too unevenly from seed to seed to tell" in results.verdict[2]
    told = of_scores(tmp_path, (9, 9, 9), [*near, (-0.02, -0.0201, -0.02)])
    assert standings(told)[2] == "worse"
    assert "unevenly" not in told.verdict[2]
    assert not figures.points(told, told.finished)[2].is_open


def test_what_ties_lose_is_looked_up_once_however_many_trials_there_are(tmp_path, monkeypatch):
    """A table of 1,000 trials that looks through all of them for each tie takes minutes."""
    finished, calls = SearchFindings.finished.fget, []
    counted = property(lambda results: calls.append(1) or finished(results))
    monkeypatch.setattr(SearchFindings, "finished", counted)

    def looks(num_trials: int) -> int:
        results = made_search(tmp_path / str(num_trials), num_trials)
        assert len(results.ties) > 2
        calls.clear()
        list(csv_rows(results)), page_table(results), results.near_best
        return len(calls)

    assert looks(20) == looks(10)
