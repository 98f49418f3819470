"""Build the site of the documents, and check that reading it asks nobody: `make site`.

Warnings are errors: of MkDocs, and of what reads the docstrings. A page may link to other places; it
may load nothing from them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

SITE = Path("build/site")
LOADING = {
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "img": "src",
    "link": "href",
    "object": "data",
    "script": "src",
    "source": "srcset",
    "video": "src",
}
COMPLAINT = re.compile(r"^(?:WARNING|ERROR|CRITICAL) +-  (.*)$", re.MULTILINE)
ONLY_NAMED = {"canonical", "next", "prev"}  # rel= of links that load nothing


class Assets(HTMLParser):
    """Collects what a page loads from other places."""

    def __init__(self) -> None:
        super().__init__()
        self.foreign: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        given = dict(attrs)
        address = given.get(LOADING.get(tag, "")) or ""
        is_foreign = address.startswith(("http:", "https:", "//"))
        if is_foreign and given.get("rel") not in ONLY_NAMED:
            self.foreign.append(f"<{tag}> {address}")


def faults(site: Path) -> list[str]:
    """Return one sentence for each thing that a page of the site loads from elsewhere."""
    found: list[str] = []
    for page in sorted(site.rglob("*.html")):
        assets = Assets()
        assets.feed(page.read_text(encoding="utf-8"))
        found += [f"{page.relative_to(site)} loads {each}" for each in assets.foreign]
    return found


def complaints(printed: str) -> list[str]:
    """Return the warnings and errors in what MkDocs prints."""
    return COMPLAINT.findall(printed)


def build(folder: Path) -> list[str]:
    """Build the site of a folder and return what was wrong, nothing if it is built."""
    # Material announces its successor on every build; that is no warning about our pages.
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "NO_COLOR": "1"}
    # Not --quiet: it silences the warnings before --strict could count them.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--clean"]
    done = subprocess.run(
        command, check=False, env=environment, cwd=folder, capture_output=True, text=True
    )
    printed = done.stdout + done.stderr
    return complaints(printed) or ([printed] if done.returncode else [])


def main() -> int:
    """Build, check, and return the exit status."""
    wrong = build(Path())
    for each in wrong:
        print(f"tools/build_site.py: {each}", file=sys.stderr)
    if wrong:
        return 1
    found = faults(SITE)
    for fault in found:
        print(f"tools/build_site.py: {fault}", file=sys.stderr)
    print(f"{len(list(SITE.rglob('*.html')))} pages in {SITE}, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
