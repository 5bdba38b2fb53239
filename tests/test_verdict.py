"""A verdict says what the numbers say, with their uncertainty, and what limits them."""

import copy

import pytest

from kmlp.units import unit_of
from kmlp.verdict import (
    best_variant,
    comparison_sentence,
    is_significant,
    label,
    rank,
    shown_beside,
    verdict,
)

ACCURACY = unit_of("accuracy")
RMSE = unit_of("rmse", [54.2])


def summary(mean: float, ci95=(0.0, 0.0)) -> dict:
    return {"accuracy": {"mean": mean, "ci95": list(ci95) if ci95 else None}}


def variant(name: str, test: float, *, strength: str | None = None, val=None, **values) -> dict:
    """A variant's entry in `results.json`, as far as verdicts look at it."""
    return {
        "name": name,
        "strength": f"{name}=0.2" if strength is None else strength,
        "num_members": 10,
        "num_diverged": 0,
        "test": summary(test, (test - 0.002, test + 0.002)),
        "val": summary(test if val is None else val),
        "train": summary(0.99),
        "versus_baseline": None,
        **values,
    }


def versus(difference: float, *, p_holm: float, wins: int, ties: int = 0, losses: int = 0) -> dict:
    return {
        "difference": difference,
        "ci95": [difference - 0.0008, difference + 0.0008],
        "p": p_holm / 2,
        "p_holm": p_holm,
        "wins": wins,
        "ties": ties,
        "losses": losses,
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


def test_a_variant_that_is_better_beats_the_baseline():
    assert comparison_sentence(BETTER, "none", ACCURACY) == (
        "dropout=0.2 beats none by 0.61 points (95 % interval 0.53 to 0.69, Holm p = 0.006, "
        "10 of 10 seeds)."
    )


def test_a_variant_that_is_worse_loses_to_the_baseline():
    assert comparison_sentence(WORSE, "none", ACCURACY) == (
        "l2=0.2 loses to none by 0.61 points (95 % interval 0.53 to 0.69, Holm p < 0.001, "
        "worse on 9 of 10 seeds)."
    )


def test_a_variant_that_is_neither_cannot_be_told_apart():
    assert comparison_sentence(SAME, "none", ACCURACY) == (
        "l1=0.2 cannot be told apart from none: -0.01 points (95 % interval -0.09 to +0.07, "
        "Holm p = 0.400, better on 4 of 10 seeds)."
    )


def test_five_percent_is_not_below_five_percent():
    at = variant("a", 0.9, versus_baseline=versus(0.1, p_holm=0.05, wins=10))
    below = variant("a", 0.9, versus_baseline=versus(0.1, p_holm=0.0499, wins=10))
    assert (is_significant(at), is_significant(below)) == (False, True)


def test_the_corrected_p_decides_not_the_plain_one():
    one = variant("a", 0.9, versus_baseline={**versus(0.1, p_holm=0.2, wins=10), "p": 0.001})
    assert not is_significant(one)
    assert "cannot be told apart" in comparison_sentence(one, "none", ACCURACY)


@pytest.mark.parametrize(("pairs", "seeds"), [(1, "1 seed"), (2, "2 seeds"), (5, "5 seeds")])
def test_fewer_than_six_seeds_are_never_significant(pairs, seeds):
    few = variant("dropout", 0.9, versus_baseline=versus(0.02, p_holm=0.0, wins=pairs))
    assert not is_significant(few)
    assert comparison_sentence(few, "none", ACCURACY) == (
        f"dropout=0.2 differs from none by +2.00 points on {seeds}: too few to test; "
        "at least 6 are needed."
    )


def test_six_seeds_can_be_significant_whatever_they_are_made_of():
    six = versus(0.02, p_holm=0.03, wins=4, ties=1, losses=1)
    assert is_significant(variant("dropout", 0.9, versus_baseline=six))


def test_one_pair_without_an_interval_is_said():
    alone = {**versus(-0.02, p_holm=1.0, wins=0, losses=1), "ci95": None}
    sentence = comparison_sentence(variant("l2", 0.86, versus_baseline=alone), "none", ACCURACY)
    assert sentence.startswith("l2=0.2 differs from none by -2.00 points on 1 seed: too few")


def test_a_verdict_starts_with_the_best_then_compares_by_rank():
    sentences = verdict(results(WORSE, SAME, BETTER))
    assert sentences[0] == (
        "dropout=0.2 has the best mean validation accuracy; expect 88.61 % on the test set "
        "(95 % interval 88.41 to 88.81 over 10 seeds)."
    )
    assert sentences[1:] == [
        comparison_sentence(v, "none", ACCURACY) for v in (BETTER, SAME, WORSE)
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
    assert verdict(shown)[0].startswith("none has the best mean training accuracy; expect 88.00 %")


def test_one_seed_has_no_interval():
    shown = results()
    shown["variants"][0] |= {"num_members": 1, "test": summary(0.88, None)}
    assert verdict(shown) == [
        "none has the best mean validation accuracy; expect 88.00 % on the test set "
        "(one seed: no interval)."
    ]


def test_diverged_members_are_named_by_variant_seed_and_epoch():
    members = [
        {"variant": name, "seed": seed, "status": status, "stopped_epoch": epoch}
        for name, seed, status, epoch in (
            ("none", 1, "done", 9),
            ("none", 4, "diverged", 2),
            ("l2", 0, "diverged", 3),
            ("l2", 1, "done", 9),
            ("l2", 7, "diverged", 1),
        )
    ]
    sentences = verdict(results(variant("l2", 0.9, num_diverged=2), members=members))
    assert sentences[1:] == [
        "l2=0.2 diverged (a loss was not finite) with seed 0 (epoch 3), 7 (epoch 1): "
        "kept out of every mean."
    ]


def test_a_variant_without_a_finished_member_is_ranked_nowhere():
    nothing = {"num_members": 0, "test": {}, "val": {}, "train": {}}
    gone = variant("l2", 0.0, num_diverged=1) | nothing
    members = [{"variant": "l2", "seed": 3, "status": "diverged", "stopped_epoch": 2}]
    sentences = verdict(results(gone, members=members))
    assert len(sentences) == 2
    assert sentences[0].startswith("none has the best")
    assert sentences[1].startswith("l2=0.2 diverged (a loss was not finite) with seed 3 (epoch 2):")


def test_where_no_member_finished_nothing_is_said():
    shown = results()
    shown["variants"][0] |= {"num_members": 0, "test": {}, "val": {}, "train": {}}
    assert verdict(shown) == ["No member finished: nothing can be said."]


def test_the_bundled_sample_is_named_as_such():
    assert verdict(results(source="sample"))[-1] == (
        "This is the bundled sample of 4,167 training and 1,000 test rows, not the full set: "
        "expect other numbers there."
    )
    assert not any("sample" in sentence for sentence in verdict(results(source="full")))


def test_a_verdict_leaves_the_results_alone():
    shown = results(WORSE, BETTER, source="sample")
    before = copy.deepcopy(shown)
    verdict(shown)
    assert shown == before


def test_equal_on_validation_the_first_is_best_whatever_the_test_set_says():
    tied = [variant("l1", 0.85, val=0.90), variant("l2", 0.95, val=0.90)]
    assert best_variant(tied, ACCURACY)["name"] == "l1"
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
            "dropout=0.2 beats none by 0.61 in RMSE (95 % interval 0.53 to 0.69, Holm p = 0.006, "
            "10 of 10 seeds).",
        ),
        (
            MORE,
            "l2=0.2 loses to none by 0.61 in RMSE (95 % interval 0.53 to 0.69, Holm p < 0.001, "
            "worse on 9 of 10 seeds).",
        ),
        (
            SAME,
            "l1=0.2 cannot be told apart from none: -0.01 in RMSE (95 % interval -0.09 to +0.07, "
            "Holm p = 0.400, better on 4 of 10 seeds).",
        ),
    ],
)
def test_of_an_error_less_is_better(entry, sentence):
    assert comparison_sentence(in_rmse(entry), "none", RMSE) == sentence


def test_a_regressions_verdict_starts_with_the_least_error():
    sentences = verdict(regression(MORE, LESS))
    assert sentences[0] == (
        "dropout=0.2 has the best mean validation RMSE; expect 50.00 on the test set "
        "(95 % interval 49.80 to 50.20 over 10 seeds)."
    )
    assert [s.split()[0] for s in sentences[1:]] == ["dropout=0.2", "l2=0.2"]


def test_an_accuracy_that_one_class_flatters_is_said():
    shown = results()
    shown["class_shares"] = [0.3, 0.19, 0.51]
    assert shown_beside(shown) == ("balanced_accuracy",)
    assert verdict(shown)[-1] == (
        "Class c holds 51 % of the test rows: read the balanced accuracy too, which counts every "
        "class alike."
    )
    shown["class_shares"] = [0.3, 0.2, 0.5]  # half of three is one and a half times a third
    assert shown_beside(shown) == ()
    assert len(verdict(shown)) == 1


def test_beside_an_error_stands_its_share_of_the_variance():
    assert shown_beside(regression()) == ("r2",)


def test_rank_is_by_mean_test_accuracy_of_what_finished():
    unfinished = variant("l1_l2", 0.99, num_members=0)
    ranked = rank([WORSE, unfinished, SAME, BETTER], ACCURACY)
    assert [v["name"] for v in ranked] == ["dropout", "l1", "l2"]


@pytest.mark.parametrize(
    ("name", "strength", "expected"),
    [
        ("none", "", "none"),
        ("dropout", "dropout=0.2", "dropout=0.2"),
        ("dropout=0.5", "dropout=0.5", "dropout=0.5"),
        ("dropout_l2", "dropout=0.2, l2=0.0005", "dropout_l2 (dropout=0.2, l2=0.0005)"),
        ("no_early_stopping", "early_stopping=False", "no_early_stopping (early_stopping=False)"),
        ("wide", "hidden_units=[512, 256]", "wide (hidden_units=[512, 256])"),
    ],
)
def test_a_label_says_name_and_strength_once(name, strength, expected):
    assert label({"name": name, "strength": strength}) == expected
