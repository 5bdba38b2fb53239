"""Scores from outside beside a study: paired where they can be, refused where they do not fit."""

import dataclasses

import pytest

from kmlp.errors import DataError
from kmlp.report import write_report
from kmlp.scores.beside import beside_study
from kmlp.study.loading import load_study
from tests.command_line import kmlp
from tests.hand_made import hand_made


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return hand_made(tmp_path_factory.mktemp("beside") / "run", "multiclass", 8)


@pytest.fixture(scope="module")
def study(made):
    return load_study(made.folder.path)


def scores(study, gain=0.05, **more):
    """Two methods: as good as the best variant and the gain, and far worse."""
    best = study.record.by_seed(study.record.best.variant)
    found = {
        "method": ["mine"] * len(best) + ["theirs"] * len(best),
        "seed": [*best, *best],
        "accuracy": [v + gain for v in best.values()] + [v - 0.2 for v in best.values()],
    }
    return {**found, **more}


def test_each_is_judged_against_the_best_variant_seed_by_seed(study):
    found = beside_study(study, scores(study)).found
    assert found.baseline == study.record.best.variant
    assert found.paired_by == ("seed",)
    by_name = {m.name: m for m in found.datasets[0].methods}
    mine = by_name["mine"].versus_baseline
    assert mine.difference == pytest.approx(0.05)
    # Two sign-flip tests of 8 pairs that agree: 2 / 2^8 each, and Holm's factor is 2, not the
    # number of the study's variants.
    assert mine.p_holm == pytest.approx(2 * 2 / 2**8)
    assert "mine beats dropout=0.2 by 5.00 points" in found.verdict[0]


@pytest.mark.long
def test_without_a_seed_they_are_compared_unpaired(study):
    given = scores(study)
    del given["seed"]
    found = beside_study(study, given).found
    assert found.paired_by == ()
    assert found.datasets[0].methods[1].versus_baseline.test == "permutation"


def test_of_several_data_sets_the_studys_is_taken(study):
    given = scores(study)
    both = {k: [*v, *v] for k, v in given.items()}
    number = len(given["seed"])
    both["dataset"] = ["made"] * number + ["other"] * number
    both["accuracy"][number:] = [0.1] * number
    found = beside_study(study, both).found
    assert found.datasets[0].methods[1].versus_baseline.difference == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"accuracy": [91.0] * 16}, r"accuracy, which is from 0 to 1, .*reach 91; write shares"),
        ({"method": ["dropout"] * 16}, r"a method is called dropout, as the study's best .*Rename"),
        ({"seed": [*range(100, 108)] * 2}, r"no seed of mine and theirs is one of the study's, 0"),
        ({"fold": [0] * 16}, r"its scores are of folds.*kmlp compare"),
        ({"dataset": ["other"] * 16}, r"no row is of the study's data set, made\. .*: other"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(study, changed, said):
    with pytest.raises(DataError, match=said):
        beside_study(study, scores(study, **changed))


def test_another_metric_is_refused(study):
    given = scores(study)
    given["auc"] = given.pop("accuracy")
    with pytest.raises(DataError, match="has no column 'accuracy', the metric of the study"):
        beside_study(study, given)


def test_a_study_that_folds_judge_is_refused_with_what_compares_it(study):
    folded = dataclasses.replace(study, record=study.record.model_copy(update={"basis": "folds"}))
    with pytest.raises(DataError, match=r"judged by folds.*kmlp compare .* with the columns seed"):
        beside_study(folded, scores(study))


@pytest.mark.long
def test_a_negated_error_is_refused(tmp_path):
    study = load_study(hand_made(tmp_path / "r", "regression", 8).folder.path)
    given = {"method": ["mine"] * 8, "seed": [*range(8)], "rmse": [-9.0] * 8}
    with pytest.raises(DataError, match=r"rmse, which is at least 0, .*turn the sign round"):
        beside_study(study, given)


@pytest.mark.page
def test_they_have_a_section_and_a_table_and_choose_nothing(made, study, tmp_path):
    file = tmp_path / "mine.csv"
    given = scores(study)
    rows = zip(*given.values(), strict=True)
    file.write_text("\n".join([",".join(given), *(",".join(map(str, r)) for r in rows)]))
    before = made.record.to_dict()
    done = kmlp("report", str(made.folder.path), "--with", str(file), "--out", str(tmp_path / "r"))
    assert done.returncode == 0, done.stderr
    assert "• mine beats dropout=0.2 by 5.00 points" in done.stdout
    page = (tmp_path / "r/report.html").read_text()
    assert 'id="outside"' in page
    assert "mine beats dropout=0.2 by 5.00 points" in page
    assert "mine" in (tmp_path / "r/tables/other_methods.csv").read_text()
    assert "Other methods" in (tmp_path / "r/report.tex").read_text()
    assert load_study(made.folder.path).record.to_dict() == before
    refused = kmlp("report", str(made.folder.path), str(made.folder.path), "--with", str(file))
    assert refused.returncode == 1
    assert "--with is of the report of one study" in refused.stderr


@pytest.mark.long
def test_scores_stand_beside_one_study(made, tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        write_report(made.folder.path, tmp_path, scores=tmp_path / "missing.csv")
