"""What a provider says of itself so that the command line can offer it; pure declarations.

A provider that is not part of this package carries one as its class attribute ``command_line``.
Every :class:`Argument` names a keyword of the constructor (``settings``) or of ``query``
(``filters``) and becomes an option; what is not given is not passed on, so the defaults of the
class hold.  Values are texts, or ``True`` for a flag: the provider itself checks and converts them.
"""

from __future__ import annotations

import re

from attrs import field, frozen

from asyncsessions.errors import ConfigurationError

__all__ = ["Argument", "CommandLine"]

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
OPTION = re.compile(r"--[a-z][a-z0-9]*(-[a-z0-9]+)+|--[a-z][a-z0-9]+")
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


@frozen
class Argument:
    """One keyword argument, offered as an option.

    ``option`` is the option's name; ``None`` makes ``--landing-page`` of ``landing_page``.
    ``choices`` are the only values allowed, if there are any.  ``is_flag``: it takes no value;
    ``is_repeatable``: it may be given several times and is passed on as a tuple.  ``variable`` is
    the environment variable that is read if the option is not given, ``None`` = none.
    Raises :class:`ConfigurationError` for a declaration that makes no sense.
    """

    name: str
    help: str = field(kw_only=True)
    option: str | None = field(default=None, kw_only=True)
    choices: tuple[str, ...] = field(default=(), kw_only=True)
    is_flag: bool = field(default=False, kw_only=True)
    is_repeatable: bool = field(default=False, kw_only=True)
    variable: str | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        """Refuse what the shell could not be offered."""
        if not NAME.fullmatch(self.name):
            raise ConfigurationError(f"{self.name!r} is no name of an argument: write landing_page")
        if self.option is not None and not OPTION.fullmatch(self.option):
            raise ConfigurationError(f"{self.option!r} is no option: write --landing-page")
        if not self.help:
            raise ConfigurationError(f"the argument {self.name} needs a help text")
        if self.is_flag and (self.choices or self.is_repeatable or self.variable):
            raise ConfigurationError(
                f"the argument {self.name} is a flag: it has no value to choose, repeat or look up"
            )
        if self.is_repeatable and self.variable:
            raise ConfigurationError(f"the argument {self.name} repeats: no variable can hold it")
        _check_variable(self.variable)

    @property
    def flag(self) -> str:
        """The option as it is written in the shell."""
        return self.option or "--" + self.name.replace("_", "-")


@frozen(kw_only=True)
class CommandLine:
    """How the command line makes a provider and asks it.

    ``secret`` is the environment variable that holds the credentials, which become the first
    argument of the constructor; ``--token-file`` replaces it.  ``None``: the constructor takes no
    credentials.  ``title`` is the vendor's name in help texts, ``None`` = the provider's own.
    """

    secret: str | None
    settings: tuple[Argument, ...] = ()
    filters: tuple[Argument, ...] = ()
    title: str | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse two arguments of one name, or of one option."""
        _check_variable(self.secret)
        for attribute in ("name", "flag"):
            seen: set[str] = set()
            for argument in self.arguments:
                value: str = getattr(argument, attribute)
                if value in seen:
                    raise ConfigurationError(f"{value} is declared twice")
                seen.add(value)

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """Settings and filters."""
        return (*self.settings, *self.filters)


def _check_variable(name: str | None) -> None:
    if name is not None and not VARIABLE.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is no name of an environment variable: write ACME_TOKEN"
        )
