"""What every call has in common."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import APIRouter
from openapi_spec_validator import validate
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Message
from structlog.testing import capture_logs

from schemas.alerts import Alert
from services.http.application import build_application
from services.http.authentication import address_of
from services.http.bodies import read_json
from services.http.health import Check
from services.http.problems import Refusal
from services.http.routes import RawRoute, documented


def _router() -> APIRouter:
    router = APIRouter(route_class=RawRoute)

    async def crash(_request: Request) -> Response:
        raise ZeroDivisionError("secret")

    async def hang(_request: Request) -> Response:
        await asyncio.Event().wait()
        return PlainTextResponse("never")

    async def slow_body(request: Request) -> Response:
        await read_json(request, most=10, within=timedelta(milliseconds=10))
        return PlainTextResponse("never")

    async def half(_request: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            yield b"half"
            raise Refusal(409, "conflict")

        return StreamingResponse(parts(), media_type="text/plain")

    async def whoami(request: Request) -> Response:
        return PlainTextResponse(f"{address_of(request)} {request.url.scheme}")

    router.add_api_route("/crash", crash, methods=["GET"])
    router.add_api_route("/half", half, methods=["GET"])
    router.add_api_route("/whoami", whoami, methods=["GET"])
    router.add_api_route("/hang", hang, methods=["GET"])
    router.add_api_route("/slow", slow_body, methods=["POST"], openapi_extra=documented(body=Alert))
    return router


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async def holds() -> bool:
        return True

    async def fails() -> bool:
        return False

    app = build_application(
        _router(),
        version="1.2.3",
        checks=[Check(name="ledger", passes=holds), Check(name="topics", passes=fails)],
        request_time=timedelta(milliseconds=50),
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://relay.example.org") as opened:
        yield opened


async def test_a_fault_in_the_code_is_a_problem_that_tells_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get("/crash")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert "ZeroDivision" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_fault_in_the_code_is_raised_to_the_server_which_logs_it() -> None:
    transport = httpx.ASGITransport(build_application(_router(), version="1"))
    async with httpx.AsyncClient(transport=transport, base_url="http://relay.example.org") as client:
        with pytest.raises(ZeroDivisionError):
            await client.get("/crash")


async def test_a_fault_after_the_answer_began_is_not_answered_again() -> None:
    transport = httpx.ASGITransport(build_application(_router(), version="1"), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://relay.example.org") as client:
        answer = await client.get("/half")
    assert (answer.status_code, answer.text) == (200, "half")


async def test_a_websocket_is_closed() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    app = build_application(_router(), version="1")
    await app({"type": "websocket", "path": "/healthz", "headers": []}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_a_call_that_takes_too_long_is_given_up(client: httpx.AsyncClient) -> None:
    answer = await client.get("/hang")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize("path", ["/crash", "/hang", "/no-such-path"])
async def test_an_answer_that_nobody_reads_is_given_up(path: str) -> None:
    app = build_application(_router(), version="1", request_time=timedelta(milliseconds=50))

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: Message) -> None:
        await asyncio.Event().wait()

    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b""}
    began = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(app({**scope, "headers": [], "scheme": "http"}, receive, send), 10)
    assert asyncio.get_running_loop().time() - began < 5


async def test_a_body_that_does_not_arrive_is_given_up(client: httpx.AsyncClient) -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    answer = await client.post("/slow", content=never(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (408, "/docs/problems#timeout")


@pytest.mark.parametrize("path", ["/", "/v2/alerts", "/docs/../../etc/passwd", "/healthz/", "/docs/core.py"])
async def test_an_unknown_path_is_a_problem(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_an_unknown_method_says_which_are_known(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/healthz")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_health_and_readiness(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]) == (503, {"ledger": True, "topics": False})


async def test_the_openapi_document_is_valid_and_shows_the_alert(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    validate(document)
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == "1.2.3"
    assert {"Alert", "Problem", "Finding"} <= document["components"]["schemas"].keys()


async def test_the_documentation_loads_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert "http" not in page.text
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "http" not in policy
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js", "favicon.png"):
        asset = await client.get(f"/docs/{name}")
        assert asset.status_code == 200
        assert asset.content


async def test_each_kind_of_problem_is_documented(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs/problems")
    kind = (await client.get("/nothing")).json()["type"].partition("#")[2]
    assert f'id="{kind}"' in page.text


async def test_every_answer_is_closed_to_other_sites(client: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/nothing", "/crash"):
        headers = (await client.get(path)).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "seen"),
    [
        ([], "192.0.2.1", "203.0.113.9", "192.0.2.1 http"),  # without the setting nobody is believed
        (["10.0.0.0/8"], "192.0.2.1", "203.0.113.9", "192.0.2.1 http"),  # not through the proxy
        (["10.0.0.0/8"], "10.1.2.3", "203.0.113.9", "203.0.113.9 https"),
        (
            ["10.0.0.0/8"],
            "10.1.2.3",
            "198.51.100.7, 203.0.113.9",
            "203.0.113.9 https",
        ),  # the caller made one up
        (
            ["10.0.0.0/8"],
            "10.1.2.3",
            "198.51.100.7, 203.0.113.9, 10.9.9.9",
            "203.0.113.9 https",
        ),  # two proxies
        (["10.0.0.0/8"], "10.1.2.3", "", "10.1.2.3 https"),
    ],
)
async def test_only_a_trusted_proxy_says_who_calls(
    trusted: list[str], peer: str, forwarded: str, seen: str
) -> None:
    app = build_application(_router(), version="1", trusted_proxies=trusted)
    headers = {"x-forwarded-for": forwarded, "x-forwarded-proto": "https"}
    transport = httpx.ASGITransport(app, client=(peer, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://relay.example.org") as opened:
        assert (await opened.get("/whoami", headers=headers)).text == seen


async def test_a_refused_call_is_written_down_by_its_route_and_nothing_that_was_sent(
    client: httpx.AsyncClient,
) -> None:
    with capture_logs() as written:
        await client.get("/hidden/secret")
        await client.post("/slow?secret=1", content=b"x" * 11, headers={"content-type": "application/json"})
        await client.get("/whoami")
    told = [(one["event"], one["method"], one["route"], one["status"], one["kind"]) for one in written]
    assert told == [
        ("call refused", "GET", None, 404, "not-found"),
        ("call refused", "POST", "/slow", 413, "too-large"),
    ]
    assert "secret" not in str(written)
