"""What the docs' site adds to the pages of `docs`: MkDocs calls these functions by their names.

Reference pages come from docstrings, formulas become drawings, and what pages link to outside of
`docs` becomes a page of the site, so that nothing needs a network.
"""

import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from tools.site import gallery, markdown, outside, reference  # noqa: E402
from tools.site.formulas import drawn  # noqa: E402


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds what is made: the reference, files outside of `docs`, the gallery's reports."""
    for name, content in (reference.pages() | outside.pages(ROOT)).items():
        files.append(File.generated(config, name, content=content))
    for name, path in gallery.files(ROOT).items():
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(text: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links lead inside of the site; lists and tables are those that code hosts see."""
    return markdown.parted(gallery.linked(outside.linked(text, page.file.src_uri, ROOT)))


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Formulas as drawings, for browsers need no script and no font for these."""
    return drawn(html)
