"""What a paper says of methods, and last: as the configs and the corrected tests have it."""

import pytest

from kmlp.report.paper.closing import abstract, conclusion
from kmlp.report.paper.document import Equation, Numbering
from kmlp.report.paper.methods import methods_chapter
from kmlp.study.results.records.folds import FoldPlan
from tests.hand_made import hand_made


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Three variants of eight seeds: dropout is better on every one."""
    return hand_made(tmp_path_factory.mktemp("chapters") / "run", "multiclass", 8).record


def without_comparison(results, name: str):
    variants = [
        v.model_copy(update={"versus_baseline": None}) if v.name == name else v
        for v in results.variants
    ]
    return results.model_copy(update={"variants": tuple(variants)})


@pytest.mark.long
def test_what_helps_on_some_data_sets_is_not_said_to_help_on_one_or_on_all(results):
    said = conclusion({"a": results, "b": results, "c": results})
    assert "dropout helps on every data set." in said
    said = conclusion({"a": results, "b": results, "c": without_comparison(results, "dropout")})
    assert "Shown to help on some data sets only: dropout on a and b." in said


def test_of_folds_only_the_one_that_is_left_out_has_no_say_in_when_training_stops(results):
    study = results.model_copy(update={"basis": "folds"})
    chapters = methods_chapter({"a": study}, Numbering()).chapters
    (stopping,) = (chapter for chapter in chapters if "stops" in chapter.title)
    assert "Rows of the fold that is left out have no say in it." in stopping.blocks[0].parts[-1]


@pytest.mark.parametrize(
    ("nesterov", "step"), [(False, "w <- w + u"), (True, "w + mu u - eta_t g")]
)
def test_the_step_is_the_one_that_is_taken(results, nesterov, step):
    """See `kmlp.nn.update_rules`."""
    first, *others = results.variants
    sgd = {"optimizer": "sgd", "momentum": 0.9, "nesterov": nesterov}
    config = first.config.model_copy(update={"train": {**first.config.train, **sgd}})
    first = first.model_copy(update={"config": config})
    study = results.model_copy(update={"variants": (first, *others)})
    setting = methods_chapter({"a": study}, Numbering()).chapters[0]
    formulas = [b.formula.typst for b in setting.blocks if isinstance(b, Equation)]
    assert formulas[2].endswith(step)


def test_the_abstract_counts_folds_where_folds_test(results):
    (said,) = [s for s in abstract({"a": results}) if "multilayer perceptrons were trained" in s]
    assert "8 seeds a variant, each" in said
    planned = FoldPlan(num_folds=5, num_repeats=4, num_train=60, num_held_out=15)
    groups = results.groups.model_copy(update={"folds": planned})
    folded = results.model_copy(update={"basis": "folds", "groups": groups})
    (said,) = [s for s in abstract({"a": folded}) if "multilayer perceptrons were trained" in s]
    assert "5 folds cut 4 times a variant, each" in said
