"""A pull of many tenants that is killed: nothing missing, nothing doubled, little paid for twice."""

from __future__ import annotations

import random
import time

import pytest

from asyncsessions.testing import FakeTenants
from tests.cli.shell import HUM_RANGE, run, started
from tests.tenants.crowds import held

CONCURRENCY = 2


def sent(fakes):
    return sum(len(fake.requests) for fake in fakes.fakes.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["x.duckdb", "x/"])
def test_twenty_tenants_that_are_killed_and_run_again_are_exact(tmp_path, name):
    chance, kills = random.Random(len(name)), 0
    fakes = FakeTenants.of_each(10, sizes=(230, 110), latency_s=0.03)
    pages = sum(-(-fake.rows // 50) for fake in fakes.fakes.values()) + 2 * 10  # empty windows
    with fakes.in_thread():
        file = fakes.write(tmp_path / "tenants.toml", defaults={"concurrency": CONCURRENCY})
        args = ["pull", "--tenants", str(file), *HUM_RANGE, "--to", f"{tmp_path}/{name}", "-q"]
        for share in (0.2, 0.5, 0.8):
            with started(*args, **fakes.environment) as process:
                while sent(fakes) < share * pages and process.poll() is None:
                    time.sleep(0.001)
                time.sleep(chance.random() * 0.05)
                kills += process.poll() is None
                process.kill()
        done = run(*args, **fakes.environment)
        assert (done.status, done.err) == (0, "")
    assert kills >= 2
    streams = {stream.tenant: stream.rows for stream in held(f"{tmp_path}/{name}").values()}
    assert streams == {tenant: fake.rows for tenant, fake in fakes.fakes.items()}
    assert pages <= sent(fakes) <= pages + kills * CONCURRENCY * len(fakes.fakes)
