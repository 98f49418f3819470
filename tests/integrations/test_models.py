from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve, fields
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from asyncsessions import (
    Address,
    AttributionHub,
    CartStep,
    Conversion,
    Exit,
    Hum,
    Order,
    Session,
    SessionDetail,
)
from asyncsessions.core.convert import to_dict
from asyncsessions.integrations.fastapi import (
    ApiKey,
    SessionDetailModel,
    SessionModel,
    Upstream,
    sessions_router,
)
from tests.invented_sessions import FIELDS

SESSION = Session(
    provider="hum",
    id="a1",
    started_at=datetime(2026, 1, 31, 12, tzinfo=UTC),
    duration=timedelta(seconds=90),
    address=Address(zip="01234"),
)
adapter = TypeAdapter(SessionModel)
RENAMED = {"duration": "duration_s"}


@settings(max_examples=30)
@given(st.builds(Session, **FIELDS))
def test_a_session_survives_pydantics_json(session):
    shown = evolve(session, raw=None)
    read = adapter.validate_json(adapter.dump_json(shown))
    assert to_dict(read) == to_dict(shown)


def test_a_session_passes_pydantic_as_the_object_that_it_is():
    assert adapter.validate_python(SESSION) is SESSION


def test_a_session_that_lacks_a_field_or_has_a_wrong_one_is_refused_by_its_place():
    with pytest.raises(ValidationError, match=r"provider[\s\S]*started_at"):
        adapter.validate_json(b'{"id": "x", "provider": 3}')


def test_a_detail_has_its_cart():
    detail = SessionDetail(
        provider="hum",
        id="a1",
        started_at=SESSION.started_at,
        cart_progression=(CartStep(step=1, name="cart"),),
    )
    whole = TypeAdapter(SessionDetailModel)
    assert whole.validate_json(whole.dump_json(detail)) == detail


@pytest.mark.parametrize(
    "record", [Session, SessionDetail, Address, Order, Conversion, Exit, CartStep]
)
def test_openapi_shows_every_field_of_every_record(record):
    app = FastAPI()
    upstream = Upstream(Hum("invented", environment="sandbox"))
    app.include_router(sessions_router(upstream, redact=True))
    schema = app.openapi()["components"]["schemas"][record.__name__]
    names = [RENAMED.get(each.name, each.name) for each in fields(record) if each.name != "raw"]
    assert list(schema["properties"]) == names
    assert schema["required"] == names
    assert schema["description"]


def test_openapi_refers_to_the_records_from_the_stream_and_from_your_own_endpoints():
    app = FastAPI()
    upstream = Upstream(Hum("invented", environment="sandbox"))
    app.include_router(sessions_router(upstream, redact=True))

    @app.get("/list")
    async def listed() -> list[SessionModel]:
        return [SESSION]

    paths = app.openapi()["paths"]
    line = paths["/sessions"]["get"]["responses"]["200"]["content"]["application/jsonl"]["schema"]
    reference = {"$ref": "#/components/schemas/Session"}
    assert line["anyOf"] == [reference, {"$ref": "#/components/schemas/End"}]
    listed_schema = paths["/list"]["get"]["responses"]["200"]["content"]["application/json"]
    assert listed_schema["schema"]["items"] == reference


def test_openapi_has_the_vendors_own_filters_and_the_key():
    app = FastAPI()
    guard = ApiKey("an-invented-key-of-the-app")
    hum = Upstream(Hum("invented", environment="sandbox"))
    hub = Upstream(AttributionHub("invented", base_url="https://hub.example.com"))
    app.include_router(sessions_router(hum, redact=False), prefix="/hum")
    app.include_router(sessions_router(hub, guard=guard), prefix="/hub")
    schema = app.openapi()

    def filters(path):
        return {
            each["name"]: each["schema"].get("type", "text or nothing")
            for each in schema["paths"][path]["get"]["parameters"]
        }

    assert filters("/hum/sessions") == {
        "start": "string",
        "end": "text or nothing",
        "token_ids": "array",
        "with_clicks": "boolean",
        "limit": "text or nothing",
    }
    words = ("end", "source", "medium", "campaign", "content", "term", "landing_page")
    assert filters("/hub/sessions/summary") == {
        "start": "string",
        **dict.fromkeys(words, "text or nothing"),
    }
    assert schema["paths"]["/hub/sessions"]["get"]["security"] == [{"ApiKey": []}]
    assert "security" not in schema["paths"]["/hub/healthz"]["get"]
    problem = schema["paths"]["/hub/sessions"]["get"]["responses"]["502"]["content"]
    assert "reason" in problem["application/problem+json"]["schema"]["required"]
