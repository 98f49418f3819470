"""The decisions A: what an answer says."""

from __future__ import annotations

import msgspec
import pytest

from asyncsessions import (
    TransportError,
    UnexpectedResponseError,
)
from tests.providers.answers import (
    AHUB,
    AHUB_ROW,
    HUM,
    HUM_ROW,
    PROVIDERS,
    TOKEN,
    answered,
    hum_page,
    page_with,
    read,
    refused,
)
from tests.providers.scripted import collected

vendors = pytest.mark.parametrize("vendor", ["hum", "attributionhub"])
NOTHING = "No sessions found for the given parameters."


def test_a_warning_of_hum_delivers_the_rows_and_is_reported():
    """A1: the message beside the rows reaches the report, masked."""
    page = hum_page(
        {**HUM_ROW, "created_at": "2025-03-05T00:00:00Z"},
        request_status="warning",
        message=f"late for a@example.com {TOKEN}",
    )
    found, _ = collected("hum", lambda _: answered(page))
    assert len(found) == 1
    assert found.report.warnings == ("late for *** ***",)
    nameless = hum_page(request_status="warning", message=None)
    assert read("hum", answered(nameless)).warning == "the vendor gave a warning"


@pytest.mark.parametrize("status", ["error", "failed", "OK", ""])
def test_any_other_status_of_hum_is_an_error_even_in_a_200(status):
    """A1: with the vendor's own reason; what is not known to be good is not."""
    page = hum_page(HUM_ROW, request_status=status, message="the index is rebuilt")
    error = refused("hum", answered(page))
    assert error.path == "$.request_status"
    assert "the index is rebuilt" in str(error)
    assert not error.transient


@pytest.mark.parametrize("data", [None, {}, "absent"])
def test_an_error_of_hum_is_told_even_if_the_rest_is_no_page(data):
    """A1: an envelope of another shape may say why it is none."""
    page = {"message": "no such thing", "request_status": "error", "data": data}
    if data == "absent":
        del page["data"]
    assert "no such thing" in str(refused("hum", answered(page)))


@pytest.mark.parametrize(
    "page",
    [
        {"message": NOTHING},
        {"message": NOTHING, "records": None},
        {"message": NOTHING, "pagination": None},
        {"records": []},
        {"records": [], "pagination": {"current_page": 1, "total_records": 0}},
    ],
)
def test_attributionhub_finds_nothing_by_its_shape(page):
    """A2: a message without records, or no record at all."""
    answer = read("attributionhub", answered(page))
    assert (list(answer.rows), answer.total or 0, answer.warning) == ([], 0, None)
    assert list(AHUB.read_page(answered({"message": NOTHING}), page=7).rows) == []


def test_another_wording_for_nothing_is_nothing_too_but_reported():
    """A2: the wording may change, yet a foreign message must not pass unseen."""
    found, requests = collected(
        "attributionhub", lambda _: answered({"message": "Nothing, a@example.com"})
    )
    assert (found, len(requests)) == ([], 1)
    assert found.report.complete
    assert found.report.warnings == ("Nothing, ***",)


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ({}, "$"),
        ({"records": None}, "$"),
        ({"pagination": {"current_page": 1, "total_records": 0}}, "$"),
        ({"error": "Invalid start_date"}, "$.error"),
        ({"error": {"code": 7}, "records": []}, "$.error"),
        ({"error": "", "message": NOTHING}, "$.error"),
        ({"message": 3}, "$.message"),
        ({"records": [AHUB_ROW]}, "$.pagination"),
        ({"records": {}}, "$.records"),
        ({"records": [AHUB_ROW], "pagination": {"current_page": 1}}, "$.pagination"),
    ],
)
def test_attributionhub_says_neither_rows_nor_nothing(page, path):
    """A3: an error in a 2xx, or a shape that nobody documented, is never taken for nothing."""
    error = refused("attributionhub", answered(page))
    assert (error.path, error.transient) == (path, False)
    assert page.get("error") != "Invalid start_date" or "Invalid start_date" in str(error)


@pytest.mark.parametrize("missing", ["data", "meta", "request_status"])
def test_hum_must_say_everything_that_it_documents_as_required(missing):
    """A3: the same for Hum."""
    page = hum_page(HUM_ROW)
    del page[missing]
    assert missing in str(refused("hum", answered(page)))


# ------------------------------------------------------------------ no answer at all


@vendors
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{",
        b'{"data":[',
        b'"\xff"',
        "{}".encode("utf-16"),
        b'{"data": NaN}',
        b"{} {}",
        b'{"message":3',
        b'{"data":[3}',
    ],
)
def test_what_is_not_whole_json_may_pass_if_it_is_asked_again(vendor, body):
    """A13: whatever the content type says; even where a wrong shape was seen before the cut."""
    error = refused(vendor, answered(body))
    assert error.transient
    assert "whole JSON" in str(error)


@vendors
@pytest.mark.parametrize("body", [b"null", b"[]", b"3", b'"x"', b'{"message":3}', b"[" * 10**5])
def test_json_of_another_shape_is_final(vendor, body):
    """A13: a repetition would cost and bring the same."""
    error = refused(vendor, answered(body))
    assert not error.transient
    assert error.path.startswith("$")


@vendors
def test_a_byte_order_mark_is_dropped(vendor):
    """A13: some servers send one."""
    response = page_with(vendor)
    marked = answered(b"\xef\xbb\xbf" + response.body)
    assert read(vendor, marked) == read(vendor, response)
    assert list(PROVIDERS[vendor].unknown_fields(marked)) == []


def test_deep_nesting_is_an_error_like_any_other():
    """A13: in a field that nobody reads, too."""
    body = msgspec.json.encode(hum_page(x=0)).replace(
        b'"x":0', b'"x":' + b"[" * 10**5 + b"]" * 10**5
    )
    error = refused("hum", answered(body))
    assert ("nested" in str(error), error.path, error.transient) == (True, "$", False)
    shallow = msgspec.json.encode({"message": 3, "x": 0})
    error = refused("attributionhub", answered(shallow.replace(b"0", b"[" * 10**5 + b"]" * 10**5)))
    assert not error.transient


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"message": "no", "request_status": "error"}, "no"),
        ({"message": "pong"}, "request_status"),
        ([], "object"),
    ],
)
def test_a_ping_must_say_that_all_is_well(body, said):
    """A14: a stranger who answers 200 to everything is not Hum."""
    HUM.read_ping(answered({"request_status": "ok", "message": "pong", "data": {}}))
    HUM.read_ping(answered({"request_status": "warning"}))
    with pytest.raises(UnexpectedResponseError, match=said):
        HUM.read_ping(answered(body))


@vendors
def test_a_cut_answer_is_asked_again_and_a_strange_one_is_not(vendor):
    """A13: seen from the client."""
    sent = page_with(
        vendor, {"created_at": "2025-03-05T00:00:00Z", "timestamp": "2025-03-05T00:00:00Z"}
    )
    bodies = [sent.body[:-9], sent.body]
    found, requests = collected(vendor, lambda _: answered(bodies.pop(0)))
    assert (len(found), len(requests), found.report.retries) == (1, 2, 1)
    error, requests = collected(vendor, lambda _: answered({"strange": 1}))
    assert (type(error), len(requests)) == (UnexpectedResponseError, 1)
    lost = TransportError("cut")
    bodies = [lost, sent]
    found, requests = collected(vendor, lambda _: bodies.pop(0))
    assert (len(found), len(requests)) == (1, 2)
