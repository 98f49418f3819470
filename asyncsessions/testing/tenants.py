"""The vendors of several tenants: a fake for each, all of them in one event loop, and their file."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from asyncsessions.testing.attributionhub import FakeAttributionHub
from asyncsessions.testing.hum import FakeHum
from asyncsessions.testing.lifecycle import in_thread

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Mapping, Sequence
    from pathlib import Path

__all__ = ["FakeTenants"]

Fake: TypeAlias = "FakeHum | FakeAttributionHub"


class FakeTenants:
    """A fake vendor for each tenant, by the tenant's name; use them as ``with ….in_thread()``.

    Args:
        fakes: the vendors, which need not be started.
        settings: what the file says of a tenant besides, such as `{"acme": {"concurrency": 2}}`.
        refused: the tenants whose variables hold another key than their vendors accept.

    """

    def __init__(
        self,
        fakes: Mapping[str, Fake],
        settings: Mapping[str, Mapping[str, object]] | None = None,
        *,
        refused: Collection[str] = (),
    ) -> None:
        self.fakes = dict(fakes)
        self.refused = frozenset(refused)
        self._settings = settings or {}

    @classmethod
    def of_each(
        cls,
        count: int,
        *,
        refused: int = 0,
        over_quota: int = 0,
        rates: Sequence[float | None] = (None,),
        sizes: Sequence[int] = (2_337,),
        told: float = 0.0,
        **switches: object,
    ) -> Self:
        """Return so many tenants of either vendor: `hum-1`, `hub-1`, `hum-2` and so on.

        The switches are those of both fakes, with a `seed` for each tenant.  `rates` are the
        requests a second that are allowed: by Hum itself, and up to `told` also by the file; of
        AttributionHub by the file alone.  `sizes` are how many rows there are; both in turn.  Of so many the key is refused, from the first
        on, and so many of AttributionHub, from the last on, have one request left in their quota.
        """
        fakes: dict[str, Fake] = {}
        settings: dict[str, dict[str, object]] = {}
        for number in range(1, count + 1):
            rate = rates[(number - 1) % len(rates)]
            quota = 1 if number > count - over_quota else None
            rows = sizes[(number - 1) % len(sizes)]
            how: dict[str, Any] = {"seed": number, "rows": rows, **switches}
            fakes[f"hum-{number}"] = FakeHum(
                token=f"invented-hum-{number}", rate_per_s=rate, burst=2, **how
            )
            if rate is not None:  # a 429 of this vendor means the quota, and is not repeated
                settings[f"hub-{number}"] = {"requests_per_second": rate}
                if rate <= told:
                    settings[f"hum-{number}"] = {"requests_per_second": rate}
            fakes[f"hub-{number}"] = FakeAttributionHub(
                key=f"invented-hub-{number}", quota=quota, **how
            )
        return cls(fakes, settings, refused=list(fakes)[:refused])

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that hold the keys."""
        return {variable_of(name): self._key(name, fake) for name, fake in self.fakes.items()}

    def _key(self, name: str, fake: Fake) -> str:
        key = fake.token if isinstance(fake, FakeHum) else fake.key
        return f"not-{key}" if name in self.refused else key

    @property
    def file(self) -> str:
        """A file of these tenants, while the fakes serve."""
        return "".join(self._table(name, fake) for name, fake in self.fakes.items())

    def _table(self, name: str, fake: Fake) -> str:
        told = {
            "name": name,
            "provider": "hum" if isinstance(fake, FakeHum) else "attributionhub",
            "base_url": fake.base_url,
            "key_env": variable_of(name),
            **self._settings.get(name, {}),
        }
        return _table("[[tenants]]", told)

    def write(self, path: Path, defaults: Mapping[str, object] | None = None) -> Path:
        """Write the file, with these defaults, and return its path."""
        tables = _table("[defaults]", defaults) + self.file if defaults else self.file
        path.write_text(tables, encoding="utf-8")
        return path

    @contextmanager
    def in_thread(self) -> Generator[Self]:
        """Serve from one daemon thread with an event loop of its own."""

        async def start() -> None:
            await asyncio.gather(*(fake.start_serving() for fake in self.fakes.values()))

        async def stop() -> None:
            await asyncio.gather(*(fake.stop_serving() for fake in self.fakes.values()))

        with in_thread(start, stop):
            yield self


def _table(head: str, values: Mapping[str, object]) -> str:
    # A text, a number or a truth value is written in TOML as in JSON.
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join([head, *lines, "", ""])


def variable_of(name: str) -> str:
    """Return the variable for a tenant's key: `ACME_KEY`."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper()) + "_KEY"
