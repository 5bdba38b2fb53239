"""The paper: what stands where, that its formulas are set, and that LaTeX takes it."""

import re
import shutil
import subprocess

import pypdf
import pytest

from kmlp.config.settings import RECORDS
from kmlp.report import write_comparison, write_report
from kmlp.report.blocks import Section, Text
from kmlp.report.paper.document import TitlePage
from kmlp.report.paper.formulas import rules_of
from kmlp.study.results.baseline import _REGULARIZING
from tests.hand_made import hand_made

pytestmark = pytest.mark.page
PAGE = TitlePage(author="Ada Lovelace", date="1 May 2026")
SEARCH = Section("search", "How settings were searched", [Text("By 20 random trials.")])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A study with bias and variance, its report with a search's chapter."""
    more = {"resample": "splits:5", "resample_seeds": 2, "folds": 3}
    made = hand_made(tmp_path_factory.mktemp("made"), "multiclass", 8, **more)
    write_report(made.folder.path, page=PAGE, search=SEARCH)
    return made


@pytest.fixture(scope="module")
def pdf(made):
    return pypdf.PdfReader(made.folder.path / "report.pdf")


def plain(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.slow
def test_the_first_page_says_what_and_by_whom(made, pdf):
    first = plain(pdf.pages[0].extract_text())
    for words in (PAGE.author, PAGE.date, "Abstract", made.record.answer.text.split(";")[0]):
        assert words in first
    assert pdf.metadata.author == PAGE.author


def test_the_chapters_come_in_the_order_of_a_paper(pdf):
    text = plain(" ".join(page.extract_text() for page in pdf.pages))
    chapters = (
        "1 Methods",
        "2 How settings were searched",
        "3 Results",
        "4 Limits",
        "5 Conclusion",
    )
    places = [text.index(c) for c in (*chapters, "References", "Every comparison", "study.toml")]
    assert places == sorted(places), "settings as TOML are for the appendix"
    assert "By 20 random trials." in text


def test_tables_and_figures_are_numbered_as_they_come_and_are_called_by_number(made):
    tex = (made.folder.path / "report.tex").read_text()
    body = tex[: tex.index(r"\appendix")]
    titles = re.findall(r"\\caption\{([^.]*)\.", body)
    assert titles[0] == "The setting, before any variant changes it"
    assert "All settings stand in Table 1." in body
    assert "test accuracy by variant on made (Table 2)" in body


def test_every_field_that_regularizes_has_a_formula():
    default = {name: record.default for name, record in RECORDS.items()}
    for name in _REGULARIZING - {"normalization", "gradient_noise_decay", "input_scaling"}:
        assert name in rules_of({**default, name: 0.5}, default), name
    for kind in ("batch", "layer"):
        assert kind in rules_of({**default, "normalization": kind}, default)


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A study whose variants' names are commands to LaTeX, or letters that it lacks."""
    called = {"none": "none", "dropout": "50 % of $x_1$ & ~more", "l2": "größer {数}"}
    made = hand_made(tmp_path_factory.mktemp("odd"), "multiclass", 6, called=called)
    write_report(made.folder.path)
    return made


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="needs LaTeX")
@pytest.mark.slow
def test_the_latex_file_compiles_whatever_names_there_are(made, odd, tmp_path):
    for study in (made, odd):
        for name in ("report.tex", "report-figures.pdf"):
            shutil.copy(study.folder.path / name, tmp_path / name)
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
        run = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, errors="replace"
        )
        assert run.returncode == 0, run.stdout[-2000:]
        assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


def test_names_are_no_commands_in_latex(odd):
    tex = (odd.folder.path / "report.tex").read_text()
    assert r"50 \% of \$x\_1\$ \& \textasciitilde{}more" in tex
    assert r"\DeclareUnicodeCharacter{6570}" in tex


@pytest.mark.slow
def test_several_studies_are_one_paper_with_a_chapter_each(made, tmp_path):
    other = hand_made(tmp_path / "other", "multiclass", 8, facts={"sha256": "1" * 64})
    write_comparison(
        [made.folder.path, other.folder.path], tmp_path / "both", page=PAGE, search=SEARCH
    )
    reader = pypdf.PdfReader(tmp_path / "both" / "comparison.pdf")
    text = plain(" ".join(page.extract_text() for page in reader.pages))
    for words in (f"3 Results on {made.folder.path.name}", "4 Results on other", "Ada Lovelace"):
        assert words in text
    assert "How settings were searched" in (tmp_path / "both" / "comparison.html").read_text()
