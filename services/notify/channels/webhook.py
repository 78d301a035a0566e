"""Webhooks: one POST per attempt, signed, to an address that was checked when it was connected to.

Only a 2xx is success. Nothing is followed, the reply is read to a cap, every wait has an end. What went wrong
before the body was sent certainly did not arrive; after that nobody knows, and the same id is sent again.

It speaks through aiohttp: the pool of httpx slows with each request in flight, and its requests and replies cost
more than sending them.
"""

import asyncio
import ssl
from collections.abc import AsyncIterable, Awaitable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, Protocol

import aiohttp

from services.notify.channels.address_guard import AddressGuard, AddressRefused
from services.notify.channels.signing import sign
from services.storage.delivery_records import Deferred, Delivered, Outcome, Rejected

_REPLY_CAP: Final = 4096
_REPLY_WAIT: Final = 5.0  # seconds for the body of a reply, which nobody reads
_BASE_HEADERS: Final = {"content-type": "application/json", "user-agent": "early-warning-relay"}
_KEPT_FOR: Final = 60.0  # seconds that an idle connection stays open
_UNASKED: Final = ("Accept-Encoding",)  # nobody reads the body of a reply
_THROTTLED: Final = frozenset({429, 502, 503, 504})


class Body(Protocol):
    """The body of a reply, as it comes."""

    def is_eof(self) -> bool:
        """Return whether all of it has come."""
        ...

    def iter_any(self) -> AsyncIterable[bytes]:
        """Yield what has come."""
        ...


class Reply(Protocol):
    """What the channel needs of `aiohttp.ClientResponse`: its body is not read yet."""

    @property
    def status(self) -> int:
        """The status code."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, whatever their case."""
        ...

    @property
    def content(self) -> Body:
        """The body."""
        ...

    def release(self) -> Any:
        """Give the connection back; it is closed where the body was not read to its end."""
        ...


class Session(Protocol):
    """What the channel needs of `aiohttp.ClientSession`."""

    def post(
        self, url: str, *, data: bytes, headers: Mapping[str, str], allow_redirects: bool
    ) -> Awaitable[Reply]:
        """Send one request; the answer is the reply once its head is here."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class WebhookChannel:
    """Sends webhooks over kept connections; use as ``async with``.

    ``timeout`` bounds an attempt up to the head of the reply; ``session`` stands in for the network in tests.
    """

    def __init__(
        self,
        guard: AddressGuard,
        *,
        timeout: timedelta = timedelta(seconds=15),
        connections: int = 256,
        trust: ssl.SSLContext | None = None,
        session: Session | None = None,
    ) -> None:
        self._guard = guard
        self._timeout = timeout.total_seconds()
        self._connections = connections
        self._trust = trust
        self._given = session
        self._session: Session | None = None

    async def __aenter__(self) -> "WebhookChannel":
        """Open the pool of connections; nothing is connected yet."""
        self._session = self._given or self._opened()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(
        self,
        url: str,
        body: bytes,
        *,
        notification_id: str,
        keys: Sequence[bytes],
        now: datetime,
    ) -> Outcome:
        """Post ``body`` once; every failure of the network or the receiver is a value."""
        refused = self._guard.refuses_url(url)
        if refused is not None:
            return Rejected(reason=refused)
        if not keys:
            return Deferred(reason="no_webhook_secret")  # the operator may still make one; the email falls in
        signed = sign(notification_id=notification_id, timestamp=int(now.timestamp()), body=body, keys=keys)
        try:
            return await self._post(url, body, headers=_BASE_HEADERS | signed, now=now)
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeError) as fault:
            return _failure(fault)

    async def _post(self, url: str, body: bytes, *, headers: Mapping[str, str], now: datetime) -> Outcome:
        if self._session is None:
            raise RuntimeError("the channel is not open")
        async with asyncio.timeout(self._timeout):
            reply = await self._session.post(url, data=body, headers=headers, allow_redirects=False)
        try:
            if not reply.content.is_eof():
                await self._read_to_cap(reply.content)
        finally:
            reply.release()
        return _outcome(reply.status, reply.headers.get("retry-after"), now=now)

    async def _read_to_cap(self, body: Body) -> None:
        """Read what is needed to use the connection again; the status has come, so nothing here can fail."""
        read = 0
        try:
            async with asyncio.timeout(min(_REPLY_WAIT, self._timeout)):
                async for chunk in body.iter_any():
                    read += len(chunk)
                    if read > _REPLY_CAP:
                        return
        except (aiohttp.ClientError, TimeoutError):
            return

    def _opened(self) -> Session:
        connector = aiohttp.TCPConnector(
            limit=self._connections,
            keepalive_timeout=_KEPT_FOR,
            ssl=self._trust if self._trust is not None else True,
            socket_factory=self._guard.open_socket,
        )
        return aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # each attempt has its own
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_UNASKED,
        )


def _outcome(status: int, retry_after: str | None, *, now: datetime) -> Outcome:
    """Return what a status means: 2xx is success, 410 and 413 are for good, all else is tried again.

    A 4xx may be our body or their configuration; a receiver that is mended must not have lost an alert.
    """
    if 200 <= status <= 299:
        return Delivered(status_code=status)
    if status == HTTPStatus.GONE:
        return Rejected(reason="gone", status_code=status, disables=True)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Rejected(reason="too_large", status_code=status)
    if 300 <= status <= 399:
        return Deferred(reason="redirect", status_code=status)
    wait = _retry_after(retry_after, now=now)
    if status in _THROTTLED:
        return Deferred(reason="throttled", status_code=status, retry_after=wait)
    reason = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "client_error"
    return Deferred(reason=reason, status_code=status, retry_after=wait)


def _retry_after(text: str | None, *, now: datetime) -> timedelta | None:
    """Return a ``Retry-After`` (RFC 9110 §10.2.3): seconds or a date; None for anything else."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return timedelta(seconds=min(int(text.strip()[:9]), 10**8))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((at if at.tzinfo is not None else at.replace(tzinfo=UTC)) - now, timedelta(0))


def _failure(fault: BaseException) -> Outcome:
    """Return what a failure of the network means."""
    cause: BaseException | None = fault
    while cause is not None:
        if isinstance(cause, AddressRefused):
            return Rejected(reason="address_refused")
        if isinstance(cause, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError | ssl.SSLError):
            return Deferred(reason="tls")
        if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            if isinstance(cause.__cause__, AddressRefused):
                return Rejected(reason="address_refused")
            return Deferred(reason="unreachable")
        if isinstance(cause, aiohttp.InvalidURL | UnicodeError):  # a name that no resolver can be asked for
            return Rejected(reason="url_malformed")
        cause = cause.__cause__
    return Deferred(reason="timeout" if isinstance(fault, TimeoutError) else "broken_off", maybe=True)
