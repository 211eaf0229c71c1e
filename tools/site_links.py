"""What MkDocs does with links that leave docs/: the repository has their targets, the site not.

A notebook becomes part of the site, as a file. Of any other link the words stay, with the path.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = "examples/notebooks"
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """The notebooks are files of the site."""
    for path in sorted((ROOT / NOTEBOOKS).glob("*.ipynb")):
        place = f"notebooks/{path.name}"
        files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page's text, with every link that leads out of docs/ changed."""
    docs = Path(config.docs_dir)
    here = docs / Path(page.file.src_uri).parent

    def changed(link: re.Match[str]) -> str:
        words, target, _ = link.groups()
        there = Path(os.path.normpath(here / target))
        if re.match(r"\w+:", target) or there.is_relative_to(docs):
            return link[0]
        path = there.relative_to(ROOT).as_posix()
        if path.startswith(NOTEBOOKS):
            return f"[{words}]({os.path.relpath(docs / 'notebooks' / there.name, here)})"
        return f"`{path}`" if there.name in words else f"{words} (`{path}`)"

    parts = re.split(r"(^```.*?^```$)", markdown, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("```") else _LINK.sub(changed, part) for part in parts)
