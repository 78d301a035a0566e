"""The HTTP application that every API and page is part of.

What is common to all calls stands here: faults as problems, security headers, HEAD, a deadline, the
documentation. What a call does stands in the `api.py` or `pages/` of its service.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from fastapi import APIRouter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ExceptionHandler
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from services.errors import Invalid, Transient
from services.http.docs import docs_routes
from services.http.envelope import Envelope, protect
from services.http.health import Check, health_routes
from services.http.problems import Refusal, answer

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
    request_time: timedelta = REQUEST_TIME,
    trusted_proxies: Sequence[str] = (),
) -> Starlette:
    """Return the application of `routers`, in the order in which their paths are tried.

    `checks` are asked by /readyz; a call that takes longer than `request_time` is given up. `trusted_proxies`
    are addresses and networks that say who calls (X-Forwarded-For, -Proto); nobody else is believed.
    """
    routes = [route for router in (*routers, health_routes(checks)) for route in router.routes]
    routes += docs_routes(routes, version=version).routes
    layers = [Middleware(Envelope, request_time=request_time)]
    if trusted_proxies:  # the outermost: all that follows sees the caller
        layers.insert(0, Middleware(ProxyHeadersMiddleware, trusted_hosts=list(trusted_proxies)))
    app = Starlette(routes=routes, middleware=layers, exception_handlers=_HANDLERS)
    app.router.redirect_slashes = False
    return app


async def _refused(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, Refusal)  # registered for this type
    return answer(fault, request)


async def _framework(request: Request, fault: Exception) -> Response:
    """Translate what the framework refuses by itself: unknown paths and methods."""
    assert isinstance(fault, HTTPException)  # registered for this type
    headers = dict(fault.headers or {})
    if fault.status_code == 405:
        headers["Allow"] = ", ".join(_allowed(request))
    kind = _KINDS.get(fault.status_code, "internal" if fault.status_code >= 500 else "bad-request")
    return answer(Refusal(fault.status_code, kind, headers=headers), request)


async def _invalid(request: Request, _fault: Exception) -> Response:
    """Answer for a text that the ledger cannot hold: nothing has such a name, and nothing can be kept under it."""
    if request.method in ("GET", "HEAD"):
        return answer(Refusal(404, "not-found"), request)
    return answer(Refusal(422, "invalid"), request)


async def _transient(request: Request, _fault: Exception) -> Response:
    return answer(Refusal(503, "unavailable", headers={"Retry-After": _RETRY_AFTER}), request)


async def _crashed(request: Request, _fault: Exception) -> Response:
    """Answer for a fault in the code; the framework raises it again afterwards, so that it is logged."""
    response = answer(Refusal(500, "internal"), request)
    protect(
        response.raw_headers, secure=request.url.scheme == "https"
    )  # it is written outside of the envelope
    return response


def _allowed(request: Request) -> Iterable[str]:
    app: Starlette = request.app
    methods: set[str] = set()
    for route in app.router.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= getattr(route, "methods", None) or set()
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


_HANDLERS: Mapping[Any, ExceptionHandler] = {
    Refusal: _refused,
    HTTPException: _framework,
    Invalid: _invalid,
    Transient: _transient,
    Exception: _crashed,
}
