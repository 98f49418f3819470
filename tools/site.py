"""Adapts the documents to the site: the hooks of `mkdocs.yml`.

The same files are read on the site and by whoever looks into the repository, where other rules of
Markdown hold. What the checks read in comments is no part of the site; a link that leads out of
`docs/` leads to a copy of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGES = {"changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md"}
COPIES = "files"
FENCE = re.compile(r"^ *(`{3,}|~{3,})")
OUTWARD = re.compile(r"\]\(\.\./([\w./-]+)\)")
DIRECTIVE = re.compile(r"^ *<!-- *(continues|end|output|(?:file|generated|not executed):.*?) *-->$")
OUTPUT = re.compile(r"^ *<!-- *output *-->$")
PRINTS = "prints"
FILE = re.compile(r"^ *<!-- *file: *(\S+) *-->$")


# --- what MkDocs calls --------------------------------------------------------------------------


def on_config(config: Any) -> Any:
    """Leave pages that are not written yet out of the navigation."""
    there = {path.name for path in Path(config.docs_dir).rglob("*.md")} | set(PAGES)
    config.nav = present(config.nav, there)
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that lie elsewhere in the repository, and the files that pages link to."""
    from mkdocs.structure.files import File

    for uri, source in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, uri, content=text))
    linked = {name for page in Path(config.docs_dir).glob("*.md") for name in outward(_text(page))}
    for name in sorted(linked):
        files.append(File.generated(config, f"{COPIES}/{name}", content=(ROOT / name).read_bytes()))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return the page as the site's Markdown."""
    return adapted(markdown)


# --- what they do -------------------------------------------------------------------------------


def present(nav: list[Any], there: set[str]) -> list[Any]:
    """Return the navigation without pages that are not there, and without empty sections."""
    kept: list[Any] = []
    for entry in nav:
        ((title, target),) = entry.items()
        if not isinstance(target, str):  # a section
            inner = present(target, there)
            kept += [{title: inner}] if inner else []
        elif target in there:
            kept.append(entry)
    return kept


def outward(text: str) -> list[str]:
    """Return the files of the repository outside of `docs/` that a page links to."""
    return [name for line in _prose(text) for name in OUTWARD.findall(line)]


def adapted(text: str) -> str:
    """Return a document of the repository as the site needs it."""
    lines: list[str] = []
    title: str | None = None
    fence: str | None = None
    for line in text.splitlines():
        mark = FENCE.match(line)
        if fence is not None:
            fence = None if line.strip() == fence else fence
            lines.append(line)
        elif mark:
            fence = mark[1]
            language = "" if line.strip() != fence else "text"  # a title needs one
            lines.append(line + (f'{language} title="{title}"' if title else ""))
            title = None
        elif DIRECTIVE.match(line):
            named = FILE.match(line)
            title = named[1] if named else title
            title = PRINTS if OUTPUT.match(line) else title
            lines.append("")
        else:
            inward = OUTWARD.sub(rf"]({COPIES}/\1)", line)
            lines.append(inward.replace("<details>", '<details markdown="1">'))
    return "\n".join(lines) + "\n"


def _prose(text: str) -> Iterator[str]:
    fence: str | None = None
    for line in text.splitlines():
        mark = FENCE.match(line)
        if fence is not None:
            fence = None if line.strip() == fence else fence
        elif mark:
            fence = mark[1]
        else:
            yield line


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
