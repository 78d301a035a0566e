"""Where the demonstration's notifications arrive: a mail server and a webhook receiver, both real, both local."""

import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

_OPAQUE = re.compile(r"\bN-[0-9A-Z]{4}-[0-9A-Z]{4}\b")  # the reference of an alert whose content is withheld


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one notification says."""

    language: str
    content: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One notification that arrived, and when (seconds of the monotonic clock).

    It is read later: reading a mail takes longer than the relay needs to send one, and would be measured with it.
    """

    at: float
    recipient: str
    channel: str
    where: Path
    read: Callable[[], Reading]


class Sinks:
    """Takes what the relay sends, saves it to `folder`, and keeps a list of arrivals."""

    def __init__(self, folder: Path) -> None:
        self.arrivals: list[Arrival] = []
        self.arrived = asyncio.Event()
        self.mail_port = 0
        self.webhook_port = 0
        self._folder = folder
        self._sender = ""
        self._close: list[Callable[[], object]] = []

    async def open(self) -> None:
        """Listen on two free ports of the loopback."""
        self._folder.mkdir(parents=True, exist_ok=True)
        loop = asyncio.get_running_loop()
        mail = await loop.create_server(
            lambda: SMTP(self, hostname="localhost", enable_SMTPUTF8=True, loop=loop), "127.0.0.1", 0
        )
        self.mail_port = mail.sockets[0].getsockname()[1]
        application = web.Application()
        application.router.add_post("/{recipient}", self._webhook)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.webhook_port = runner.addresses[0][1]
        self._close = [mail.close, runner.cleanup]

    def expect_sender(self, organisation: str) -> None:
        """Say who sends now: a text that names the sender is whole, one that does not is cut down."""
        self._sender = organisation

    async def close(self) -> None:
        """Stop listening."""
        for close in self._close:
            result = close()
            if asyncio.iscoroutine(result):
                await result

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """Take one email (`aiosmtpd` calls this by its name)."""
        at = time.monotonic()
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        recipient = envelope.rcpt_tos[0].partition("@")[0]
        self._take(
            Arrival(
                at=at,
                recipient=recipient,
                channel="email",
                where=self._save(f"{recipient}.eml", raw),
                read=partial(_read_mail, raw, sender=self._sender),
            )
        )
        return "250 OK"

    async def _webhook(self, request: web.Request) -> web.Response:
        at = time.monotonic()
        raw = await request.read()
        recipient = request.match_info["recipient"]
        self._take(
            Arrival(
                at=at,
                recipient=recipient,
                channel="webhook",
                where=self._save(f"{recipient}.json", raw),
                read=partial(_read_webhook, raw),
            )
        )
        return web.Response(status=204)

    def _take(self, arrival: Arrival) -> None:
        self.arrivals.append(arrival)
        self.arrived.set()

    def _save(self, name: str, raw: bytes) -> Path:
        path = self._folder / f"{len(self.arrivals) + 1:04}-{name}"
        path.write_bytes(raw)
        return path


def _read_mail(raw: bytes, *, sender: str) -> Reading:
    message = message_from_bytes(raw, policy=policy.default)
    subject = str(message["Subject"])
    content = "notice" if _OPAQUE.search(subject) else "findings"
    text = message.get_body(("plain",))
    if content != "notice" and text is not None and sender in str(text.get_content()):
        content = "full"
    return Reading(language=str(message["Content-Language"]), content=content, subject=subject)


def _read_webhook(raw: bytes) -> Reading:
    data = json.loads(raw)["data"]
    content = "notice" if data["content"] == "withheld" else data["content"]
    return Reading(language=data["text"]["language"], content=content, subject=data["text"]["subject"])
