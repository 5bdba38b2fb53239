"""What was trained, on what, and what came out best, as the report says it."""

import numpy as np
import pytest

from kmlp.report.sections.setting import best_section, setting_section
from kmlp.study.results.records.study import StudyResults
from tests.hand_made import hand_made


@pytest.fixture
def results(tmp_path):
    return hand_made(tmp_path, "multiclass").record


def facts_of(section) -> dict[str, str]:
    return {row.cells[0].text: row.cells[1].text for row in section.blocks[-1].rows}


def changed(results, **train):
    """The same results with other training settings of every variant."""
    values = results.to_dict()
    for variant in values["variants"]:
        variant["config"]["train"] |= train
    return StudyResults.model_validate(values)


def test_the_setting_says_how_training_stops(results):
    stops = facts_of(setting_section(changed(results, min_delta=0.001, patience=7)))
    assert stops["Early stopping"] == (
        "when the validation loss has not improved on its best by more than 0.001 in 7 epochs; "
        "weights of the best epoch"
    )
    runs_on = facts_of(setting_section(changed(results, early_stopping=False, max_epochs=9)))
    assert runs_on["Early stopping"] == "none: all 9 epochs"


def test_what_is_off_is_left_out(results):
    plateau = {"factor": 0.5, "patience": 2}
    facts = facts_of(setting_section(changed(results, reduce_on_plateau=plateau)))
    assert "reduce on plateau (factor 0.5, patience 2)" in facts["Training"]
    assert "momentum" not in facts["Training"]
    assert "penalty" not in facts["Network (variant none)"]
    assert "6 seeds a variant" in facts["Trials"]


def test_the_best_settings_are_those_of_the_variant_that_validation_chose(results):
    facts = facts_of(best_section(results))
    name, seed = results.best.variant, results.best.seed
    scores = list(results.by_seed(name).values())
    error = 100 * np.std(scores, ddof=1) / len(scores) ** 0.5
    assert facts["Variant"].startswith(name)
    assert (
        f"test {100 * np.mean(scores):.2f} % (standard error {error:.2f})"
        in (facts["Its accuracy"])
    )
    assert facts["One network of it"].startswith(f"seed {seed}, ")


def test_no_best_settings_where_nothing_finished(results):
    assert best_section(results.model_copy(update={"best": None})) is None
