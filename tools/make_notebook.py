"""Makes studies/assignment.ipynb from studies/assignment.md: prose and code cells, no outputs.

python tools/make_notebook.py
"""

import re
from pathlib import Path

import nbformat
from nbformat import v4

TEXT = Path(__file__).parent.parent / "studies" / "assignment.md"
NOTEBOOK = TEXT.with_suffix(".ipynb")
_CODE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def to_notebook(text: str) -> nbformat.NotebookNode:
    """A notebook of Markdown: every fenced block of Python is a cell, as is what lies between.

    Headings begin a cell, so that a reader can fold what stands below them.
    """
    cells = []
    for place, part in enumerate(_CODE.split(text)):
        make = v4.new_code_cell if place % 2 else v4.new_markdown_cell
        pieces = [part] if place % 2 else re.split(r"(?m)^(?=## )", part)
        cells += [make(piece.strip()) for piece in pieces if piece.strip()]
    for number, cell in enumerate(cells):
        # Random ids would make the file another one each time.
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return v4.new_notebook(cells=cells, metadata=metadata)


if __name__ == "__main__":
    nbformat.write(to_notebook(TEXT.read_text(encoding="utf-8")), NOTEBOOK)
