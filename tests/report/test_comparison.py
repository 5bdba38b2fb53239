"""Studies side by side: what each says, and what differs between them."""

import json
import re

import pypdf
import pytest

from kmlp.config import TrainConfig
from kmlp.errors import ConfigError
from kmlp.report import write_comparison, write_report
from tests.command_line import kmlp
from tests.hand_made import hand_made
from tests.report.test_report import text_of

pytestmark = pytest.mark.page


def make_two(folder):
    """The same data with another batch size and three seeds more, of which `l2` is missing."""
    other = {"train": TrainConfig(batch_size=32), "variants": ("none", "dropout")}
    studies = [
        hand_made(folder / "a", "multiclass"),
        hand_made(folder / "b", "multiclass", 9, **other),
    ]
    for study in studies:
        study.folder.write_json("results.json", study.results)
    return [s.folder for s in studies]


@pytest.fixture
def two(tmp_path):
    return make_two(tmp_path)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Both, and their comparison's page; nobody changes them."""
    folder = tmp_path_factory.mktemp("compared")
    two = make_two(folder)
    return two, write_comparison([f.path for f in two], folder / "both")


@pytest.mark.slow
def test_variants_stand_side_by_side_with_their_intervals(compared):
    two, page = compared
    assert page == two[0].path.parent / "both" / "comparison.html"
    text = text_of(page.read_text())
    for folder, seeds in zip(two, (6, 9), strict=True):
        for variant in folder.read_json("results.json")["variants"]:
            test = variant["test"]["accuracy"]
            low, high = (f"{100 * bound:.2f}" for bound in test["ci95"])
            assert f"{100 * test['mean']:.2f} {low} to {high}, {seeds} seeds" in text
    assert re.search(r"l2 l2=[\d.]+ [\d.]+ [\d.]+ to [\d.]+, 6 seeds –", text)


@pytest.mark.slow
def test_a_folder_that_holds_them_is_reported_and_shown_as_such(two, tmp_path):
    page = write_report(tmp_path)
    assert page == tmp_path / "comparison.html"
    assert "Studies side by side" in page.read_text()
    assert kmlp("report", str(tmp_path)).stdout.startswith(f"Report: {page}")
    shown = kmlp("show", str(tmp_path)).stdout.splitlines()
    assert [line for line in shown if line in ("a:", "b:")] == ["a:", "b:"]
    assert list(json.loads(kmlp("show", str(tmp_path), "--json").stdout)) == ["a", "b"]
    with pytest.raises(ConfigError, match=r"holds 2\. Name one, as .*a"):
        write_report(tmp_path, hide_values=True)


def test_only_what_differs_is_listed(compared):
    text = text_of(compared[1].read_text())
    table = text[text.index("What a b") : text.index("All other settings")]
    assert "batch_size 128 32" in table
    assert "num_seeds 6 9" in table
    assert "variants none, dropout, l2 none, dropout" in table
    assert "learning_rate" not in table
    assert "All studies saw the same data" in text


@pytest.mark.slow
def test_equal_studies_differ_in_nothing(two, tmp_path):
    text = text_of(write_comparison([two[0].path] * 2, tmp_path / "both").read_text())
    assert "Neither the data nor the settings nor the packages differ." in text


@pytest.mark.slow
def test_studies_of_other_data_get_figures_of_their_own(two, tmp_path):
    other = hand_made(tmp_path / "c", "regression", facts={"sha256": "1" * 64})
    page = write_comparison([two[0].path, other.folder.path], tmp_path / "both")
    files = sorted(p.name for p in (tmp_path / "both" / "figures").iterdir())
    assert files == ["across.svg", "comparison-1.svg", "comparison-2.svg"]
    text = text_of(page.read_text())
    assert "The studies saw different data" in text
    assert "test RMSE ↓" in text


@pytest.mark.slow
def test_folders_of_one_name_are_told_apart_by_their_parents(two, tmp_path):
    first = tmp_path / "one" / "run"
    second = tmp_path / "two" / "run"
    for folder, target in zip(two, (first, second), strict=True):
        target.parent.mkdir()
        folder.path.rename(target)
    text = text_of(write_comparison([first, second], tmp_path / "both").read_text())
    assert "one/run and two/run" in text


def test_the_pdf_opens_and_the_page_needs_nothing_else(compared):
    _, page = compared
    reader = pypdf.PdfReader(page.with_suffix(".pdf"))
    assert "Regularizing multilayer perceptrons on made" in reader.pages[0].extract_text()
    assert "<script" not in page.read_text()
    assert not re.search(r"""(src|href)=["'](?!#)""", page.read_text())


@pytest.mark.slow
def test_every_answer_and_its_caveats_stand_on_the_first_page(tmp_path):
    sample = {"source": "sample"}
    studies = [
        hand_made(tmp_path / n, "multiclass", k, facts=sample)
        for n, k in zip("ab", (6, 8), strict=True)
    ]
    page = write_comparison([s.folder.path for s in studies], tmp_path / "both")
    text = text_of(page.read_text())
    before = text[: text.index("Scores by variant")]
    pdf = pypdf.PdfReader(page.with_suffix(".pdf")).pages[0].extract_text()
    for study in studies:
        answer = study.record.answer
        assert answer.caveats
        for sentence in (answer.text, *answer.caveats):
            assert f"{study.folder.path.name}: {sentence}" in before
            assert re.sub(r"\W", "", sentence) in re.sub(r"\W", "", pdf)


def test_each_study_follows_in_full_as_a_chapter(compared):
    two, page = compared
    chapters = re.findall(r"<article>.*?</article>", page.read_text(), flags=re.DOTALL)
    pdf = " ".join(p.extract_text() for p in pypdf.PdfReader(page.with_suffix(".pdf")).pages)
    for folder, chapter in zip(two, chapters, strict=True):
        text, results = text_of(chapter), folder.read_json("results.json")
        assert f"Study {folder.path.name}" in text
        for sentence in results["verdict"]:
            assert sentence in text
        for heading in ("The setting", "The best settings", "Learning curves", "How to make it"):
            assert heading in text
        for heading in ("The best settings", "Learning curves", "How to make it"):
            assert pdf.count(heading) >= len(two)


def test_no_two_figures_or_headings_of_the_page_share_an_id(compared):
    page = compared[1].read_text()
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    links = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page)
    assert {one or other for one, other in links} <= set(ids)
