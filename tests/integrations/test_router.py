from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import Annotated, Literal

import pytest
from fastapi import Depends, FastAPI

from asyncsessions import (
    AttemptEnded,
    AttributionHub,
    Client,
    ConfigurationError,
    Hum,
    InvalidQueryError,
    PullEnded,
)
from asyncsessions.integrations.fastapi import (
    ApiKey,
    SessionModel,
    Upstream,
    add_error_handler,
    lifespan,
    sessions_router,
)
from asyncsessions.providers.kit import Query, TimeLike
from asyncsessions.testing import HUM_TOKEN_IDS, Drift, FakeAttributionHub, FakeHum, Faults
from tests.integrations.serving import (
    ALL,
    KEY,
    KEYED,
    ONE_TRY,
    client_of,
    hub_upstream,
    hum_upstream,
    records_of,
    running,
)

PATHS = ("sessions", "sessions/count", "sessions/summary", "sessions/events")
MARCH = {"start": "2026-03-02", "end": "2026-03-31"}


@pytest.fixture(scope="module")
def hum():
    with FakeHum(rows=230).in_thread() as fake:
        yield fake


@pytest.fixture(scope="module")
def hub():
    with FakeAttributionHub(rows=230).in_thread() as fake:
        yield fake


@pytest.fixture(scope="module")
def http(hum, hub):
    app = FastAPI()
    app.include_router(sessions_router(hum_upstream(hum), redact=False), prefix="/hum")
    app.include_router(sessions_router(hub_upstream(hub), guard=ApiKey(KEY)), prefix="/hub")
    with running(app) as url, client_of(url) as client:
        yield client


@pytest.fixture
def serving():
    """Return a function that serves an upstream and returns a client for it."""
    with ExitStack() as stack:

        def serve(upstream, **how):
            app = FastAPI()
            app.include_router(sessions_router(upstream, **({"redact": True} | how)))
            return stack.enter_context(client_of(stack.enter_context(running(app))))

        yield serve


def problem_of(answer):
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    return problem


def test_the_stream_has_every_session_newest_first_and_says_that_it_is_complete(http, hum):
    answer = http.get("/hum/sessions", params=ALL)
    sessions, ending = records_of(answer.text)
    assert answer.headers["content-type"] == "application/jsonl"
    assert answer.headers["cache-control"] == "no-store"
    assert {each["id"] for each in sessions} == {row.data["id"] for row in hum.listing.snapshot()}
    times = [each["started_at"] for each in sessions]
    assert times == sorted(times, reverse=True)
    assert (ending["count"], ending["complete"], ending["reason"]) == (230, True, None)
    assert ending["requests"] == 5


def test_a_range_without_sessions_is_a_whole_stream_of_none(http):
    sessions, ending = records_of(http.get("/hum/sessions", params={"start": "2026-05-01"}).text)
    assert sessions == []
    assert (ending["count"], ending["complete"]) == (0, True)


def test_a_limit_ends_the_stream_early_and_says_so(http):
    sessions, ending = records_of(http.get("/hum/sessions", params={**ALL, "limit": 7}).text)
    assert len(sessions) == 7
    assert (ending["complete"], ending["reason"]) == (False, "limit_reached")


def test_the_vendors_own_filters_are_passed_on(http, hum, hub):
    http.get(
        "/hum/sessions/count",
        params={**ALL, "token_ids": HUM_TOKEN_IDS[:2], "with_clicks": "true"},
    )
    assert hum.requests[-1].filters == {"token_ids": HUM_TOKEN_IDS[:2], "with_clicks": True}
    http.get("/hub/sessions/count", params={**MARCH, "campaign": "brand"}, headers=KEYED)
    assert hub.requests[-1].filters == {"campaign": "brand"}


@pytest.mark.parametrize(
    ("path", "params", "word"),
    [
        ("/hum/sessions", {}, "start"),
        ("/hum/sessions", {"start": "yesterday"}, "start"),
        ("/hum/sessions", {"start": "2026-03-01T00:00:00"}, "zone: write 2026-01-31T12:00:00Z"),
        ("/hum/sessions", {"start": "2026-03-02", "end": "2026-03-01"}, "end"),
        ("/hum/sessions", {"start": "2999-01-01"}, "start"),
        ("/hum/sessions", {"start": "2026-03-01", "campain": "brand"}, "campain"),
        ("/hum/sessions", {"start": "2026-03-01", "campaign": "brand"}, "campaign"),
        ("/hum/sessions", {"start": "2026-03-01", "token_ids": "brand"}, "UUID"),
        ("/hum/sessions", {"start": "2026-03-01", "with_clicks": "perhaps"}, "with_clicks"),
        ("/hum/sessions", {"start": "2026-03-01", "limit": 0}, "limit"),
        ("/hum/sessions/count", {"start": "2026-03-01", "limit": 5}, "limit"),
        ("/hum/sessions/summary", {"start": "2026-03-01", "x": 5}, "x"),
        ("/hum/sessions/events", {"end": "2026-03-01"}, "start"),
        ("/hum/sessions/no id", {}, "id"),
        ("/hub/sessions", {"start": "2026-03-01", "campaign": ""}, "campaign"),
        ("/hub/sessions", {"start": "1990-01-01"}, "windows"),
        # The last one alone would be answered as the whole, "complete".
        ("/hub/sessions", {"start": "2026-03-02", "campaign": ["brand", "sale"]}, "campaign"),
        ("/hum/sessions/count", {"start": ["2026-03-01", "2026-03-02"]}, "start"),
    ],
)
def test_a_bad_question_is_a_422_that_names_the_place_and_costs_nothing(
    http, hum, hub, path, params, word
):
    before = len(hum.requests), len(hub.requests)
    problem = problem_of(http.get(path, params=params, headers=KEYED))
    assert (problem["status"], problem["reason"]) == (422, "invalid_query")
    assert word in problem["detail"]
    assert (len(hum.requests), len(hub.requests)) == before


def test_counting_costs_a_request_a_window_and_tells_what_reading_would_take(http, hum):
    before = len(hum.requests)
    answer = http.get("/hum/sessions/count", params=ALL)
    assert answer.json() == {"count": 230, "requests": 5, "windows": 1}
    assert len(hum.requests) == before + 1


def test_one_session_comes_with_its_cart(http, hum):
    row = next(iter(hum.listing.iter_rows()))
    answer = http.get(f"/hum/sessions/{row.data['id']}")
    assert answer.json()["id"] == row.data["id"]
    assert answer.json()["cart_progression"]
    assert answer.headers["cache-control"] == "no-store"


def test_a_session_that_the_vendor_does_not_know_is_a_404(http):
    problem = problem_of(http.get("/hum/sessions/00000000-0000-4000-8000-00000000dead"))
    assert (problem["status"], problem["reason"]) == (404, "not_found")


def test_a_vendor_without_single_sessions_has_no_route_for_them(http):
    assert http.get("/hub/sessions/abc", headers=KEYED).status_code == 404


def test_health_is_told_without_a_key_and_without_a_request(http, hub):
    before = len(hub.requests)
    assert http.get("/hub/healthz").json() == {"status": "ok", "provider": "attributionhub"}
    assert len(hub.requests) == before


def test_the_summary_counts_what_the_stream_holds(http):
    sessions, _ = records_of(http.get("/hum/sessions", params=ALL).text)
    summary = http.get("/hum/sessions/summary", params=ALL).json()
    assert summary["sessions"] == 230
    assert summary["converted"] == sum(
        bool(each["order"] or each["conversion"]) for each in sessions
    )
    assert sum(day["sessions"] for day in summary["days"]) == 230
    steps = [each["furthest_step"] for each in sessions]
    assert {each["step"]: each["sessions"] for each in summary["steps"]} == {
        step: sum(other is not None and other >= step for other in steps)
        for step in set(steps) - {None}
    }
    assert sum(each["sessions"] for each in summary["campaigns"]) == 230
    assert summary["sources"] == []
    assert summary["complete"] is True


def third_party(query):
    """Return a vendor of somebody else's, whose filters are the keywords of that method."""

    class Other:
        name, secrets = "other", ()
        page_size, longest_window, lookback, has_ids = 50, None, timedelta(days=3), True

        def __init__(self, hum):
            self._hum = Hum(hum.token, base_url=hum.base_url)

        def page_request(self, query, window, page):
            return self._hum.page_request(query, window, page)

        def read_page(self, response, *, page, raw=False):
            return self._hum.read_page(response, page=page, raw=raw)

        def read_refusal(self, response):
            return None

        def unknown_fields(self, response):
            return ()

    Other.query = query
    return Other


def test_a_vendor_without_annotations_is_asked_by_what_its_defaults_say(serving, hum):
    def query(self, *, start, end=None, token_ids=(), with_clicks=False, **rest):
        return self._hum.query(start=start, end=end, token_ids=token_ids, with_clicks=with_clicks)

    http = serving(Upstream(third_party(query)(hum)))
    params = {**ALL, "token_ids": HUM_TOKEN_IDS[:2], "with_clicks": "true"}
    assert http.get("/sessions/count", params=params).status_code == 200
    assert hum.requests[-1].filters == {"token_ids": HUM_TOKEN_IDS[:2], "with_clicks": True}
    assert problem_of(http.get("/sessions", params={**ALL, "rest": "1"}))["status"] == 422


def test_a_vendors_filters_arrive_as_what_it_has_annotated(serving, hum):
    asked = []

    def query(
        self,
        *,
        start: TimeLike,
        end: TimeLike | None = None,
        since: TimeLike | None = None,
        least: int | None = None,
        steps: Sequence[int] = (),
        kind: Literal["new", "old"] = "new",
        other: Query | None = None,
    ) -> Query:
        asked.append((since, least, steps, kind, other))
        return self._hum.query(start=start, end=end)

    http = serving(Upstream(third_party(query)(hum)))
    given = {"since": "2026-02-01", "least": "3", "steps": ["1", "2"], "kind": "old", "other": "x"}
    assert http.get("/sessions/count", params={**ALL, **given}).status_code == 200
    assert asked == [("2026-02-01", 3, [1, 2], "old", "x")]
    for wrong in ({"least": "many"}, {"steps": "a"}, {"kind": "stale"}):
        problem = problem_of(http.get("/sessions", params={**ALL, **wrong}))
        assert problem["errors"][0]["where"] in {*wrong, "0"}
    assert len(asked) == 1


def test_annotations_that_only_type_checkers_can_read_do_no_harm(serving, hum):
    def query(self, *, start: "Nowhere", end: "Nowhere" = None):  # noqa: F821 - imported by nobody
        return self._hum.query(start=start, end=end)

    http = serving(Upstream(third_party(query)(hum)))
    assert http.get("/sessions/count", params=ALL).json()["count"] == 230


# ---------------------------------------------------------------------- who may ask


@pytest.mark.parametrize("path", PATHS)
def test_without_the_right_key_nothing_is_told_and_nothing_is_spent(http, hub, path):
    before = len(hub.requests)
    missing = problem_of(http.get(f"/hub/{path}", params=MARCH))
    wrong = problem_of(http.get(f"/hub/{path}", params=MARCH, headers={"X-API-Key": KEY + "!"}))
    assert (missing["status"], missing["reason"]) == (401, "api_key_missing")
    assert (wrong["status"], wrong["reason"]) == (401, "api_key_refused")
    assert len(hub.requests) == before
    assert http.get(f"/hub/{path}", params=MARCH, headers=KEYED).status_code == 200


def test_a_wrong_key_is_told_how_to_authenticate_and_is_not_repeated(http):
    answer = http.get("/hub/sessions", params=MARCH, headers={"X-API-Key": "something-else"})
    assert answer.headers["www-authenticate"] == "APIKey"
    assert "something-else" not in answer.text


def test_keys_can_be_changed_without_a_gap(serving, hum):
    http = serving(hum_upstream(hum), guard=ApiKey(KEY, "another-key-of-the-app"))
    for key in (KEY, "another-key-of-the-app"):
        assert http.get("/sessions", params=ALL, headers={"X-API-Key": key}).status_code == 200


def test_a_key_that_can_be_guessed_is_refused_and_no_key_is_shown():
    with pytest.raises(ConfigurationError, match="16 characters"):
        ApiKey("short")
    with pytest.raises(ConfigurationError, match="16 characters"):
        ApiKey()
    assert KEY not in repr(ApiKey(KEY))


@pytest.mark.parametrize(
    "key", ["eine-schlüssel-wie-er-gefällt", f" {KEY}", f"{KEY}\n", KEY + "\0"]
)
def test_a_key_that_no_header_carries_unchanged_is_refused(key):
    with pytest.raises(ConfigurationError, match="header") as raised:
        ApiKey(key)
    assert key.strip() not in str(raised.value)


def test_nobody_serves_personal_data_without_having_decided_to(hum):
    with pytest.raises(ConfigurationError, match="personal data"):
        sessions_router(hum_upstream(hum))


def test_redacted_answers_have_neither_address_nor_email(serving, hum, hub):
    hum_http, hub_http = serving(hum_upstream(hum)), serving(hub_upstream(hub))
    sessions, _ = records_of(hum_http.get("/sessions", params=ALL).text)
    assert {each["address"] for each in sessions} == {None}
    detail = hum_http.get(f"/sessions/{sessions[0]['id']}").json()
    assert detail["address"] is None
    sessions, _ = records_of(hub_http.get("/sessions", params=MARCH).text)
    conversions = [each["conversion"] for each in sessions if each["conversion"]]
    assert conversions
    assert {each["email"] for each in conversions} == {None}
    assert any(each["page"] for each in conversions)


# ---------------------------------------------------------------------- honest statuses

BROKEN = {"500": "failed", "reset": "unreachable", "html": "unexpected_answer"}
OUTCOMES = {
    "quota": ({"quota": 0}, 503, "upstream_quota_exceeded"),
    "rate": ({"rate_per_s": 0.0001, "burst": 1, "retry_after": "1"}, 503, "upstream_rate_limited"),
    **{
        kind: ({"faults": Faults(rate=1, kinds=(kind,))}, 502, f"upstream_{reason}")
        for kind, reason in BROKEN.items()
    },
}


@pytest.mark.parametrize("case", OUTCOMES)
def test_what_the_vendor_answers_becomes_an_honest_status(serving, case):
    how, status, reason = OUTCOMES[case]
    with FakeAttributionHub(rows=60, **how).in_thread() as fake:
        http = serving(hub_upstream(fake, retry=ONE_TRY))
        if case == "rate":
            http.get("/sessions/count", params=MARCH)  # the one request that is allowed
        for path in PATHS:
            answer = http.get(f"/{path}", params=MARCH)
            problem = problem_of(answer)
            assert (problem["status"], problem["reason"]) == (status, reason)
            assert problem["provider"] == "attributionhub"
            assert fake.key not in answer.text
            if case == "rate":
                assert answer.headers["retry-after"] == "1"
                assert problem["retry_after_s"] == 1
                break  # the client would wait before it asks again
            if case == "quota":
                assert problem["limit"] == 0
                break  # the client asks no more; see below


def test_a_used_up_quota_stays_used_up_without_a_further_request(serving):
    with FakeAttributionHub(rows=60, quota=0).in_thread() as fake:
        http = serving(hub_upstream(fake))
        for path in PATHS:
            assert problem_of(http.get(f"/{path}", params=MARCH))["status"] == 503
    assert len(fake.requests) <= len(PATHS)


def test_credentials_that_the_vendor_refuses_are_the_apps_fault_not_the_callers(serving, hum, hub):
    wrong_token = Upstream(Hum("not-the-right-token", base_url=hum.base_url))
    wrong_key = Upstream(AttributionHub("not-the-right-key", base_url=hub.base_url))
    for upstream, reason in (
        (wrong_token, "upstream_credentials_refused"),
        (wrong_key, "upstream_permission_denied"),  # how this vendor puts it
    ):
        http = serving(upstream)
        for path in PATHS:
            answer = http.get(f"/{path}", params=MARCH)
            problem = problem_of(answer)
            assert (problem["status"], problem["reason"]) == (502, reason)
            assert "not-the-right" not in answer.text


def test_a_foreign_token_id_is_the_vendors_refusal(serving, hum):
    params = {**ALL, "token_ids": "00000000-0000-4000-8000-00000000dead"}
    problem = problem_of(serving(hum_upstream(hum)).get("/sessions", params=params))
    assert (problem["status"], problem["reason"]) == (502, "upstream_permission_denied")


def test_a_bound_on_requests_of_one_answer_is_kept(serving, hum):
    before = len(hum.requests)
    http = serving(hum_upstream(hum), max_requests=2)
    sessions, ending = records_of(http.get("/sessions", params=ALL).text)
    assert (len(sessions), ending["count"], ending["reason"]) == (100, 100, "budget_exceeded")
    assert ending["complete"] is False
    assert len(hum.requests) - before == 2


def test_the_bounds_hold_for_a_single_session_too(serving):
    with FakeHum(
        rows=60, faults=Faults(first=1, kinds=("503",)), latency_s=0.2
    ).in_thread() as fake:
        path = f"/sessions/{next(iter(fake.listing.iter_rows())).data['id']}"
        spent = problem_of(serving(hum_upstream(fake), max_requests=1).get(path))
        assert len(fake.requests) == 1
        late = problem_of(serving(hum_upstream(fake), deadline_s=0.05).get(path))
    assert (spent["reason"], late["reason"]) == ("budget_exceeded", "budget_exceeded")
    assert "max_requests=1" in spent["detail"]
    assert "deadline_s=0.05" in late["detail"]


def test_unproven_ranges_are_told_in_the_last_line(serving):
    restless = Drift(insert_on_instant_every=1)
    with FakeHum(rows=300, rows_on_one_instant=120, drift=restless).in_thread() as fake:
        http = serving(hum_upstream(fake))
        answer = http.get("/sessions", params=ALL)
        sessions, ending = records_of(answer.text)
        summary = http.get("/sessions/summary", params=ALL).json()
    assert answer.status_code == 200
    assert len(sessions) == ending["count"] >= 300
    assert (ending["complete"], summary["complete"]) == (False, False)
    assert (ending["reason"], summary["reason"]) == ("incomplete", "incomplete")
    assert ending["unproven"]


# ---------------------------------------------------------------------- in an app of one's own


def test_an_endpoint_of_ones_own_shares_the_client_and_its_errors(hum):
    upstream = hum_upstream(hum)
    HumClient = Annotated[Client, Depends(upstream)]  # noqa: N806 - a type
    app = FastAPI(lifespan=lifespan(upstream))
    app.include_router(sessions_router(upstream, redact=True))
    add_error_handler(app)
    clients = set()

    @app.get("/newest")
    async def newest(client: HumClient, count: int = 3) -> list[SessionModel]:
        clients.add(client)
        return await client.sessions(**ALL).first(count)

    @app.get("/bad")
    async def bad(client: HumClient) -> int:
        raise InvalidQueryError("it makes no sense")

    with running(app) as url, client_of(url) as http:
        assert len(http.get("/newest").json()) == 3
        assert len(http.get("/newest", params={"count": 4}).json()) == 4
        assert problem_of(http.get("/bad"))["reason"] == "invalid_query"
        assert http.get("/sessions", params=ALL).status_code == 200
    assert len(clients) == 1
    assert not upstream.is_open


@pytest.mark.slow
def test_an_app_can_be_started_again_with_a_new_client(hum):
    app = FastAPI()
    app.include_router(sessions_router(hum_upstream(hum), redact=True))
    for _ in range(2):
        with running(app) as url, client_of(url) as http:
            assert records_of(http.get("/sessions", params=ALL).text)[1]["complete"]


def test_without_a_lifespan_the_app_says_what_it_lacks(hum):
    upstream = hum_upstream(hum)
    with pytest.raises(ConfigurationError, match="lifespan"):
        upstream()
    assert hum.token not in repr(upstream)


def test_an_upstream_that_cannot_be_is_refused_where_it_is_written():
    with pytest.raises(ConfigurationError, match="concurrency"):
        Upstream(Hum("invented", environment="sandbox"), concurrency=0)


def test_an_observer_of_the_upstream_sees_what_every_answer_takes(hum, serving):
    events = []
    http = serving(hum_upstream(hum, observers=[events.append]))
    http.get("/sessions", params=ALL)
    http.get("/sessions/count", params=ALL)
    ended = [event for event in events if isinstance(event, PullEnded)]
    assert [(each.pull.operation, each.error) for each in ended] == [
        ("pull", None),
        ("estimate", None),
    ]
    assert sum(isinstance(event, AttemptEnded) for event in events) == 5 + 1


def test_middleware_of_the_app_sees_the_stream_go_by(hum):
    app = FastAPI()
    app.include_router(sessions_router(hum_upstream(hum), redact=True))

    @app.middleware("http")
    async def stamp(request, call_next):
        answer = await call_next(request)
        answer.headers["X-Stamp"] = "seen"
        return answer

    with running(app) as url, client_of(url) as http:
        answer = http.get("/sessions", params=ALL)
    assert answer.headers["x-stamp"] == "seen"
    assert records_of(answer.text)[1]["count"] == 230
