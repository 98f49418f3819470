"""Write the generated parts of the documents: ``python -m tools.generate README.md docs/*.md``.

A part stands between two comments, each alone on its line and outside of code blocks::

    <!-- generated: tools.tables:providers -->
    …
    <!-- end -->

What stands between them is replaced by what the named function returns, called without arguments.
With `--check` nothing is written; what would change is shown as a diff, and the status is 1.
"""

import difflib
import sys
from importlib import import_module
from pathlib import Path

from tools.markdown import Comment, parse


class MarkerError(Exception):
    """A marker is wrong: the message says where and how."""


def generated(text: str, name: str) -> str:
    """Return the document `text`, called `name` in errors, with its generated parts made anew.

    Raises:
        MarkerError: a marker has no end, an end has no marker, or there is no such function.
    """
    lines = text.splitlines(keepends=True)
    parts: list[tuple[int, int, str]] = []  # first line, line after the last, what belongs there
    opened: tuple[int, str] | None = None
    for item in parse(text):
        if not isinstance(item, Comment):
            continue
        word, _, source = (part.strip() for part in item.text.partition(":"))
        if word == "generated":
            if opened is not None:
                raise MarkerError(f"{name}:{opened[0]}: 'generated' without 'end'")
            opened = item.line, source
        elif word == "end":
            if opened is None:
                raise MarkerError(f"{name}:{item.line}: 'end' without 'generated'")
            parts.append((opened[0], item.line - 1, _call(opened[1], f"{name}:{opened[0]}")))
            opened = None
    if opened is not None:
        raise MarkerError(f"{name}:{opened[0]}: 'generated' without 'end'")
    for first, after, part in reversed(parts):
        lines[first:after] = [part.strip("\n") + "\n"]
    return "".join(lines)


def _call(source: str, where: str) -> str:
    module, _, function = source.partition(":")
    try:
        made = getattr(import_module(module), function)()
    except (ImportError, AttributeError, ValueError) as error:
        raise MarkerError(f"{where}: {source!r} cannot be called: {error}") from error
    if not isinstance(made, str):
        raise MarkerError(f"{where}: {source!r} returned {type(made).__name__}, not str")
    return made


def main(arguments: list[str]) -> int:
    """Write the documents named, or check them with `--check`, and return the exit status."""
    check = "--check" in arguments
    stale = 0
    for name in arguments:
        if name == "--check":
            continue
        path = Path(name)
        before = path.read_text(encoding="utf-8")
        try:
            after = generated(before, name)
        except MarkerError as error:
            print(error)
            stale += 1
            continue
        if after == before:
            continue
        if check:
            stale += 1
            old, new = before.splitlines(), after.splitlines()
            print("\n".join(difflib.unified_diff(old, new, name, "generated", lineterm="")))
            print(f"{name} is stale: run `make generate`")
        else:
            path.write_text(after, encoding="utf-8")
            print(f"wrote {name}")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
