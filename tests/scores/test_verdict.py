"""What the sentences say, and that they claim no more than the numbers."""

import numpy as np
import pytest

import kmlp
from kmlp.scores.verdict import pairs_needed
from tests.scores.made import rows


def without_seeds(table: dict[str, list]) -> dict[str, list]:
    return {name: column for name, column in table.items() if name != "seed"}


def test_says_what_is_better_equal_and_worse_in_this_order():
    said = kmlp.compare(rows(), equivalence=1.0).verdict
    assert [s.split(" by ")[0].split(" within")[0] for s in said[:3]] == [
        "good beats base",
        "same and base are equivalent",
        "bad loses to base",
    ]


def test_without_a_margin_nothing_is_called_equivalent():
    said = " ".join(kmlp.compare(rows()).verdict)
    assert "same cannot be told apart from base" in said
    assert "equivalent" not in said


def test_a_margin_is_in_points_where_scores_are_written_in_percent():
    assert kmlp.compare(rows(), equivalence=1.0).found.margin == pytest.approx(0.01)
    percent = rows()
    percent["accuracy"] = [100 * s for s in percent["accuracy"]]
    found = kmlp.compare(percent, equivalence=1.0)
    assert found.found.margin == 1.0
    assert "within 1.00 in accuracy" in found.verdict[1]


@pytest.mark.parametrize(("num", "words"), [(2, "the other method"), (3, "both other methods")])
def test_a_baseline_that_beats_all_says_how_many_these_are(num, words):
    gains = dict(list({"a": 0.0, "b": 0.1, "c": 0.2}.items())[:num])
    table = {
        "method": [name for name in gains for _ in range(8)],
        "seed": [*range(8)] * num,
        "accuracy": [0.9 - g + s / 99 + g * s / 999 for g in gains.values() for s in range(8)],
    }
    assert kmlp.compare(table, baseline="a").verdict[0] == f"a beats {words}."


def test_errors_that_fall_are_wins():
    table = rows(name="test error")
    said = kmlp.compare(table).verdict
    assert said[0].startswith("bad beats base by 0.0")
    assert any(s.startswith("good loses to base") for s in said)


def test_five_seeds_show_nothing_and_it_says_how_many_do():
    said = kmlp.compare(rows(seeds=5, methods=("base", "good"))).verdict
    assert said[0] == "No method is shown to beat base."
    assert said[1].endswith("on 5 seeds: too few to test; at least 6 are needed.")


@pytest.mark.parametrize(("num", "needed"), [(2, 6), (3, 7), (4, 7), (5, 8), (7, 8), (8, 9)])
def test_how_many_seeds_it_takes_grows_with_the_methods(num, needed):
    """As docs/scores.md lists it; folds have no least p."""
    table = {
        "method": [f"m{i}" for i in range(num) for _ in range(6)],
        "seed": [*range(6)] * num,
        "accuracy": [0.5 + i * 0.01 + s * s / 99 for i in range(num) for s in range(6)],
    }
    assert pairs_needed(kmlp.compare(table).found) == needed
    of_folds = {"fold" if name == "seed" else name: column for name, column in table.items()}
    assert pairs_needed(kmlp.compare(of_folds).found) == 6


def test_of_data_sets_the_one_with_fewest_methods_says_what_it_takes_at_least():
    many, few = (
        rows(seeds=6, datasets=("x",)),
        rows(seeds=6, datasets=("y",), methods=("base", "good")),
    )
    found = kmlp.compare({name: [*many[name], *few[name]] for name in many}).found
    good = found.datasets[1].methods[1].versus_baseline
    assert good.is_significant
    assert pairs_needed(found) == good.num_compared == 6


def test_what_seeds_leave_out_is_said_and_folds_are_other_rows():
    def said(table) -> list[str]:
        return [s for s in kmlp.compare(table).verdict if "what other rows" in s]

    assert said(rows(seeds=8))[0].endswith(
        "its own rows to score, call its column fold, beside columns num_train and num_held_out "
        "(rows that a model learnt from, and was scored on)."
    )
    assert said(without_seeds(rows(seeds=8)))[0].startswith("Intervals and p are over runs, on")
    assert not said(rows(seeds=2, folds=5))
    over = said(rows(seeds=8, datasets=("x", "y"), methods=("base", "good")))
    assert "call its column fold" not in over[0]


def with_sizes(table: dict[str, list], **held_out: int) -> dict[str, list]:
    """Rows trained on and held out of the methods named, 1,347 and so many; none of others."""
    trained = [1347 if method in held_out else None for method in table["method"]]
    return {
        "num_train": trained,
        "num_held_out": [held_out.get(method) for method in table["method"]],
        **table,
    }


@pytest.mark.parametrize(
    ("held_out", "told"),
    [
        (
            {},
            "as if the folds of a repeat divided all rows; of other splits, give the rows in "
            "columns num_train and num_held_out.",
        ),
        ({"base": 450, "good": 450, "bad": 450}, "by the 1,347 rows trained on and 450 held out."),
        ({"good": 450, "bad": 300}, "by the 1,347 rows trained on and 300 to 450 held out."),
        (
            {"good": 450},
            "by the 1,347 rows trained on and 450 held out; where these are not told, as if the "
            "folds of a repeat divided all rows; of other splits, give the rows in columns "
            "num_train and num_held_out.",
        ),
    ],
)
def test_folds_say_by_which_rows_they_are_corrected(held_out, told):
    """Who gave the sizes sees that they are used; who did not learns that they can be given."""
    table = rows(seeds=2, folds=5, methods=("base", "good", "bad"))
    (said,) = (s for s in kmlp.compare(with_sizes(table, **held_out)).verdict if "Folds share" in s)
    assert said == f"Folds share their training rows: intervals and p are corrected for it, {told}"


def test_five_folds_of_many_methods_lack_one_as_the_corrected_test_has_no_least_p():
    said = kmlp.compare(without_seeds(rows(seeds=1, folds=5))).verdict
    assert said[1].endswith("on 5 folds: too few to test; at least 6 are needed.")


@pytest.mark.long
def test_a_margin_that_cannot_be_tested_is_said():
    table = without_seeds(rows(seeds=8))
    said = "Equivalence within 1.00 points was not tested: that takes a column seed or fold."
    assert said in kmlp.compare(table, equivalence=1.0).verdict
    assert said not in kmlp.compare(rows(seeds=8), equivalence=1.0).verdict


def test_single_data_sets_are_said_to_be_corrected_one_by_one():
    def is_said(*datasets: str) -> bool:
        verdict = kmlp.compare(rows(datasets=datasets, methods=("base", "good"))).verdict
        return any(s.startswith("Each data set is corrected by itself") for s in verdict)

    assert is_said("x", "y")
    assert not is_said("x")


def test_six_seeds_cannot_tell_three_methods_and_it_says_so():
    said = kmlp.compare(rows(seeds=6)).verdict
    assert "good cannot be told apart from base: +" in said[1]
    assert said[1].endswith("; 6 seeds cannot show it, at least 7 are needed.")


def test_scores_that_are_all_equal_are_no_win():
    table = {"method": ["a"] * 8 + ["b"] * 8, "seed": [*range(8)] * 2, "accuracy": [0.5] * 16}
    said = kmlp.compare(table).verdict
    assert said[0] == "No method is shown to beat a."
    assert "b cannot be told apart from a: +0.00 points" in said[1]


def test_data_sets_come_before_what_each_shows():
    said = kmlp.compare(rows(datasets=tuple("abcdefgh"), methods=("base", "good"))).verdict
    assert said[0].startswith("Over 8 data sets good beats base: +")
    assert said[1].startswith("Within single data sets good beats base on a, b")


def test_of_single_data_sets_every_method_is_a_subject():
    """ "base is beaten by good" would read as its opposite where the baseline is called none."""
    table, better = rows(datasets=("x", "y")), {"same": ["x"], "bad": ["x", "y"]}
    shown = zip(table["method"], table["dataset"], table["accuracy"], strict=True)
    table["accuracy"] = [s + 0.1 * (d in better.get(m, ())) for m, d, s in shown]
    assert kmlp.compare(table).verdict[0] == (
        "Within single data sets bad and good beat base on x and y; so does same on x."
    )


def test_few_data_sets_show_nothing_however_many_seeds():
    said = kmlp.compare(rows(datasets=("x", "y"), methods=("base", "good"))).verdict
    assert said[0] == "Within single data sets good beats base on x and y."
    assert said[1].startswith(
        "Over 2 data sets, too few to tell (at least 6 are needed), the mean difference from base: "
        "good +"
    )


def test_of_few_data_sets_the_reason_is_said_once_for_all_methods():
    said = kmlp.compare(rows(datasets=("x", "y", "z"))).verdict
    assert said[0] == "Within single data sets good beats base on x, y and z."
    assert said[1] == "Within single data sets bad loses to base on x, y and z."
    assert said[2].startswith(
        "Over 3 data sets, too few to tell (at least 7 are needed), the mean "
    )
    assert [name for name in ("good +", "; same ", "; bad -") if name in said[2]] == [
        "good +",
        "; same ",
        "; bad -",
    ]
    assert not any("data sets" in sentence for sentence in said[3:-1])


def test_what_was_left_out_is_said():
    table = rows(seeds=8, methods=("base", "good"))
    short = {k: v[:-1] for k, v in table.items()}
    short["method"][-1:] = ["good"]
    short["seed"][-1] = 99
    said = kmlp.compare(short).verdict
    assert "Only what both have is compared: 7 of 8 scores of good." in said


def test_equal_scores_give_equal_bytes():
    one, other = (kmlp.compare(rows(seeds=20), equivalence=0.5).results for _ in range(2))
    assert one == other


@pytest.mark.long
@pytest.mark.parametrize("true", [0.0, 0.6])
def test_claims_err_no_more_often_than_they_may(true):
    """Of 120 made-up comparisons: false "beats" without a difference, false "equivalent" at the
    margin's edge. At a rate of 5 % 14 or more of 120 come once in 200 times."""
    rng, claims = np.random.default_rng(3), 0
    for _ in range(120):
        a = rng.normal(size=10)
        b = a + rng.normal(true, 1.0, 10)
        table = {"method": ["a"] * 10 + ["b"] * 10, "seed": [*range(10)] * 2, "score": [*a, *b]}
        found = kmlp.compare(table, equivalence=0.6).found.datasets[0].methods[1].versus_baseline
        claims += found.is_equivalent if true else found.is_significant
    assert claims < 14


def test_what_is_not_compared_is_said_of_the_baseline_and_of_unpaired_scores_too():
    table = rows(methods=("base", "good"))
    few = {
        key: [v for i, v in enumerate(column) if i not in (1, 3)] for key, column in table.items()
    }
    assert "Only what both have is compared: 8 of 10 scores of base beside good." in (
        kmlp.compare(few).verdict
    )
    loose = {
        "method": [*"aabb", *"bb"],
        "dataset": [*"xxxx", *"yy"],
        "accuracy": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
    }
    said = kmlp.compare(loose).verdict
    assert "Only what both have is compared: 0 of 2 scores of b on y." in said
    assert any(sentence.startswith("Over 1 data set, too few") for sentence in said)


def test_where_the_baseline_is_the_best_its_wins_on_each_data_set_are_said():
    """Who names his own method so would read "no method beats it" alone as "nothing is shown"."""
    said = kmlp.compare(rows(datasets=("x", "y"), methods=("good", "bad"))).verdict
    assert "On no single data set is a method shown to beat good." in said
    assert "Within single data sets bad loses to good on x and y." in said


@pytest.mark.parametrize(("seeds", "is_few"), [(6, True), (7, False)])
def test_seeds_that_can_show_nothing_on_any_data_set_are_no_sign_that_nothing_helps(seeds, is_few):
    """Of two methods beside the baseline p is 2 * 2^(1 - n) at least."""
    noisy = rows(seeds=seeds, datasets=("x", "y", "z"), methods=("base", "same", "bad"))
    (said,) = [s for s in kmlp.compare(noisy).verdict if s.startswith("On no single data set")]
    assert said.endswith(": 6 seeds cannot show it, at least 7 are needed.") == is_few


def test_folds_need_no_more_than_six_however_many_methods():
    said = " ".join(kmlp.compare(rows(seeds=1, folds=5)).verdict)
    assert "on 5 folds: too few to test; at least 6 are needed." in said


def test_no_regularization_is_called_so_in_every_sentence():
    """A study's baseline, as its own verdict calls it; never a denial at a sentence's beginning."""
    found = kmlp.compare(rows(methods=("base", "good", "same")), baseline="base")
    said = " ".join(found.calling_baseline("no regularization").verdict)
    assert "good beats no regularization by" in said
    assert "same cannot be told apart from no regularization" in said
    assert "base" not in said.replace("baseline", "")
    worse = kmlp.compare(rows(methods=("good", "base")), baseline="good")
    assert (
        worse.calling_baseline("no regularization")
        .verdict[0]
        .startswith("The baseline, no regularization, beats the other method.")
    )


def test_an_interval_without_zero_beside_a_holm_p_above_5_percent_is_explained_once():
    """Each reads as a contradiction alone: the interval is one comparison's, p is of them all."""
    gains = {"base": 0.0, "a": 0.02, "b": 0.02, "c": 0.0}
    noise = np.random.default_rng(3).normal(scale=0.01, size=8)
    table = {
        "method": [name for name in gains for _ in noise],
        "fold": [*range(8)] * len(gains),
        "accuracy": [0.8 + g * (1 + 40 * n) for g in gains.values() for n in noise],
    }
    said = kmlp.compare(table).verdict
    decides = (
        "Where an interval leaves out 0 and nothing is told apart, Holm's p decides: it corrects "
        "for 3 comparisons, the interval does not."
    )
    assert said[1].startswith("a cannot be told apart from base: ")
    assert said.count(decides) == 1
    alone = {key: column[:16] for key, column in table.items()}
    assert "Holm's p decides" not in " ".join(kmlp.compare(alone).verdict)


def test_an_interval_without_zero_beside_an_exact_p_above_5_percent_is_explained():
    """A t interval ends before 0 where the signs of a few differences can do no more."""
    lost = (-0.56, 0, -0.37, 0.19, 0, -0.37, -0.56, -0.19)
    table = {
        "method": ["ours"] * 8 + ["forest"] * 8,
        "seed": [*range(8)] * 2,
        "accuracy": [0.97] * 8 + [0.97 + points / 100 for points in lost],
    }
    said = kmlp.compare(table, baseline="ours").verdict
    assert "cannot be told apart" in said[1]
    assert any("Holm's p decides: it takes no distribution for granted" in s for s in said)
