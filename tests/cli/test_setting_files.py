"""Whatever a study or search file holds, it is read rightly or refused in one short line."""

import dataclasses

import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.config.study_file import read_studies
from kmlp.errors import ConfigError
from tests.tuning.space.test_space import IMAGES
from tuning.space.config import SearchConfig, read_search_file
from tuning.space.space import make_space

HUGE = "9" * 5000
VALUES = (
    "-1", "nan", "inf", "1e400", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "''", "[]", "{}",
    "[nan]", "[[]]", "[[1], [2]]", "[true]", "[{}]", "{a = 1}", "['a', 'b']", HUGE, "9" * 400,
    "[" * 3000 + "]" * 3000, "[" * 50 + "]" * 50, "{a=" * 9 + "1" + "}" * 9, f"'{'x' * 100_000}'",
    f"['{'y' * 100_000}']", "'dropout=0:1:100000000'", f"['dropout=1,{HUGE}']",
    "'splits:100000000'", "100000000", "'a\\u0000'".replace("'", '"'),
)  # fmt: skip
"""Of no field's kind, or of a size that none has."""


def refused_or_read(read, path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    try:
        read(path)
    except ConfigError as error:
        return str(error)
    return ""


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "read"), [(StudyConfig, read_studies), (SearchConfig, read_search_file)]
)
def test_no_value_of_any_field_does_more_than_be_refused(tmp_path, kind, read):
    tables = {"": kind, "[model]\n": MLPConfig, "[train]\n": TrainConfig}
    for table, owner in tables.items():
        for field in dataclasses.fields(owner):
            head = "" if field.name == "dataset" else "dataset = 'mnist'\n"
            for value in VALUES:
                text = f"{head}{table}{field.name} = {value}\n"
                message = refused_or_read(read, tmp_path / "a.toml", text)
                assert "\n" not in message
                assert len(message) < 1500, field.name


@pytest.mark.parametrize("value", VALUES)
def test_no_variant_study_or_space_does_either(tmp_path, value):
    for text in (
        f"variants = ['none', {value}]",
        f"variants = ['none', {{name = 'w', dropout = {value}}}]",
        f"variants = ['none', {{name = {value}, dropout = 0.1}}]",
        f"seed_streams = {{init = {value}}}",
        f"[train]\nreduce_on_plateau = {{factor = {value}}}",
        f"[train]\nclass_weight = {{a = {value}}}",
        f"[[study]]\nname = {value}",
        f"study = {value}",
        f"nonsense = {value}",
    ):
        message = refused_or_read(read_studies, tmp_path / "a.toml", f"dataset = 'mnist'\n{text}\n")
        assert "\n" not in message
        assert len(message) < 1500, text[:60]


@pytest.mark.parametrize(
    "name", ["dropout", "hidden_units", "num_layers", "batch_size", "optimizer"]
)
@pytest.mark.parametrize(
    "value",
    [[float("nan")], 1.5, -1, [[]], [{}], {}, "x", 10**400, {"min": 0, "max": 10**400}, True],
)
@pytest.mark.parametrize("part", ["space", "fixed"])
def test_a_space_is_refused_by_its_own_words(part, name, value):
    space, fixed = ({name: value}, {}) if part == "space" else ({}, {name: value})
    try:
        make_space(IMAGES, space, fixed)
    except ConfigError as error:
        message = str(error)
    else:
        message = ""
    assert len(message) < 1500


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dataset = 5", "dataset must be a name or a path, as text. Received: dataset=5."),
        ("dataset = [nan]", "dataset must be a name or a path, as text. Received: dataset=[nan]."),
        ("dataset = 1979-05-27", 'no field holds a date or a time. Received: 1979-05-27. A name is '
         'written between quotes: "1979-05-27".'),
        (f"num_seeds = {HUGE}", "not valid TOML: Exceeds the limit"),
        ("a = " + "[" * 3000, "tables and lists are nested too deeply."),
        ("a = " + "[" * 50 + "]" * 50, "tables and lists are nested too deeply."),
        ("dataset = 'mnist'\nnum_seeds = 100000000", "num_seeds must be at most 10,000."),
        ("dataset = 'mnist'\nsweep = ['dropout=0:1:1001']", "a sweep takes at most 1,000 values"),
        ("dataset = 'mnist'\nsweep = ['dropout=0:inf:5']", "starts and stops at finite numbers"),
        ("dataset = 'mnist'\nnum_seeds = 10000\nresample = 'splits:10000'\nresample_seeds = 10000",
         "a study holds at most 1,000,000 networks. Received: 400,040,000, of 4 variants."),
    ],
)  # fmt: skip
def test_a_message_says_what_was_read_and_what_to_write(tmp_path, text, message):
    assert message in refused_or_read(read_studies, tmp_path / "a.toml", text)


@pytest.mark.parametrize("read", [read_studies, read_search_file])
def test_a_mark_before_the_first_letter_is_passed_over(tmp_path, read):
    """Some editors of Windows write one."""
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfdataset = 'mnist'\n")
    found = read(tmp_path / "a.toml")
    assert (found[""] if isinstance(found, dict) else found).dataset == "mnist"
    assert StudyConfig.from_toml("\ufeffdataset = 'mnist'").dataset == "mnist"


@pytest.mark.parametrize("text", ["", "[" * 100_000, '{"a": ' * 100_000, HUGE, "[]"])
def test_json_is_refused_in_a_line_too(text):
    with pytest.raises(ConfigError) as caught:
        StudyConfig.from_json(text)
    assert len(str(caught.value)) < 500
