"""What surrounds every call: HEAD as GET without a body, security headers, a deadline, faults as problems.

Plain ASGI: one call more for each request, no task, no queue.
Source: RFC 9110 §9.3.2 (HEAD); Content Security Policy Level 3.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.http.problems import Refusal, answer

log = structlog.get_logger(__name__)

HEAD = "relay.head"  # in the scope of a HEAD, which the routes see as GET
CLOSED = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
PAGE = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_ALWAYS = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("x-frame-options", "DENY"),
    ("x-robots-tag", "noindex, nofollow"),
)
_UNLESS_SET = (("cache-control", "no-store"), ("content-security-policy", CLOSED))
_RAW_ALWAYS = [(name.encode(), value.encode()) for name, value in _ALWAYS]
_RAW_UNLESS_SET = [(name.encode(), value.encode()) for name, value in _UNLESS_SET]
_HSTS = (b"strict-transport-security", b"max-age=31536000")

_LATE = "It took too long. Whether it was kept is unknown: repeat the request after Retry-After."


class Envelope:
    """The one layer around the routes."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        request_time: timedelta,
        refusal_of: Callable[[Exception, Request], Refusal | None],
    ) -> None:
        """Wrap `app`; a call that takes longer than `request_time` is cancelled and answered with 503.

        A call that ends in a fault is answered with its refusal. None stands for a fault in the code, which is
        answered with 500 and raised again, so that the server logs it.
        """
        self._app = app
        self._seconds = request_time.total_seconds()
        self._refusal_of = refusal_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        reply = _Reply(send, secure=scope.get("scheme") == "https", silent=scope["method"] == "HEAD")
        if reply.silent:
            scope = {**scope, "method": "GET", HEAD: True}
        try:
            async with asyncio.timeout(self._seconds):
                await self._answered(scope, receive, reply)
        except TimeoutError:
            if reply.begun:
                raise
            refusal = Refusal(503, "unavailable", detail=_LATE, headers={"Retry-After": "5"})
            async with asyncio.timeout(self._seconds):
                await answer(refusal, Request(scope))(scope, receive, reply.send)

    async def _answered(self, scope: Scope, receive: Receive, reply: "_Reply") -> None:
        try:
            await self._app(scope, receive, reply.send)
        except TimeoutError:
            raise
        except Exception as fault:
            if reply.begun:
                raise
            request = Request(scope)
            refusal = self._refusal_of(fault, request)
            if refusal is not None:
                _note(refusal, scope)
            await answer(refusal or Refusal(500, "internal"), request)(scope, receive, reply.send)
            if refusal is None:
                raise


def _note(refusal: Refusal, scope: Scope) -> None:
    """Write down a refused call by its route: a path may hold a personal link, a body what was sent."""
    log.info(
        "call refused",
        method=scope["method"],
        route=getattr(scope.get("route"), "path", None),
        status=refusal.status,
        kind=refusal.kind,
        faults=sorted({fault.code for fault in refusal.errors}),
    )


class _Reply:
    __slots__ = ("_secure", "_send", "begun", "silent")

    def __init__(self, send: Send, *, secure: bool, silent: bool) -> None:
        self._send = send
        self._secure = secure
        self.silent = silent
        self.begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            _protect(message.setdefault("headers", []), secure=self._secure)
        elif self.silent and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)


def _protect(headers: list[tuple[bytes, bytes]], *, secure: bool) -> None:
    """Add what every answer has; a policy and a caching rule of its own stand."""
    names = {name for name, _ in headers}
    headers.extend(_RAW_ALWAYS)
    headers.extend(pair for pair in _RAW_UNLESS_SET if pair[0] not in names)
    if secure:
        headers.append(_HSTS)
