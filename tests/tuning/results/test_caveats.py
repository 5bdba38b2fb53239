"""What takes worth from a search's outcome is said beside it."""

import pytest

from kmlp.study.results.analyses.references import reference_sentences
from tests.made_results import numbers
from tests.made_search import changed, made_search, with_follow_up
from tests.study.results.test_answer import best_of, reference, trivial
from tests.study.results.test_verdict import BETTER
from tuning.results.caveats import caveats

CHANCE = "Always predicting"


@pytest.fixture
def results(tmp_path):
    """Of a search whose accuracies lie between 80 and 90 %, far above one class in ten."""
    return made_search(tmp_path, 12)


def of_every_execution(results, **fields):
    """The same trials, with other facts of each of their networks."""
    trials = [t.to_dict() for t in results.trials]
    for trial in trials:
        trial["executions"] = [{**e, **fields} for e in trial["executions"]]
    return changed(results, trials=trials)


def said(results, words):
    return [sentence for sentence in caveats(results) if words in sentence]


def test_nothing_is_said_of_a_search_with_which_nothing_is_wrong(results):
    assert caveats(changed(results, commonest_share=0.1)) == []


def test_a_pick_that_is_not_above_the_commonest_class_is_worth_nothing(results):
    """A pick by chance looks like any other: its mean, its error, its ties."""
    found = changed(results, commonest_share=0.95)
    (sentence,) = said(found, CHANCE)
    picked = found.picked_trial
    assert sentence.startswith(
        "Always predicting the commonest class is right on 95.00 % of the training rows: trial "
        f"{picked.number}, with {found.unit.with_unit(picked.score)} (standard error "
    )
    assert sentence.endswith(
        "is not shown to do better, though the rows that it is scored on here chose it and flatter "
        "it; no trial is."
    )
    assert sentence in found.verdict


def test_a_pick_of_one_answer_is_not_above_a_share_that_its_rows_lack(results):
    """The rows that validate hold more of the commonest class, and no seed answers another."""
    share = results.picked_trial.score - 0.01
    assert not said(changed(results, commonest_share=share), CHANCE)
    constant = of_every_execution(results, val={"accuracy": 0.9, "balanced_accuracy": 0.1})
    (sentence,) = said(changed(constant, commonest_share=share), CHANCE)
    assert sentence.endswith("; no trial is.")


def test_a_spread_of_nothing_shows_no_pick_above_the_constant(results):
    """Three scores may agree by luck: what trials spread by is pooled."""
    found = of_every_execution(results, val={"accuracy": 0.9})
    assert not said(changed(found, commonest_share=0.89, standard_error=0.001), CHANCE)
    assert said(changed(found, commonest_share=0.89, standard_error=0.02), CHANCE)


def test_a_mean_above_the_constant_by_less_than_its_interval_is_no_evidence(results):
    share = results.picked_trial.score - 1e-6
    assert said(changed(results, commonest_share=share), CHANCE)


def test_without_the_shares_of_classes_balanced_accuracy_tells_the_same(results):
    """Of folders of earlier releases, and where the search was on another metric."""
    blind = of_every_execution(results, val={"balanced_accuracy": 0.1})
    (sentence,) = said(blind, CHANCE)
    assert "one class has a balanced accuracy of 10.00 %: trial" in sentence
    assert not said(of_every_execution(results, val={"balanced_accuracy": 0.5}), CHANCE)
    assert not said(results, CHANCE)


def test_a_regression_is_held_to_the_mean(tmp_path):
    results = made_search(tmp_path, 5, "regression")
    (sentence,) = said(of_every_execution(results, val={"r2": -0.02}), CHANCE)
    assert sentence.startswith("Always predicting the mean has an R² of 0.0")
    assert not said(of_every_execution(results, val={"r2": 0.4}), CHANCE)


def test_networks_that_still_got_better_name_the_option_that_lets_them(results):
    most = results.finished[0].train["max_epochs"]
    (sentence,) = said(of_every_execution(results, best_epoch=most, stopped_epoch=most), "max")
    num = sum(len(t.executions) for t in results.finished)
    assert sentence == (
        f"{num} of {num} networks were still getting better when max_epochs ended their training: "
        "with a larger --max-epochs scores, and which trial is best, may change."
    )
    assert not said(of_every_execution(results, best_epoch=3, stopped_epoch=most), "max")


def test_a_pick_that_still_got_better_is_told_though_most_others_did_not(results):
    most = results.picked_trial.train["max_epochs"]
    trials = []
    for trial in results.to_dict()["trials"]:
        best = most if trial["number"] == results.picked else 1
        for execution in trial.get("executions", ()):
            execution |= {"best_epoch": best, "stopped_epoch": most}
        trials.append(trial)
    (sentence,) = said(changed(results, trials=trials), "max")
    num = len(results.picked_trial.executions)
    assert sentence.startswith(
        f"{num} of {num} networks of trial {results.picked} were still getting"
    )


def test_what_the_study_says_of_models_beside_the_networks_stands_beside_the_expectation(results):
    """Who searches asks whether the pick beats them: of each it is said, not of the best alone."""
    study = numbers(best_of(BETTER) | {"references": [reference(0.021), trivial(-0.0001, 0.4)]})
    better, apart, *_, no_use = caveats(with_follow_up(results), study)
    assert [better, apart] == reference_sentences(study)[:2]
    assert better.startswith("Boosted trees do better than the best network, dropout=0.2: test acc")
    assert apart.startswith("Not told apart from the best network, dropout=0.2: always predicting")
    assert no_use.startswith("The best network is not shown to do better than always predicting")
