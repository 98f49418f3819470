"""A backend that serves sessions: the whole router, and an endpoint of one's own beside it.

Run it for your own account with HUM_API_TOKEN, HUM_BASE_URL (or HUM_ENVIRONMENT) and APP_KEY set::

    uvicorn --app-dir examples fastapi_app:app

Run as a script it serves itself on a free port for as long as it takes to ask it twice, once by its
stream and once by its own endpoint::

    python -m asyncsessions.testing -- python examples/fastapi_app.py
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections import Counter
from typing import Annotated

import aiohttp
import uvicorn
from fastapi import Depends, FastAPI

from asyncsessions import Client, Hum
from asyncsessions.integrations.fastapi import (
    ApiKey,
    Upstream,
    add_error_handler,
    lifespan,
    sessions_router,
)

APP_KEY = os.environ.get("APP_KEY") or secrets.token_urlsafe()
upstream = Upstream(Hum.from_env(), concurrency=8)
guard = ApiKey(APP_KEY)

app = FastAPI(title="Sessions", lifespan=lifespan(upstream))
app.include_router(sessions_router(upstream, guard=guard, redact=True))
add_error_handler(app)


@app.get("/campaigns", dependencies=[Depends(guard)])
async def campaigns(
    client: Annotated[Client[...], Depends(upstream)], start: str, end: str
) -> dict[str, int]:
    found = Counter[str]()
    async for page in client.sessions(start=start, end=end).pages():
        found.update(session.campaign or "none" for session in page)
    return dict(found.most_common(3))


# ---------------------------------------------------------------------- and how it is asked


async def read_stream(http: aiohttp.ClientSession) -> tuple[int, bool]:
    """Count the sessions of the stream; a stream without its last line was cut."""
    query = {"start": "2026-01-01", "end": "2026-03-31"}
    count, ending = 0, None
    async with http.get("/sessions", params=query) as answer:
        answer.raise_for_status()
        async for line in answer.content:
            record = json.loads(line)
            if "_end" in record:
                ending = record
            else:
                count += 1
    if ending is None or ending["count"] != count:
        raise ConnectionError("the stream was cut")
    return count, ending["complete"]


async def main() -> None:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with aiohttp.ClientSession(
        f"http://127.0.0.1:{port}", headers={"X-API-Key": APP_KEY}
    ) as http:
        count, is_complete = await read_stream(http)
        print(f"{count:,} sessions, complete: {is_complete}")
        query = {"start": "2026-01-01", "end": "2026-03-31"}
        async with http.get("/campaigns", params=query) as answer:
            print("largest campaigns:", await answer.json())
    server.should_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(main())
