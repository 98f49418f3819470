"""The same from plain code: no ``await``, also where an event loop is running already.

::

    from asyncsessions import Hum
    from asyncsessions.blocking import Client

    with Client(Hum.from_env(environment="sandbox")) as client:
        for session in client.sessions(start="2026-01-01"):
            print(session.started_at, session.campaign)

The work is done by an event loop in a thread of its own, one hop a page; a notebook, a Spark task
or a Django view can therefore iterate while its own loop runs.
"""

from __future__ import annotations

from asyncsessions.blocking.client import Client
from asyncsessions.blocking.sessions import Sessions
from asyncsessions.blocking.streams import BatchStream, SessionStream, WindowStream

__all__ = ["BatchStream", "Client", "SessionStream", "Sessions", "WindowStream"]
