"""Texts of the vendor's that are fit to be shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

__all__ = ["masked"]

LIMIT = 200
READ = 64 * LIMIT
LONGEST_EMAIL = 320  # RFC 5321: 64 + @ + 255

WORD = re.compile(r"[^\s\"'<>(),:]+")
# As it is, and as URLs, HTML and JSON spell it.
AT_SIGN = re.compile(r".(@|%40|&#64;|&#x40;|&commat;|\\u0040).", re.IGNORECASE | re.DOTALL)
MASK = "***"
PIECE = 8
"""Characters; a piece of a secret that is as long is masked."""

CREDENTIALS = re.compile(
    r"\b(bearer\s+)[^\s\"'<>,;]+|"
    r"\b(auth(?:entication|orization)[\\\"']*\s*:[\s\\\"']*)[^\\\"'<>\r\n]+",
    re.IGNORECASE,
)


def masked(text: str | bytes, secrets: Iterable[str]) -> str:
    """Return one line of at most 200 characters without the secrets and without e-mail addresses.

    Pieces of a secret, of 8 characters or more, and what stands as a credential behind ``Bearer``
    or in a header ``Authentication`` or ``Authorization`` are masked too.
    Bytes that are not UTF-8 and characters that are not printable (a terminal would obey them) are
    replaced; white space is folded.
    """
    spellings = sorted(set(_spellings(secrets)), key=len, reverse=True)
    window = text[:READ]
    shown = window.decode("utf-8", "replace") if isinstance(window, bytes) else window
    for spelling in spellings:
        shown = shown.replace(spelling, MASK)
    shown = CREDENTIALS.sub(_masked_credential, _without_pieces(shown, spellings))
    shown = WORD.sub(_masked_word, shown)
    if is_cut := len(text) > READ:
        # What straddles the edge is not recognised.
        shown = shown[: -max(LONGEST_EMAIL, *map(len, spellings), 0)]
    shown = " ".join(shown.split())
    if len(shown) >= LIMIT + (not is_cut):
        shown, is_cut = shown[: LIMIT - 1], True
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in shown)
    return f"{shown}…" if is_cut else shown


def _spellings(secrets: Iterable[str]) -> Iterator[str]:
    """Return the secrets as they are, and as JSON and URLs may spell them."""
    for secret in secrets:
        if secret:
            yield from (secret, secret.replace("/", "\\/"), quote(secret, safe=""))


def _without_pieces(text: str, spellings: Iterable[str]) -> str:
    """Mask the pieces of secrets, for instance of one that the vendor cut short."""
    grams = {s[at : at + PIECE] for s in spellings for at in range(len(s) - PIECE + 1)}
    if not grams:
        return text
    kept: list[str] = []
    hidden_to = shown_to = 0
    for at in range(len(text) - PIECE + 1):
        if text[at : at + PIECE] in grams:
            if at > hidden_to or not hidden_to:
                kept += (text[shown_to:at], MASK)
            hidden_to = shown_to = at + PIECE
    return "".join(kept) + text[shown_to:]


def _masked_credential(found: re.Match[str]) -> str:
    return (found[1] or found[2]) + MASK


def _masked_word(word: re.Match[str]) -> str:
    return MASK if AT_SIGN.search(word[0]) else word[0]
