"""The page of scores from anywhere: all that it writes, and names as they are written."""

import csv
import html
import json

import pytest

import kmlp
from kmlp.errors import ForeignFolderError
from kmlp.report.blocks import Cell, Row, Table
from kmlp.report.comparing.tables import across_table, scores_table
from kmlp.report.rendering.latex import booktabs
from tests.report.test_report import text_of
from tests.scores.made import rows

pytestmark = pytest.mark.page


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scores")
    table = rows()
    table["method"] = [{"bad": "=cmd() $x_1$ & <b>"}.get(m, m) for m in table["method"]]
    kmlp.write_scores_report(kmlp.compare(table, equivalence=1.0), folder / "a")
    return folder / "a"


def test_writes_page_pdf_results_figure_and_tables(out):
    found = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()} - {".kmlp"}
    assert found == {
        *("report.html", "report.pdf", "results.json", "figures/differences.svg"),
        *("tables/scores.csv", "tables/scores.tex"),
    }


def test_the_page_says_the_verdict_and_names_are_no_markup(out):
    page = (out / "report.html").read_text(encoding="utf-8")
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert results["verdict"][0].split(" (")[0] in page.replace("\xa0", " ")
    assert "&lt;b&gt;" in page
    assert "Each method's accuracy minus base's, points:" in html.unescape(page)
    assert "<b>" not in page


def test_the_page_says_what_its_numbers_leave_out(out):
    page = html.unescape((out / "report.html").read_text(encoding="utf-8")).replace("\xa0", " ")
    assert "with fewer than 7 pairs nothing can be called better or worse here" in page
    limits = page.partition(">Limits</h2>")[2]
    assert "A difference of a few test rows may turn round on other rows" in limits
    assert "flattered by them" in limits


def test_the_table_for_machines_has_what_results_hold(out):
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    methods = {m["name"]: m for m in results["datasets"][0]["methods"]}
    with open(out / "tables" / "scores.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found = methods[row["method"].removeprefix("'")]
            assert float(row["mean"]) == pytest.approx(found["summary"]["mean"], rel=1e-5)
            if versus := found["versus_baseline"]:
                assert float(row["p_holm"]) == pytest.approx(versus["p_holm"], rel=1e-5)


@pytest.mark.parametrize(("folds", "told"), [(0, True), (5, False)])
def test_effect_sizes_are_of_seeds_and_of_folds_not_even_their_column(folds, told):
    """A column of dashes says nothing, and its note speaks of seeds."""
    comparison = kmlp.compare(rows(seeds=6, folds=folds))
    block = scores_table(comparison.found.datasets[0], "base", comparison.unit)
    assert ("Effect size" in [cell.text for cell in block.columns]) is told
    assert ("by seed" in block.note) is told


def test_latex_has_no_command_that_is_not_ours(out):
    text = (out / "tables" / "scores.tex").read_text(encoding="utf-8")
    assert r"=cmd() \$x\_1\$ \& \textless{}b\textgreater{}" in text
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 1


def test_a_name_that_begins_like_an_option_is_no_option_of_the_row_before():
    table = Table([Cell("a")], [Row([Cell("[2em] x")]), Row([Cell("*y")])])
    written = booktabs(table, caption="c").splitlines()
    assert written[7:9] == [r"{[}2em] x \\", r"{*}y \\"]


def test_a_marked_cell_is_bold_in_latex():
    table = Table([Cell("a"), Cell("b")], [Row([Cell("x"), Cell("1", "0 to 2", "better")])])
    assert r"x & \textbf{1} (0 to 2) \\" in booktabs(table, caption="c")


def test_a_folder_with_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.docx").write_text("mine", encoding="utf-8")
    with pytest.raises(ForeignFolderError, match=r"thesis\.docx"):
        kmlp.write_scores_report(kmlp.compare(rows()), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.docx"]


@pytest.mark.parametrize(("num_datasets", "margin"), [(2, None), (2, 0.01), (6, None), (6, 0.01)])
def test_over_data_sets_a_test_is_named_only_where_it_can_tell(tmp_path, num_datasets, margin):
    table = rows(datasets=tuple("abcdef"[:num_datasets]), methods=("base", "good"))
    comparison = kmlp.compare(table, equivalence=margin)
    heads = [cell.text for cell in across_table(comparison).columns]
    assert ("Holm p" in heads) is (num_datasets == 6)
    assert ("Next data set" in heads) is (margin is not None)
    kmlp.write_scores_report(comparison, tmp_path / "b")
    said = text_of((tmp_path / "b" / "report.html").read_text(encoding="utf-8"))
    assert ("Wilcoxon's signed-rank test" in said) is (num_datasets == 6)
    assert ("the Bayesian signed-rank test" in said) is (margin is not None)


def test_several_data_sets_have_a_figure_each_and_one_over_all(tmp_path):
    table = rows(datasets=("x", "y"), methods=("base", "good"))
    kmlp.write_scores_report(kmlp.compare(table), tmp_path / "b")
    assert {p.name for p in (tmp_path / "b" / "figures").iterdir()} == {
        *("across.svg", "differences-1.svg", "differences-2.svg"),
    }
