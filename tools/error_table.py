"""The table of errors in docs/errors.md, from the classes and the command line; see `tools.generate`."""

from __future__ import annotations

import re

from asyncsessions import errors
from asyncsessions.cli.exits import next_step, status_of
from asyncsessions.core.report import Report

SUBJECTS = {"secret": "the token or key", "base_url": "the base URL"}
OPTION = re.compile(r"--[a-z-]+")


def kinds() -> list[type[errors.SessionsError]]:
    """Return every error but the root, in the order of the tree."""
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type)
        and issubclass(value, errors.SessionsError)
        and value is not errors.SessionsError
    ]


def table() -> str:
    """Return a line for each error."""
    lines = [
        "| error | repeated by itself | exit status | next |\n",
        "| --- | --- | ---: | --- |\n",
    ]
    for kind in kinds():
        error = kind("…")
        error.report = Report(provider="hum", requests=1)  # what is refused before is wrong usage
        repeated = "yes" if kind.transient else "no"
        step = OPTION.sub(r"`\g<0>`", next_step(error, **SUBJECTS) or "what its text says")
        name = kind.__name__
        lines.append(
            f"| [`{name}`](#{name.lower()}) | {repeated} | {status_of(error)} | {step} |\n"
        )
    return "".join(lines)
