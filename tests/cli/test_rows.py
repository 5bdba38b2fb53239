"""The command line says which rows go where, and shows what that does."""

import json

import pytest

from kmlp.cli.options import Options, configure
from kmlp.cli.schema import words_of
from kmlp.cli.training import load_data
from kmlp.config import DataConfig, StudyConfig
from kmlp.config.study_file import read_study_file
from kmlp.errors import ConfigError
from tests.command_line import kmlp

CSV = "patient,day,x,y\n" + "".join(
    f"p{i % 12},2024-01-{1 + i // 4:02d},{(i * 7) % 13}.5,{'no' if i % 3 else 'yes'}\n"
    for i in range(96)
)


@pytest.fixture
def visits(tmp_path):
    path = tmp_path / "visits.csv"
    path.write_text(CSV)
    return path


def test_data_shows_how_many_groups_there_are(visits):
    words = ("--target", "y", "--group-on", "patient", "--test", "0.2")
    said = kmlp("data", str(visits), *words).stdout
    assert "Which rows test:" in said
    assert "96 rows, 4 columns, binary of 'y'; of the 72 training rows:" in " ".join(said.split())
    assert "groups by 'patient': 9 in the training rows, 3 in the test rows" in said
    assert "group_on: says which rows belong together" in " ".join(said.split())


def test_data_parts_few_rows_as_a_study_does_where_nothing_is_said(visits):
    words = ("--target", "y", "--group-on", "patient", "--json")
    assert json.loads(kmlp("data", str(visits), *words).stdout)["parted_by"] == [
        "no row is set aside: each is held out in its fold",
        "groups by 'patient': 12 in the training rows; none is parted",
    ]


def test_data_shows_when_test_and_validation_begin(visits):
    words = ("--target", "y", "--time-on", "day", "--test", "0.25", "--json")
    found = json.loads(kmlp("data", str(visits), *words).stdout)
    assert found["parted_by"] == [
        "time by 'day': training rows begin at 2024-01-01, test rows begin at 2024-01-19",
        "validation: the last training rows, 12 of 72, from 2024-01-16 on; the same for every seed",
    ]
    assert (found["num_rows"], found["num_training_rows"]) == (96, 72)


def test_options_become_the_studys_data_and_words_again():
    options = Options(target="y", group_on="patient", fold_on="site", validation="own.csv")
    config = configure("visits.csv", options)[""].data
    assert config == DataConfig(
        target="y", group_on="patient", fold_on="site", validation="own.csv"
    )
    words = words_of(config)
    assert words[-3:] == ["--group-on patient", "--fold-on site", "--validation own.csv"]


def test_a_study_file_names_them_and_a_file_beside_it(tmp_path, visits):
    study = tmp_path / "study.toml"
    data = '[data]\ntarget = "y"\ntime_on = "day"\nvalidation = "visits.csv"\n'
    study.write_text(f'dataset = "visits.csv"\n{data}')
    config = read_study_file(study)
    assert config.data.time_on == "day"
    assert config.data.validation == str(visits)
    study.write_text(f'dataset = "visits.csv"\n{data}group_on = "patient"\n')
    with pytest.raises(ConfigError, match="time_on and group_on cannot both hold"):
        read_study_file(study)
    study.write_text('dataset = "visits.csv"\n[data]\ngroup_on = 3\n')
    with pytest.raises(ConfigError, match="group_on"):
        read_study_file(study)


def test_of_images_nothing_is_parted_by_columns(tmp_path):
    found = kmlp("data", "digits", "--group-on", "patient")
    assert found.returncode
    assert "group_on is of tables" in found.stderr


def test_a_column_by_which_rows_are_parted_in_time_is_told_to_be_no_input(visits, capsys):
    """Whoever follows the hint to part by time would lose a trend without a word; and of folds,
    which time refuses, nothing is advised."""
    asked = StudyConfig(dataset=str(visits), data=DataConfig(target="y", time_on="day"))
    load_data(asked, visits.parent / "run")
    said = capsys.readouterr().err
    assert (
        "rows: day parts the rows and is no input; as a date it is one with --columns day=d" in said
    )
    assert "rows test: what is found on them may hold for these alone\n" in said
    assert "goes on as it began" not in said
    kept = DataConfig(target="y", time_on="day", columns={"day": "date"})
    load_data(StudyConfig(dataset=str(visits), data=kept), visits.parent / "other")
    assert "is no input" not in capsys.readouterr().err
