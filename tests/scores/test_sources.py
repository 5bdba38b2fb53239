"""Scores of several files and run folders, put together so that nothing is taken for another."""

import dataclasses

import pytest

from kmlp.errors import ConfigError, DataError
from kmlp.scores.comparison import compare
from kmlp.scores.sources import read_sources
from tests.hand_made import hand_made


def own(path, *, columns="method,seed,score", end=",0.99"):
    rows = "".join(f"mine,{seed}{end}\n" for seed in range(6))
    path.write_text(f"{columns}\n{rows}", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return hand_made(tmp_path_factory.mktemp("sources") / "run", "multiclass").folder.path


def of_other_data(path, data_name="made"):
    """A finished study of data with another hash."""
    return hand_made(
        path, "multiclass", data_name=data_name, facts={"sha256": "1" * 64}
    ).folder.path


@pytest.mark.parametrize(
    ("columns", "end"),
    [
        ("method,seed,score", ".0,0.99"),
        ("Model,Run,Accuracy", ",0.99"),
        ("method,seed,test accuracy", ",0.99"),
    ],
)
def test_a_file_is_read_beside_a_study_as_it_is_alone(tmp_path, run, columns, end):
    file = own(tmp_path / "mine.csv", columns=columns, end=end)
    mine = compare(read_sources([run, file]).table, baseline="none").found.datasets[0].methods[-1]
    assert mine.name == "mine"
    assert mine.versus_baseline is not None
    assert mine.versus_baseline.num_compared == 6


def test_a_column_a_method_stands_beside_a_study(tmp_path, run):
    file = tmp_path / "wide.csv"
    file.write_text("seed,mine,theirs\n" + "".join(f"{s},0.99,0.98\n" for s in range(6)))
    found = compare(read_sources([run, file]).table, baseline="none").found.datasets[0].methods
    assert [m.name for m in found[-2:]] == ["mine", "theirs"]


def test_named_columns_are_found_in_each_of_several_files(tmp_path):
    paths = [
        own(tmp_path / f"{who}.csv", columns="who,seed,seconds", end=f",{took}")
        for who, took in (("a", 3.0), ("b", 2.0))
    ]
    paths[1].write_text(paths[1].read_text().replace("mine", "theirs"))
    table = read_sources(paths, method="who", score="seconds").table
    with pytest.raises(DataError, match="'seconds': is more of it better, or less"):
        compare(table)
    assert compare(table, higher_is_better=False).found.metric.name == "seconds"


def test_what_is_no_score_is_told_by_its_own_file_and_line(tmp_path, run):
    with pytest.raises(DataError, match=r"mine.csv, line 2, column 'score'.*'bad'"):
        read_sources([run, own(tmp_path / "mine.csv", end=",bad")])


def test_two_columns_that_may_be_meant_are_refused(tmp_path, run):
    with pytest.raises(DataError, match="which of the columns 'seed' and 'Seed' is meant"):
        read_sources([run, own(tmp_path / "m.csv", columns="method,seed,Seed,score", end=",1,0.9")])


def test_files_of_different_scores_are_refused(tmp_path):
    files = [own(tmp_path / f"{s}.csv", columns=f"method,seed,{s}") for s in ("accuracy", "auc")]
    with pytest.raises(DataError, match="different scores, accuracy and auc"):
        read_sources(files)


def test_a_source_twice_is_refused(run):
    with pytest.raises(ConfigError, match="is named 2 times"):
        read_sources([run, run.parent / "." / run.name])


@pytest.mark.long
def test_folders_of_one_name_keep_their_variants_apart(tmp_path, run):
    other = hand_made(tmp_path / "run", "multiclass").folder.path
    methods = read_sources([run, other]).table.frame["method"].unique(maintain_order=True).to_list()
    assert methods[0] == f"{run}/none"
    assert methods[3] == f"{other}/none"


@pytest.mark.long
def test_different_data_of_one_name_are_different_data_sets(tmp_path, run):
    found = compare(read_sources([run, of_other_data(tmp_path / "other")]).table).found
    assert [d.name for d in found.datasets] == ["made 000000", "made 111111"]


@pytest.mark.long
def test_a_variant_is_compared_over_the_data_of_several_studies(tmp_path, run):
    found = compare(read_sources([run, of_other_data(tmp_path / "b", "other")]).table).found
    assert {m.name: len(m.differences) for m in found.across} == {"dropout": 2, "l2": 2}


@pytest.mark.long
def test_what_a_run_folder_lacks_is_told(tmp_path, run):
    assert read_sources([run]).missing == []
    made = hand_made(tmp_path / "run", "multiclass")
    first = made.folder.records()[made.plan.ids["l2"][0]]
    with made.folder.writing():
        made.folder.record(dataclasses.replace(first, status="diverged", metrics={}), {})
    assert read_sources([made.folder.path]).missing == [
        f"{made.folder.path}: networks that diverged and have no score: 1."
    ]


@pytest.mark.long
def test_the_baseline_is_the_studys_own_and_that_of_studies_of_other_data(run, tmp_path):
    other = of_other_data(tmp_path / "other")
    assert read_sources([run]).baseline == "none"
    assert read_sources([run, other]).baseline == "none"
    assert read_sources([own(tmp_path / "mine.csv")]).baseline is None
