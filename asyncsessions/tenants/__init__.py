"""Many tenants at once: read a file of them, and pull or sync all of them in one process.

For example::

    tenants = read_tenants("tenants.toml")
    for each in await pull_tenants(
        tenants, "sessions.duckdb", start="2026-01-01", end="2026-03-31"
    ):
        print(each.tenant.name, each.report.rows, each.error or "complete")

Each has a client, limits, a budget and a report of its own; what stops one stops no other.
"""

from __future__ import annotations

from asyncsessions.core.admission import Bounds
from asyncsessions.core.tenants import Tenant
from asyncsessions.tenants.pulling import pull_tenants, sync_tenants
from asyncsessions.tenants.reading import make_provider, read_tenants
from asyncsessions.tenants.running import TenantReport

__all__ = [
    "Bounds",
    "Tenant",
    "TenantReport",
    "make_provider",
    "pull_tenants",
    "read_tenants",
    "sync_tenants",
]
