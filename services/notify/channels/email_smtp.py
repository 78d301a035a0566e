"""Email over SMTP: one recipient per message, connections kept open, every wait bounded.

A 5xx is for good, a 4xx is tried again. A connection that breaks after the text was handed over leaves the
outcome unknown: the same message, under the same Message-ID, is sent again.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import aiosmtplib

from services.notify.channels.room import Room
from services.storage.delivery_records import Deferred, Delivered, Outcome, Rejected

_PERMANENT: Final = 500
_IDLE: Final = 30.0  # seconds after which a kept connection is asked whether it still lives


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where mail is handed over; ``login`` needs TLS, so that no password crosses in the clear."""

    host: str
    port: int = 25
    tls: str = "starttls"  # starttls, implicit, none
    username: str | None = None
    password: str | None = None
    trust: ssl.SSLContext | None = None


class SmtpChannel:
    """Hands mail to one server over up to ``connections`` kept connections; use as ``async with``."""

    def __init__(
        self,
        server: SmtpServer,
        *,
        sender: str,
        timeout: timedelta = timedelta(seconds=30),
        connections: int = 4,
    ) -> None:
        if server.username is not None and server.tls == "none":
            raise ValueError("a login without TLS would show the password")
        self._server = server
        self._sender = sender
        self._timeout = timeout.total_seconds()
        self._idle: asyncio.LifoQueue[tuple[aiosmtplib.SMTP, float]] = asyncio.LifoQueue()
        self._room = Room(connections)

    async def __aenter__(self) -> "SmtpChannel":
        """Return the channel; it connects with the first message."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Say goodbye on every kept connection."""
        while not self._idle.empty():
            client, _used = self._idle.get_nowait()
            await self._part(client)

    async def send(
        self,
        address: str,
        message: bytes,
        *,
        urgency: int = 0,
        begin: Callable[[], bool] = lambda: True,
        stands: Callable[[], Awaitable[bool]] | None = None,
    ) -> Outcome:
        """Hand one message over; every failure of the network or the server is a value.

        Who waits for a connection is served by ``urgency``, 0 first. ``begin`` is asked just before the message
        itself goes out: whether it still may. ``stands`` is asked where it had to wait: whether it is still what
        shall be said; what it raises is raised here, and nothing was sent.
        """
        async with self._room.place(urgency=urgency) as waited:
            if waited and stands is not None and not await stands():
                return Deferred(reason="overtaken", blames_endpoint=False)
            handed_over = False
            client: aiosmtplib.SMTP | None = None
            try:
                async with asyncio.timeout(self._timeout * 2):
                    client = await self._client()
                    with _closed_if_cancelled(client):
                        await client.mail(self._sender, timeout=self._timeout)
                        await client.rcpt(address, timeout=self._timeout)
                        if not begin():
                            await self._reset(client)
                            return Deferred(reason="took_too_long", blames_endpoint=False)
                        handed_over = True
                        reply = await client.data(message, timeout=self._timeout)
            except (aiosmtplib.SMTPException, TimeoutError, OSError, ValueError) as fault:
                return await self._failed(client, fault, handed_over=handed_over)
            self._keep(client)
            return Delivered(status_code=reply.code)

    async def _failed(
        self, client: aiosmtplib.SMTP | None, fault: Exception, *, handed_over: bool
    ) -> Outcome:
        if isinstance(fault, aiosmtplib.SMTPResponseException):
            if client is not None and client.is_connected:
                await self._reset(client)
            ours = isinstance(fault, aiosmtplib.SMTPAuthenticationError | aiosmtplib.SMTPSenderRefused)
            # A refusal of us is mended by us, and must lose nothing.
            if fault.code >= _PERMANENT and not ours:
                return Rejected(reason="refused_by_server", status_code=fault.code)
            return Deferred(reason="deferred_by_server", status_code=fault.code)
        if client is not None:
            client.close()
        if isinstance(fault, ValueError):
            return Rejected(reason="address_malformed")
        return Deferred(reason="mail_unreachable", maybe=handed_over)

    async def _client(self) -> aiosmtplib.SMTP:
        now = asyncio.get_running_loop().time()
        while not self._idle.empty():
            client, used = self._idle.get_nowait()
            if (now - used < _IDLE or await self._lives(client)) and client.is_connected:
                return client
            await self._part(client)
        return await self._connect()

    async def _connect(self) -> aiosmtplib.SMTP:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            timeout=self._timeout,
            use_tls=server.tls == "implicit",
            start_tls=server.tls == "starttls",
            tls_context=server.trust,
            local_hostname="relay.localdomain",
            username=server.username,
            password=server.password,
        )
        await client.connect()  # and log in; where that fails, it closes
        return client

    async def _lives(self, client: aiosmtplib.SMTP) -> bool:
        try:
            with _closed_if_cancelled(client):
                await client.noop(timeout=self._timeout)
        except (aiosmtplib.SMTPException, TimeoutError, OSError):
            return False
        return True

    async def _reset(self, client: aiosmtplib.SMTP) -> None:
        try:
            with _closed_if_cancelled(client):
                await client.rset(timeout=self._timeout)
        except (aiosmtplib.SMTPException, TimeoutError, OSError):
            client.close()
            return
        self._keep(client)

    async def _part(self, client: aiosmtplib.SMTP) -> None:
        try:
            with _closed_if_cancelled(client):
                if client.is_connected:
                    await client.quit(timeout=self._timeout)
        except (aiosmtplib.SMTPException, TimeoutError, OSError):
            client.close()

    def _keep(self, client: aiosmtplib.SMTP) -> None:
        if client.is_connected:
            self._idle.put_nowait((client, asyncio.get_running_loop().time()))


@contextmanager
def _closed_if_cancelled(client: aiosmtplib.SMTP) -> Iterator[None]:
    """Close a connection whose dialogue ends half-way: nobody can go on with it."""
    try:
        yield
    except asyncio.CancelledError:
        client.close()
        raise
