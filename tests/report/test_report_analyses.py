"""The report's sections beyond the ordinary networks show the results' numbers, and no others."""

import re

import pytest

from kmlp.report.blocks import Figure, Table, Text
from kmlp.report.sections.analyses import decompositions, folds, interim, seed_streams, sweeps
from kmlp.study.results.records.study import StudyResults
from tests.hand_made import hand_made

pytestmark = pytest.mark.page

ALL = {
    "resample": "splits:3",
    "resample_seeds": 2,
    "folds": 3,
    "repeats": 2,
    "randomness": True,
    "randomness_seeds": 3,
}
SECTIONS = (
    decompositions.decompositions_section,
    folds.folds_section,
    seed_streams.randomness_section,
    interim.interim_section,
    sweeps.sweeps_section,
)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return made(tmp_path_factory, "multiclass")


def made(tmp_path_factory, task):
    return hand_made(tmp_path_factory.mktemp("run"), task, **ALL).record


def changed(results, **parts):
    """The same results with other parts, as JSON has them."""
    return StudyResults.model_validate({**results.to_dict(), **parts})


def decision(variant, status, num_seeds=10):
    interval = None if status == "open" else [0.01, 0.03]
    return {
        "variant": variant,
        "status": status,
        "num_seeds": num_seeds,
        "difference": 0.02,
        "interval": interval,
        "p": 0.012,
    }


def looked_at():
    return {
        "planned": [10, 20],
        "half_width": None,
        "num_seeds": {"none": 20, "dropout": 10, "l2": 20},
        "taken": [
            {"num_seeds": 10, "decisions": [decision("dropout", "better"), decision("l2", "open")]},
            {"num_seeds": 20, "decisions": [decision("l2", "undecided", 20)]},
        ],
    }


def tables(section):
    return [block for block in section.blocks if isinstance(block, Table)]


def figures(section):
    return [block for block in section.blocks if isinstance(block, Figure)]


def cells(table, first):
    """The row that a cell names, as texts."""
    row = next(row for row in table.rows if row.cells[0].text.startswith(first))
    return [cell.text for cell in row.cells]


def test_bias_and_variance_stand_in_the_tables_as_in_the_results(results):
    section = decompositions.decompositions_section(results)
    ratios, squared, *others = tables(section)
    # With six networks a variant the error rate is not taken apart.
    assert len(others) == 1
    entry = next(e for e in results.bias_variance if e.variant == "dropout")
    value = entry.squared_error.variance.value
    assert float(cells(squared, "dropout")[3]) == pytest.approx(value, rel=0.001)
    ratio = entry.versus_baseline.squared_error.variance_ratio
    assert float(cells(ratios, "dropout")[3]) == pytest.approx(ratio.value, abs=0.005)
    marks = {r.cells[0].text: r.cells[3].mark for r in ratios.rows}
    assert marks["dropout=0.2"] == "better"
    assert marks["l2=0.0005"] == ""
    baseline = next(row for row in squared.rows if row.is_baseline)
    assert baseline.cells[0].text == "none"
    names = [figure.name for figure in figures(section)]
    assert names == ["bias-variance", "bias-variance-ratios"]


def test_it_says_what_was_drawn_and_what_the_variance_is_of(results):
    texts = [
        b.text for b in decompositions.decompositions_section(results).blocks if isinstance(b, Text)
    ]
    assert "3 disjoint parts of the training rows, 33 rows each, with 2 seeds on each" in texts[0]
    assert "with 6 networks a variant their majority is too often that of chance" in texts[1]
    assert "not at full size" in texts[2]
    assert "for these 2 seeds, which train on every sample" in texts[2]
    entries = [entry.to_dict() for entry in results.bias_variance]
    alone = changed(results, bias_variance=[{**e, "num_seeds": 1} for e in entries])
    section = decompositions.decompositions_section(alone)
    texts = [b.text for b in section.blocks if isinstance(b, Text)]
    assert "or with the same one" not in texts[0]
    assert "alike on every sample counts as bias" in texts[0]
    assert "for this seed, which trains on every sample" in texts[2]
    drawn = changed(results, bias_variance=[{**e, "resample": "bootstrap:3"} for e in entries])
    section = decompositions.decompositions_section(drawn)
    texts = [b.text for b in section.blocks if isinstance(b, Text)]
    assert "3 bootstrap draws" in texts[0]
    assert "not that of fresh rows" in texts[2]


def test_a_regression_has_the_squared_error_alone(tmp_path_factory):
    section = decompositions.decompositions_section(made(tmp_path_factory, "regression"))
    assert len(tables(section)) == 2


def test_folds_are_ranked_and_compared(results):
    section, unit = folds.folds_section(results), results.unit()
    (table,) = tables(section)
    ranked = sorted(results.cross_validation.variants, key=lambda e: -e.mean)
    assert [row.cells[1].text for row in table.rows] == [unit.value(e.mean) for e in ranked]
    assert section.title == "3-fold cross-validation, 2 times"
    assert cells(table, "none")[2] == "baseline"


@pytest.mark.parametrize(("num_wins", "mark"), [(5, ""), (6, "better")])
def test_fewer_than_six_folds_tell_nothing_apart(results, num_wins, mark):
    versus = {"difference": 0.1, "ci95": [0.09, 0.11], "p": 0.001, "p_holm": 0.001}
    versus |= {"wins": num_wins, "ties": 0, "losses": 0}
    found = results.to_dict()["cross_validation"]
    entries = [
        {**e, "versus_baseline": versus if e["variant"] == "dropout" else None}
        for e in found["variants"]
    ]
    section = folds.folds_section(changed(results, cross_validation={**found, "variants": entries}))
    (table,) = tables(section)
    row = next(row for row in table.rows if row.cells[0].text.startswith("dropout"))
    assert row.cells[2].mark == mark


def test_streams_are_named_in_words(results):
    (figure,) = figures(seed_streams.randomness_section(results))
    assert "all drawn anew but those of a fixed seed" in figure.caption
    # Matplotlib writes letters as text.
    for words in ("none: ordinary seeds", "initial weights", "masks and noise", "validation split"):
        assert words in re.sub(r"<[^>]+>", " ", figure.wide)


def test_the_streams_of_swept_values_are_in_the_table_alone(results):
    swept = {"field": "l2", "scale": "list", "values": [0, 1e-3], "variants": ["none", "l2"]}
    section = seed_streams.randomness_section(changed(results, sweeps=[swept]))
    (figure,), (table,) = figures(section), tables(section)
    drawn = re.sub(r"<[^>]+>", " ", figure.wide)
    assert "none: ordinary seeds" in drawn, "the baseline, though a sweep passes it"
    assert "l2" not in drawn
    sd = next(e for e in results.randomness if e.variant == "l2").by_stream["all"].sd
    assert f"{100 * sd.value:.2f}" in cells(table, "l2")
    noise = [c.text for c in table.columns].index("masks and noise")
    assert cells(table, "none")[noise] == "–", "without dropout it draws none"


def test_looks_show_the_last_decision_of_every_variant(results):
    section = interim.interim_section(changed(results, looks=looked_at()))
    (table,) = tables(section)
    assert cells(table, "dropout")[1:] == ["10", "+2.00", "0.012", "told apart: better"]
    assert cells(table, "l2")[1:] == ["20", "+2.00", "0.012", "undecided at the last look"]
    assert "planned at 10, 20 seeds" in table.note
    assert "not adjusted for when the study stopped" in table.note


def test_a_sweep_has_its_scores_and_its_bias_and_variance(results):
    swept = {
        "field": "hidden_units",
        "scale": "list",
        "values": [[8], [8, 4]],
        "variants": ["dropout", "l2"],
    }
    section = sweeps.sweeps_section(changed(results, sweeps=[swept]))
    assert [f.name for f in figures(section)] == ["sweep-1-scores", "sweep-1-bias-variance"]
    assert "8-4" in figures(section)[0].wide
    assert "units by hidden layer" in figures(section)[0].wide
    without = sweeps.sweeps_section(changed(results, sweeps=[swept], bias_variance=[]))
    assert len(figures(without)) == 1


def test_ordinary_networks_alone_have_none_of_these(tmp_path):
    alone = hand_made(tmp_path, "multiclass").record
    assert [section(alone) for section in SECTIONS] == [None] * 5


def test_every_number_is_in_a_csv_table(results):
    swept = {"field": "l2", "scale": "list", "values": [0, 1e-3], "variants": ["none", "l2"]}
    every = changed(results, looks=looked_at(), sweeps=[swept])
    found = {name: rows for section in SECTIONS for name, rows in section(every).tables.items()}
    assert sorted(found) == [
        "bias_variance",
        "folds",
        "folds_by_variant",
        "looks",
        "randomness",
        "sweeps",
    ]
    names, *rows = found["bias_variance"]
    assert len(rows) == 9
    assert {"risk_value", "variance_ci95_low", "variance_ratio_value"} <= set(names)
    names, *rows = found["folds"]
    assert len(rows) == 3 * 2 * 3
    assert names == ["variant", "repeat", "fold", "score"]
