"""A vendor as dlt's configuration describes it: address, key and pace.

``[sources.asyncsessions.hum]`` in ``config.toml`` and ``secrets.toml``, or the environment variables
``SOURCES__ASYNCSESSIONS__HUM__API_KEY`` and so on.  What an argument says comes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional, TypeVar, cast

from attrs import field, frozen
from dlt.common.configuration import configspec, resolve_configuration
from dlt.common.configuration.specs import BaseConfiguration
from dlt.common.typing import TSecretStrValue

from asyncsessions.core.http import Secret
from asyncsessions.errors import ConfigurationError
from asyncsessions.plugins import provider_names
from asyncsessions.providers.attributionhub import AttributionHub
from asyncsessions.providers.base import Provider
from asyncsessions.providers.hum import Hum

__all__ = ["SECTION", "Pace", "Vendor", "open_vendor"]

SECTION = "asyncsessions"

C = TypeVar("C", bound=BaseConfiguration)


@configspec
class Pace(BaseConfiguration):
    """How fast a vendor is asked, and how much; ``None`` = no bound."""

    concurrency: int = 8
    requests_per_second: Optional[float] = None  # noqa: UP045 - dlt reads it at run time
    timeout_s: float = 30.0
    max_requests: Optional[int] = None  # noqa: UP045
    deadline_s: Optional[float] = None  # noqa: UP045


@configspec
class HumAccess(BaseConfiguration):
    """Where Hum is, and what it knows us by."""

    api_key: TSecretStrValue = cast(
        "TSecretStrValue", None
    )  # without a default of ours it is asked for
    environment: Optional[str] = None  # noqa: UP045
    base_url: Optional[str] = None  # noqa: UP045


@configspec
class AttributionHubAccess(BaseConfiguration):
    """Where AttributionHub is, and what it knows us by."""

    api_key: TSecretStrValue = cast("TSecretStrValue", None)
    base_url: str = cast("str", None)


@frozen
class Vendor:
    """A provider with its pace."""

    provider: Provider[...]
    pace: Pace = field(repr=False)


def open_vendor(
    named: str | Provider[...], *, access: Mapping[str, Any], pace: Mapping[str, Any]
) -> Vendor:
    """Return the vendor of a name, or one that is open already, as arguments or else dlt say.

    Raises :class:`ConfigurationError` for what is neither, a name that is not ours, and dlt's own
    ``ConfigFieldMissingException`` for a key that is nowhere.
    """
    provider = _provider(named, {key: value for key, value in access.items() if value is not None})
    return Vendor(provider, _resolved(Pace(), provider.name, pace))


def _provider(named: str | Provider[...], access: Mapping[str, Any]) -> Provider[...]:
    if not isinstance(named, str):
        if not hasattr(named, "page_request"):
            raise ConfigurationError(
                "provider must be a vendor's name, a provider, or a list of these"
            )
        if access:
            raise ConfigurationError(
                f"{' and '.join(access)} belongs to a provider that is given by its name"
            )
        return named
    if named == "hum":
        found = _resolved(HumAccess(), named, access)
        environment: Any = found.environment
        return Hum(Secret(found.api_key), environment=environment, base_url=found.base_url)
    if named == "attributionhub":
        if "environment" in access:
            raise ConfigurationError("attributionhub has no environments: give its base_url")
        hub = _resolved(AttributionHubAccess(), named, access)
        return AttributionHub(Secret(hub.api_key), base_url=hub.base_url)
    if named in provider_names():
        raise ConfigurationError(f"give the provider {named} itself, instead of its name")
    raise ConfigurationError(f"there is no provider {named!r}: write 'hum' or 'attributionhub'")


def _resolved(spec: C, vendor: str, given: Mapping[str, Any]) -> C:
    known = {key: value for key, value in given.items() if value is not None}
    return resolve_configuration(
        spec, sections=("sources", SECTION, vendor), explicit_value=known or None
    )
