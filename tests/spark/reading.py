"""What the tests of Spark share, also in its workers."""

from __future__ import annotations

import os
from collections import Counter

from asyncsessions.testing import FakeAttributionHub, FakeHum

RANGE = {"start": "2026-01-01", "end": "2026-03-31"}
FAKES = {"hum": FakeHum, "attributionhub": FakeAttributionHub}
FLAG = "FLAKY_ONCE"


def options_of(fake, vendor="hum", **options):
    """Return the options of a read, as `load` and `land` take them."""
    return {"provider": vendor, "base_url": fake.base_url} | RANGE | options


def frame_of(spark, fake, vendor="hum", **options):
    return spark.read.format("asyncsessions").options(**options_of(fake, vendor, **options)).load()


def asked(fake):
    """Return how often each page of each window was asked for."""
    return Counter((seen.start, seen.end, seen.page) for seen in fake.requests)


def refused_token():
    """Stands for a vault that cannot be reached."""
    raise OSError("the vault is shut: s3cret-of-the-vault")


def vault_token():
    return os.environ["HUM_API_TOKEN"]
