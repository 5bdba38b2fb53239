"""Files outside of `docs` that its pages link to, as pages of the site."""

import os
import posixpath
import re
from pathlib import Path

PROJECT = {
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "benchmarks/README.md": "project/measured.md",
    "kmlp/data/samples/README.md": "project/samples.md",
    "README.md": "index.md",
}
_LINK = re.compile(r"(!?\[)([^\]]*)(\]\()([^)\s]+)(\))")
_LANGUAGES = {".toml": "toml", ".py": "python", ".json": "json"}


def pages(root: Path) -> dict[str, str]:
    """The Markdown of each such page by its place in the site: of a program, its text."""
    made = {
        place: (root / path).read_text(encoding="utf-8")
        for path, place in PROJECT.items()
        if place != "index.md"
    }
    for path in _sources(root):
        made[_place(path)] = _listing(path, (root / path).read_text(encoding="utf-8"))
    return made


def linked(text: str, src_uri: str, root: Path) -> str:
    """The Markdown of a page of the site whose links to files lead to pages of the site; those that
    are called by a page's file are called by its title."""

    def moved(match: re.Match[str]) -> str:
        opening, label, middle, url, closing = match.groups()
        target, hash_sign, anchor = url.partition("#")
        if "://" in target or not target:
            return match[0]
        path = _repository_path(src_uri, target)
        if label.endswith(".md") and label == posixpath.basename(path):
            label = _title(root / path)
        relative = posixpath.relpath(_place(path), posixpath.dirname(src_uri) or ".")
        return f"{opening}{label}{middle}{relative}{hash_sign}{anchor}{closing}"

    return _LINK.sub(moved, text)


def _sources(root: Path) -> list[str]:
    """Programs, settings and notebooks that a page of `docs` or of the project links to."""
    written = [*sorted((root / "docs").glob("*.md")), *(root / path for path in PROJECT)]
    found = set()
    for page in written:
        for match in _LINK.finditer(page.read_text(encoding="utf-8")):
            target = match[4].partition("#")[0]
            if target and "://" not in target and not target.startswith("mailto:"):
                path = os.path.normpath(page.parent / target)
                found.add(Path(path).relative_to(root).as_posix())
    return sorted(p for p in found if not p.startswith("docs/") and p not in PROJECT)


def _repository_path(src_uri: str, target: str) -> str:
    """Where in the repository a page's link leads, from where the page itself lies there."""
    own = {place: path for path, place in PROJECT.items() if place != "index.md"}
    here = own.get(src_uri, f"docs/{src_uri}")
    return posixpath.normpath(posixpath.join(posixpath.dirname(here), target))


def _title(page: Path) -> str:
    return page.read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ")


def _place(path: str) -> str:
    """Where in the site a file of the repository stands."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return PROJECT.get(path, f"source/{path}" if path.endswith(".ipynb") else f"source/{path}.md")


def _listing(path: str, text: str) -> str:
    if path.endswith(".ipynb"):
        return text
    return f"# {path}\n\n```{_LANGUAGES[Path(path).suffix]}\n{text}\n```\n"
