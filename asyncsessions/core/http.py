"""Requests and responses as plain values, with secrets kept out of ``repr``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlencode, urlsplit

from attrs import field, frozen

from asyncsessions.errors import ConfigurationError

__all__ = ["Request", "Response", "Secret", "base_url", "checked_secret"]

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class Secret(str):
    """A text whose ``repr`` shows nothing, so that headers can be logged by mistake without harm."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


@frozen(kw_only=True)
class Request:
    """One request, complete: what the transport sends is exactly this.

    ``page`` is the page number it asks for, ``None`` for anything but a list.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    params: tuple[tuple[str, str], ...] = ()
    body: bytes | None = field(default=None, repr=False)
    page: int | None = None

    @property
    def full_url(self) -> str:
        """The address with its query string."""
        query = self.query
        return f"{self.url}?{query}" if query else self.url

    @property
    def query(self) -> str:
        """The query string, empty if there is none."""
        if not self.params:
            return ""
        # The page number comes first and differs each time, the rest is that of a whole window.
        (name, value), rest = self.params[0], self.params[1:]
        first = (
            f"{name}={value}"
            if name.isalpha() and value.isdecimal()
            else _encoded(((name, value),))
        )
        return f"{first}&{_encoded(rest)}" if rest else first

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


@frozen(kw_only=True)
class Response:
    """One whole answer: status, headers (names in lower case), decompressed body."""

    status: int
    headers: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    body: bytes = field(default=b"", repr=False)


@lru_cache(maxsize=256)
def _encoded(params: tuple[tuple[str, str], ...]) -> str:
    return urlencode(params)


def checked_secret(value: str, *, what: str, where: str) -> Secret:
    """Return the secret, or refuse one that cannot be right before any request is spent.

    Raises :class:`ConfigurationError` when it is empty, holds white space or control characters,
    is not ASCII (HTTP headers are), or already carries the ``Bearer`` word.
    """
    # Rebound first: a traceback that shows local variables must not show the secret.
    value = Secret(value) if isinstance(value, str) else Secret()
    if problem := _problem_of_secret(value, what=what, where=where):
        raise ConfigurationError(problem)
    return value


def _problem_of_secret(value: str, *, what: str, where: str) -> str | None:
    if not value:
        return f"{what} is empty: give it, or set {where}"
    if value.lower().startswith("bearer ") or value.lower() == "bearer":
        return f"{what} ({where}) must be given without the word 'Bearer'"
    if not value.isascii() or not value.isprintable() or " " in value:
        return (
            f"{what} ({where}) contains white space or characters that cannot be sent: "
            "copy it again, without quotes and line ends"
        )
    return None


def base_url(value: str, *, path: str, what: str = "base_url") -> str:
    """Return the base URL without a trailing slash and without the API's own ``path``.

    Raises :class:`ConfigurationError` for anything but ``https://host[:port][/prefix]``; plain
    ``http`` is allowed to loopback addresses only.  ``what`` is the setting's name in the message.
    """
    value = Secret(value)  # it may hold a password; see checked_secret
    if problem := _problem_of_url(value):
        raise ConfigurationError(f"{what} {problem}")
    parts = urlsplit(value.strip())
    prefix = parts.path.rstrip("/").removesuffix(path).rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{prefix}"


def _problem_of_url(value: str) -> str | None:
    value = Secret(value.strip())
    if not value.isprintable() or " " in value or "\\" in value:  # urlsplit would overlook some
        return "is not a valid address"
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not a valid address"
    if parts.scheme not in {"http", "https"} or not host:
        return "must look like https://host, with an optional port and prefix"
    if "@" in parts.netloc or parts.query or parts.fragment:
        return "must hold no user name, password, query string or fragment"
    if parts.scheme == "http" and host not in LOOPBACK_HOSTS:
        return f"is plain http to {host}: the key would travel unprotected, use https"
    return None
