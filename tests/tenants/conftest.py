"""Fakes of a few tenants, and a place for what is pulled from them."""

from __future__ import annotations

import pytest

from asyncsessions.testing import FakeTenants


@pytest.fixture(params=["x.duckdb", "x/"])
def to(request, tmp_path):
    return f"{tmp_path}/{request.param}"


@pytest.fixture
def fakes():
    tenants = FakeTenants.of_each(4, refused=1, over_quota=1, sizes=(230, 60))
    with tenants.in_thread():
        yield tenants
