"""Makes studies/assignment.ipynb from studies/assignment.md: prose and code cells, no outputs.

python tools/make_notebook.py

Where pyproject.toml names the project's repository on GitHub, the notebook begins with a badge that
opens it on Colab, and installs kmlp from there.
"""

import re
import tomllib
from pathlib import Path

import nbformat
from nbformat import v4

TEXT = Path(__file__).parent.parent / "studies" / "assignment.md"
NOTEBOOK = TEXT.with_suffix(".ipynb")
_CODE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
_COLAB = "https://colab.research.google.com/github"


def repository() -> str:
    """The address of the project's repository; empty where none is named."""
    project = tomllib.loads((TEXT.parents[1] / "pyproject.toml").read_text())["project"]
    return project.get("urls", {}).get("Repository", "").rstrip("/")


def at_home_in(text: str, repository: str) -> str:
    """The text with a badge that opens the notebook on Colab, and where kmlp comes from there."""
    owner_and_name = repository.partition("github.com/")[2]
    if not owner_and_name:
        return text
    place = f"{_COLAB}/{owner_and_name}/blob/main/studies/{NOTEBOOK.name}"
    title, rest = text.split("\n", 1)
    badge = f"[![Open in Colab]({_BADGE})]({place})"
    return f"{title}\n\n{badge}\n{rest}".replace("git+https://...", f"git+{repository}")


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
    made = to_notebook(at_home_in(TEXT.read_text(encoding="utf-8"), repository()))
    nbformat.write(made, NOTEBOOK)
