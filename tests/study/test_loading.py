"""What a study and what is chosen of it are called in a line."""

import dataclasses

import pytest

from kmlp.errors import SelectionError
from kmlp.study.loading import load_study
from tests.hand_made import hand_made


@pytest.mark.long
def test_a_study_is_told_by_its_data_variants_seeds_and_answer(tmp_path):
    study = load_study(hand_made(tmp_path / "run", "multiclass", 2).folder.path)
    said = repr(study)
    answer = study.results["answer"]["text"]
    names = ", ".join(variant["name"] for variant in study.results["variants"])
    assert said == f"<Study of 'made' in {tmp_path / 'run'}: {names}; seeds: 2. {answer}>"
    many = [study.record.variants[0].model_copy(update={"name": f"v{i}"}) for i in range(40)]
    record = study.record.model_copy(update={"variants": tuple(many)})
    assert "v5 and 34 more; seeds" in repr(dataclasses.replace(study, record=record))


def test_a_choice_is_told_by_its_variant_and_seeds(tmp_path):
    study = load_study(hand_made(tmp_path / "run", "multiclass", 2).folder.path)
    where = f"of 'made', {{}}, in {tmp_path / 'run'}>"
    assert repr(study.member("none", 1)) == f"<Selection none {where.format('seed 1')}"
    both = study.ensemble("none")
    assert repr(both) == f"<Selection none {where.format('ensemble of 2 seeds')}"
    refit = dataclasses.replace(both, refit={"epochs": 3})
    assert repr(refit).endswith(where.format("refit on all rows"))


def test_a_variant_is_chosen_by_the_label_that_results_print(tmp_path):
    """Tables and sentences call `dropout` "dropout=0.2": so it is named, too."""
    study = load_study(hand_made(tmp_path / "run", "multiclass", 2).folder.path)
    assert study.record.variant("dropout").label == "dropout=0.2"
    for chosen in (
        study.best("dropout=0.2"),
        study.ensemble("dropout=0.2"),
        study.member("dropout=0.2", 1),
        study.select("dropout=0.2", "0"),
    ):
        assert chosen.variant["name"] == "dropout"
    with pytest.raises(SelectionError, match=r"variant='dropout=0.3'\. Did you mean 'dropout'"):
        study.ensemble("dropout=0.3")
    # Where another variant has that name, the name decides.
    other = study.record.variant("l2").model_copy(update={"name": "dropout=0.2", "strength": ""})
    record = study.record.model_copy(update={"variants": (*study.record.variants, other)})
    with pytest.raises(SelectionError, match=r"variant='dropout=0.2'"):
        dataclasses.replace(study, record=record).ensemble("dropout=0.2")
