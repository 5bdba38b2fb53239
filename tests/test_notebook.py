"""The notebook says what its text says, and runs from top to bottom on the bundled sample."""

import itertools
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tools.make_notebook import NOTEBOOK, TEXT, at_home_in, repository, to_notebook

STUDIES = Path(__file__).parent.parent / "studies"


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The notebook after its last cell, and the folder that it ran in."""
    folder = tmp_path_factory.mktemp("notebook")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=None, resources={"metadata": {"path": str(folder)}})
    return client.execute(), folder


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs_of(notebook, of_code: str) -> list:
    """The outputs of the one cell that holds this code."""
    (cell,) = (cell for cell in code_cells(notebook) if of_code in cell.source)
    return cell.outputs


def printed(outputs) -> str:
    return "".join(output.text for output in outputs if output.output_type == "stream")


def test_the_notebook_is_made_from_its_text_without_outputs():
    found = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(found)
    text = at_home_in(TEXT.read_text(encoding="utf-8"), repository())
    assert found == to_notebook(text), "python tools/make_notebook.py"
    assert not any(cell.outputs or cell.execution_count for cell in code_cells(found))


def test_a_notebook_whose_repository_is_known_opens_on_colab():
    text = at_home_in(TEXT.read_text(encoding="utf-8"), "https://github.com/owner/name")
    first, *_ = to_notebook(text).cells
    place = "colab.research.google.com/github/owner/name/blob/main/studies/assignment.ipynb"
    assert place in first.source
    assert 'else "git+https://github.com/owner/name"' in text
    assert at_home_in("# Title\ntext", "") == "# Title\ntext"


def test_one_cell_sets_up_and_the_last_one_makes_the_pdf():
    cells = code_cells(to_notebook(TEXT.read_text(encoding="utf-8")))
    setting_up = ("pip install", "import kmlp\n", 'SIZE = "')
    assert [[i for i, c in enumerate(cells) if word in c.source] for word in setting_up] == [
        [0]
    ] * 3
    assert "write_report" in cells[-1].source


def test_every_cell_is_short_and_has_a_sentence_before_it():
    cells = to_notebook(TEXT.read_text(encoding="utf-8")).cells
    for before, cell in itertools.pairwise(cells):
        if cell.cell_type == "code":
            assert before.cell_type == "markdown"
            assert before.source.strip().splitlines()[-1][-1] in ".:|"
            assert len(cell.source.splitlines()) <= 24


@pytest.mark.slow
def test_every_cell_ran_and_none_complained(executed):
    notebook, _ = executed
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    complaints = [
        output.text
        for cell in cells
        for output in cell.outputs
        if output.get("name") == "stderr" and "Warning" in output.text
    ]
    assert complaints == []


@pytest.mark.slow
def test_the_table_and_the_error_bars_hold_every_variant(executed):
    notebook, _ = executed
    (table,) = outputs_of(notebook, "results_table(study.record)")
    errors = printed(outputs_of(notebook, "test['se']"))
    for variant in ("none", "dropout", "l2", "batch_norm"):
        assert re.search(rf"\b{variant}\b", table["data"]["text/plain"])
        assert re.search(rf"^{variant} +\d\d\.\d\d % ± \d\.\d\d$", errors, re.MULTILINE)


@pytest.mark.slow
def test_the_search_picks_and_says_why(executed):
    notebook, _ = executed
    (table,) = outputs_of(notebook, "search_table(search.record)")
    shown = table["data"]["text/plain"]
    assert [word for word in ("val. acc. %", "picked", "dropout=") if word not in shown] == []
    assert printed(outputs_of(notebook, "search.record.verdict")).startswith("• ")


@pytest.mark.slow
def test_every_figure_is_drawn(executed):
    notebook, _ = executed
    drawing = [cell for cell in code_cells(notebook) if "plt.show()" in cell.source]
    assert len(drawing) == 7
    for cell in drawing:
        images = [o for o in cell.outputs if "image/png" in o.get("data", {})]
        assert len(images) == 1, cell.source


@pytest.mark.slow
def test_networks_learn_and_the_best_is_exported(executed):
    notebook, folder = executed
    shown = printed(outputs_of(notebook, "validation accuracy {"))
    assert float(re.search(r"validation accuracy ([\d.]+) %", shown)[1]) > 60
    assert list(folder.glob("runs/*/saved_model/1/manifest.json"))
    report = printed(outputs_of(notebook, "kmlp.write_report")).strip()
    assert (folder / report).read_bytes().startswith(b"%PDF")
