"""Whether every link and picture of the built site is there, and nothing comes from a network.

python -m tools.site.check site
"""

import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from PIL import Image

# What a browser fetches by itself to show a page, by tag: what follows a click may be elsewhere.
_FETCHED = {"img": "src", "script": "src", "iframe": "src", "source": "src", "video": "src"}
_FETCHED_LINKS = {"stylesheet", "icon", "preload", "modulepreload", "manifest"}


@dataclass
class Read(HTMLParser):
    """A page's ids, its links and what it fetches."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    has_raw_table: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self.ids |= {said[name] for name in ("id", "name") if name in said}
        if tag == "a" and "href" in said:
            self.links.append(said["href"])
        elif tag == "link" and _FETCHED_LINKS & set(said.get("rel", "").split()):
            self.fetched.append(said["href"])
        elif tag in _FETCHED and _FETCHED[tag] in said:
            self.fetched.append(said[_FETCHED[tag]])

    def handle_data(self, data: str) -> None:
        self.has_raw_table |= "|---|" in data


def faults(site: Path) -> list[str]:
    """What is wrong, a line each."""
    site = site.resolve()
    pages = {path: _read(path) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        here = path.relative_to(site)
        found += [f"{here}: fetches {url}" for url in page.fetched if _is_outside(url)]
        if page.has_raw_table:
            found.append(f"{here}: a table that was read as text")
        for url in {*page.links, *page.fetched}:
            found += [f"{here}: {fault}" for fault in _fault(url, path, site, pages)]
    found += [fault for path in sorted(site.rglob("*")) for fault in _bad_picture(path, site)]
    return found


def _read(path: Path) -> Read:
    page = Read()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def _is_outside(url: str) -> bool:
    return bool(urlsplit(url).netloc)


def _fault(url: str, path: Path, site: Path, pages: dict[Path, Read]) -> list[str]:
    parts = urlsplit(url)
    if parts.scheme or parts.netloc:
        return []
    # The page of what is not found is shown at any address, and names all from the root.
    base = site if parts.path.startswith("/") else path.parent
    target = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
    if target.is_dir():
        target /= "index.html"
    if not target.exists():
        return [f"leads nowhere: {url}"]
    anchor = unquote(parts.fragment)
    # A browser goes to the page's top for the empty one and for "#top".
    if anchor in ("", "top") or target not in pages or anchor in pages[target].ids:
        return []
    return [f"no such place: {url}"]


def _bad_picture(path: Path, site: Path) -> list[str]:
    try:
        if path.suffix == ".svg":
            ElementTree.parse(path)
        elif path.suffix in (".png", ".jpg", ".gif", ".webp"):
            with Image.open(path) as image:
                image.verify()
    except (ElementTree.ParseError, OSError, SyntaxError) as error:
        return [f"{path.relative_to(site)}: no picture: {error}"]
    return []


def main(site: Path) -> None:
    """Prints what is wrong, and ends with 1 if anything is."""
    found = faults(site)
    for fault in found:
        print(fault)
    num_pages = sum(1 for _ in site.rglob("*.html"))
    print(f"{num_pages} pages, {len(found)} faults", file=sys.stderr)
    sys.exit(bool(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
