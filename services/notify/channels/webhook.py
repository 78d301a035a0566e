"""Webhooks: one POST per attempt, signed, to an address that was checked when it was connected to.

Only a 2xx is success. Nothing is followed, the reply is read to a cap, every wait has an end. What went wrong
before the body was sent certainly did not arrive; after that nobody knows, and the same id is sent again.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

import aiohttp
import httpx

from services.notify.channels.address_guard import AddressGuard, AddressRefused
from services.notify.channels.pooled import PooledTransport
from services.notify.channels.signing import sign
from services.storage.delivery_records import Deferred, Delivered, Outcome, Rejected

_REPLY_CAP: Final = 4096
_REPLY_WAIT: Final = 5.0  # seconds for the body of a reply, which nobody reads
_BASE_HEADERS: Final = {"content-type": "application/json", "user-agent": "early-warning-relay"}
_KEPT_FOR: Final = 60.0  # seconds that an idle connection stays open
_GONE: Final = 410
_TOO_LARGE: Final = 413
_SERVER_ERRORS: Final = 500
_THROTTLED: Final = frozenset({429, 502, 503, 504})
_NO_CONTENT: Final = 204  # RFC 9110 15.3.5: it has no body
_ADDRESSES: Final = 4096


class WebhookChannel:
    """Sends webhooks over kept connections; use as ``async with``.

    ``timeout`` bounds connecting and each read; ``transport`` stands in for the network in tests.
    """

    def __init__(
        self,
        guard: AddressGuard,
        *,
        timeout: timedelta = timedelta(seconds=15),
        connections: int = 256,
        trust: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._guard = guard
        self._timeout = timeout.total_seconds()
        self._connections = connections
        self._trust = trust
        self._given = transport
        self._transport: httpx.AsyncBaseTransport | None = None

    async def __aenter__(self) -> "WebhookChannel":
        """Open the pool of connections; nothing is connected yet."""
        self._transport = self._given or PooledTransport(self._session(), timeout=self._timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        if self._transport is not None:
            await self._transport.aclose()
            self._transport = None

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
        except (httpx.TransportError, httpx.InvalidURL, aiohttp.ClientError, OSError, UnicodeError) as fault:
            return _failure(fault)

    async def _post(self, url: str, body: bytes, *, headers: Mapping[str, str], now: datetime) -> Outcome:
        if self._transport is None:
            raise RuntimeError("the channel is not open")
        request = httpx.Request("POST", _parsed(url), content=body, headers=headers)
        async with asyncio.timeout(self._timeout):
            reply = await self._transport.handle_async_request(request)
        try:
            if reply.status_code != _NO_CONTENT:
                await self._read_to_cap(reply)
        finally:
            await reply.aclose()
        return _outcome(reply.status_code, reply.headers.get("retry-after"), now=now)

    async def _read_to_cap(self, reply: httpx.Response) -> None:
        """Read what is needed to use the connection again; the status has come, so nothing here can fail."""
        read = 0
        try:
            async with asyncio.timeout(_REPLY_WAIT):
                async for chunk in reply.aiter_raw():
                    read += len(chunk)
                    if read > _REPLY_CAP:
                        return
        except (httpx.TransportError, httpx.StreamError, aiohttp.ClientError, TimeoutError):
            return

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=self._connections,
            keepalive_timeout=_KEPT_FOR,
            ssl=self._trust if self._trust is not None else True,
            socket_factory=self._guard.open_socket,
        )
        return aiohttp.ClientSession(
            connector=connector, trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        )


@lru_cache(maxsize=_ADDRESSES)
def _parsed(url: str) -> httpx.URL:
    return httpx.URL(url)


def _outcome(status: int, retry_after: str | None, *, now: datetime) -> Outcome:
    """Return what a status means: 2xx is success, 410 and 413 are for good, all else is tried again.

    A 4xx may be our body or their configuration; a receiver that is mended must not have lost an alert.
    """
    if httpx.codes.is_success(status):
        return Delivered(status_code=status)
    if status == _GONE:
        return Rejected(reason="gone", status_code=status, disables=True)
    if status == _TOO_LARGE:
        return Rejected(reason="too_large", status_code=status)
    if httpx.codes.is_redirect(status):
        return Deferred(reason="redirect", status_code=status)
    wait = _retry_after(retry_after, now=now)
    if status in _THROTTLED:
        return Deferred(reason="throttled", status_code=status, retry_after=wait)
    reason = "server_error" if status >= _SERVER_ERRORS else "client_error"
    return Deferred(reason=reason, status_code=status, retry_after=wait)


def _retry_after(text: str | None, *, now: datetime) -> timedelta | None:
    """Return a ``Retry-After`` (RFC 9110 §10.2.3): seconds or a date; None for anything else."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return timedelta(seconds=min(int(text.strip()[:9]), 10**8))
    try:
        at = parsedate_to_datetime(text)
        return max((at if at.tzinfo is not None else at.replace(tzinfo=UTC)) - now, timedelta(0))
    except (ValueError, OverflowError):
        return None


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
        if isinstance(cause, httpx.ConnectError | httpx.PoolTimeout):
            return Deferred(reason="unreachable")
        # a UnicodeError is a name that no resolver can be asked for
        if isinstance(
            cause, httpx.InvalidURL | httpx.UnsupportedProtocol | aiohttp.InvalidURL | UnicodeError
        ):
            return Rejected(reason="url_malformed")
        cause = cause.__cause__
    timed_out = isinstance(fault, httpx.TimeoutException | TimeoutError)
    return Deferred(reason="timeout" if timed_out else "broken_off", maybe=True)
