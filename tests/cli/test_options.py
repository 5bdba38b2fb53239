"""Options override the study, and are said again as they were said."""

import re
from typing import get_type_hints

import pytest
from cyclopts import Parameter

from kmlp.cli.options import Options, configure
from kmlp.errors import ConfigError
from kmlp.stats.metrics import BY_NAME


def test_options_override_fields_wherever_they_lie():
    options = Options(
        variants="none, l2",
        num_seeds="auto",
        sweep=["dropout=0.1,0.2"],
        resample="splits:3",
        randomness=True,
        hidden_units="32,16",
        max_epochs=7,
    )
    config = configure("mnist", options)[""]
    assert config.variant_names == ("none", "l2", "dropout=0.1", "dropout=0.2")
    assert (config.num_seeds, config.resample, config.randomness) == ("auto", "splits:3", True)
    assert (config.model.hidden_units, config.train.max_epochs) == ((32, 16), 7)


def test_options_hold_for_every_study_of_a_file(tmp_path):
    path = tmp_path / "both.toml"
    path.write_text("".join(f'[[study]]\nname = "{n}"\ndataset = "{n}"\n' for n in "ab"))
    studies = configure(str(path), Options(folds=3))
    assert {name: (c.dataset, c.folds) for name, c in studies.items()} == {
        "a": ("a", 3),
        "b": ("b", 3),
    }


@pytest.mark.parametrize(
    ("word", "units"), [("128-64", (128, 64)), ("32,16", (32, 16)), ("linear", ()), ("8", (8,))]
)
def test_layers_are_said_as_a_sweep_says_them(word, units):
    said = Options(variants="none", hidden_units=word)
    assert configure("mnist", said)[""].model.hidden_units == units
    swept = Options(variants="none", sweep=[f"hidden_units=7-7,{word.replace(',', '-')},7"])
    assert units in [v.model.hidden_units for v in configure("mnist", swept)[""].resolved_variants]


def test_another_baseline_is_said_and_an_only_variant_is_its_own(tmp_path):
    named = configure("mnist", Options(variants="dropout,l2", baseline="l2"))[""]
    assert (named.baseline, named.variant_names) == ("l2", ("dropout", "l2"))
    assert configure("mnist", Options(variants="dropout=0.3"))[""].baseline == "dropout=0.3"
    path = tmp_path / "one.toml"
    path.write_text('dataset = "mnist"\nvariants = ["l1"]')
    assert configure(str(path))[""].baseline == "l1"
    assert configure(str(path), Options(variants="none,l2"))[""].baseline == "none"
    with pytest.raises(ConfigError, match="on the command line --baseline"):
        configure("mnist", Options(variants="dropout,l2"))


def test_what_was_said_is_said_again():
    options = Options(num_seeds="auto", sweep=["l2=0,1", "dropout=0,0.1"], randomness=True)
    said = ["--sweep l2=0,1", "--sweep dropout=0,0.1", "--randomness"]
    assert options.words() == ["--seeds auto", *said]
    assert options.words("num_seeds") == said


def test_nothing_said_is_the_study_as_it_is():
    assert configure("mnist", Options()) == configure("mnist")
    assert Options().words() == []


def test_widths_that_are_no_numbers_are_refused():
    with pytest.raises(ConfigError, match="hidden_units are whole numbers with hyphens"):
        configure("mnist", Options(hidden_units="a,b"))


def test_the_help_of_metric_names_every_metric():
    asked = get_type_hints(Options, include_extras=True)["metric"]
    said = next(m.help for m in asked.__metadata__ if isinstance(m, Parameter))
    assert set(BY_NAME) - set(re.findall(r"\w+", said.lower())) == set()
