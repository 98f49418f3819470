"""The start page in a real browser: what it shows, by eye, by ear and by keyboard."""

import asyncio
import json
from collections import Counter
from contextlib import contextmanager
from datetime import date

import pytest

from asyncsessions import Hum
from asyncsessions.integrations.fastapi import ApiKey, Upstream, sessions_app
from asyncsessions.testing import FakeAttributionHub, FakeHum
from tests.integrations.browser import needs_chromium, opened
from tests.integrations.serving import KEY, client_of, hub_upstream, hum_upstream, running

pytestmark = [pytest.mark.slow, needs_chromium]
QUARTER = "?start=2026-01-01&end=2026-03-31"
SHOWN = "!document.getElementById('figures').hidden"
DAY = "document.getElementById('days').getAttribute('aria-valuetext')"
BACKGROUND = "getComputedStyle(document.body).backgroundColor"
STREAM = f"fetch('sessions{QUARTER}').then((answer) => answer.text())"


@contextmanager
def page_of(upstream, **how):
    with running(sessions_app(upstream, **({"local_only": True} | how))) as url:
        yield url


async def test_the_page_shows_the_figures_to_eyes_and_to_screen_readers():
    with FakeHum(rows=1200).in_thread() as fake, page_of(hum_upstream(fake)) as base:
        async with opened(base + "/" + QUARTER) as page:
            await page.until(SHOWN)
            tree = await page.tree()
            shown = {
                name: await page.text(f"#{name}") for name in ("sessions", "converted", "fine")
            }
            steps = await page.text("#steps")
            no_sources = await page.text("section[aria-labelledby=sources-title]")
            lines = (await page.ask(STREAM)).splitlines()
            light = await page.ask(BACKGROUND)
            await page.prefer("dark")
            dark = await page.ask(BACKGROUND)
            problems, urls = page.problems, page.urls
    rows = [row.data for row in fake.listing.snapshot()]
    assert shown["sessions"] == "1,200"
    assert shown["converted"] == str(sum(row.get("order_number") is not None for row in rows))
    assert shown["fine"].startswith("Complete as of")
    furthest = Counter(row["furthest_step"] for row in rows)
    assert f"{min(furthest)} or further\t1,200\t100.0%" in steps
    assert "does not tell the source" in no_sources
    assert json.loads(lines[-1])["complete"] is True
    assert len(lines) == 1201
    assert light != dark
    # Nothing comes from anywhere else.
    assert all(url.startswith((base, "data:")) for url in urls)
    assert problems == []
    # What is drawn is told: headings, tables with their names and headers, the chart as a slider.
    for role, name in (
        ("heading", "Sessions of hum"),
        ("table", "How far sessions came"),
        ("table", "Top campaigns"),
        ("columnheader", "Converted"),
        ("slider", "Sessions per day"),
        ("status", ""),
        ("Date", "From"),
        ("button", "Show"),
    ):
        assert any(each[:2] == (role, name) for each in tree), (role, name)
    assert not any(role == "image" and not name for role, name, _ in tree)


async def test_everything_can_be_done_by_keyboard():
    with FakeHum(rows=600).in_thread() as fake, page_of(hum_upstream(fake)) as base:
        async with opened(base + "/" + QUARTER) as page:
            await page.until(SHOWN)
            await page.press("Tab")
            assert await page.ask("document.activeElement.textContent") == "Skip to the figures"
            await page.press("Enter")
            await page.press("Tab")
            assert await page.ask("document.activeElement.id") == "days"
            outline = await page.ask("getComputedStyle(document.activeElement).outlineStyle")
            days = [await page.ask(DAY)]
            for key in ("Home", "ArrowRight", "ArrowLeft", "PageUp", "End"):
                await page.press(key)
                days.append(await page.ask(DAY))
            await page.press("Tab")
            await page.press("Enter")
            is_table_open = await page.ask("document.querySelector('details').open")
            table = await page.text("#days-table tbody")
    assert outline == "solid"
    first, last = days[1], days[-1]
    assert days == [last, first, days[2], first, days[4], last]
    assert len(set(days)) == 4
    found = Counter(
        date.fromisoformat(row.data["created_at"][:10]) for row in fake.listing.snapshot()
    )
    assert first.startswith(f"{min(found):%a, %-d %b %Y}: {found[min(found)]} sessions")
    assert is_table_open
    assert len(table.splitlines()) == (max(found) - min(found)).days + 1


async def test_the_page_asks_for_the_key_and_keeps_it_to_the_tab():
    with FakeHum(rows=60).in_thread() as fake:
        app = {"guard": ApiKey(KEY), "local_only": False}
        with page_of(hum_upstream(fake), **app) as base:
            async with opened(base + "/" + QUARTER) as page:
                await page.until("document.activeElement.name === 'key'")
                assert fake.requests == []
                for wrong in ("not-the-right-key", "не тот ключ"):  # no header carries the latter
                    await page.type(wrong)
                    await page.press("Enter")
                    await page.until(
                        "document.getElementById('status').textContent === 'This API key is wrong.'"
                    )
                    await page.until("document.activeElement.name === 'key'")
                    assert fake.requests == []
                    await page.ask("document.getElementById('status').textContent = ''")
                await page.type(KEY)
                await page.press("Enter")
                await page.until(SHOWN)
                assert await page.text("#sessions") == "60"
                assert KEY not in await page.ask(
                    "location.href + document.documentElement.outerHTML"
                )


async def test_one_session_is_not_told_as_several():
    with FakeHum(rows=1).in_thread() as fake, page_of(hum_upstream(fake)) as base:
        async with opened(base + "/" + QUARTER) as page:
            await page.until(SHOWN)
            told = [await page.text("#status"), await page.text("#fine"), await page.ask(DAY)]
    assert told[0].startswith("1 session, ")
    assert ": 1 request." in told[1]
    assert ": 1 session, " in told[2]


async def test_what_is_dear_is_offered_and_not_bought_unasked():
    with FakeAttributionHub(rows=3200).in_thread() as fake, page_of(hub_upstream(fake)) as base:
        async with opened(f"{base}/?start=2026-03-02&end=2026-03-31") as page:
            await page.until("!document.getElementById('offer').hidden")
            status = await page.text("#status")
            await asyncio.sleep(0.2)
            assert len(fake.requests) == 1
            await page.ask("document.getElementById('read').focus()")
            await page.press("Enter")
            await page.until(SHOWN)
            sources = await page.text("#sources tbody")
            no_steps = await page.text("section[aria-labelledby=steps-title]")
    assert status == "3,200 sessions: reading them takes 64 requests."
    counted = Counter(row.data.get("source") for row in fake.listing.snapshot())
    assert str(counted.most_common(1)[0][0]) in sources.splitlines()[0]
    assert "does not tell the steps" in no_steps


async def test_a_problem_is_told_in_a_sentence():
    with FakeHum(rows=60).in_thread() as fake:
        wrong = Upstream(Hum("not-the-right-token", base_url=fake.base_url))
        with page_of(wrong) as base:
            async with opened(base + "/" + QUARTER) as page:
                await page.until("document.getElementById('status').className === 'bad'")
                status = await page.text("#status")
                assert not await page.ask(SHOWN)
    assert status.startswith("The vendor")
    assert status.endswith(".")


async def test_a_tab_that_is_closed_stops_the_requests():
    with (
        FakeHum(rows=2500, latency_s=0.1).in_thread() as fake,
        page_of(hum_upstream(fake, concurrency=1)) as base,
    ):
        async with opened(base + "/" + QUARTER) as page:
            await page.until("document.getElementById('progress').value > 0.05")
        seen = len(fake.requests)
        await asyncio.sleep(0.6)
        assert len(fake.requests) <= seen + 1


def test_the_page_needs_nothing_from_elsewhere_and_lets_nobody_frame_it():
    with (
        FakeHum(rows=1).in_thread() as fake,
        page_of(hum_upstream(fake)) as url,
        client_of(url) as http,
    ):
        pages = [http.get(path) for path in ("/", "/start.css", "/start.js")]
    for answer in pages:
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "//" not in answer.text.replace("// ", "").replace("http://www.w3.org/2000/svg", "")
