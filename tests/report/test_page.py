"""The page: on a phone rows are cards; what is looked up is folded until it is asked for."""

import re

from kmlp.report.blocks import Cell, Report, Row, Section, Table, Text
from kmlp.report.rendering.html import to_html


def page_of(*sections: Section) -> str:
    return to_html(Report(kicker="k", title="t", facts="f", verdict=["v"], sections=list(sections)))


def test_every_cell_says_on_a_phone_what_it_is():
    columns = [Cell("Variant"), Cell("Test accuracy, %", "95 % interval"), Cell("p <")]
    rows = [Row([Cell("none"), Cell("87.81", "86.07 to 89.56"), Cell("0.016")])]
    page = page_of(Section("ranking", "Ranking", [Table(columns, rows)]))
    heads = re.findall(r'<td data-head="([^"]*)">', page)
    assert heads == ["Test accuracy, % (95 % interval)", "p &lt;"]
    # The table's own head is not shown there, and nothing is cut off at the side.
    narrow = page[page.index("@media (max-width: 36rem)") : page.index("@media print")]
    assert ".headed thead { display: none; }" in narrow
    assert "content: attr(data-head)" in narrow
    assert "white-space: normal" in narrow


def test_what_is_looked_up_is_folded_and_print_opens_it():
    page = page_of(
        Section("ranking", "Ranking", [Text("read")]), Section("again", "Again", [Text("typed")])
    )
    (folded,) = re.findall(r"<details>(.*?)</details>", page, re.DOTALL)
    assert "<summary><h2>Again</h2></summary>" in folded
    # A browser opens what holds the place that a link leads to.
    assert re.search(r'<div id="again">\s*<p>typed</p>', folded)
    assert '<a href="#again">' in page
    printed = page[page.index("@media print") :]
    assert "details::details-content { content-visibility: visible;" in printed


def test_only_a_page_that_waits_for_more_shows_itself_anew():
    report = Report(kicker="k", title="t", facts="f", verdict=["v"])
    assert "refresh" not in to_html(report)
    assert '<meta http-equiv="refresh" content="3">' in to_html(report, refresh=3)
