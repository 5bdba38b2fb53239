"""Sentences beyond the verdict say what the numbers say, and nothing where there are none."""

import pytest

from kmlp.study.results.analyses import findings as sentences_of
from kmlp.study.results.analyses.folds import seeds_of_folds
from kmlp.study.results.records.folds import FoldPlan
from kmlp.study.results.records.variants import Versus
from tests.made_results import numbers, versus_of


def findings(results):
    return sentences_of.findings(numbers(results))


def results(**parts):
    summary = {"accuracy": {"mean": 0.88, "ci95": [0.87, 0.89]}}
    variants = [
        {"name": n, "strength": s, "num_members": 5, "test": summary, "val": summary}
        for n, s in (("none", ""), ("dropout", "dropout=0.2"), ("l2", "l2=0.0005"))
    ]
    return {
        "metric": {"name": "accuracy", "higher_is_better": True},
        "baseline": "none",
        "variants": variants,
        "bias_variance": [],
        "cross_validation": None,
        "randomness": [],
        **parts,
    }


def ratio(value, low, high):
    """The interval that is not corrected would always speak."""
    return {"value": value, "ci95": [value - 1e-6, value + 1e-6], "ci95_corrected": [low, high]}


def entry(variant, strength, risk, variance=None, bias=None, **more):
    terms = {
        "risk": risk,
        "bias2_plus_noise": 0.8 * risk,
        "variance": 0.2 * risk,
        "variance_sample": 0.15 * risk,
        "variance_optimization": 0.05 * risk,
    }
    ratios = {"risk_ratio": None, "bias_ratio": bias, "variance_ratio": variance}
    return {
        "variant": variant,
        "strength": strength,
        "resample": "splits:5",
        "num_samples": 5,
        "num_seeds": 3,
        "num_train": 10_000,
        "squared_error": {n: {"value": v, "ci95": [0.9 * v, 1.1 * v]} for n, v in terms.items()},
        "left_out": [],
        "versus_baseline": {"squared_error": ratios} if variance or bias else None,
        **more,
    }


NONE = entry("none", "", 0.2)


def test_ordinary_members_alone_give_no_sentence():
    assert findings(results()) == []


def test_what_the_baselines_error_consists_of_and_what_a_variant_does_to_it():
    dropout = entry(
        "dropout", "dropout=0.2", 0.19, ratio(0.69, 0.63, 0.75), ratio(1.04, 1.01, 1.07)
    )
    consists, changes = findings(results(bias_variance=[NONE, dropout]))
    assert consists == (
        "Over 5 disjoint training samples of 10,000 rows, 3 seeds on each: the squared error of "
        "none is 80 % bias² + noise and 20 % variance, of which 75 % comes from the sample and "
        "25 % from initial weights, order and masks."
    )
    assert changes == (
        "Against no regularization dropout=0.2 lowers variance by 31 % (25 to 37 %) and raises "
        "bias² + noise by "
        "4 % (1 to 7 %) (95 % intervals, corrected for all variants)."
    )


@pytest.mark.parametrize("interval", [None, [-0.01, 0.03], [0.01, 0.05]])
def test_the_samples_share_of_the_variance_is_told_only_where_it_is_known(interval):
    """Not where its interval holds 0, or all of the variance."""
    unknown = entry("none", "", 0.2)
    unknown["squared_error"]["variance_sample"] = {"value": 0.03, "ci95": interval}
    (consists,) = findings(results(bias_variance=[unknown]))
    assert consists.endswith("none is 80 % bias² + noise and 20 % variance.")


def test_a_change_whose_interval_holds_one_is_not_told():
    unclear = entry("l2", "l2=0.0005", 0.2, ratio(0.9, 0.8, 1.1), ratio(1.0, 0.9, 1.2))
    _, changes = findings(results(bias_variance=[NONE, unclear]))
    assert changes == (
        "Neither bias nor variance of any variant can be told from that of no regularization with "
        "5 training samples."
    )


def test_one_of_the_two_may_be_clear_and_others_are_counted():
    clear = entry("dropout", "dropout=0.2", 0.19, ratio(0.5, 0.4, 0.6), ratio(1.0, 0.9, 1.2))
    unclear = entry("l2", "l2=0.0005", 0.2, ratio(0.9, 0.8, 1.1), None)
    _, changes = findings(results(bias_variance=[NONE, clear, unclear]))
    assert changes == (
        "Against no regularization dropout=0.2 lowers variance by 50 % (40 to 60 %); the other one "
        "is in the "
        "report (95 % intervals, corrected for all variants)."
    )


def test_a_change_that_is_sure_but_tiny_is_told_as_such():
    tiny = entry("l2", "l2=0.0005", 0.2, ratio(0.996, 0.994, 0.998), ratio(1.0, 0.9, 1.2))
    _, changes = findings(results(bias_variance=[NONE, tiny]))
    assert changes.startswith(
        "Against no regularization l2=0.0005 changes variance by less than 1 % (95 %"
    )


def test_one_seed_a_sample_leaves_what_it_does_everywhere_to_the_bias():
    found = {n: x for n, x in NONE["squared_error"].items() if "_s" not in n and "_o" not in n}
    alone = {**NONE, "num_seeds": 1, "squared_error": found}
    (sentence,) = findings(results(bias_variance=[alone]))
    assert sentence.endswith(
        "20 % variance, where what its one seed does alike on every sample counts as bias."
    )


def test_bootstrap_draws_are_called_so():
    (sentence,) = findings(results(bias_variance=[{**NONE, "resample": "bootstrap:20"}]))
    assert sentence.startswith("Over 5 bootstrap draws of 10,000 rows")


def test_folds_name_the_best_and_compare_it():
    versus = {"difference": 0.004, "ci95": [0.001, 0.007], "p_holm": 0.012}
    versus |= {"wins": 9, "ties": 0, "losses": 1}
    scored = {"num_train": 60, "repeats": [0], "scores": [[0.8]], "of_repeats": [0.8]}
    none = {"variant": "none", "strength": "", "mean": 0.88, "ci95": [0.87, 0.89]}
    best = {"variant": "dropout", "strength": "dropout=0.2", "mean": 0.884, "ci95": [0.88, 0.888]}

    def folds(versus):
        both = ((none, None), (best, versus_of(versus, Versus)))
        entries = [{**scored, **e, "num_folds": 5, "versus_baseline": v} for e, v in both]
        plan = {"num_folds": 5, "num_repeats": 2, "num_train": 60, "num_held_out": 20}
        return results(cross_validation={**plan, "variants": entries})

    assert findings(folds(versus)) == [
        "In 5-fold cross-validation, 2 times over all training rows, dropout=0.2 has the best mean "
        "accuracy, 88.40 % (95 % interval 88.00 to 88.80, corrected for shared rows); it beats "
        "no regularization: +0.40 points (+0.10 to +0.70, Holm p = 0.012). It is the best of 2 by "
        "these same "
        "folds, which flatters its mean: expect a little less of it elsewhere.",
        "The folds of a repeat share one seed, that of their initial weights, order and masks: "
        "with 2 repeats what other seeds would change is in intervals and p only in part.",
    ]
    versus |= {"wins": 5, "losses": 0}
    few, _ = findings(folds(versus))
    assert (
        "it cannot be told apart from no regularization with fewer than 6 folds in all: +0.40"
        in few
    )
    versus |= {"wins": 9, "losses": 1, "p_holm": 0.2}
    assert "it cannot be told apart from no regularization" in findings(folds(versus))[0]


def test_a_sweep_is_judged_on_validation_and_its_ends_are_told():
    names = ["dropout=0.1", "dropout=0.2", "dropout=0.3"]
    sweep = {"field": "dropout", "scale": "linear", "values": [0.1, 0.2, 0.3], "variants": names}

    def swept(*means):
        variants = [
            {
                "name": n,
                "strength": n,
                "num_members": 5,
                "val": {"accuracy": {"mean": m}},
                "test": {"accuracy": {"mean": 0.9}},
            }
            for n, m in zip(names, means, strict=True)
        ]
        return findings(results(variants=variants, sweeps=[sweep]))

    assert swept(0.88, 0.89, 0.87) == [
        "Of 3 values of dropout the mean validation accuracy is best with dropout=0.2, 89.00 % "
        "(87.00 to 89.00 over all)."
    ]
    assert "at the end of the range: try beyond it" in swept(0.88, 0.89, 0.9)[0]


@pytest.mark.parametrize(
    ("values", "is_edge"),
    [
        # Best is the first value; the order in which they are listed does not matter.
        ([0.3, 0.1, 0.2], True),
        ([0.2, 0.1, 0.3], False),
        ([0.1, 0.3, 0.2], True),
        ([0.0, 0.1, 0.2], False),
        ([True, False], False),
    ],
)
def test_a_range_ends_at_its_least_and_largest_value_but_for_zero(values, is_edge):
    names = [f"dropout={value}" for value in values]
    variants = [
        {
            "name": n,
            "strength": n,
            "num_members": 5,
            **{key: {"accuracy": {"mean": m}} for key in ("val", "test")},
        }
        for n, m in zip(names, (0.9, 0.8, 0.7), strict=False)
    ]
    sweep = {"field": "dropout", "scale": "list", "values": values, "variants": names}
    (sentence,) = findings(results(variants=variants, sweeps=[sweep]))
    assert ("try beyond it" in sentence) == is_edge


def test_a_swept_value_under_another_name_is_said():
    names = ["none", "dropout=0.2"]
    variants = [
        {
            "name": n,
            "strength": "",
            "num_members": 5,
            **{key: {"accuracy": {"mean": m}} for key in ("val", "test")},
        }
        for n, m in zip(names, (0.9, 0.8), strict=True)
    ]
    sweep = {"field": "dropout", "scale": "list", "values": [0.0, 0.2], "variants": names}
    (sentence,) = findings(results(variants=variants, sweeps=[sweep]))
    assert "is best with none (dropout=0), 90.00 %" in sentence


def test_a_sweep_is_judged_on_shared_seeds():
    """Of the second value half the seeds diverged, those that were hard for all."""
    variants = [
        {
            "name": name,
            "strength": name,
            "num_members": count,
            "num_diverged": 10 - count,
            **{key: {"accuracy": {"mean": mean}} for key in ("val", "test")},
            "selection_difference": difference,
        }
        for name, count, mean, difference in (
            ("l2=0.1", 10, 0.90, 0.02),
            ("l2=0.2", 5, 0.91, 0.01),
        )
    ]
    names = [v["name"] for v in variants]
    sweep = {"field": "l2", "scale": "list", "values": [0.1, 0.2], "variants": names}
    (sentence,) = findings(results(variants=variants, sweeps=[sweep]))
    assert sentence.startswith(
        "Of 2 values of l2 the mean validation accuracy on the seeds shared with the baseline is "
        "best with l2=0.1, 90.00 %"
    )


def test_the_stream_that_matters_most_is_named():
    def stream(name, sd):
        sd_of = {"value": sd, "ci95": [sd / 2, 2 * sd]}
        return {"stream": name, "sd": sd_of, "degrees": 6, "num_settings": 3}

    streams = [stream("init", 0.002), stream("split", 0.003), stream("all", 0.004)]
    found = [{"variant": "none", "strength": "", "streams": streams}]
    assert findings(results(randomness=found)) == [
        "The test accuracy of none has a standard deviation of 0.40 points (95 % interval 0.20 to "
        "0.80) over seeds; of one stream alone the largest estimate is that of the validation "
        "split, 0.30 (0.18 to 0.75, corrected for being the largest of 2; were all alike, the "
        "largest seen would be too large)."
    ]


@pytest.mark.parametrize(
    ("num_repeats", "said"),
    [(1, "with 1 repeat what another seed would change is in no interval and no p."), (4, "")],
)
def test_few_repeats_leave_out_the_luck_of_their_seeds(num_repeats, said):
    plan = {"num_folds": 5, "num_repeats": num_repeats, "num_train": 60, "num_held_out": 20}
    found = " ".join(seeds_of_folds(FoldPlan(**plan)))
    assert found.endswith(said)
    assert bool(found) == bool(said)


def looked_at(*decisions):
    rest = {"difference": 0.1, "interval": None, "p": 0.1}
    told = [{"variant": v, "status": s, "num_seeds": n, **rest} for v, s, n in decisions]
    taken = [{"num_seeds": 10, "decisions": told}]
    looks = {"planned": [10], "half_width": 0.002, "taken": taken, "num_seeds": {}}
    return findings(results(looks=looks))


def test_looks_say_who_was_decided_with_how_many_seeds():
    found = looked_at(
        ("dropout", "better", 10),
        ("l2", "worse", 10),
        ("l1", "better", 20),
        ("max_norm", "precise", 20),
        ("l1_l2", "undecided", 40),
    )
    assert found == [
        "Seeds were added as the validation rows asked, looked at with 10; told apart from no "
        "regularization "
        "after 10 seeds: dropout and l2; told apart from no regularization after 20 seeds: l1; "
        "known as "
        "precisely as was asked, ± 0.20 points, after 20 seeds: max_norm; still undecided after 40 "
        "seeds: l1_l2."
    ]


def test_many_variants_are_counted_instead_of_named():
    assert "after 10 seeds: 6 variants." in looked_at(*((f"v{i}", "open", 10) for i in range(6)))[0]


def test_two_changes_one_way_share_their_verb():
    both = entry("l2", "l2=0.0005", 0.1, ratio(0.5, 0.4, 0.6), ratio(0.8, 0.7, 0.9))
    assert findings(results(bias_variance=[NONE, both]))[1] == (
        "Against no regularization l2=0.0005 lowers variance by 50 % (40 to 60 %) and bias² + "
        "noise by 20 % "
        "(10 to 30 %) (95 % intervals, corrected for all variants)."
    )


def test_widths_have_no_end_to_go_beyond():
    names = ["hidden_units=64", "hidden_units=32"]
    variants = [
        {
            "name": n,
            "strength": n,
            "num_members": 5,
            **{key: {"accuracy": {"mean": m}} for key in ("val", "test")},
        }
        for n, m in zip(names, (0.9, 0.8), strict=True)
    ]
    sweep = {"field": "hidden_units", "scale": "list", "values": [[64], [32]], "variants": names}
    (sentence,) = findings(results(variants=variants, sweeps=[sweep]))
    assert sentence.endswith("(80.00 to 90.00 over all).")
