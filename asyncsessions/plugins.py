"""Providers of other packages: found by the entry point group ``asyncsessions.providers``.

A package that declares ::

    [project.entry-points."asyncsessions.providers"]
    acme = "acme_sessions:Acme"

adds the provider ``acme``, in Python and on the command line.  Looking for names reads what is
installed and imports nothing; only the provider that is asked for is imported.  One that cannot be
used is a :class:`ConfigurationError` with one sentence for whoever asks for it, and nobody else
notices.

Help of the command line comes by here, so not even attrs is loaded.
"""

from __future__ import annotations

import logging
import re
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, NamedTuple

from asyncsessions.errors import ConfigurationError

if TYPE_CHECKING:
    from asyncsessions.providers.base import Provider

__all__ = ["GROUP", "Plugin", "find_provider", "installed", "provider_names"]

GROUP = "asyncsessions.providers"
"""The entry point group that is looked at."""

OURS = {
    "attributionhub": ("asyncsessions.providers.attributionhub", "AttributionHub"),
    "hum": ("asyncsessions.providers.hum", "Hum"),
}
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")  # names files, tables and commands
LONGEST_REASON = 300
METHODS = ("query", "page_request", "read_page", "read_refusal", "unknown_fields")

log = logging.getLogger("asyncsessions.plugins")


class Plugin(NamedTuple):
    """A provider that other packages declare under one name, not loaded yet.

    ``origin`` is the distribution with its version.
    """

    name: str
    origin: str
    entries: tuple[EntryPoint, ...]

    def load(self) -> type[Provider[...]]:
        """Import the provider's class.

        Raises :class:`ConfigurationError` that says in one sentence why it cannot be used.
        """
        if problem := self._problem_of_name():
            raise ConfigurationError(f"the provider {self.name} of {self.origin} {problem}")
        try:
            found = self.entries[0].load()
        except (Exception, SystemExit) as error:
            log.info("the provider %s cannot be loaded", self.name, exc_info=error)
            raise ConfigurationError(
                f"the provider {self.name} of {self.origin} cannot be loaded: {_reason(error)}"
            ) from None
        if problem := _problem_of_class(found, self.name):
            raise ConfigurationError(f"the provider {self.name} of {self.origin} {problem}")
        loaded: type[Provider[...]] = found
        return loaded

    def _problem_of_name(self) -> str | None:
        if self.name in OURS:
            return "has the name of one that comes with asyncsessions"
        if not NAME.fullmatch(self.name):
            return "needs another name: lower case letters, digits and single underscores"
        if len(self.entries) > 1:
            return "is declared more than once: uninstall all but one"
        return None


def installed() -> dict[str, Plugin]:
    """Return the providers of other packages by name; nothing is imported for it."""
    entries: dict[str, dict[str, EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        # The same installation may be found twice, by way of two folders.
        entries.setdefault(entry.name, {}).setdefault(f"{_origin(entry)} {entry.value}", entry)
    return {
        name: Plugin(name, " and ".join(map(_origin, found.values())), tuple(found.values()))
        for name, found in sorted(entries.items())
    }


def provider_names() -> list[str]:
    """Return the names of all providers, also of those that turn out to be unusable."""
    return sorted({*OURS, *installed()})


def find_provider(name: str) -> type[Provider[...]]:
    """Return the class of a provider by its name.

    Raises :class:`ConfigurationError` if there is none of that name, or if it cannot be used.
    """
    if name in OURS:
        module, attribute = OURS[name]
        ours: type[Provider[...]] = getattr(import_module(module), attribute)
        return ours
    plugin = installed().get(name)
    if plugin is None:
        raise ConfigurationError(
            f"there is no provider {name!r}, only {', '.join(provider_names())}: "
            "others come with packages of their own"
        )
    return plugin.load()


def _origin(entry: EntryPoint) -> str:
    if entry.dist is None:
        return "an unknown package"
    return f"{entry.dist.name} {entry.dist.version}"


def _problem_of_class(found: Any, name: str) -> str | None:
    if not isinstance(found, type):
        return f"is no class, but {type(found).__name__}"
    missing = [method for method in METHODS if not callable(getattr(found, method, None))]
    if missing:
        return f"is no provider: {found.__name__} has no {', '.join(missing)}"
    own = getattr(found, "name", None)
    if own != name:
        return f"calls itself {own!r}: both names must be the same"
    return None


def _reason(error: BaseException) -> str:
    said = " ".join(str(error).split())[:LONGEST_REASON]
    if isinstance(error, ConfigurationError):  # of a declaration, which says it all
        return said
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
