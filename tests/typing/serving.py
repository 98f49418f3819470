"""How the FastAPI integration is typed: read by mypy and pyright, never run."""

from __future__ import annotations

from typing import assert_type

from fastapi import APIRouter, FastAPI

from asyncsessions import AttributionHub, Hum, Session, SessionDetail, Sessions
from asyncsessions.integrations.fastapi import (
    ApiKey,
    EventsAnswer,
    LinesAnswer,
    SessionDetailModel,
    SessionModel,
    Upstream,
    lifespan,
    sessions_app,
    sessions_router,
)

hum = Upstream(Hum("invented", environment="sandbox"), concurrency=4)
hub = Upstream(AttributionHub("invented", base_url="https://hub.example.com"))

# ------------------------------------------------------------------ the client keeps its filters

query = hum().sessions(start="2026-01-01", with_clicks=True)
assert_type(query, Sessions)
hub().sessions(start="2026-01-01", with_clicks=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

# ------------------------------------------------------------------ apps and routers

app = FastAPI(lifespan=lifespan(hum, hub))
app.include_router(sessions_router(hum, guard=ApiKey("sixteen-or-more-of-them")))
assert_type(sessions_router(hub, redact=True), APIRouter)
assert_type(sessions_app(hum, local_only=True), FastAPI)
sessions_router(hum, redact="address")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# ------------------------------------------------------------------ endpoints of one's own


async def newest() -> list[SessionModel]:
    found = await query.first(3)
    assert_type(found[0], Session)
    return found


async def one(session_id: str) -> SessionDetailModel:
    return assert_type(await hum().session(session_id), SessionDetail)


def as_stream() -> LinesAnswer:
    return LinesAnswer(query, redact=True)


def as_events() -> EventsAnswer:
    return EventsAnswer(query, lambda sessions: sessions.pull("sessions.duckdb"))
