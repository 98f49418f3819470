"""The caller's own `aiohttp.ClientSession`: used as it is, and never in our way."""

from __future__ import annotations

import aiohttp
import pytest

from asyncsessions.core.http import Request, Secret
from asyncsessions.errors import ConfigurationError, TransportError
from asyncsessions.transport.aiohttp import AiohttpTransport
from tests.transport.asking import KEY, get, post, transport
from tests.transport.wire import answer, serving


async def test_the_callers_session_stays_open():
    async with aiohttp.ClientSession() as http, serving(answer()) as wire:
        sender = AiohttpTransport(http)
        await sender.send(get(wire), timeout_s=5)
        await sender.aclose()
        assert not http.closed


async def test_a_session_of_our_own_is_opened_anew_after_closing():
    async with serving(answer()) as wire, transport() as sender:
        for _ in range(2):
            assert (await sender.send(get(wire), timeout_s=5)).status == 200
            await sender.aclose()


async def test_a_closed_session_of_the_callers_is_a_mistake_in_the_set_up():
    async with aiohttp.ClientSession() as http:
        pass
    with pytest.raises(ConfigurationError, match="the http session is closed"):
        await AiohttpTransport(http).send(
            Request(method="GET", url="http://127.0.0.1/"), timeout_s=5
        )


async def test_nothing_of_the_callers_session_spoils_a_request():
    passed = []

    async def own(request, handler):
        passed.append(dict(request.headers))
        request.headers["X-Signed"] = "yes"
        return await handler(request)

    async with (
        serving(answer(status="500 Oh")) as wire,
        aiohttp.ClientSession(
            "http://127.0.0.1:9/elsewhere/",
            headers={
                "Authorization": "Bearer somebody-elses",
                "Authentication": "somebody-elses",
                "User-Agent": "caller",
                "Accept-Encoding": "br",
                "X-Own": "1",
            },
            cookies={"own": "cookie"},
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            raise_for_status=True,
            timeout=aiohttp.ClientTimeout(total=0.000_001),
            auto_decompress=False,
            skip_auto_headers=["User-Agent"],
            middlewares=(own,),
        ) as http,
    ):
        response = await AiohttpTransport(http).send(post(wire), timeout_s=5)
        assert response.status == 500
        assert wire.header("Authorization") == []
        assert wire.header("Authentication") == ["invented-key"]
        assert wire.header("Accept-Encoding") == ["gzip, deflate"]
        assert wire.header("User-Agent")[0].startswith("asyncsessions/")
        assert wire.header("X-Own") == ["1"]
        assert wire.header("X-Signed") == ["yes"]
        assert wire.header("Cookie") == ["own=cookie"]
        assert "invented-key" not in str(passed)


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
async def test_the_credentials_of_the_callers_session_give_way_to_ours():
    auth = aiohttp.BasicAuth("someone", "invented")
    async with serving(answer()) as wire, aiohttp.ClientSession(auth=auth) as http:
        sender = AiohttpTransport(http)
        await sender.send(get(wire), timeout_s=5)
        assert wire.header("Authorization") == []
        ours = {"Authorization": Secret("Bearer invented")}
        await sender.send(
            Request(method="GET", url=wire.base_url + "/x", headers=ours), timeout_s=5
        )
        assert wire.header("Authorization") == ["Bearer invented"]


async def test_credentials_from_netrc_never_travel(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password invented\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with serving(answer()) as wire, aiohttp.ClientSession(trust_env=True) as http:
        await AiohttpTransport(http).send(get(wire), timeout_s=5)
        assert wire.header("Authorization") == []


async def test_a_proxy_of_the_callers_that_refuses_is_named():
    refuses = answer(b"", status="407 Proxy Authentication Required")
    async with serving(refuses) as proxy, aiohttp.ClientSession(proxy=proxy.base_url) as http:
        with pytest.raises(TransportError, match=r"the proxy refused .*407"):
            await AiohttpTransport(http).send(
                Request(method="GET", url="https://api.example.com/x", headers=KEY),
                timeout_s=5,
            )
    assert b"invented-key" not in proxy.heads[0]


async def test_a_mistake_in_a_middleware_of_the_callers_is_theirs():
    async def broken(request, handler):
        raise TypeError("mine")

    async with aiohttp.ClientSession(middlewares=(broken,)) as http, serving(answer()) as wire:
        with pytest.raises(TypeError, match="mine"):
            await AiohttpTransport(http).send(get(wire), timeout_s=5)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [({}, 100), ({"limit": 3}, 3), ({"limit": 0}, None), ({"limit": 9, "limit_per_host": 2}, 2)],
)
async def test_a_small_pool_is_told_apart(limits, expected):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(**limits)) as http:
        assert AiohttpTransport(http).connections == expected
    assert AiohttpTransport(http).connections is None
    assert AiohttpTransport().connections is None
