"""The first line answers the title, with what the tests say and no more."""

import pytest

from kmlp.config import TrainConfig
from kmlp.stats.formatting import unit_of
from kmlp.study.loading import load_study
from kmlp.study.plan import plan_study
from kmlp.study.results.analyses.references import reference_sentences
from kmlp.study.results.answer import _half, answer
from kmlp.study.results.assembly import build_results
from kmlp.study.results.baseline import baseline_in_words
from kmlp.study.results.records.study import Answer
from kmlp.study.results.verdict import verdict
from tests.hand_made import hand_made, record
from tests.made_results import numbers
from tests.study.results.test_verdict import BETTER, SAME, WORSE, results, variant, versus

NONE = {"name": "none", "strength": ""}


def answered(*variants: dict, **told) -> Answer:
    return answer(numbers(results(*variants) | told))


def score(mean: float) -> dict:
    return {"mean": mean, "sd": 0.0, "se": 0.0, "ci95": None, "min": 0.9, "max": 0.92}


def reference(difference: float, p_holm: float = 0.004, **values) -> dict:
    compared = versus(difference, p_holm=p_holm, wins=8)
    own = {k: v for k, v in compared.items() if k not in ("ci95_seeds_and_rows", "more_seeds")}
    return {
        "name": "boosted_trees",
        "title": "boosted trees",
        "num_members": 8,
        "test": {"accuracy": score(0.91)},
        "versus_best": own,
        "members": [],
        **values,
    }


def test_what_is_shown_to_help_is_said_with_its_size_and_what_to_expect():
    assert answered(BETTER, WORSE) == Answer(
        kind="helps",
        text="dropout=0.2 helps by 0.61 points (95 % interval 0.53 to 0.69); "
        "expect a test accuracy of 88.61 % ± 0.20 over seeds (± 0.70 with other test rows).",
        caveats=(),
    )


def test_nothing_helps_where_no_test_shows_it_however_good_it_looks():
    said = answered(
        SAME,
        WORSE,
        variant("big", 0.95, versus_baseline=versus(0.07, p_holm=0.051, wins=9, losses=1)),
    )
    assert said.kind == "none_helps"
    assert said.text == (
        "No regularizer is shown to help; expect a test accuracy of 95.00 % ± 0.20 over seeds "
        "(± 0.70 with other test rows) with big=0.2, the best on validation."
    )


def test_the_expected_score_is_of_what_validation_chose_not_of_the_best_test_score():
    chosen = variant(
        "l1", 0.8799, val=0.99, versus_baseline=versus(-0.0001, p_holm=0.4, wins=4, losses=6)
    )
    said = answered(chosen, BETTER)
    assert said.text.startswith("dropout=0.2 helps by 0.61 points")
    assert said.text.endswith(
        "(± 0.70 with other test rows) with l1=0.2, the best on validation, which exports take."
    )


def test_of_several_that_help_validation_names_the_first():
    others = [
        variant(name, 0.9, val=val, versus_baseline=versus(0.01, p_holm=0.01, wins=10))
        for name, val in (("a", 0.90), ("b", 0.93), ("c", 0.92), ("d", 0.91), ("e", 0.89))
    ]
    said = answered(*others[:3]).text
    assert said.startswith(
        "b=0.2 helps by 1.00 points (95 % interval 0.92 to 1.08); so do c=0.2 and a=0.2;"
    )
    assert "; so do c=0.2, d=0.2 and 2 more; expect" in answered(*others).text
    assert "; so does c=0.2; expect" in answered(*others[1:3]).text


def test_an_error_that_falls_is_no_negative_help(tmp_path):
    said = hand_made(tmp_path, "regression", 8).record.answer
    assert said.text.startswith("dropout=0.2 helps by 1.00 in RMSE (95 % interval 1.00 to 1.00); ")
    assert "expect a test RMSE of 9.35 ± 0.20" in said.text


@pytest.mark.parametrize(("num_seeds", "kind"), [(6, "too_few_seeds"), (7, "helps")])
def test_too_few_seeds_are_those_that_could_show_nothing(tmp_path, num_seeds, kind):
    """Two comparisons need seven: the least p of six seeds is 0.031, of Holm twice that."""
    said = hand_made(tmp_path, "multiclass", num_seeds).record.answer
    assert said.kind == kind
    assert said.text.startswith(
        "Too few seeds to tell: 6; with fewer than 7 no difference can reach p < 0.05 after "
        "correction; expect"
    ) == (kind == "too_few_seeds")


def test_one_seed_has_no_half_width(tmp_path):
    said = hand_made(tmp_path, "multiclass", 1).record.answer.text
    assert "90.00 % (one seed) with dropout=0.2" in said
    assert "±" not in said


def test_a_margin_beside_a_mean_is_never_that_of_a_cut_interval():
    """97.5 % with 94.5 to 100 is no ± 2.75: below the mean the interval goes further."""
    assert _half((0.945, 1.0), 0.975, unit_of("accuracy")) == "3.00"


def test_a_reference_that_does_better_goes_before_the_networks():
    said = answered(BETTER, references=[reference(0.021)])
    assert said.kind == "reference_wins"
    assert said.text == (
        "Boosted trees do better than the best network by 2.10 points (95 % interval 2.02 to "
        "2.18 over seeds, on these test rows); among networks dropout=0.2 helps by 0.61 points "
        "(95 % interval 0.53 to 0.69)."
    )


@pytest.mark.parametrize(
    "other",
    [reference(0.0019, p_holm=0.2, test={"accuracy": score(0.888)}), reference(-0.021)],
)
def test_a_reference_that_is_not_shown_to_be_better_changes_nothing(other):
    assert answered(BETTER, references=[other]) == answered(BETTER)


def test_a_reference_that_looks_much_better_is_said_beside_what_no_test_tells():
    """A reader of the first line alone would take the networks for the best there is."""
    seen = reference(0.05, p_holm=0.06, test={"accuracy": score(0.9317)})
    said = numbers(best_of(BETTER) | {"references": [trivial(-0.3), seen]})
    assert answer(said).text == answer(numbers(best_of(BETTER))).text.removesuffix(".") + (
        "; boosted trees have 40 % less error on average than the best network, but are not told "
        "apart from it."
    )
    told = numbers(best_of(BETTER) | {"references": [seen, reference(0.021, name="linear")]})
    assert "on average" not in answer(told).text, "another wins, and says so"


def trivial(difference: float, p_holm: float = 0.004) -> dict:
    return reference(difference, p_holm, name="constant", title="the commonest class")


@pytest.mark.parametrize(
    ("references", "said"),
    [
        ([trivial(-0.021)], ()),
        (
            [trivial(-0.0001, p_holm=0.4)],
            (
                "The best network is not shown to do better than always predicting the commonest "
                "class: whatever it has learned, its test accuracy does not show it.",
            ),
        ),
        (
            [trivial(-0.0514, p_holm=0.075)],
            (
                "The best network is not shown to do better than always predicting the commonest "
                "class: the 95 % interval of the difference leaves out 0, but the corrected test, "
                "which decides, does not rule out chance (Holm p = 0.075).",
            ),
        ),
        (
            [trivial(0.01), reference(0.021)],
            (
                "Always predicting the commonest class does better than the best network too, "
                "so it is of no use.",
            ),
        ),
        ([trivial(0.021), reference(0.01)], ()),
    ],
)
def test_that_networks_may_be_of_no_use_is_the_first_caveat(references, said):
    """Where the answer itself says that the trivial model wins, it is not said again."""
    found = answered(BETTER, references=references)
    assert found.caveats == said
    assert found.text.startswith("Always predicting") == (references[0] == trivial(0.021))


def test_with_too_few_seeds_nothing_is_said_of_having_learned():
    few = trivial(-0.0001, p_holm=1.0)
    few["versus_best"] |= {"wins": 3, "losses": 2}
    assert answered(BETTER, references=[few]).caveats == ()


def test_models_beside_the_networks_are_called_what_they_do():
    told = [trivial(-0.0001, p_holm=0.4), reference(-0.021)]
    unclear, beaten, untuned = reference_sentences(numbers(best_of(BETTER) | {"references": told}))
    assert unclear.startswith(
        "Not told apart from the best network, dropout=0.2: always predicting the commonest class "
        "-0.01 points ("
    )
    assert beaten.startswith("The best network, dropout=0.2, beats boosted trees: by 2.10 points")
    assert untuned == "These models are as scikit-learn makes them, not tuned."


def best_of(*variants: dict) -> dict:
    return results(*variants) | {"best": {"variant": "dropout", "member": "0" * 16, "seed": 0}}


def test_without_a_finished_network_nothing_is_said():
    lost = {**NONE, "num_members": 0, "num_diverged": 10}
    said = answered(variants=[lost])
    assert (said.kind, said.text) == ("no_network", "No network finished: nothing can be said.")


def test_a_baseline_alone_is_compared_with_nothing():
    said = answered()
    assert said.kind == "not_compared"
    assert said.text.startswith("Nothing to compare: the only variant is no regularization; expect")
    assert said.text.endswith("rows) with no regularization, the best on validation.")


def test_while_networks_are_missing_the_study_is_not_finished(tmp_path):
    made = hand_made(tmp_path, "multiclass", 8)
    wider = plan_study(
        type(made.plan.config)(dataset="made", num_seeds=10, variants=made.plan.config.variants),
        "0" * 64,
    )
    said = build_results(wider, made.folder, made.dataset).answer
    assert said.kind == "unfinished"
    assert said.text.startswith(
        "Not finished: 6 networks are not trained yet; so far: dropout=0.2 helps by 10.00 points"
    )
    none = {**NONE, "num_members": 0}
    assert answer(numbers(results() | {"variants": [none]}), 1).text == (
        "Not finished: 1 network is not trained yet; none has finished."
    )


def test_the_baseline_is_no_regularization_only_where_it_has_none():
    def in_words(model: dict, name: str = "none") -> str:
        own = variant(name, 0.9) | {"config": {"model": model, "train": {}}}
        return baseline_in_words(numbers(results() | {"variants": [own], "baseline": name}))

    assert in_words({"dropout": 0.0, "hidden_units": [4]}) == "no regularization"
    assert in_words({"l2": 0.1}) == "none"
    assert in_words({"normalization": "batch"}) == "none"
    assert in_words({}, "plain") == "plain"


def test_against_another_baseline_nothing_is_said_of_regularizing(tmp_path):
    called = {"none": "plain", "dropout": "wide", "l2": "deep"}
    said = hand_made(tmp_path / "a", "multiclass", 8, called=called).record.answer.text
    assert said.startswith("wide (dropout=0.2) does better than plain by 10.00 points")
    same = {"variants": [{**variant("none", 0.88, strength=""), "name": "plain"}, SAME]}
    said = answer(numbers(results() | same | {"baseline": "plain"})).text
    assert said.startswith("No variant is shown to do better than plain; expect")


@pytest.mark.long
def test_what_changes_the_reading_is_a_caveat_of_the_answer(tmp_path):
    brief = TrainConfig(max_epochs=7)
    made = hand_made(tmp_path, "multiclass", 8, facts={"source": "sample"}, train=brief)
    of_l2 = made.plan.ids["l2"]
    for seed in range(6):
        record(
            made.folder,
            of_l2[seed],
            "multiclass",
            made.truth,
            made.outputs["l2", seed],
            best_epoch=7,
        )
    record(
        made.folder, of_l2[7], "multiclass", made.truth, made.outputs["l2", 7], status="diverged"
    )
    found = load_study(tmp_path).record
    sample, cut_short, diverged = found.answer.caveats
    assert sample.startswith("This is the bundled sample")
    assert cut_short.startswith("6 of 23 networks were still getting better")
    assert diverged.startswith("l2=0.0005 diverged")
    assert set(found.answer.caveats) <= set(found.verdict)


def test_what_a_search_picked_stands_for_the_networks_in_every_sentence():
    """With the best on validation beside the pick a reader would not know which one is meant."""
    trials = [
        {
            **variant(name, score, strength="", versus_baseline=versus(gain, p_holm=0.4, wins=9)),
            "versus_best": versus_best,
        }
        for name, score, gain, versus_best in (
            ("trial 3", 0.88, 0.001, None),
            ("trial 18", 0.9, 0.021, reference(0.021)["versus_best"]),
        )
    ]
    best = {"variant": "trial 3", "member": "0" * 16, "seed": 0}
    shown = results(*trials) | {"searched": 20, "picked": "trial 3", "best": best}
    said = numbers(shown | {"references": [reference(-0.021)]})
    assert answer(said).text == (
        "trial 3, which the search picked, is not shown to do better than the default "
        "configuration; expect a test accuracy of 88.00 % ± 0.20 over seeds (± 0.70 with other "
        "test rows) with it."
    )
    first, *others = verdict(said)
    assert first.startswith("trial 3 is what the search picked, before the seeds of this study; ")
    assert "No variant is shown to beat the baseline, the default configuration." in others
    beats = "the test set trial 18 beats trial 3, which the search picked, by 2.10"
    assert beats in " ".join(others)
    (beaten, _) = reference_sentences(said)
    assert beaten.startswith("The picked network, trial 3, beats boosted trees: by 2.10 points")
    wins = answer(numbers(shown | {"references": [reference(0.021)]})).text
    assert wins.startswith("Boosted trees do better than the picked network by 2.10 points (")
    without = numbers({**shown, "picked": None})
    assert verdict(without)[0].startswith("trial 18 has the best mean validation accuracy; ")


@pytest.mark.parametrize(
    ("gain", "kind", "said"),
    [
        (0.021, "helps", " does better than the default configuration by 2.10 points"),
        (
            -0.021,
            "none_helps",
            " does worse than the default configuration by 2.10 points",
        ),
    ],
)
def test_a_search_is_answered_by_its_pick_and_another_trial_is_no_choice(gain, kind, said):
    """Of a gain of one trial and what to expect of another a reader makes one trial."""
    trials = [
        variant("trial 3", 0.9, strength="", versus_baseline=versus(gain, p_holm=0.004, wins=10)),
        variant("trial 8", 0.95, strength="", versus_baseline=versus(0.03, p_holm=0.004, wins=9)),
        # Worse than the pick it tempts nobody.
        variant("trial 9", 0.85, strength="", versus_baseline=versus(0.02, p_holm=0.004, wins=9)),
    ]
    best = {"variant": "trial 3", "member": "0" * 16, "seed": 0}
    shown = results(*trials) | {"searched": 20, "picked": "trial 3", "best": best}
    found = answer(numbers(shown))
    assert found.kind == kind
    assert found.text.startswith(f"trial 3, which the search picked,{said}")
    assert found.caveats[0] == (
        "Better than the default configuration on the test set, but not picked by the search, was "
        "trial 8: to choose it now would be to choose on the test rows."
    )


def test_an_interval_of_another_model_without_zero_beside_a_holm_p_above_5_percent_is_explained():
    """By the correction of its own family, which is another one than the variants'."""
    wide, other = reference(0.021), reference(0.021) | {"name": "linear"}
    for one in (wide, other):
        one["versus_best"] = {**one["versus_best"], "p": 0.03, "p_holm": 0.06}
    said = verdict(numbers(best_of(BETTER) | {"references": [wide, other]}))
    assert sum("Holm's p decides: it corrects for 2 comparisons, the" in one for one in said) == 1


@pytest.mark.parametrize("others", [0.0, 0.03])
def test_a_search_that_picked_its_default_says_so_whatever_other_trials_do(others):
    trial = variant(
        "trial 8", 0.9, strength="", versus_baseline=versus(others, p_holm=0.004, wins=9)
    )
    best = {"variant": "none", "member": "0" * 16, "seed": 0}
    found = answer(numbers(results(trial) | {"searched": 20, "picked": "none", "best": best}))
    assert (found.kind, found.text[:44]) == (
        "none_helps",
        "The search picked the default configuration;",
    )


def test_a_pick_that_is_equivalent_is_said_to_be_however_few_seeds_there_are():
    """What is shown needs no more seeds."""
    equal = {"margin": 0.005, "ci90": [-0.002, 0.002], "p": 0.001}
    near = versus(0.0001, p_holm=0.4, wins=3, losses=3) | {"equivalence": equal}
    near |= {"p_holm_equivalence": 0.003}
    trials = [
        variant(f"trial {number}", 0.9, strength="", versus_baseline=near) for number in (3, 8, 9)
    ]
    best = {"variant": "trial 3", "member": "0" * 16, "seed": 0}
    shown = results(*trials) | {"searched": 20, "picked": "trial 3", "best": best}
    found = answer(numbers(shown)).text
    assert found.startswith("trial 3, which the search picked, is equivalent to the default conf")


def test_of_what_rows_a_difference_to_other_models_is_told_is_said():
    """An interval over seeds alone is read as what other rows would do, too."""
    wins = reference(0.021)
    wins["versus_best"]["ci95_seeds_and_rows"] = [-0.03, 0.07]
    told = numbers(best_of(BETTER) | {"references": [wins]})
    both = (
        "2.10 points (95 % interval 2.02 to 2.18 over seeds, -3.00 to 7.00 over seeds and test rows"
    )
    said = answer(told)
    assert f"the best network by {both}); among" in said.text
    assert f"by {both}, Holm p = 0.004)" in reference_sentences(told)[0]
    only_here = (
        "That the best network does worse than boosted trees holds for these 1,000 test rows; over "
        "seeds and other test rows together the 95 % interval of the difference contains zero."
    )
    assert only_here in said.caveats
    assert only_here in verdict(told)
    wins["versus_best"]["ci95_seeds_and_rows"] = [0.01, 0.03]
    assert only_here not in answer(numbers(best_of(BETTER) | {"references": [wins]})).caveats
