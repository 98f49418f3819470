"""Build the site of the documents, and check that reading it asks nobody: `make site`.

Warnings of MkDocs are errors. A page may link to other places; it may load nothing from them.
"""

from __future__ import annotations

import os
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


def main() -> int:
    """Build, check, and return the exit status."""
    # Material announces its successor on every build; that is no warning about our pages.
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--clean"]
    if subprocess.run(command, check=False, env=environment).returncode:
        return 1
    found = faults(SITE)
    for fault in found:
        print(f"tools/build_site.py: {fault}", file=sys.stderr)
    print(f"{len(list(SITE.rglob('*.html')))} pages in {SITE}, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
