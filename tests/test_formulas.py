"""The site's formulas: drawn where the page has them, and told to who cannot see them."""

import pytest

ziamath = pytest.importorskip("ziamath", reason="pip install '.[docs]'")


def test_a_formula_is_drawn_in_its_line_with_its_tex_as_label():
    from tools.site.formulas import drawn

    page = drawn(r'<p>the <span class="arithmatex">\(a_i &lt; b\)</span> of</p>')
    assert page.startswith('<p>the <span class="formula" role="math" aria-label="a_i &lt; b"><svg')
    assert page.endswith("</svg></span> of</p>")
    assert "vertical-align:-" in page


def test_a_block_stands_by_itself():
    from tools.site.formulas import drawn

    page = drawn('<div class="arithmatex">\\[\\texttt{a\\_b}\n= 1\\]</div>')
    assert page.startswith('<div class="formula" role="math" aria-label="\\texttt{a\\_b} = 1"><svg')
    assert "vertical-align" not in page


def test_what_is_no_formula_stays():
    from tools.site.formulas import drawn

    assert drawn("<p>5 $ and 7 $</p>") == "<p>5 $ and 7 $</p>"
