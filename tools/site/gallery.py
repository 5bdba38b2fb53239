"""The gallery's reports: docs/gallery.md's own commands, run here, and what they wrote.

python -m tools.site.gallery        # makes them in build/gallery; what is trained stays
"""

import contextlib
import os
import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
MADE = Path("build/gallery")
_REPORT = re.compile(r"<!-- report: (\S+) (\S+) -->")
_FILE = re.compile(r"<!-- file: (\S+) -->\n```\w*\n(.*?)```", re.DOTALL)
_COMMAND = re.compile(r"^kmlp (.+)$", re.MULTILINE)


def commands(text: str) -> list[list[str]]:
    """The page's commands, without `kmlp`."""
    return [shlex.split(line) for line in _COMMAND.findall(text)]


def given(text: str) -> dict[str, str]:
    """The files that the page shows, by their names."""
    return dict(_FILE.findall(text))


def files(root: Path) -> dict[str, Path]:
    """Pages, PDFs and one figure of each report, by their places in the site.

    Raises:
        FileNotFoundError: a report was not made yet.
    """
    found = {}
    for run, figure in _REPORT.findall(_page(root)):
        folder = root / MADE / run
        name = "comparison" if (folder / "comparison.html").exists() else "report"
        for source, target in _copied(name, figure).items():
            if not (folder / source).exists():
                raise FileNotFoundError(
                    f"{folder / source} is missing: `make docs` makes it, and so does "
                    "`python -m tools.site.gallery`."
                )
            found[f"gallery/{Path(run).name}/{target}"] = folder / source
    return found


def linked(text: str) -> str:
    """The page with its reports where it names them."""
    return _REPORT.sub(lambda match: _links(Path(match[1]).name), text)


def _copied(name: str, figure: str) -> dict[str, str]:
    return {
        f"{name}.html": "report.html",
        f"{name}.pdf": "report.pdf",
        f"figures/{figure}.svg": "figure.svg",
    }


def _links(name: str) -> str:
    page = f"gallery/{name}/report"
    return (
        f"\n[![A figure of the report](gallery/{name}/figure.svg)]({page}.html)\n\n"
        f"[Open the page]({page}.html){{ .md-button .md-button--primary }} "
        f"[PDF]({page}.pdf){{ .md-button }}\n"
    )


def _page(root: Path) -> str:
    return (root / "docs" / "gallery.md").read_text(encoding="utf-8")


def main() -> None:
    """Runs the page's commands, each of which goes on where it was."""
    os.environ.setdefault("KMLP_OFFLINE", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    text = _page(ROOT)
    (ROOT / MADE).mkdir(parents=True, exist_ok=True)
    with contextlib.chdir(ROOT / MADE):
        for name, content in given(text).items():
            Path(name).write_text(content, encoding="utf-8")
        for command in commands(text):
            print("kmlp", shlex.join(command), flush=True)
            _run(command)


def _run(command: list[str]) -> None:
    """In this process: what one command has compiled the next need not."""
    from kmlp.cli import main as kmlp

    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        try:
            kmlp(command)
        except SystemExit as end:
            if end.code:
                raise


if __name__ == "__main__":
    main()
