"""A variant is called equivalent where that is shown within the margin that was named."""

import numpy as np
import pytest

from kmlp.config import StudyConfig
from kmlp.errors import ConfigError
from kmlp.stats.equivalence import MeanDifference, equivalence, posterior
from kmlp.stats.paired_tests import holm
from kmlp.study.results.assembly import build_results
from kmlp.study.results.records.choices import Looks
from tests.hand_made import hand_made, outputs_of, record

MARGIN = 5.0


def nearly_equal(path, num_seeds: int = 8, **more):
    """Accuracies of `l2` and `dropout` lie about the baseline's, one row more or less of 40."""
    made = hand_made(path, "multiclass", num_seeds, **more)
    for variant in ("dropout", "l2"):
        for seed, id in made.plan.ids[variant].items():
            other = outputs_of("multiclass", "none", seed)
            place = int(np.flatnonzero(other.argmax(axis=1) == made.truth)[0])
            if (seed + (variant == "l2")) % 3 == 0:
                other[place] = np.roll(other[place], 1)
            record(made.folder, id, "multiclass", made.truth, other)
    return made


def test_it_is_computed_from_paired_differences_with_holm_over_all_claims(tmp_path):
    made = nearly_equal(tmp_path, equivalence=MARGIN)
    results = made.record
    baseline = results.by_seed("none")
    known = {
        v: MeanDifference.of_pairs([s - baseline[i] for i, s in results.by_seed(v).items()])
        for v in ("dropout", "l2")
    }
    tested = {v: equivalence(seen, 0.05) for v, seen in known.items()}
    for (name, one), p in zip(tested.items(), holm([t.p for t in tested.values()]), strict=True):
        versus = results.variant(name).versus_baseline
        assert (versus.equivalence, versus.p_holm_equivalence) == (one, p)
        assert p > one.p or one.p == max(t.p for t in tested.values())
        assert versus.posterior == posterior(known[name], 0.05, higher_is_better=True)


@pytest.mark.long
def test_what_is_shown_is_a_finding_of_verdict_and_answer(tmp_path):
    found = nearly_equal(tmp_path, equivalence=MARGIN).record
    said = next(s for s in found.verdict if "equivalent" in s)
    assert said.startswith(
        "l2=0.0005 and dropout=0.2 are equivalent to no regularization within 5.00 points (90 % "
        "intervals "
        "within -"
    )
    assert not any("cannot be told apart from no regularization" in s for s in found.verdict)
    assert found.answer.kind == "none_helps"
    assert found.answer.text.startswith(
        "No regularizer is shown to help: all are equivalent to no regularization within 5.00 "
        "points; expect"
    )


@pytest.mark.long
@pytest.mark.parametrize("margin", [0.1, None])
def test_without_a_margin_or_within_too_narrow_a_one_nothing_is_equivalent(tmp_path, margin):
    made = nearly_equal(tmp_path, equivalence=margin)
    found = made.record
    assert not any("equivalent" in s for s in (*found.verdict, found.answer.text))
    assert any("cannot be told apart from no regularization" in s for s in found.verdict)
    versus = made.results["variants"][1]["versus_baseline"]
    assert ("equivalence" in versus) == ("posterior" in versus) == (margin is not None)


def test_below_six_seeds_nothing_is_equivalent(tmp_path):
    found = nearly_equal(tmp_path, 5, equivalence=50.0).record
    assert found.variant("l2").versus_baseline.p_holm_equivalence < 0.001
    assert found.answer.kind == "too_few_seeds"
    assert not any("equivalent" in s for s in found.verdict)


@pytest.mark.long
def test_every_look_counts(tmp_path):
    made = nearly_equal(tmp_path, equivalence=2.5)
    once = made.record.variant("l2").versus_baseline.p_holm_equivalence
    looks = Looks(planned=(4, 8), half_width=None, taken=(), num_seeds={})
    twice = build_results(made.plan, made.folder, made.dataset, looks=looks)
    assert 0 < once < 0.5
    assert twice.variant("l2").versus_baseline.p_holm_equivalence == 2 * once


def test_an_error_s_margin_is_in_its_own_unit(tmp_path):
    """l2 is worse by exactly 0.5 in RMSE, dropout better by exactly 1."""
    found = hand_made(tmp_path, "regression", 8, equivalence=0.6).record
    l2, dropout = (found.variant(v).versus_baseline for v in ("l2", "dropout"))
    assert l2.equivalence.margin == 0.6
    assert (l2.is_equivalent, dropout.is_equivalent) == (True, False)
    assert dropout.posterior.better > 0.99
    assert "l2=0.0005 is equivalent to no regularization within 0.60 in RMSE" in " ".join(
        found.verdict
    )


@pytest.mark.parametrize("margin", [0, -1.0, "wide", float("nan"), float("inf")])
def test_a_margin_that_is_none_is_refused(margin):
    with pytest.raises(ConfigError, match="equivalence"):
        StudyConfig(dataset="made", equivalence=margin)


def test_the_margin_survives_the_study_file():
    config = StudyConfig(dataset="made", equivalence=0.2)
    assert StudyConfig.from_toml(config.to_toml()) == config
    assert "equivalence" not in StudyConfig(dataset="made").to_toml()
