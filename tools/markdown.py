"""The little of Markdown that the checks read: fenced blocks, and comments on lines of their own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

FENCE = re.compile(r"(?P<indent> *)(?P<fence>`{3,}|~{3,})\s*(?P<language>[\w+-]*)[^`]*")
COMMENT = re.compile(r"\s*<!--\s*(?P<text>.*?)\s*-->\s*")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the comments directly above it.

    `line` is the number of its first line of text in the file, counted from 1.
    """

    language: str
    text: str
    line: int
    comments: tuple[str, ...]


@dataclass(frozen=True)
class Comment:
    """A comment outside of every block, alone on line number `line`, counted from 1."""

    text: str
    line: int


def parse(text: str) -> Iterator[Block | Comment]:
    """Yield the blocks and comments of a document in its order; a fence left open ends with it."""
    above: list[str] = []
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        if comment := COMMENT.fullmatch(line):
            above.append(comment["text"])
            yield Comment(comment["text"], number)
        elif fence := FENCE.fullmatch(line):
            body: list[str] = []
            kind, least = fence["fence"][0], len(fence["fence"])
            end = re.compile(rf"\s*{kind}{{{least},}}\s*")
            for _, inner in lines:
                if end.fullmatch(inner):
                    break
                body.append(inner.removeprefix(fence["indent"]))
            block = "".join(inner + "\n" for inner in body)
            yield Block(fence["language"], block, number + 1, tuple(above))
            above = []
        elif line.strip():
            above = []
