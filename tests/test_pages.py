"""The pages of docs: their commands are such that there are, those of tutorials run, and their
pictures show what they say."""

import doctest
import html
import re
import shlex
from pathlib import Path

import pytest

from tests.command_line import kmlp
from tools.site import gallery
from tools.site.check import faults
from tools.site.markdown import parted
from tools.site.outside import linked

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(DOCS.glob("*.md"))
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TUTORIALS = [page for page in PAGES if "```console" in page.read_text(encoding="utf-8")]
TRAINING = {"run", "study", "tune", "ablate"}


def _blocks(page: Path) -> list[tuple[str, str]]:
    return _BLOCK.findall(page.read_text(encoding="utf-8"))


def _commands(page: Path) -> list[str]:
    """What is written to be typed: lines that begin with `kmlp`, without the words beside them."""
    lines = [line for _, block in _blocks(page) for line in block.splitlines()]
    found = [line.removeprefix("$ ") for line in lines if re.match(r"(\$ )?kmlp \w", line)]
    return [re.split(r" {2,}| # ", line)[0] for line in found]


@pytest.mark.parametrize("page", [*PAGES, DOCS.parent / "README.md"], ids=lambda p: p.name)
def test_every_command_is_one_that_there_is(page):
    """Parsing one that is not raises an error."""
    from kmlp.cli.app import app

    for command in _commands(page):
        words = [word for word in shlex.split(command)[1:] if word != "\\"]
        app.parse_args(words, exit_on_error=False, print_error=False)


@pytest.mark.slow
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda p: p.name)
def test_a_tutorial_runs_from_its_first_line_to_its_last(page, tmp_path, monkeypatch):
    """In one folder, as who follows it; networks train for two epochs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")  # the pages' tables are as wide as that
    names: dict = {"run_dir": tmp_path / "run"}
    for language, block in _blocks(page):
        if language == "python":
            example = doctest.DocTestParser().get_doctest(block, names, page.name, str(page), 0)
            assert doctest.DocTestRunner().run(example, clear_globs=False).failed == 0
            names = example.globs
        elif language == "console":
            _run(block)


def _run(block: str) -> None:
    """Each command ends well, and prints what stands below it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        words = shlex.split(command)[1:]
        if words[0] in TRAINING and "--max-epochs" not in words:
            words += ["--max-epochs", "2"]
        done = kmlp(*words)
        assert done.returncode == 0, (command, done.stderr)
        if expected:
            flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
            assert doctest.OutputChecker().check_output(expected, done.stdout, flags), done.stdout


def test_there_are_tutorials():
    assert {page.name for page in TUTORIALS} == {"start.md", "cookbook.md"}


def test_what_a_picture_shows_stands_below_it():
    page = (DOCS / "statistics.md").read_text(encoding="utf-8")
    shown = re.findall(r"\]\((pictures/[\w-]+\.svg)\)\n\n\*(.*?)\*\n", page)
    for place, words in shown:
        title = re.search(r"<title>(.*?)</title>", (DOCS / place).read_text(encoding="utf-8"))
        assert html.unescape(title[1]) == words
    assert {f"pictures/{p.name}" for p in (DOCS / "pictures").glob("*.svg")} == {
        place for place, _ in shown
    }


@pytest.mark.long
@pytest.mark.parametrize("name", ["coverage", "flips", "pairing", "squared-error", "zero-one"])
def test_pictures_are_of_what_is_computed(name):
    from tools.site.pictures.__main__ import PICTURES

    committed = (DOCS / "pictures" / f"{name}.svg").read_text(encoding="utf-8")
    assert f"<title>{html.escape(PICTURES[name]().alt, quote=False)}</title>" in committed


def test_the_gallery_shows_a_report_for_each_command_that_writes_one():
    text = (DOCS / "gallery.md").read_text(encoding="utf-8")
    reported = {run for run, _ in re.findall(r"<!-- report: (\S+) (\S+) -->", text)}
    written = set()
    for name, *words in gallery.commands(text):
        if name == "report" and "--out" not in words:
            written.add(words[0])
        elif name != "study":
            written.add(words[words.index("--out") + 1])
    assert reported == written


def test_links_out_of_the_docs_lead_to_pages_of_the_site():
    said = "[a](../benchmarks/README.md#memory) [b](../kmlp/studies/demo.toml) [c](tables.md)"
    assert linked(said, "start.md", DOCS.parent) == (
        "[a](project/measured.md#memory) [b](source/kmlp/studies/demo.toml.md) [c](tables.md)"
    )
    said = "[tables.md](../docs/tables.md#digits)"
    assert linked(said, "project/measured.md", DOCS.parent) == "[Tables](../tables.md#digits)"


def test_a_list_after_a_paragraph_is_a_list():
    assert parted("kept:\n- rows\n  and\n- seeds") == "kept:\n\n- rows\n  and\n- seeds"
    assert parted("```\nkept:\n- rows\n```") == "```\nkept:\n- rows\n```"


def test_a_table_after_an_example_is_a_table():
    assert parted("```\nx\n```\n| a |\n|---|\n| 1 |") == "```\nx\n```\n\n| a |\n|---|\n| 1 |"


def test_the_reference_has_all_public_names_and_commands():
    from tools.site.reference import pages

    made = pages()
    commands = made["reference/commands.md"]
    assert "## kmlp study" in commands
    assert "kmlp show [OPTIONS] RUN_DIR" in commands
    assert "::: kmlp.config.study.StudyConfig" in made["reference/studies.md"]
    assert "::: kmlp.stats.paired_tests" in made["reference/statistics.md"]


def test_the_sites_check_finds_what_is_broken(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a id="here" href="b.html#there">1</a><a href="none.html">2</a>'
        '<a href="b.html#nowhere">3</a><img src="https://elsewhere.org/x.png"><img src="x.svg">'
    )
    (tmp_path / "b.html").write_text('<a id="there" href="a.html#here">back</a><a href="#">top</a>')
    (tmp_path / "x.svg").write_text("<svg>")
    assert sorted(faults(tmp_path)) == [
        "a.html: fetches https://elsewhere.org/x.png",
        "a.html: leads nowhere: none.html",
        "a.html: no such place: b.html#nowhere",
        "x.svg: no picture: no element found: line 1, column 5",
    ]
