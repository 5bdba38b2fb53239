"""One file may hold several studies, which share what stands beside them."""

import re
from pathlib import Path

import pytest

from kmlp.config import DataConfig, StudyConfig
from kmlp.config.study_file import (
    find_file,
    read_studies,
    read_study_file,
    ready_files,
    search_of,
    seen_from,
)
from kmlp.errors import ConfigError

SEVERAL = """
variants = ["none", "l2"]
num_seeds = 3
[model]
hidden_units = [8]
activation = "tanh"
[[study]]
name = "a"
dataset = "mnist"
[[study]]
name = "b.2"
dataset = "fashion_mnist"
num_seeds = 4
[study.model]
hidden_units = [16]
"""


@pytest.fixture
def file(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "studies.toml"
        path.write_text(text)
        return path

    return write


def test_each_table_is_a_study_over_what_all_share(file):
    studies = read_studies(file(SEVERAL))
    assert list(studies) == ["a", "b.2"]
    a, b = studies.values()
    assert (a.dataset, a.num_seeds, a.model.hidden_units) == ("mnist", 3, (8,))
    assert (b.dataset, b.num_seeds, b.model.hidden_units) == ("fashion_mnist", 4, (16,))
    assert {s.model.activation for s in (a, b)} == {"tanh"}
    assert {s.variant_names for s in (a, b)} == {("none", "l2")}


def test_a_file_without_tables_is_one_study_without_a_name(file):
    path = file('dataset = "mnist"\n')
    assert read_studies(path) == {"": read_study_file(path)}


def test_one_study_is_not_read_from_several(file):
    with pytest.raises(ConfigError, match=r"one study is wanted\. Received: 2: a, b\.2\."):
        read_study_file(file(SEVERAL))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[study]]\ndataset = "x"', "each [[study]] needs a name of its own"),
        ('[[study]]\nname = "../a"\ndataset = "x"', "Received: name='../a'."),
        ('[[study]]\nname = "a"\ndataset = "x"\n' * 2, "Received: name='a'."),
        ('[[study]]\nname = "a"\n', "study 'a': StudyConfig needs dataset."),
        ('[[study]]\nname = "a"\ndataset = "x"\nnum_sed = 1', "study 'a': StudyConfig has no"),
        *(
            (f'[[study]]\nname = "{name}"\ndataset = "x"', f"no study can be called {name}: ")
            for name in (
                "figures",
                "Tables",
                "comparison.html",
                "comparison.pdf",
                "search",
                "pilot",
            )
        ),
        ('[study]\nname = "a"', "several studies are written as [[study]] tables."),
    ],
)
def test_a_bad_table_is_named(file, text, message):
    path = file(text)
    with pytest.raises(ConfigError, match="^" + re.escape(f"{path}: ")) as caught:
        read_studies(path)
    assert message in str(caught.value)


def test_the_assignment_is_both_data_sets_alike():
    studies = read_studies(Path(__file__).parents[2] / "kmlp/studies/assignment.toml")
    assert {name: s.dataset for name, s in studies.items()} == {
        "mnist": "mnist",
        "fashion_mnist": "fashion_mnist",
    }
    mnist, fashion = studies.values()
    assert mnist.resolved_variants == fashion.resolved_variants
    assert mnist.resample == "splits:5"


def test_a_file_of_several_studies_names_a_search_that_lies_beside_it(tmp_path):
    path = tmp_path / "both.toml"
    tables = '[[study]]\nname = "a"\ndataset = "mnist"\n'
    path.write_text(f'search = "found.toml"\n{tables}')
    assert set(read_studies(path)) == {"a"}, "no study takes it for a field"
    with pytest.raises(ConfigError, match=r"search must name a file of kmlp tune beside this one"):
        search_of(path)
    (tmp_path / "found.toml").write_text("")
    assert search_of(path) == tmp_path / "found.toml"
    path.write_text(f"search = 3\n{tables}")
    with pytest.raises(ConfigError, match=r"search names the file of a search.*Received: search=3"):
        read_studies(path)
    path.write_text(tables)
    assert search_of(path) is None


@pytest.mark.parametrize("said", ["assignment", "assignment.toml", "studies/assignment.toml"])
def test_a_ready_file_is_found_by_its_name(tmp_path, monkeypatch, said):
    monkeypatch.chdir(tmp_path)
    assert find_file(said) == ready_files()["assignment"]
    path = tmp_path / said
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    # What is there is meant: of a file its own path, of data none.
    assert find_file(said) == (Path(said) if said.endswith(".toml") else None)


def test_only_a_folder_of_data_stands_before_a_ready_file_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("assignment").mkdir()
    assert find_file("assignment") == ready_files()["assignment"]
    Path("assignment/train-images-idx3-ubyte").touch()
    assert find_file("assignment") is None


@pytest.mark.parametrize("said", ["mnist", "churn.csv", "photos/", "elsewhere"])
def test_data_are_no_study_file(said):
    assert find_file(said) is None


@pytest.mark.long
@pytest.mark.parametrize(
    "said", ["studies/assigment.toml", "assigment.toml", "mine/assignment.toml"]
)
def test_a_file_that_is_not_there_is_told_with_those_that_ship(said):
    with pytest.raises(
        ConfigError, match=r"no such file\. Did you mean 'assignment'\? .*: assignm"
    ):
        find_file(said)


def test_a_file_in_a_folder_means_the_same_data_wherever_it_is_read(tmp_path, monkeypatch):
    """Another table of the same name lies where kmlp is started the second time."""
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "own.csv").write_text("a,b\n1,2\n")
    monkeypatch.chdir(tmp_path / "here")
    place = Path("runs/search")
    place.mkdir(parents=True)
    data = DataConfig(target="b", test="own.csv")
    told = seen_from(place, StudyConfig(dataset="own.csv", data=data))
    (place / "best.toml").write_text(told.to_toml())
    monkeypatch.chdir(tmp_path / "there")
    found = read_study_file(tmp_path / "here" / place / "best.toml")
    for path in (found.dataset, found.data.test):
        assert Path(path).samefile(tmp_path / "here" / "own.csv")
    assert seen_from(place, StudyConfig(dataset="mnist")).dataset == "mnist"
