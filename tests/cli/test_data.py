"""`kmlp data FILE`, and how a table is named on the command line and in a study file."""

import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from kmlp.cli.data import data
from kmlp.cli.options import Options, configure
from kmlp.cli.schema import OfTable, read_kinds, words_of
from kmlp.cli.training import load_data
from kmlp.cli.tune import configure as configure_search
from kmlp.cli.tune import load_data as load_for_search
from kmlp.config import DataConfig, StudyConfig
from kmlp.config.study_file import read_studies
from kmlp.data.columns import Schema
from kmlp.errors import ConfigError, DataError, RunFolderError
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer
from tuning.space.config import read_search_file

ROWS = [f"{i},{i % 7},{'Bern' if i % 3 else 'Rom'},{'yes' if i % 2 else 'no'}" for i in range(60)]


@pytest.fixture
def path(tmp_path, monkeypatch):
    (tmp_path / "churn.csv").write_text("\n".join(["id;a;city;left", *ROWS]).replace(",", ";"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path / "churn.csv"


def test_the_schema_is_shown(path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    data(path.name, of=OfTable(target="left", drop=["a"]))
    shown = capsys.readouterr().out
    words = " ".join(shown.split())
    assert "60 rows, 4 columns, binary of 'left'" in words
    assert "separator semicolon" in shown
    assert "an identifier" in words
    assert "dropped as asked" in words
    assert max(map(len, shown.replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines())) <= 80


def test_the_json_is_complete(path, capsys):
    data(str(path), of=OfTable(target="left", columns="a=category"), json=True)
    told = json.loads(capsys.readouterr().out)
    about = {key: told.pop(key) for key in ("file", "sha256", "num_rows", "found")}
    assert about["num_rows"] == 60
    schema = Schema.from_dict(told)
    assert schema.inputs == {"a": "category", "city": "category"}
    assert [c.name for c in schema.shown] == ["left", "id", "a", "city"]


def test_without_a_target_the_option_is_told(path):
    with pytest.raises(DataError, match=r"holds: id, a, city, left\. Write target='NAME'"):
        data(str(path))
    with pytest.raises(ConfigError, match="--target: of which data"):
        data(of=OfTable(target="left"))


def test_once_rows_are_parted_those_in_both_sets_are_told(path, capsys):
    rows = [f"{i / 7};{i * i % 59};{'yes' if i % 2 else 'no'}" for i in range(60)]
    path.write_text("\n".join(["a;b;left", *rows, *rows[:3]]))
    data("churn.csv", of=OfTable(target="left"))
    told = " ".join(capsys.readouterr().out.split())
    assert "6 of 63 rows stand in the table more than once, equal in every column: if" in told
    data("churn.csv", of=OfTable(target="left", test="0.5"))
    assert "test rows stand in the training rows, too" in " ".join(capsys.readouterr().out.split())


def test_how_rows_belong_together_is_told_before_they_are_parted(path, capsys):
    rows = [
        f"2024-{1 + i // 28:02}-{1 + i % 28:02};{i % 30};{i * i % 59};{i % 2}" for i in range(60)
    ]
    path.write_text("\n".join(["day;patient;b;left", *rows]))
    data("churn.csv", of=OfTable(target="left"))
    told = " ".join(capsys.readouterr().out.split())
    assert "--group-on patient" in told
    assert "--time-on day" in told
    data("churn.csv", of=OfTable(target="left", time_on="day"))
    assert "--time-on" not in capsys.readouterr().out


def test_images_are_shown_by_their_classes(path, capsys):
    for name, brightness in (("a[b]", 9), ("b", 200)):
        (path.parent / "photos" / name).mkdir(parents=True)
        for i in range(5):
            image = np.full((3, 2), brightness + i, np.uint8)
            Image.fromarray(image).save(path.parent / "photos" / name / f"{i}.png")
    data("photos", of=OfTable(test="0.4"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "photos: 6 training and 4 test rows of 3 x 2 uint8, binary"
    assert [line.split() for line in lines[2:4]] == [["a[b]", "3", "2"], ["b", "3", "2"]]
    data("photos")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("photos: 10 rows without test rows (folds test) of 3 x 2 uint8")
    assert lines[2].split() == ["a[b]", "5"]
    data("photos", of=OfTable(test="0.2"), json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["classes"]["b"] == {"train": 4, "test": 1}
    assert any("few rows for these classes of 'photos'" in line for line in told["warnings"])


def test_a_set_by_its_name_has_its_target(path, capsys):
    data("wine")
    assert "178 rows, 14 columns, multiclass of 'cultivar'" in capsys.readouterr().out


def test_what_the_command_line_says_of_a_table_goes_into_the_config():
    options = Options(target="left", test="0.25", columns="a=category", drop=["id,b"])
    config = configure("churn.csv", options)[""]
    said = {"target": "left", "test": 0.25, "columns": {"a": "category"}, "drop": ("id", "b")}
    assert config.data == DataConfig(**said)
    assert StudyConfig.from_toml(config.to_toml()) == config
    assert configure_search("churn.csv", data=options.said).data == config.data
    assert configure("mnist")[""].data is None
    words = ["--target left", "--test 0.25", "--columns a=category", "--drop id", "--drop b"]
    assert words_of(config.data) == words
    with pytest.raises(ConfigError, match="--columns takes NAME=KIND"):
        read_kinds("a")


FILE = """
dataset = "churn.csv"
variants = ["none", "l2"]
num_seeds = 2
[data]
target = "left"
test = 0.2
drop = ["id", "city"]
"""


def test_paths_in_a_study_file_are_relative_to_it(path, tmp_path, monkeypatch):
    (tmp_path / "study.toml").write_text(FILE)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    config = read_studies("../study.toml")[""]
    assert config.dataset == "../churn.csv"
    assert len(load_data(config, tmp_path / "run")[0].x_test) == 12
    search = FILE.replace('variants = ["none", "l2"]', "")
    (tmp_path / "search.toml").write_text(search)
    assert read_search_file("../search.toml").dataset == "../churn.csv"


def test_images_beside_a_study_file_are_meant_and_its_run_folders_are_not(path, monkeypatch):
    for folder in ("photos/a", "mnist/arrays"):
        (path.parent / folder).mkdir(parents=True)
    Image.new("L", (2, 2)).save(path.parent / "photos" / "a" / "0.png")
    (path.parent / "other").mkdir()
    monkeypatch.chdir(path.parent / "other")
    for name, read in (("photos", "../photos"), ("mnist", "mnist")):
        (path.parent / "study.toml").write_text(f'dataset = "{name}"')
        assert read_studies("../study.toml")[""].dataset == read


def test_what_to_look_at_is_said_before_anything_trains(path, capsys):
    rows = [f"{i / 7};{i * i % 59};{'yes' if i % 2 else 'no'}" for i in range(60)]
    path.write_text("\n".join(["a;b;left", *rows, *rows]))
    for test, repeated in (
        (0.2, "test rows stand in the training rows, too"),
        ("cv", "more than once"),
    ):
        config = StudyConfig(dataset="churn.csv", data={"target": "left", "test": test})
        load_data(config, path.parent / "run")
        told = capsys.readouterr().err
        assert "look at: " in told
        assert repeated in told


def test_a_search_tells_of_its_data_what_a_study_tells(path, capsys):
    """The same lines, but for what its own options are called, and folds, which test no search."""
    rows = [f"{i / 7};{i * i % 59};{'yes' if i % 30 else 'no'}" for i in range(300)]
    path.write_text("\n".join(["a;b;left", *rows, rows[0]]))
    said = {"target": "left", "test": 0.2}
    load_data(StudyConfig(dataset="churn.csv", data=said), path.parent / "run")
    of_study = capsys.readouterr().err
    load_for_search(configure_search("churn.csv", data=said))
    of_search = capsys.readouterr().err
    assert "compare by --metric" in of_study
    assert "compare by --objective val_" in of_search
    assert "try --fix class_weight=balanced" in of_search
    its_own = of_search.replace("--objective val_", "--metric ")
    of_folds = "; --test cv, with another --out, tests on all, each held out in its fold"
    assert of_folds in of_study
    in_words = of_study.replace(of_folds, "")
    assert its_own.replace("--fix class_weight=", "--class-weight ") == in_words


def test_which_hash_is_the_files_is_said(path, capsys):
    """`sha256sum` tells another one of a file than that of what was read of it."""
    said = {"target": "left", "test": 0.2}
    load_data(StudyConfig(dataset="churn.csv", data=said), path.parent / "run")
    of_file = hashlib.sha256(path.read_bytes()).hexdigest()
    told = capsys.readouterr().err
    assert f"sha256 of the file {of_file[:12]}, hash of the data as used " in told
    assert told.count(of_file[:12]) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("targt = 'left'", "DataConfig has no field 'targt'. Did you mean 'target'"),
        ("test = 1.5", 'test must be a share between 0 and 1, a column, a file or "cv"'),
        ("columns = {a = 'word'}", "a column is one of number, category, boolean, date"),
        ("drop = 3", "drop must be a list of columns"),
        ("target = 3", "target must be a column's name"),
    ],
)
def test_what_data_cannot_be_is_refused(line, message):
    with pytest.raises(ConfigError) as caught:
        StudyConfig.from_toml(f'dataset = "a.csv"\n[data]\n{line}')
    assert message in str(caught.value)


@pytest.mark.long
def test_a_study_of_a_file_runs_and_its_folder_knows_the_table(path, tmp_path):
    (tmp_path / "study.toml").write_text(FILE)
    config = read_studies(tmp_path / "study.toml")[""]
    done = run_study(config, tmp_path / "run", trainer=LinearTrainer())
    assert done.results["dataset"]["columns"][0]["name"] == "a"
    assert done.select("none", "best").spec.columns[0].name == "a"
    other = StudyConfig.from_dict(
        {**config.to_dict(), "data": {**config.data.to_dict(), "test": 0.3}}
    )
    with pytest.raises(
        RunFolderError, match=r"another study: data\.test is 0\.2 there, 0\.3 here; the "
    ):
        run_study(other, tmp_path / "run", trainer=LinearTrainer())
