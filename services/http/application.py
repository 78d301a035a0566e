"""The HTTP application that every API and page is part of.

What is common to all calls stands here: faults as problems, security headers, HEAD, a deadline, the
documentation. What a call does stands in the `api.py` or `pages/` of its service.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import BaseRoute, Match, Router
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from services.errors import Invalid, Transient
from services.http.docs import NO_WEBHOOKS, docs_routes
from services.http.envelope import Envelope
from services.http.health import Check, health_routes
from services.http.problems import Refusal
from services.http.routes import Documented

REQUEST_TIME = timedelta(seconds=30)
_RETRY_AFTER = "2"
_KINDS = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "timeout",
    409: "conflict",
    413: "too-large",
    415: "media-type",
    422: "invalid",
    429: "quota-exceeded",
    503: "unavailable",
}


def build_application(
    *routers: APIRouter,
    version: str,
    checks: Sequence[Check] = (),
    webhooks: Mapping[str, Documented] = NO_WEBHOOKS,
    request_time: timedelta = REQUEST_TIME,
    trusted_proxies: Sequence[str] = (),
) -> ASGIApp:
    """Return the application of `routers`, in the order in which their paths are tried.

    `checks` are asked by /readyz; `webhooks` describe what the relay posts to others; a call that takes longer
    than `request_time` is given up. `trusted_proxies` are addresses and networks that say who calls
    (X-Forwarded-For, -Proto); nobody else is believed.
    """
    routes = [route for router in (*routers, health_routes(checks)) for route in router.routes]
    routes += docs_routes(routes, version=version, webhooks=webhooks).routes

    router = Router(routes=routes, redirect_slashes=False, default=_nothing)
    application = Envelope(router, request_time=request_time, refusal_of=partial(_refusal, routes=routes))
    if not trusted_proxies:
        return application
    # the outermost: all that follows sees the caller; its types are the server's own for the same things
    return ProxyHeadersMiddleware(  # type: ignore[return-value]  # as said
        application,  # type: ignore[arg-type]  # as said
        trusted_hosts=list(trusted_proxies),
    )


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await WebSocketClose()(scope, receive, send)
        return
    raise HTTPException(404)


def _refusal(fault: Exception, request: Request, *, routes: Sequence[BaseRoute]) -> Refusal | None:
    """Return what a call is told that ended in `fault`; None for a fault in the code."""
    match fault:
        case Refusal():
            return fault
        case HTTPException():  # what the framework refuses by itself: unknown paths and methods
            headers = dict(fault.headers or {})
            if fault.status_code == 405:
                headers["Allow"] = ", ".join(_allowed(request, routes))
            kind = _KINDS.get(fault.status_code, "internal" if fault.status_code >= 500 else "bad-request")
            return Refusal(fault.status_code, kind, headers=headers)
        case Invalid():  # a text that the ledger cannot hold: nothing has such a name, nothing can be kept under it
            return Refusal(404, "not-found") if request.method in ("GET", "HEAD") else Refusal(422, "invalid")
        case Transient():
            return Refusal(503, "unavailable", headers={"Retry-After": _RETRY_AFTER})
        case _:
            return None


def _allowed(request: Request, routes: Sequence[BaseRoute]) -> Iterable[str]:
    methods: set[str] = set()
    for route in routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= getattr(route, "methods", None) or set()
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))
