"""What trained a member, and where: in its record, in the results, and said in the report."""

import dataclasses
import itertools
import json

import pypdf
import pytest

from kmlp.cli.report import print_study
from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.report import write_report
from kmlp.study.loading import load_study
from kmlp.study.results.records.members import TrainedStack, stacks_in_words
from kmlp.study.run_folder import RunFolder
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer


class Telling(LinearTrainer):
    """Stacks whose results tell these of what trained them, in turn."""

    told: tuple[dict[str, str], ...] = ()

    def train_members(self, stacks, data, *, on_result, **options):
        turns = itertools.cycle(self.told)

        def telling(results):
            told = next(turns)
            on_result([dataclasses.replace(r, **told) for r in results])

        super().train_members(stacks, data, on_result=telling, **options)


class OfNodes(Telling):
    told = ({"device": "cpu: A"},)


class OfTwoKinds(Telling):
    told = ({"device": "cpu: A"}, {"device": "cpu: B"})


@pytest.fixture
def config() -> StudyConfig:
    settings = {"model": MLPConfig(hidden_units=(4,)), "train": TrainConfig(max_epochs=2)}
    return StudyConfig(dataset="tiny", variants=("none", "dropout"), num_seeds=2, **settings)


def test_mixed_kinds_are_named_beside_the_verdict(config, tiny, tmp_path):
    study = run_study(config, tmp_path, tiny, trainer=OfTwoKinds())
    assert study.results["devices"] == ["cpu: A", "cpu: B"]
    said = [s for s in study.record.verdict if "of 2 kinds (cpu: A; cpu: B)" in s]
    assert len(said) == 1
    named = [record.device for record in RunFolder(tmp_path).records().values()]
    assert sorted(named) == ["cpu: A", "cpu: A", "cpu: B", "cpu: B"]


def test_one_kind_is_named_in_the_records_alone(config, tiny, tmp_path):
    study = run_study(config, tmp_path, tiny, trainer=OfNodes())
    assert "devices" not in study.results
    assert {r.device for r in RunFolder(tmp_path).records().values()} == {"cpu: A"}


def test_a_record_of_one_machine_is_what_earlier_releases_read(config, tiny, tmp_path):
    run_study(config, tmp_path, tiny, trainer=LinearTrainer())
    for record in RunFolder(tmp_path).records().values():
        assert "device" not in json.loads(record.to_json())


class InPlaces(Telling):
    told = ({"place": "cpu:0"}, {"place": "cpu:1"})


class TheOtherWayRound(Telling):
    told = ({"place": "cpu:1"}, {"place": "cpu:0"})


def test_results_say_where_each_stack_trained(config, tiny, tmp_path):
    """Two networks a stack: four of two variants and two seeds."""
    study = run_study(config, tmp_path, tiny, trainer=InPlaces())
    found = study.record.stacks
    assert [(s.place, s.num_members) for s in found] == [("cpu:0", 2), ("cpu:1", 2)]
    assert stacks_in_words(found) == "2 stacks: 1 on cpu:0, 1 on cpu:1"
    records = RunFolder(tmp_path).records().values()
    assert {r.stack for r in records} == {s.id for s in found}
    assert sum(s.seconds for s in found) == pytest.approx(sum(r.seconds for r in records))
    assert load_study(tmp_path).record == study.record


def test_nothing_else_of_the_results_depends_on_where(config, tiny, tmp_path):
    """Neither ids nor hashes nor scores; what a stack took differs from run to run anyway."""
    here = run_study(config, tmp_path / "a", tiny, trainer=InPlaces()).results
    there = run_study(config, tmp_path / "b", tiny, trainer=TheOtherWayRound()).results
    places = [[s["place"] for s in results.pop("stacks")] for results in (here, there)]
    assert places == [["cpu:0", "cpu:1"], ["cpu:1", "cpu:0"]]
    for results in (here, there):
        for member in results["members"]:
            member.pop("seconds")
    assert here == there


def test_a_folder_that_an_earlier_release_began_tells_of_the_rest(config, tiny, tmp_path):
    """And one whose stacks nobody knows of tells nothing."""
    first = run_study(config, tmp_path, tiny, trainer=LinearTrainer())
    assert "stacks" not in first.results
    more = dataclasses.replace(config, num_seeds=3)
    study = run_study(more, tmp_path, tiny, trainer=InPlaces())
    assert [(s.place, s.num_members) for s in study.record.stacks] == [("cpu:0", 2)]


def test_of_many_places_only_how_many_each_had():
    each = {"id": "0" * 16, "num_members": 1, "seconds": 1.0}
    stacks = [TrainedStack(place=f"cpu:{i % 12}", **each) for i in range(30)]
    said = "30 stacks: 2 to 3 on each of 12 places, cpu:0 to cpu:11"
    assert stacks_in_words(stacks) == said
    assert stacks_in_words(stacks[:1]) == "1 stack: 1 on cpu:0"


@pytest.mark.page
def test_page_pdf_and_terminal_say_where_stacks_trained(config, tiny, tmp_path, capsys):
    study = run_study(config, tmp_path, tiny, trainer=InPlaces())
    write_report(tmp_path)
    said = "2 stacks: 1 on cpu:0, 1 on cpu:1"
    assert said in (tmp_path / "report.html").read_text()
    pages = pypdf.PdfReader(tmp_path / "report.pdf").pages
    assert said in " ".join(" ".join(page.extract_text() for page in pages).split())
    print_study(study)
    assert f"Trained in {said}." in " ".join(capsys.readouterr().out.split())
