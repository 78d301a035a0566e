"""A real relay process with its receivers at hand: what every end-to-end test arranges.

The receivers live in the test's own event loop, so that a test sees what arrived without asking; the relay is
the `relay` command, reached over HTTP only. Every wait is for a condition and has an end.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
from aiosmtpd.smtp import SMTP, Envelope, Session
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.receiver import Connection, Log
from benchmarks.workload import COUNTRIES, body
from services.demo.cluster import Cluster
from services.demo.installation import Installation
from services.demo.parties import Holder

T = TypeVar("T")
SENDER = "ndo"
WITHIN = 30.0  # seconds for what takes milliseconds, on a machine that is busy with something else
_SENDING = ("send", "amend", "read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One webhook that the receiver saw; `status` 0: left without an answer."""

    at: float  # CLOCK_MONOTONIC
    recipient: str
    id: str
    status: int
    data: Mapping[str, Any]

    @property
    def national_ref(self) -> str:
        """Which alert it is about."""
        return str((self.data.get("alert") or {}).get("national_ref"))


class Receiver(Log):
    """The webhooks of all recipients, one path each; a path may hang or be down."""

    def __init__(self) -> None:
        super().__init__()
        self.hanging: set[str] = set()
        self.down: set[str] = set()

    def take(self, path: str, identity: str, body: bytes) -> bytes:
        """Keep one request and answer as its path does."""
        recipient = path.strip("/")
        before = self.down_until
        if recipient in self.down:
            self.down_until = float("inf")
        answer = super().take(path, identity, body)
        self.down_until = before
        if recipient in self.hanging:
            at, _, _, _, _ = self.entries[-1]
            self.entries[-1] = (at, path, identity, 0, body)
            return b""
        return answer

    @property
    def all(self) -> list[Taken]:
        """Return every request, in order."""
        return [
            Taken(
                at=at,
                recipient=path.strip("/"),
                id=identity,
                status=status,
                data=json.loads(body)["data"] if body else {},
            )
            for at, path, identity, status, body in self.entries
        ]

    def taken(self, recipient: str | None = None) -> list[Taken]:
        """Return what was answered with success, in order."""
        return [one for one in self.all if one.status == 204 and recipient in (None, one.recipient)]


class Mailbox:
    """A mail server that keeps what it takes: (recipient, message)."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, EmailMessage]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take one message (`aiosmtpd` calls this by its name)."""
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        message = message_from_bytes(raw, policy=policy.default)
        self.letters += [(address.partition("@")[0], message) for address in envelope.rcpt_tos]
        return "250 OK"

    def to(self, recipient: str) -> list[EmailMessage]:
        """Return the messages that one recipient got, in order."""
        return [message for name, message in self.letters if name == recipient]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


@dataclass(slots=True, kw_only=True)
class Stage:
    """A running relay, its receivers, a client that posts as `SENDER`."""

    relay: Installation | Cluster
    webhooks: Receiver
    mails: Mailbox
    client: httpx.AsyncClient
    accepted: dict[str, str] = field(default_factory=dict)  # message id of each national reference

    async def post(self, alert: Mapping[str, Any] | bytes) -> httpx.Response:
        """Post one alert as the sender; what is accepted is remembered."""
        raw = alert if isinstance(alert, bytes) else json.dumps(alert).encode()
        answer = await self.client.post(
            "/v1/alerts", content=raw, headers={"content-type": "application/json"}
        )
        if answer.status_code == httpx.codes.ACCEPTED:
            self.accepted[json.loads(raw)["national_ref"]] = answer.json()["id"]
        return answer

    async def post_all(self, alerts: Sequence[Mapping[str, Any]]) -> list[int]:
        """Post many at once and return their statuses in order."""
        return [answer.status_code for answer in await asyncio.gather(*map(self.post, alerts))]

    async def view(self, national_ref: str) -> dict[str, Any]:
        """Return what the API tells the sender about one of its alerts."""
        answer = await self.client.get(f"/v1/alerts/{self.accepted[national_ref]}")
        assert answer.status_code == httpx.codes.OK, answer.text
        view: dict[str, Any] = answer.json()
        return view

    async def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples with these labels."""
        return total(await self.metrics(), name, **labels)

    async def metrics(self) -> str:
        """Return what Prometheus would read."""
        if isinstance(self.relay, Cluster):
            port = self.relay.ports["metrics", 0]
            return (await self.client.get(f"http://127.0.0.1:{port}/metrics")).text
        return (await self.client.get("/metrics")).text

    async def at_rest(self) -> None:
        """Wait until nothing is on its way: all read, all routed, every notification at its end."""
        await until(self._is_at_rest, every=0.25)  # a page of metrics is some thousand lines

    async def _is_at_rest(self) -> bool:
        page = await self.metrics()
        return (
            total(page, "relay_ledger_up") == 1
            and total(page, "relay_alerts", state="pending") == 0
            and total(page, "relay_outbox_backlog") == 0
            and total(page, "relay_notifications", state="pending") == 0
            and total(page, "relay_notifications", state="claimed") == 0
        )


def total(page: str, name: str, **labels: str) -> float:
    """Return the sum of the samples of one metric on a page of metrics; the metric must be there."""
    wanted = "".join(line for line in page.splitlines(keepends=True) if line.startswith(name))
    found = [
        sample.value
        for family in text_string_to_metric_families(wanted)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert found, f"no {name} with {labels}"
    return sum(found)


def alert(number: int, *, prefix: str = "E2E", **overrides: Any) -> dict[str, Any]:
    """Return alert `number` of a run: a new event each; `overrides` replace fields."""
    whole: dict[str, Any] = json.loads(body(number, prefix=prefix, status="exercise"))
    return whole | overrides


def institution(
    name: str, *, webhook: bool = True, email: bool = False, country: str = "BO", **overrides: Any
) -> dict[str, Any]:
    """Return an entry of the directory; its webhook is named like itself."""
    return {
        "id": name,
        "country": country,
        "organisation": f"Recipient {name} (exercise)",
        "kind": "focal_point",
        "language": "en",
        "timezone": "America/La_Paz",
        "audiences": ["health", "law_enforcement", "forensic", "regulator"],
        "channels": [
            *([{"kind": "webhook", "address": f"{{webhooks}}/{name}"}] if webhook else []),
            *([{"kind": "email", "address": f"{name}@example.org"}] if email else []),
        ],
    } | overrides


@asynccontextmanager
async def staged(
    folder: Path,
    *,
    recipients: Sequence[Mapping[str, Any]],
    settings: Mapping[str, str] | None = None,
    build: Callable[..., Installation | Cluster] = Installation,
) -> AsyncIterator[Stage]:
    """Start a relay that knows `recipients`; it and its receivers end with the block, whatever happens."""
    async with AsyncExitStack() as stack:
        webhooks, mails = Receiver(), Mailbox()
        hook_port = await _listen(stack, partial(Connection, webhooks))
        mail_port = await _listen(stack, partial(_dialogue, mails))
        relay = build(folder, settings={"RELAY_EMAIL__PORT": str(mail_port), **(settings or {})})
        stack.push_async_callback(_end, relay)
        directory = folder / "directory.json"
        entries = json.dumps({"institutions": recipients})
        directory.write_text(entries.replace("{webhooks}", f"http://127.0.0.1:{hook_port}"), encoding="utf-8")
        keys = await relay.prepare([_sender()], directory=directory)
        await relay.start()
        client = httpx.AsyncClient(
            base_url=relay.url,
            headers={"authorization": f"Bearer {keys[SENDER]}"},
            trust_env=False,
            timeout=WITHIN,
            limits=httpx.Limits(max_connections=16),
        )
        await stack.enter_async_context(client)
        yield Stage(relay=relay, webhooks=webhooks, mails=mails, client=client)


async def until(
    condition: Callable[[], T | Awaitable[T]], *, within: float = WITHIN, every: float = 0.03
) -> T:
    """Wait until `condition` gives something true, and return that; `TimeoutError` after `within` seconds."""
    async with asyncio.timeout(within):
        while True:
            given = condition()
            value: T = await given if isinstance(given, Awaitable) else given
            if value:
                return value
            await asyncio.sleep(every)


async def command(
    environment: Mapping[str, str], *arguments: str, typed: bytes = b"", within: float = WITHIN
) -> Ended:
    """Run a `relay` command in an environment with no other settings; `typed` is its standard input."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("relay")),
        *arguments,
        env=kept | dict(environment),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(within):
            out, err = await process.communicate(typed)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Ended(status=process.returncode or 0, out=out.decode(), err=err.decode())


async def _listen(stack: AsyncExitStack, protocol: Callable[[], asyncio.BaseProtocol]) -> int:
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    stack.callback(server.close)
    port: int = server.sockets[0].getsockname()[1]
    return port


def _dialogue(mails: Mailbox) -> SMTP:
    return SMTP(mails, hostname="localhost", enable_SMTPUTF8=True, loop=asyncio.get_running_loop())


async def _end(relay: Installation | Cluster) -> None:
    """End the relay; one that does not is killed, so that no test leaves a process behind."""
    try:
        async with asyncio.timeout(WITHIN):
            await relay.close()
    except TimeoutError:
        await relay.kill()
        raise


def _sender() -> Holder:
    return Holder(
        institution_id=SENDER,
        country="AR",
        organisation="Observatory of the end-to-end tests (exercise)",
        countries=frozenset(COUNTRIES),
        scopes=frozenset(_SENDING),
    )
