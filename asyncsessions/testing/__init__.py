"""Fake vendors to test against: servers with drift and faults, a scripted network, a virtual clock.

Everything listens on loopback only and invents all of its data. The pytest fixtures are in
`asyncsessions.testing.fixtures` and are loaded only when a test suite asks for them.
"""

from __future__ import annotations

from asyncsessions.testing.attributionhub import (
    ATTRIBUTIONHUB_KEY,
    FakeAttributionHub,
    attributionhub_reader,
)
from asyncsessions.testing.clock import VirtualClock, run_virtual
from asyncsessions.testing.drift import Drift, DriftingReader
from asyncsessions.testing.faults import FaultKind, Faults
from asyncsessions.testing.history import Change, Filters, Row, exact_match
from asyncsessions.testing.hum import HUM_TOKEN, HUM_TOKEN_IDS, FakeHum, hum_reader
from asyncsessions.testing.listing import Listing, Order
from asyncsessions.testing.scripted import ScriptedTransport
from asyncsessions.testing.seen import RequestSeen
from asyncsessions.testing.switches import Switches
from asyncsessions.testing.tenants import FakeTenants

__all__ = [
    "ATTRIBUTIONHUB_KEY",
    "HUM_TOKEN",
    "HUM_TOKEN_IDS",
    "Change",
    "Drift",
    "DriftingReader",
    "FakeAttributionHub",
    "FakeHum",
    "FakeTenants",
    "FaultKind",
    "Faults",
    "Filters",
    "Listing",
    "Order",
    "RequestSeen",
    "Row",
    "ScriptedTransport",
    "Switches",
    "VirtualClock",
    "attributionhub_reader",
    "exact_match",
    "hum_reader",
    "run_virtual",
]
