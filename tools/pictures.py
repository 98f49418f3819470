"""Pictures that are made from the code: written to their files, or held against them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["keep"]


def keep(pictures: Mapping[Path, str], *, is_check: bool) -> int:
    """Write the pictures that have changed and return 0; with ``is_check`` only tell which have.

    The exit status of a check is 1 if any has.
    """
    stale = 0
    for path, picture in pictures.items():
        if path.exists() and path.read_text(encoding="utf-8") == picture:
            continue
        if is_check:
            print(f"{path.name} is stale: run `make generate`")
            stale = 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(picture, encoding="utf-8")
            print(f"wrote {path.name}")
    return stale
