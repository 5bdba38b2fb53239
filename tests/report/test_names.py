"""Names are text, never markup: whatever things are called, it is drawn and written as it is."""

import csv
import io
import logging
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pypdf
import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from kmlp.cli.printing.predictions import print_line
from kmlp.cli.printing.tables import confusion_table, results_table
from kmlp.config import StudyConfig
from kmlp.data import Dataset
from kmlp.deploy.cards.model_card import model_card
from kmlp.errors import ConfigError, DataError
from kmlp.report import write_report
from kmlp.report.plots import fitted
from kmlp.report.rendering import fonts
from kmlp.report.rendering.drawing import row_label
from kmlp.study.selection import Selection
from kmlp.terminal import PlainConsole
from kmlp.text import visible
from tests.hand_made import VARIANTS, hand_made

pytestmark = pytest.mark.long

SIXTY = "a name of sixty characters, as some people give them: it is."
NAMES = (
    "$x$",
    "=cmd()",
    "[red]x[/red]",
    "<script>alert(1)</script>",
    "[x](http://e.vil)",
    "数据",
    SIXTY,
    "$",
    "#h",
    "a|b & c",
    "{{7*7}}",
    '#eval("1")',
    'a`b`` *c* _d_ \\frac{ id="x"',
    "&lt;#1b1b1c; font-family: x",
)
ILLEGAL = (
    "a\nb",
    "\x1b[31m",
    "a\rb",
    "\x00",
    "\u202egnp.exe",
    "\u2028",
    "\ud800",
    "",
    " ",
    "x" * 201,
)


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Two studies whose variants, classes and data sets are called by all of the names."""
    found = []
    for names in (NAMES[:7], NAMES[7:]):
        made = hand_made(
            tmp_path_factory.mktemp("names"),
            "multiclass",
            called=dict(zip(VARIANTS, names, strict=False)),
            class_names=names[3:],
            data_name=names[0],
        )
        made.folder.write_json("results.json", made.results)
        write_report(made.folder.path)
        found.append(made)
    return found


@pytest.fixture
def made(reports, name):
    return reports[NAMES.index(name) // 7]


def is_variant(name: str) -> bool:
    return NAMES.index(name) % 7 < 3


class Page(HTMLParser):
    """What a browser would show, and which tags it would see."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts, self.tags, self.links = [], set(), []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.links += [v for k, v in attributes if k in ("href", "src", "onload")]

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.page
def test_the_page_says_the_name_and_nothing_of_it_is_a_tag(made, name):
    page = Page((made.folder.path / "report.html").read_text(encoding="utf-8"))
    assert name in " ".join("".join(page.texts).split()).replace("\xa0", " ")
    assert not page.tags & {"script", "iframe", "object"}
    assert all(link.startswith(("#", "data:image/png")) for link in page.links)


@pytest.mark.parametrize("name", NAMES)
def test_the_figures_draw_it_as_it_is_written(made, name):
    figure = "scores" if is_variant(name) else "confusion"
    root = ET.fromstring((made.folder.path / f"figures/{figure}.svg").read_text(encoding="utf-8"))
    drawn = ["".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text")]
    variants = {v.name: row_label(v) for v in made.record.variants}
    lines = fitted(variants[name], 32, 2) if is_variant(name) else fitted(name, 20)
    assert set(lines.splitlines()) <= set(drawn)


@pytest.mark.parametrize("name", NAMES)
def test_a_table_holds_it_and_no_cell_is_a_formula(made, name):
    table = "variants" if is_variant(name) else "confusion"
    text = (made.folder.path / f"tables/{table}.csv").read_text(encoding="utf-8")
    first = [row[0] for row in csv.reader(io.StringIO(text))]
    assert (f"'{name}" if name.startswith("=") else name) in first
    for path in (made.folder.path / "tables").glob("*.csv"):
        for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8"))):
            assert not any(c[:1] in ("=", "@") for c in row)
            # A sign in front is a number's.
            assert all(np.isfinite(float(c)) for c in row if c.startswith(("-", "+")))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.page
def test_the_pdf_says_it(made, name):
    """Letters that no font of this machine has are boxes there; `test_fonts` holds what is said."""
    pages = pypdf.PdfReader(made.folder.path / "report.pdf").pages
    text = re.sub(r"[\s\u200b\u00ad]", "", "".join(p.extract_text() for p in pages))
    _, missing = fonts.found_for(fonts.lacking(name))
    if not missing:
        assert re.sub(r"\s", "", name) in text
    assert all("/URI" not in str(p.get("/Annots", "")) for p in pages)


@pytest.mark.parametrize("name", NAMES)
def test_the_model_card_shows_it_as_it_is(made, name):
    variant = made.results["variants"][0]
    members = [m for m in made.results["members"] if m["variant"] == variant["name"]]
    card = model_card(
        Selection(
            run_dir=made.folder.path,
            variant=variant,
            members=tuple(members[:1]),
            dataset=made.dataset,
            environment=made.folder.read_json("environment.json"),
        )
    )
    parsed = MarkdownIt("commonmark").enable("table").parse(card)
    inline = [t for token in parsed for t in token.children or ()]
    assert not {t.type for t in [*parsed, *inline]} & {
        "link_open", "html_inline", "html_block", "image", "em_open", "table_open",
    }  # fmt: skip
    if not is_variant(name) or name == variant["name"]:
        assert name in [t.content for t in inline if t.type == "code_inline"]
    assert [t.tag for t in parsed if t.type == "heading_open"] == ["h1", "h2", "h2", "h2"]


@pytest.mark.parametrize("make", [PlainConsole, Console])
@pytest.mark.parametrize("name", NAMES)
def test_a_terminals_table_shows_it(made, name, make):
    """In the command's own console, and in that of somebody who prints the table."""
    console = make(width=600, color_system=None, file=io.StringIO())
    scores = {"class_names": list(made.dataset["class_names"]), "confusion": np.eye(4, dtype=int)}
    console.print(results_table(made.record) if is_variant(name) else confusion_table(scores))
    assert name in console.file.getvalue()


def test_a_line_of_a_prediction_obeys_no_name(capsys):
    """A file may be called anything, even on a disk from elsewhere."""
    print_line({"input": "\x1b[2J\n.png\udc80", "class": "[red]", "probability": 0.5})
    assert capsys.readouterr().out == "\\x1b[2J\\n.png\\udc80  [red]  50.0 %\n"


def test_what_a_console_prints_obeys_no_name():
    console = PlainConsole(width=80, color_system=None, file=io.StringIO())
    console.print("[bold]\x1b[31m :smile:")
    assert console.file.getvalue() == "[bold]\\x1b[31m :smile:\n"


@pytest.mark.parametrize("name", ILLEGAL)
def test_a_variants_name_is_one_line_of_text(name):
    with pytest.raises(ConfigError) as caught:
        StudyConfig(dataset="mnist", variants=("none", {"name": name, "dropout": 0.1}))
    assert visible(str(caught.value)) == str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("name", ILLEGAL)
def test_so_is_that_of_a_class_and_of_a_data_set(name):
    x, y = np.zeros((4, 2), "float32"), np.arange(4) % 2
    with pytest.raises(DataError, match="the name of class 1"):
        Dataset.from_arrays(x, y, x, y, class_names=("a", name))
    with pytest.raises(DataError, match="the name of the data set"):
        Dataset.from_arrays(x, y, x, y, name=name)


@pytest.mark.parametrize("name", NAMES)
def test_all_others_are_taken(name):
    config = StudyConfig(dataset="mnist", variants=("none", {"name": name, "dropout": 0.1}))
    assert StudyConfig.from_toml(config.to_toml()).variant_names == ("none", name)
    x, y = np.zeros((4, 2), "float32"), np.arange(4) % 2
    data = Dataset.from_arrays(x, y, x, y, class_names=("a", name), name=name)
    assert (data.spec.class_names[1], data.name) == (name, name)


def test_letters_that_no_font_has_are_said_and_what_to_do(caplog):
    """No font has the letters for private use, but for a last resort, which draws boxes."""
    assert fonts.lacking("größer ↓ ≤ \U000f1234") == {"\U000f1234"}
    found, missing = fonts.found_for(frozenset("\U000f1234"))
    assert (found, missing) == ((), "\U000f1234")
    with caplog.at_level(logging.WARNING):
        fonts.warn_of("数据")
    assert "no font of this machine has 数 据: the PDF shows boxes" in caplog.text
    assert "install a font of their script and write the report again" in caplog.text


def test_a_font_of_the_machine_is_taken_for_what_the_own_ones_lack(monkeypatch):
    """STIX stands in for one: it has a letter that DejaVu lacks."""
    own = frozenset(map(ord, "ab"))
    monkeypatch.setattr(fonts, "_own_letters", lambda: own)
    entries = [e for e in fonts.font_manager.fontManager.ttflist if e.name == "STIXGeneral"]
    monkeypatch.setattr(fonts, "_fonts_of_the_machine", lambda: entries[:1])
    fonts.found_for.cache_clear()
    found, missing = fonts.found_for(fonts.lacking("ab Ω\U000f1234"))
    fonts.found_for.cache_clear()
    assert [family for family, _ in found] == ["STIXGeneral"]
    assert missing == "\U000f1234"
