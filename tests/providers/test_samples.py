"""The vendors' own sample answers, with all of their inconsistencies, field by field."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from asyncsessions import (
    Address,
    CartStep,
    Conversion,
    Exit,
    Order,
    QuotaExceededError,
    Session,
    SessionDetail,
)
from tests.providers.answers import AHUB, FIXTURES, HUM, fixture, windows_of

ORDER = Order(
    number="HUM-A1B2C3D4",
    ordered_at=datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
    installed=True,
    installed_at=datetime(2026, 3, 5, 14, tzinfo=UTC),
    commission_cents=5000,
)
ADDRESS = Address(
    street1="1 Invented Street",
    street2="Unit 4B",
    city="Exampleville",
    state="MI",
    zip="00201",
)


def test_the_hum_list_sample_is_read_field_by_field():
    answer = HUM.read_page(fixture("hum_list.json"), page=1)
    ordered = Session(
        provider="hum",
        id="a1b2c3d4-e5f6-7890-abcd-ef1234567890",
        started_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        campaign="spring_promo_2026",
        address=ADDRESS,
        furthest_step=6,
        order=ORDER,
    )
    bare = Session(
        provider="hum",
        id="b2c3d4e5-f6a7-8901-bcde-f12345678901",
        started_at=datetime(2026, 3, 1, 11, tzinfo=UTC),
        address=Address(
            street1="2 Placeholder Avenue", city="Fixture Falls", state="MI", zip="00104"
        ),
        furthest_step=3,
    )
    assert answer.rows == [ordered, bare]
    assert answer.times == [ordered.started_at, bare.started_at]
    assert (answer.total, answer.warning) == (237, None)


def test_the_hum_detail_sample_nests_its_order_and_skips_steps():
    detail = HUM.read_session(fixture("hum_detail.json"))
    assert detail == SessionDetail(
        provider="hum",
        id="a1b2c3d4-e5f6-7890-abcd-ef1234567890",
        started_at=datetime(2026, 3, 1, 12, 0, 0, 179_000, tzinfo=UTC),
        campaign="spring_promo_2026",
        address=ADDRESS,
        furthest_step=6,
        order=ORDER,
        cart_progression=(
            CartStep(step=1, name="plan_selection", at=datetime(2026, 3, 1, 12, 5, tzinfo=UTC)),
            CartStep(step=2, name="internet_addons", at=datetime(2026, 3, 1, 12, 10, tzinfo=UTC)),
            CartStep(step=6, name="customer_info", at=datetime(2026, 3, 1, 12, 25, tzinfo=UTC)),
        ),
    )


def test_the_hum_ping_sample_passes_without_a_meta_object():
    HUM.read_ping(fixture("hum_ping.json"))


def test_the_attributionhub_list_sample_is_read_field_by_field():
    answer = AHUB.read_page(fixture("attributionhub_list.json"), page=1)
    assert answer.total == 3000  # and not 300 pages of 50
    first, second, third = answer.rows
    assert first == Session(
        provider="attributionhub",
        id="ec9775753972e5e0abce1f923552f451",
        started_at=datetime(2025, 3, 3, 10, 15, tzinfo=UTC),
        source="organic",
        medium="organic",
        campaign="campaign2",
        content="none",
        term="winter coats",
        landing_page="https://shop.example.com/winter",
    )
    assert second == Session(
        provider="attributionhub",
        id="1a8955de6f94c22b5d9edb6fa7c47ed9",
        started_at=datetime(2025, 3, 2, 11, 15, tzinfo=UTC),
        source="paid",
        medium="cpc",
        campaign="campaign2",
        content="banner1",
        term="winter coats",
        landing_page="https://shop.example.com/landing",
        conversion=Conversion(
            at=datetime(2025, 3, 2, 11, 35, tzinfo=UTC),
            email="visitor@example.com",
            page="https://shop.example.com/thankyou",
            previous_page="https://shop.example.com/pricing",
        ),
        exit=Exit(
            at=datetime(2025, 3, 2, 11, 36, tzinfo=UTC),
            page="https://shop.example.com/thankyou",
            previous_page="https://shop.example.com/pricing",
        ),
        duration=timedelta(seconds=1260),
    )
    assert third == Session(
        provider="attributionhub",
        id="66eee3510d027d00af781f290c8f3ff7",
        started_at=datetime(2025, 3, 1, 12, 15, tzinfo=UTC),
        source="social",
        medium="social",
        campaign="campaign3",
        content="video_ad",
        term="winter coats",
        landing_page="https://shop.example.com/landing",
        exit=Exit(
            at=datetime(2025, 3, 3, 12, 29, tzinfo=UTC),
            page="https://shop.example.com/checkout-complete",
            previous_page="https://shop.example.com/pricing",
        ),
        duration=timedelta(seconds=840),
    )


@pytest.mark.parametrize("name", ["hum_list.json", "attributionhub_list.json"])
def test_the_list_samples_hold_nothing_undocumented(name):
    provider = HUM if name.startswith("hum") else AHUB
    assert list(provider.unknown_fields(fixture(name))) == []


def test_the_attributionhub_sample_for_nothing_is_an_empty_page_without_a_total():
    answer = AHUB.read_page(fixture("attributionhub_nothing.json"), page=1)
    assert (list(answer.rows), answer.total, answer.warning) == ([], None, None)


def test_the_attributionhub_quota_sample_keeps_its_figures():
    response = fixture("attributionhub_quota.json")
    error = AHUB.read_refusal(type(response)(status=429, body=response.body))
    assert isinstance(error, QuotaExceededError)
    assert (error.limit, error.used, error.domain) == (5000, 5000, "example.com")
    assert not error.transient


def test_the_documented_request_with_a_trailing_comma_is_no_json_but_ours_is():
    sample = (FIXTURES / "attributionhub_request_with_trailing_comma.txt").read_text()
    with pytest.raises(json.JSONDecodeError):
        json.loads(sample)
    window = windows_of("attributionhub", "2025-07-15", "2025-07-30")[0]
    query = AHUB.query(start="2025-07-15", end="2025-07-30")
    body = AHUB.page_request(query, window, 1).body
    assert body is not None
    assert json.loads(body) == {
        "page": 1,
        "start_date": "2025-07-15T00:00:00Z",
        "end_date": "2025-07-31T00:00:00Z",
    }
