"""A search as a chapter of its study's page."""

from tests.made_search import changed, made_search, searched
from tuning.report.section import _what


def held(space, results) -> str:
    return _what(changed(results, space=[p.to_dict() for p in space]))


def test_what_other_parameters_make_is_not_said_to_be_held_fixed(tmp_path):
    """Widths are drawn layer by layer: the base's own may be those of no trial."""
    results, depth = made_search(tmp_path, 12), searched("num_layers", "choice", values=[1, 2])
    rate = searched("sgd_learning_rate", "float", min=0.1, max=0.5)
    assert " Held fixed: hidden units [128, 64], activation relu, optimizer adam, " in held(
        [searched("dropout", "bool")], results
    )
    drawn = held([depth, rate], results)
    assert "Held fixed: activation relu, optimizer adam, batch size 128, max epochs 100." in drawn


def test_nothing_is_said_to_be_held_where_all_is_drawn(tmp_path):
    names = ("hidden_units", "activation", "optimizer", "learning_rate", "batch_size", "max_epochs")
    said = held([searched(name, "choice", values=[1]) for name in names], made_search(tmp_path, 12))
    assert "Held" not in said
