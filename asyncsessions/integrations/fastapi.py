"""Serve sessions with FastAPI; needs ``pip install "asyncsessions[fastapi]"``.

The whole of it::

    upstream = Upstream(Hum.from_env(environment="production"), concurrency=8)
    app = FastAPI()
    app.include_router(sessions_router(upstream, guard=ApiKey(os.environ["MY_API_KEY"])))

or, for endpoints of your own, with the one client that they all share::

    app = FastAPI(lifespan=lifespan(upstream))
    HumClient = Annotated[Client, Depends(upstream)]


    @app.get("/campaigns/{name}")
    async def campaign(name: str, client: HumClient) -> list[SessionModel]: ...

What an answer guarantees, and what each refusal means, is in ``docs/fastapi.md``.
"""

from __future__ import annotations

try:
    import fastapi as _  # noqa: F401 - only to see whether it is there
except ImportError:
    raise ImportError(
        'the FastAPI integration needs an extra: pip install "asyncsessions[fastapi]"',
        name="fastapi",
    ) from None

from asyncsessions.integrations._fastapi.app import sessions_app
from asyncsessions.integrations._fastapi.events import EventsAnswer
from asyncsessions.integrations._fastapi.guard import ApiKey
from asyncsessions.integrations._fastapi.lines import LinesAnswer
from asyncsessions.integrations._fastapi.models import SessionDetailModel, SessionModel
from asyncsessions.integrations._fastapi.problems import Problem, Reason, add_error_handler
from asyncsessions.integrations._fastapi.router import sessions_router
from asyncsessions.integrations._fastapi.upstream import Upstream, lifespan

__all__ = [
    "ApiKey",
    "EventsAnswer",
    "LinesAnswer",
    "Problem",
    "Reason",
    "SessionDetailModel",
    "SessionModel",
    "Upstream",
    "add_error_handler",
    "lifespan",
    "sessions_app",
    "sessions_router",
]
