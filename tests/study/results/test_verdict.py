"""A verdict says what the numbers say, with their uncertainty, and what limits them."""

import pytest

from kmlp.stats.formatting import unit_of
from kmlp.study.results import verdict as sentences_of
from kmlp.study.results.caveats import decisive_caveats
from kmlp.study.results.ranking import best_variant, rank, shown_beside
from kmlp.study.results.records.base import label
from tests.made_results import numbers, variant_of

ACCURACY = unit_of("accuracy")


def verdict(results: dict) -> list[str]:
    return sentences_of.verdict(numbers(results))


def is_significant(entry: dict) -> bool:
    return variant_of(entry).is_significant


def label_of(entry: dict) -> str:
    return label(entry["name"], entry["strength"])


def summary(mean: float, ci95=(0.0, 0.0)) -> dict:
    return {"accuracy": {"mean": mean, "ci95": list(ci95) if ci95 else None}}


def variant(name: str, test: float, *, strength: str | None = None, val=None, **values) -> dict:
    """A variant's entry in `results.json`, as far as verdicts look at it."""
    return {
        "name": name,
        "strength": f"{name}=0.2" if strength is None else strength,
        "config": {"model": {}, "train": {"max_epochs": 100}},
        "num_members": 10,
        "num_diverged": 0,
        "test": summary(test, (test - 0.002, test + 0.002)),
        "val": summary(test if val is None else val),
        "train": summary(0.99),
        "test_ci95_seeds_and_rows": [test - 0.007, test + 0.007],
        "versus_baseline": None,
        "versus_best": None,
        "tied_with_best": True,
        **values,
    }


def versus(
    difference: float,
    *,
    p_holm: float,
    wins: int,
    ties: int = 0,
    losses: int = 0,
    more_seeds: int | None = None,
) -> dict:
    return {
        "difference": difference,
        "ci95": [difference - 0.0008, difference + 0.0008],
        "p": p_holm / 2,
        "p_holm": p_holm,
        "wins": wins,
        "ties": ties,
        "losses": losses,
        "ci95_seeds_and_rows": [difference - 0.001, difference + 0.001],
        "more_seeds": more_seeds,
    }


def results(*variants: dict, members=(), source: str = "full") -> dict:
    return {
        "dataset": {
            "task": "multiclass",
            "class_names": ["a", "b", "c"],
            "source": source,
            "num_train": 4167,
            "num_val": 833,
            "num_test": 1000,
        },
        "metric": {"name": "accuracy", "higher_is_better": True},
        "class_shares": [0.3, 0.3, 0.4],
        "baseline": "none",
        "variants": [variant("none", 0.88, strength=""), *variants],
        "members": list(members),
    }


BETTER = variant("dropout", 0.8861, versus_baseline=versus(0.0061, p_holm=0.006, wins=10))
WORSE = variant("l2", 0.8739, versus_baseline=versus(-0.0061, p_holm=0.0004, wins=1, losses=9))
SAME = variant("l1", 0.8799, versus_baseline=versus(-0.0001, p_holm=0.4, wins=4, ties=1, losses=5))


def comparison(entry: dict, make=results) -> str:
    """The verdict's sentence on how a variant compares with the baseline."""
    sentences = [s for s in verdict(make(entry)) if s.startswith(f"{label_of(entry)} ")]
    return next(s for s in sentences if "has the best" not in s)


def test_a_variant_that_is_better_beats_the_baseline():
    assert comparison(BETTER) == (
        "dropout=0.2 beats no regularization by 0.61 points (95 % interval 0.53 to 0.69, Holm p = "
        "0.006, "
        "10 of 10 seeds)."
    )


def test_a_variant_that_is_worse_loses_to_the_baseline():
    assert comparison(WORSE) == (
        "l2=0.2 loses to no regularization by 0.61 points (95 % interval 0.53 to 0.69, Holm p < "
        "0.001, "
        "worse on 9 of 10 seeds)."
    )


def test_a_variant_that_is_neither_cannot_be_told_apart():
    assert comparison(SAME) == (
        "l1=0.2 cannot be told apart from no regularization: -0.01 points (95 % interval -0.09 to "
        "+0.07, "
        "Holm p = 0.400, better on 4 of 10 seeds, 1 tied); a difference as small as this would "
        "take more than 500 seeds to show."
    )


def test_five_percent_is_not_below_five_percent():
    at = variant("a", 0.9, versus_baseline=versus(0.1, p_holm=0.05, wins=10))
    below = variant("a", 0.9, versus_baseline=versus(0.1, p_holm=0.0499, wins=10))
    assert (is_significant(at), is_significant(below)) == (False, True)


def test_the_corrected_p_decides_not_the_plain_one():
    one = variant("a", 0.9, versus_baseline={**versus(0.1, p_holm=0.2, wins=10), "p": 0.001})
    assert not is_significant(one)
    assert "cannot be told apart" in comparison(one)


@pytest.mark.parametrize(("pairs", "seeds"), [(1, "1 seed"), (2, "2 seeds"), (5, "5 seeds")])
def test_fewer_than_six_seeds_are_never_significant(pairs, seeds):
    few = variant("dropout", 0.9, versus_baseline=versus(0.02, p_holm=0.0, wins=pairs))
    assert not is_significant(few)
    assert comparison(few) == (
        f"dropout=0.2 differs from no regularization by +2.00 points on {seeds}: too few to test; "
        "with fewer than 6 no difference can reach p < 0.05."
    )


def test_six_seeds_can_be_significant_whatever_they_are_made_of():
    six = versus(0.02, p_holm=0.03, wins=4, ties=1, losses=1)
    assert is_significant(variant("dropout", 0.9, versus_baseline=six))


def test_one_pair_without_an_interval_is_said():
    alone = {**versus(-0.02, p_holm=1.0, wins=0, losses=1), "ci95": None}
    sentence = comparison(variant("l2", 0.86, versus_baseline=alone))
    assert sentence.startswith(
        "l2=0.2 differs from no regularization by -2.00 points on 1 seed: too few"
    )


def test_a_verdict_starts_with_the_best_then_what_helps_what_is_open_and_what_hurts():
    sentences = verdict(results(WORSE, SAME, BETTER))
    assert sentences == [
        "dropout=0.2 has the best mean validation accuracy; expect 88.61 % on the test set "
        "(95 % interval 88.41 to 88.81 over 10 seeds, 87.91 to 89.31 over seeds and test rows).",
        comparison(BETTER),
        comparison(SAME),
        comparison(WORSE),
    ]


def test_the_best_is_chosen_on_validation_and_expected_by_its_own_test_mean():
    lucky = variant("l2", 0.95, val=0.80)
    assert verdict(results(lucky, variant("l1", 0.85, val=0.90)))[0].startswith(
        "l1=0.2 has the best mean validation accuracy; expect 85.00 % on the test set"
    )


def test_without_validation_rows_the_training_accuracy_decides():
    shown = results(BETTER)
    for v in shown["variants"]:
        v["val"] = {}
    shown["variants"][0]["train"] = summary(0.999)
    assert verdict(shown)[0].startswith(
        "The baseline, no regularization, has the best mean training accuracy; expect 88.00 %"
    )


def test_one_seed_has_no_interval():
    shown = results()
    shown["variants"][0] |= {"num_members": 1, "test": summary(0.88, None)}
    assert verdict(shown) == [
        "The baseline, no regularization, has the best mean validation accuracy; expect 88.00 % on "
        "the test set "
        "(one seed: no interval)."
    ]


def test_diverged_members_are_named_by_variant_seed_and_epoch():
    members = [
        {
            "variant": name,
            "seed": seed,
            "status": status,
            "best_epoch": max(1, epoch - 1),
            "stopped_epoch": epoch,
        }
        for name, seed, status, epoch in (
            ("none", 1, "done", 9),
            ("none", 4, "diverged", 2),
            ("l2", 0, "diverged", 3),
            ("l2", 1, "done", 9),
            ("l2", 7, "diverged", 1),
        )
    ]
    l2 = variant("l2", 0.9, num_diverged=2, versus_baseline=BETTER["versus_baseline"])
    sentences = verdict(results(l2, members=members))
    assert sentences[2:] == [
        "l2=0.2 diverged (a loss was not finite) with seed 0 (epoch 3), 7 (epoch 1): "
        "kept out of every mean."
    ]


@pytest.mark.parametrize(
    ("num_improving", "best", "stopped", "is_said"),
    [
        (1, 100, 100, False),
        (2, 100, 100, True),
        (2, 96, 100, True),
        (2, 95, 100, False),
        (2, 60, 60, False),
    ],
)
def test_training_that_ended_too_early_is_said(num_improving, best, stopped, is_said):
    """From a quarter of the networks on, at their best in the last twentieth of all epochs."""
    members = [
        {
            "status": "done",
            "best_epoch": best if i < num_improving else 5,
            "stopped_epoch": stopped if i < num_improving else 10,
        }
        for i in range(8)
    ]
    sentences = verdict(results(members=members))
    said = [s for s in sentences if s.startswith("2 of 8 networks were still getting better")]
    assert bool(said) == is_said


def test_the_last_of_equal_best_epochs_is_no_sign_of_an_early_end():
    member = {"status": "done", "best_epoch": 100, "stopped_epoch": 100}
    for keeps, is_said in ((False, True), (True, False)):
        shown = results(members=[member] * 8)
        shown["variants"][0]["config"]["train"]["keep_last_best"] = keeps
        assert any("still getting better" in s for s in verdict(shown)) == is_said


def test_a_variant_without_a_finished_member_is_ranked_nowhere():
    nothing = {"num_members": 0, "test": {}, "val": {}, "train": {}}
    gone = variant("l2", 0.0, num_diverged=1) | nothing
    members = [{"variant": "l2", "seed": 3, "status": "diverged", "stopped_epoch": 2}]
    sentences = verdict(results(gone, members=members))
    assert len(sentences) == 2
    assert sentences[0].startswith("The baseline, no regularization, has the best")
    assert sentences[1].startswith("l2=0.2 diverged (a loss was not finite) with seed 3 (epoch 2):")


def test_where_no_member_finished_nothing_is_said():
    shown = results()
    shown["variants"][0] |= {"num_members": 0, "test": {}, "val": {}, "train": {}}
    assert verdict(shown) == ["No network finished: nothing can be said."]


def test_the_bundled_sample_is_named_as_such():
    assert verdict(results(source="sample"))[-1] == (
        "This is the bundled sample, of which 4,167 rows train, 833 validate and 1,000 test, not "
        "the full set: expect other numbers there."
    )
    assert not any("sample" in sentence for sentence in verdict(results(source="full")))


def test_equal_on_validation_the_first_is_best_whatever_the_test_set_says():
    tied = [variant("l1", 0.85, val=0.90), variant("l2", 0.95, val=0.90)]
    assert best_variant([*map(variant_of, tied)], ACCURACY).name == "l1"
    assert verdict(results(*tied))[0].startswith("l1=0.2 has the best mean validation accuracy")


def in_rmse(entry: dict) -> dict:
    """The same entry as if its scores were errors in the target's unit, a hundred times larger."""
    parts = {}
    for part in ("test", "val", "train"):
        scores = entry[part]["accuracy"]
        interval = scores["ci95"] and [100 * bound for bound in scores["ci95"]]
        parts[part] = {"rmse": {"mean": 100 * scores["mean"], "ci95": interval}}
    against = entry["versus_baseline"]
    if against:
        parts["versus_baseline"] = {
            **against,
            "difference": 100 * against["difference"],
            "ci95": [100 * bound for bound in against["ci95"]],
        }
        interval = [100 * bound for bound in against["ci95_seeds_and_rows"]]
        parts["versus_baseline"]["ci95_seeds_and_rows"] = interval
    parts["test_ci95_seeds_and_rows"] = [100 * b for b in entry["test_ci95_seeds_and_rows"]]
    return {**entry, **parts}


def regression(*variants: dict) -> dict:
    shown = results(*variants)
    return {
        **shown,
        "dataset": {**shown["dataset"], "task": "regression", "class_names": []},
        "metric": {"name": "rmse", "higher_is_better": False},
        "class_shares": [],
        "variants": [in_rmse(v) for v in shown["variants"]],
    }


LESS = variant("dropout", 0.5, versus_baseline=versus(-0.0061, p_holm=0.006, wins=10))
MORE = variant("l2", 0.6, versus_baseline=versus(0.0061, p_holm=0.0004, wins=1, losses=9))


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (
            LESS,
            "dropout=0.2 beats no regularization by 0.61 in RMSE (95 % interval 0.53 to 0.69, Holm "
            "p = 0.006, "
            "10 of 10 seeds).",
        ),
        (
            MORE,
            "l2=0.2 loses to no regularization by 0.61 in RMSE (95 % interval 0.53 to 0.69, Holm p "
            "< 0.001, "
            "worse on 9 of 10 seeds).",
        ),
        (
            SAME,
            "l1=0.2 cannot be told apart from no regularization: -0.01 in RMSE (95 % interval "
            "-0.09 to +0.07, "
            "Holm p = 0.400, better on 4 of 10 seeds, 1 tied); a difference as small as this would "
            "take more than 500 seeds to show.",
        ),
    ],
)
def test_of_an_error_less_is_better(entry, sentence):
    assert comparison(entry, regression) == sentence


def test_a_regressions_verdict_starts_with_the_least_error():
    sentences = verdict(regression(MORE, LESS))
    assert sentences[0] == (
        "dropout=0.2 has the best mean validation RMSE; expect 50.00 on the test set "
        "(95 % interval 49.80 to 50.20 over 10 seeds, 49.30 to 50.70 over seeds and test rows)."
    )
    assert [s.split()[0] for s in sentences[1:]] == ["dropout=0.2", "l2=0.2"]
    assert "beats" in sentences[1]
    assert "loses to" in sentences[2]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (
            {"pilot": {"num_seeds": 3, "first_seed": 10**6, "strengths": []}},
            "The baseline, no regularization, has no strength that could have been chosen: what a "
            "variant gains "
            "holds for one that was tuned that much.",
        ),
        (
            {"searched": 20},
            "The baseline, the default configuration, was not tuned, and the others are of a "
            "search of 20 trials: what one gains holds for one that was tuned that much.",
        ),
    ],
)
def test_that_the_baseline_was_not_tuned_stands_beside_the_answer(how, said):
    """A tuned network beside one that nobody tuned gains from the tuning, too."""
    shown = results(BETTER) | how
    assert decisive_caveats(numbers(shown)) == [said]
    assert said in verdict(shown)
    assert decisive_caveats(numbers({**shown, "variants": shown["variants"][:1]})) == []


def test_an_accuracy_that_one_class_flatters_is_said():
    shown = results()
    shown["class_shares"] = [0.3, 0.19, 0.51]
    assert shown_beside(numbers(shown)) == ("balanced_accuracy",)
    assert verdict(shown)[-1] == (
        "Class c holds 51 % of the test rows: read the balanced accuracy too, which counts every "
        "class alike."
    )
    shown["class_shares"] = [0.3, 0.2, 0.5]  # half of three is one and a half times a third
    assert shown_beside(numbers(shown)) == ()
    assert len(verdict(shown)) == 1


def test_an_accuracy_that_is_little_but_one_classs_share_stands_beside_the_answer():
    shown = results()
    shown["class_shares"] = [0.03, 0.95, 0.02]
    (said,) = decisive_caveats(numbers(shown))
    assert said == verdict(shown)[-1]
    assert said.startswith("Accuracy misleads here: who always answers b is right on 95 % of")
    assert "kmlp rescore RUN --metric balanced_accuracy, or --metric average_precision" in said
    shown["metric"] = {"name": "balanced_accuracy", "higher_is_better": True}
    assert decisive_caveats(numbers(shown)) == []


def test_a_class_without_test_rows_is_said():
    shown = results()
    shown["class_shares"] = [0.5, 0.5, 0.0]
    assert "No test row is of class c: no score here says anything of it." in verdict(shown)


def test_beside_an_error_stands_its_share_of_the_variance():
    assert shown_beside(numbers(regression())) == ("r2",)


def test_rank_is_by_mean_test_accuracy_of_what_finished():
    unfinished = variant("l1_l2", 0.99, num_members=0)
    ranked = rank(numbers(results(WORSE, unfinished, SAME, BETTER)))
    assert [v.name for v in ranked] == ["dropout", "none", "l1", "l2"]


@pytest.mark.parametrize(
    ("name", "strength", "expected"),
    [
        ("none", "", "none"),
        ("dropout", "dropout=0.2", "dropout=0.2"),
        ("dropout=0.5", "dropout=0.5", "dropout=0.5"),
        ("dropout_l2", "dropout=0.2, l2=0.0005", "dropout_l2"),
        ("no_early_stopping", "early_stopping=False", "no_early_stopping (early_stopping=False)"),
        ("wide", "hidden_units=[512, 256]", "wide (hidden_units=[512, 256])"),
        (
            "gradient_noise",
            "gradient_noise=0.01, gradient_noise_decay=0.55",
            "gradient_noise",
        ),
        (
            "gradient_noise=0.1",
            "gradient_noise=0.1, gradient_noise_decay=0.55",
            "gradient_noise=0.1",
        ),
        # A search's trial: what it sets stands in the tables, once.
        ("trial 3", "dropout=0.5, l2=0.0003, label_smoothing=0.05", "trial 3"),
        # Another strength than its name begins with.
        ("l2=0.1", "l2=0.15", "l2=0.1 (l2=0.15)"),
    ],
)
def test_a_label_says_name_and_strength_once(name, strength, expected):
    assert label(name, strength) == expected


def many(number: int, difference: float, **comparison) -> list[dict]:
    """Variants a, b, c, ..., each a hundredth of a point less than the one before."""
    return [
        variant(
            name,
            0.88 + difference - i / 10_000,
            versus_baseline=versus(difference - i / 10_000, **comparison),
        )
        for i, name in enumerate("abcdefghijklm"[:number])
    ]


def test_many_that_help_are_one_sentence_the_first_three_in_full():
    assert verdict(results(*many(5, 0.006, p_holm=0.012, wins=10)))[1:] == [
        "a=0.2 beats no regularization by 0.60 points (95 % interval 0.52 to 0.68, Holm p = 0.012, "
        "10 of 10 seeds); so do b=0.2, by 0.59 points (95 % interval 0.51 to 0.67, Holm p = 0.012, "
        "10 of 10 seeds), c=0.2, by 0.58 points (95 % interval 0.50 to 0.66, Holm p = 0.012, "
        "10 of 10 seeds), and d=0.2 and e=0.2, by 0.56 to 0.57 points (95 % intervals within "
        "0.48 to 0.65, Holm p at most 0.012)."
    ]


def test_two_that_help_are_not_read_as_one_that_beats_the_other():
    assert verdict(results(*many(2, 0.006, p_holm=0.012, wins=10)))[1] == (
        "a=0.2 beats no regularization by 0.60 points (95 % interval 0.52 to 0.68, Holm p = 0.012, "
        "10 of 10 seeds); so does b=0.2, by 0.59 points (95 % interval 0.51 to 0.67, "
        "Holm p = 0.012, 10 of 10 seeds)."
    )


def test_another_baseline_keeps_its_name():
    """It says what it is; `none` with a regularizer in the network says neither."""
    shown = results(BETTER, WORSE)
    shown["variants"][0]["config"] = {"model": {"l2": 0.1}, "train": {"max_epochs": 100}}
    assert verdict(shown)[1].startswith("dropout=0.2 beats none by 0.61 points")


def test_where_all_are_open_for_certain_p_is_one():
    variants = many(2, 0.0001, p_holm=1.0, wins=5, losses=5)
    variants[1]["versus_baseline"]["difference"] = -0.0000003
    sentence = verdict(results(*variants))[2]
    assert "(differences 0.00 to +0.01 points, Holm p = 1, 10 seeds)" in sentence


def test_differences_that_are_rounding_alone_are_none():
    variants = many(2, 0.0, p_holm=1.0, wins=5, losses=5)
    variants[1]["versus_baseline"]["difference"] = 1e-17
    assert "(differences 0.00 points, Holm p = 1" in verdict(results(*variants))[2]


def test_many_that_hurt_are_one_sentence_too_the_worst_first():
    sentence = verdict(results(*many(4, -0.006, p_holm=0.0001, wins=0, losses=10)))[-1]
    assert sentence.startswith(
        "d=0.2 loses to no regularization by 0.63 points (95 % interval 0.55 to 0.71,"
    )
    assert sentence.endswith(
        ", and a=0.2, by 0.60 points (95 % intervals within 0.52 to 0.68, Holm p < 0.001)."
    )


def test_where_nothing_helps_that_is_the_second_sentence():
    assert (
        verdict(results(WORSE, SAME))[1]
        == "No variant is shown to beat the baseline, no regularization."
    )


@pytest.mark.parametrize(
    ("more_seeds", "sentence"),
    [
        (
            34,
            "about 34 more seeds would show a true difference of this size with 80 % power.",
        ),
        (None, "a difference as small as this would take more than 500 seeds to show."),
    ],
)
def test_one_that_is_open_says_how_many_seeds_would_settle_it(more_seeds, sentence):
    comparison = versus(0.001, p_holm=0.2, wins=7, losses=3, more_seeds=more_seeds)
    assert verdict(results(variant("l1", 0.881, versus_baseline=comparison)))[1] == (
        "l1=0.2 cannot be told apart from no regularization: +0.10 points (95 % interval +0.02 to "
        f"+0.18, Holm p = 0.200, better on 7 of 10 seeds); {sentence}"
    )


def open_variants(*more_seeds: int | None) -> list[dict]:
    variants = many(len(more_seeds), 0.001, p_holm=0.2, wins=6, losses=4)
    for entry, more in zip(variants, more_seeds, strict=True):
        entry["versus_baseline"]["more_seeds"] = more
    return variants


@pytest.mark.parametrize(
    ("more_seeds", "settled"),
    [
        (
            (12, 40, 25),
            "from 12 more seeds (a=0.2) to 40 more (b=0.2) would show true differences of these "
            "sizes with 80 % power.",
        ),
        (
            (None, 40, None),
            "about 40 more seeds would show a true difference like that of b=0.2 with 80 % power; "
            "the other 2 would take more than 500 in all.",
        ),
        (
            (12, 40, None),
            "from 12 more seeds (a=0.2) to 40 more (b=0.2) would show true differences of these "
            "sizes with 80 % power; c=0.2 would take more than 500 in all.",
        ),
        (
            (9, 9, 9),
            "about 9 more seeds would show true differences of these sizes with 80 % power.",
        ),
        (
            (None, None, None),
            "differences as small as these would take more than 500 seeds to show.",
        ),
    ],
)
def test_several_that_are_open_are_one_sentence(more_seeds, settled):
    assert verdict(results(*open_variants(*more_seeds)))[1:3] == [
        "No variant is shown to beat the baseline, no regularization.",
        "a=0.2, b=0.2 and c=0.2 cannot be told apart from no regularization (differences +0.08 to "
        "+0.10 "
        f"points, Holm p at least 0.200, 10 seeds); {settled}",
    ]


def test_thirteen_that_are_open_are_counted_not_listed():
    sentence = verdict(results(*open_variants(*[None] * 13)))[2]
    assert sentence.startswith(
        "The 13 variants cannot be told apart from no regularization (differences -0.02"
    )
    sentence = verdict(results(BETTER, *open_variants(*[None] * 12)))[2]
    assert sentence.startswith(
        "12 of 13 variants cannot be told apart from no regularization (differences "
    )


def test_seeds_too_few_for_so_many_comparisons_are_said():
    """Seven comparisons: the smallest p of six seeds is 2 / 64, times 7 is 0.22."""
    variants = many(7, 0.001, p_holm=0.22, wins=6, more_seeds=3)
    sentence = verdict(results(*variants))[2]
    assert (
        ": 6 seeds cannot show any among 7 comparisons, at least 9 are needed; about 3" in sentence
    )


def test_several_with_too_few_seeds_are_one_sentence():
    variants = many(3, 0.001, p_holm=1.0, wins=2)
    variants[1]["versus_baseline"]["losses"] = 1
    assert verdict(results(*variants))[1:2] == [
        "a=0.2, b=0.2 and c=0.2 differ from no regularization, c=0.2 by +0.08 to a=0.2 by +0.10 "
        "points, "
        "on 2 to 3 seeds: too few to test; with fewer than 7 no difference can reach p < 0.05 "
        "after correction."
    ]


def against_best(name: str, difference: float, **comparison) -> dict:
    found = versus(difference, **comparison)
    tied = found["p_holm"] >= 0.05
    return variant(name, 0.8861 + difference, val=0.1, versus_best=found, tied_with_best=tied)


def shown_with_best(*others: dict) -> list[str]:
    others = [o | {"versus_baseline": BETTER["versus_baseline"]} for o in others]
    return verdict(results(BETTER, *others))


@pytest.mark.parametrize(("p_holm", "number"), [(0.06, 1), (0.2, 0), (0.04, 0)])
def test_an_interval_without_zero_beside_a_holm_p_above_5_percent_is_explained(p_holm, number):
    """Where p itself, half of that here, is below 5 %, and only its correction lifts it above."""
    said = verdict(results(*many(3, 0.001, p_holm=p_holm, wins=8, losses=2)))
    decides = [s for s in said if "Holm's p decides: it corrects for 3 comparisons" in s]
    assert len(decides) == number


def test_how_many_seeds_show_a_difference_is_not_said_of_none():
    same = variant("l2", 0.88, versus_baseline=versus(0.0, p_holm=1.0, wins=0, ties=10))
    near = variant("l1", 0.881, versus_baseline=versus(0.001, p_holm=0.3, wins=7, more_seeds=8))
    assert verdict(results(same))[-1].endswith("; no number of seeds shows a difference of 0.")
    told = next(s for s in verdict(results(same, near)) if "more seeds would show" in s)
    assert told.endswith("like that of l1=0.2 with 80 % power.")


def test_what_is_open_beside_the_best_is_said_with_it():
    tied = against_best("l1", -0.001, p_holm=0.3, wins=3, losses=7)
    apart = against_best("l2", -0.004, p_holm=0.01, wins=0, losses=10)
    assert shown_with_best(tied, apart)[0].endswith(
        "over seeds and test rows); l1=0.2 cannot be told apart from it."
    )
    assert shown_with_best(apart)[0].endswith(
        "test rows); every other variant is told apart from it."
    )


def test_a_variant_that_has_no_common_seed_with_the_best_is_not_told_apart_from_it():
    apart = against_best("l2", -0.004, p_holm=0.01, wins=0, losses=10)
    alone = against_best("l1", -0.001, p_holm=1.0, wins=5, losses=5) | {"versus_best": None}
    assert shown_with_best(alone, apart)[0].endswith("; l1=0.2 cannot be told apart from it.")
    diverged = alone | {"tied_with_best": False}
    told = shown_with_best(diverged, apart)[0]
    assert told.endswith("; every other scored variant is told apart from it.")


def test_a_best_variant_that_is_tied_with_the_baseline_alone_says_so():
    best = BETTER | {"versus_baseline": versus(0.001, p_holm=0.9, wins=5, losses=5)}
    worse = against_best("l2", -0.02, p_holm=0.01, wins=0, losses=10)
    worse |= {"versus_baseline": versus(-0.02, p_holm=0.01, wins=0, losses=10)}
    first = verdict(results(best, worse))[0]
    assert first.endswith("every other variant but the baseline is told apart from it.")


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("a", "a=0.2 and the baseline"),
        ("ab", "a=0.2, b=0.2 and the baseline"),
        ("abcdef", "the 6 other variants and the baseline"),
    ],
)
def test_a_baseline_that_is_tied_with_the_best_is_said_with_the_others(names, told):
    """Tables mark it so: a sentence without it would tell another list."""
    open_ = {"versus_baseline": versus(0.001, p_holm=0.9, wins=5, losses=5)}
    others = [against_best(n, -0.001, p_holm=0.3, wins=3, losses=7) | open_ for n in names]
    first = verdict(results(BETTER | open_, *others))[0]
    assert first.endswith(f"test rows); {told} cannot be told apart from it.")


def test_many_ties_with_the_best_are_counted():
    tied = [against_best(n, -0.001, p_holm=0.3, wins=3, losses=7) for n in "abcdef"]
    apart = against_best("l2", -0.004, p_holm=0.01, wins=0, losses=10)
    assert "; the 6 other variants cannot be told apart from it." in shown_with_best(*tied)[0]
    assert "; 6 of 7 other variants cannot be" in shown_with_best(*tied, apart)[0]


def test_what_the_test_set_tells_to_be_better_than_the_chosen_is_said():
    surprise = against_best("l2", 0.004, p_holm=0.01, wins=10)
    assert shown_with_best(surprise)[2] == (
        "On the test set l2=0.2 beats dropout=0.2, which validation chose, by 0.40 points "
        "(95 % interval 0.32 to 0.48, Holm p = 0.010, 10 of 10 seeds)."
    )


def test_a_difference_that_other_rows_could_undo_is_said():
    wide = {**BETTER["versus_baseline"], "ci95_seeds_and_rows": [-0.001, 0.0132]}
    assert verdict(results(BETTER | {"versus_baseline": wide}))[2:] == [
        "The difference of dropout=0.2 from no regularization holds for these test rows; over "
        "seeds and other test rows together its 95 % interval, with its sign -0.10 to +1.32 "
        "points, contains zero."
    ]
    worse = versus(-0.0061, p_holm=0.006, wins=0, losses=10)
    worse |= {"ci95_seeds_and_rows": [-0.0132, 0.001]}
    told = verdict(results(WORSE | {"versus_baseline": worse}))
    assert told[-1].endswith("with its sign -1.32 to +0.10 points, contains zero.")


def test_a_variant_without_a_common_seed_is_said():
    assert verdict(results(variant("l2", 0.87)))[1:] == [
        "l2=0.2 cannot be compared with no regularization: no seed finished in both."
    ]


@pytest.mark.parametrize("p_holm", [0.001, 0.049, 0.05, 0.4])
@pytest.mark.parametrize("difference", [-0.01, 0.01])
@pytest.mark.parametrize("pairs", [3, 6, 20])
@pytest.mark.parametrize("number", [1, 4, 8])
def test_nothing_is_called_better_or_worse_without_interval_and_corrected_p(
    p_holm, difference, pairs, number
):
    wins, losses = (pairs, 0) if difference > 0 else (0, pairs)
    shown = results(*many(number, difference, p_holm=p_holm, wins=wins, losses=losses))
    sentences = [s for s in verdict(shown) if " beats " in s or " loses to " in s]
    assert bool(sentences) == (p_holm < 0.05 and pairs >= 6)
    for sentence in sentences:
        assert sentence.count(" by ") == sentence.count("95 % interval") == min(number, 4)
        assert sentence.count("Holm p") == min(number, 4)
