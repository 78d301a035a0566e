"""A relay's HTTP side over a fresh ledger, for tests: no sockets, a clock that the test moves."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import httpx
from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from sqlalchemy import func, select

from schemas.alerts import Alert
from schemas.classifications import Classification
from schemas.events import ALERTS, CLASSIFIED
from schemas.vocabularies import Audience
from services.classify.api import dry_run_routes, merge_routes, review_routes
from services.classify.assess import classify_alert
from services.classify.reviewing import reconsidering
from services.classify.service import ClassifyService
from services.disclosure import Content, Reader, Surface, disclose
from services.http.application import build_application
from services.http.authentication import Authenticator
from services.http.forms import Seals
from services.http.limits import Quota
from services.http.reading import Reading
from services.http.sessions import Sessions
from services.ingest.api import posting_routes, reading_routes
from services.ingest.service import Ingest, parse
from services.notify import routing
from services.notify.api import notification_routes
from services.notify.channels.describing import described_webhooks
from services.notify.instruments import Instruments
from services.notify.links import LinkKeys, make_token
from services.notify.pages.alerts import alert_routes
from services.notify.pages.answering import answering_routes
from services.notify.pages.listing import listing_routes
from services.notify.pages.signing_in import signing_in_routes
from services.notify.pages.telling import Teller
from services.notify.pages.view import View
from services.notify.pages.words import load_words
from services.notify.retry import DeliveryRules, RetryPolicy
from services.notify.service import NotifyService
from services.reference import places
from services.reference.catalogue import Catalogue
from services.reference.loader import load_catalogue
from services.reference.plan import load_plan_lines
from services.reference.terms import load_terms
from services.storage import outbox as outbox_rows
from services.storage import recipients as recipient_rows
from services.storage.adapters import LedgerAudit, LedgerKeys, LedgerReceipts, LedgerSignIns
from services.storage.deliveries import LedgerDeliveries
from services.storage.delivery_records import Delivered, Settlement
from services.storage.keys import NewKey
from services.storage.merges import LedgerMerges
from services.storage.ports import Receipts
from services.storage.recipients import DirectoryReader
from services.storage.records import (
    ApiKey,
    Channel,
    ChannelKind,
    Directory,
    Message,
    Notification,
    Participation,
    Recipient,
    RecipientKind,
)
from services.storage.reviews import LedgerReviews
from services.storage.settling import Rules
from services.storage.sqlite import SqliteLedger
from services.storage.tables import acknowledgements, metadata, outbox, receipts
from services.storage.threads import LedgerThreads
from tests.ledger import NAMING

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
URL = "http://relay.example.org"
LINK_KEYS = LinkKeys(keys={1: b"l" * 32}, current=1)
SEALS = Seals(b"s" * 32)
TERMS = load_terms()


@dataclass
class Clock:
    """Wall clock and monotonic clock in one; stands still until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def ticks(self) -> float:
        return (self.now - START).total_seconds()

    def move(self, span: timedelta) -> None:
        self.now += span


@dataclass
class Rig:
    """What a test needs of the relay."""

    ledger: SqliteLedger
    clock: Clock
    client: httpx.AsyncClient
    keys: LedgerKeys
    authenticator: Authenticator
    recipients: dict[str, Recipient] = field(default_factory=dict)

    async def stored(self) -> tuple[int, int]:
        """Return how many receipts and outgoing records there are."""
        return await self.ledger.read(
            lambda connection: (
                connection.execute(select(func.count()).select_from(receipts)).scalar_one(),
                connection.execute(select(func.count()).select_from(outbox)).scalar_one(),
            )
        )

    async def key(
        self,
        institution_id: str = "uy-ndo",
        *,
        country: str = "UY",
        countries: Iterable[str] = (),
        scopes: Iterable[str] = ("send", "read"),
    ) -> dict[str, str]:
        """Make a key and return the header fields of a call with it."""
        number = len(await self.keys.listed())
        secret = f"{number:012}_{institution_id:_<40}"
        key = ApiKey(
            id=f"key-{number}",
            institution_id=institution_id,
            country=country,
            organisation="Observatorio de ejemplo",
            role="ndo",
            contact="sat@example.org",
            countries=frozenset(countries or {country}),
            scopes=frozenset(scopes),
            created_at=self.clock.now,
        )
        await self.keys.create(NewKey(key=key, secret=secret), actor="test")
        return {"Authorization": f"Bearer {secret}"}


@dataclass
class FullRig(Rig):
    """The same with every service behind it; what is posted is classified and routed by `work`."""

    classify: ClassifyService | None = None
    notify: NotifyService | None = None
    deliveries: LedgerDeliveries | None = None
    codes: list[tuple[str, str, str]] = field(default_factory=list)

    async def work(self) -> None:
        """Classify and route everything that waits."""
        assert self.classify is not None
        assert self.notify is not None
        for service, topic in ((self.classify, ALERTS), (self.notify, CLASSIFIED)):
            for record in await self.ledger.read(
                partial(outbox_rows.read, topics=[topic], after=0, most=1000)
            ):
                await service.handle(record)

    async def post(self, alert: dict[str, Any], headers: dict[str, str]) -> str:
        """Post an alert, let it be worked on, return its id."""
        answer = await self.client.post("/v1/alerts", json=alert, headers=headers)
        assert answer.status_code == 202, answer.text
        await self.work()
        message_id: str = answer.json()["id"]
        return message_id

    async def deliver(self, told: Notification) -> None:
        """Let the channel of a notification take it."""
        assert self.deliveries is not None
        for claim in await self.deliveries.claim(now=self.clock.now, limit=100):
            if claim.notification.id == told.id:
                settlement = Settlement(
                    notification_id=told.id,
                    token=claim.token,
                    outcome=Delivered(),
                    content=told.content,
                    began_at=self.clock.now,
                    ended_at=self.clock.now,
                    draw=0.5,
                    country="CO",
                )
                await self.deliveries.settle([settlement], now=self.clock.now)

    def token(self, message_id: str, recipient_id: str) -> str:
        """Return the personal link's token."""
        return make_token(LINK_KEYS, message_id=message_id, recipient_id=recipient_id)

    async def answers(self) -> list[tuple[str, str, str]]:
        """Return every answer that is kept, as (recipient, state, via)."""
        query = select(
            acknowledgements.c.recipient_id, acknowledgements.c.state, acknowledgements.c.via
        ).order_by(acknowledgements.c.answered_at)
        rows = await self.ledger.read(lambda connection: connection.execute(query).all())
        return [(row.recipient_id, row.state, row.via) for row in rows]


def institution(
    recipient_id: str,
    kind: RecipientKind = RecipientKind.FOCAL_POINT,
    *,
    participation: Participation = Participation.ACTIVE,
    language: str = "en",
    active: bool = True,
    audiences: Iterable[Audience] = (Audience.HEALTH,),
) -> Recipient:
    """Return an institution with one mailbox, of the country that its id begins with."""
    return Recipient(
        id=recipient_id,
        country=recipient_id[:2].upper(),
        organisation=f"Institution {recipient_id}",
        kind=kind,
        language=language,
        timezone="America/Bogota",
        audiences=frozenset(audiences),
        channels=(Channel(kind=ChannelKind.EMAIL, address=f"{recipient_id}@example.org", personal=True),),
        active=active,
        participation=participation,
    )


@asynccontextmanager
async def posting_rig(
    path: Path, *, requests_per_minute: int = 10_000, receipts_port: Receipts | None = None
) -> AsyncIterator[Rig]:
    """Open a rig of the posting calls alone; `receipts_port` stands in for the ledger's."""
    ledger = SqliteLedger(path / "relay.sqlite3")
    clock = Clock()
    recipients: dict[str, Recipient] = {}

    async def directory() -> Directory:
        return Directory(version=1, recipients=recipients)

    keys = LedgerKeys(ledger)
    authenticator = _authenticator(keys, clock, requests_per_minute)
    port = receipts_port or LedgerReceipts(ledger)
    threads = LedgerThreads(ledger, rules=Rules(naming=NAMING, may_see=lambda _institution, _message: True))
    ingest = Ingest(port, threads, directory=directory, clock=clock, public_url=URL)
    try:
        await ledger.write(metadata.create_all)
        async with _client(posting_routes(ingest, authenticator)) as client:
            yield Rig(ledger, clock, client, keys, authenticator, recipients)
    finally:
        await ledger.close()


@asynccontextmanager
async def full_rig(path: Path, *recipients: Recipient, url: str = URL) -> AsyncIterator[FullRig]:
    """Open a rig of every call and page, with `recipients` in its directory."""
    ledger = SqliteLedger(path / "relay.sqlite3")
    clock = Clock()
    keys = LedgerKeys(ledger)
    authenticator = _authenticator(keys, clock, 100_000)
    known = {one.id: one for one in recipients}

    def may_see(institution_id: str, message: Message) -> bool:
        recipient = known.get(institution_id)
        if institution_id == message.sender_id or recipient is None:
            return institution_id == message.sender_id
        reader = Reader(recipient=recipient, surface=Surface.API)
        found = disclose(message.alert, reader, sender_id=message.sender_id)
        return found.content is not Content.NOTHING

    threads = LedgerThreads(ledger, rules=Rules(naming=NAMING, may_see=may_see))
    deliveries = LedgerDeliveries(
        ledger,
        rules=DeliveryRules(policy=RetryPolicy(give_up_after=timedelta(days=7))),
        decide=routing.route,
        directory=DirectoryReader(),
    )
    codes: list[tuple[str, str, str]] = []

    async def send_code(address: str, code: str, language: str) -> None:
        codes.append((address, code, language))

    routers = _routers(
        ledger, threads, deliveries, authenticator=authenticator, clock=clock, send_code=send_code, url=url
    )
    classify = ClassifyService(
        threads=threads, catalogue=_catalogue(), structures=None, plan=load_plan_lines(), clock=clock
    )
    notify = NotifyService(
        deliveries, clock=clock, instruments=Instruments(CollectorRegistry()), routed=lambda _routed: None
    )
    taking_part = {one.country: one.participation for one in recipients}
    fill = partial(
        recipient_rows.replace_all,
        recipients=recipients,
        taking_part=taking_part,
        actor="test",
        now=clock.now,
    )
    try:
        await ledger.write(metadata.create_all)
        await ledger.write(fill)
        async with _client(*routers) as client:
            yield FullRig(
                ledger, clock, client, keys, authenticator, known, classify, notify, deliveries, codes
            )
    finally:
        await ledger.close()


def _routers(
    ledger: SqliteLedger,
    threads: LedgerThreads,
    deliveries: LedgerDeliveries,
    *,
    authenticator: Authenticator,
    clock: Clock,
    send_code: Any,
    url: str,
) -> list[APIRouter]:
    directory = deliveries.directory
    stored = LedgerReceipts(ledger)
    reading = Reading(threads, directory=directory, audit=LedgerAudit(ledger), clock=clock)
    sessions = Sessions(
        LedgerSignIns(ledger),
        directory=directory,
        send_code=send_code,
        clock=clock,
        ticks=clock.ticks,
        secure=url.startswith("https"),
    )
    view = View(load_words(), public_url=url)
    teller = Teller(terms=TERMS, places=places)
    signed_in: dict[str, Any] = {"reading": reading, "sessions": sessions, "view": view, "teller": teller}
    signed_in |= {"seals": SEALS, "clock": clock}
    catalogue, plan = _catalogue(), load_plan_lines()

    def dry_run(alert: Alert) -> Classification:
        return classify_alert(alert, catalogue=catalogue, structures=None, plan=plan)

    return [
        posting_routes(
            Ingest(stored, threads, directory=directory, clock=clock, public_url=url), authenticator
        ),
        reading_routes(
            stored, threads, deliveries, reading=reading, authenticator=authenticator, public_url=url
        ),
        dry_run_routes(
            dry_run, terms=TERMS, parse=lambda body: parse(body, now=clock.now), authenticator=authenticator
        ),
        review_routes(
            LedgerReviews(ledger, may_see=lambda _institution, _message: True),
            threads,
            catalogue=catalogue,
            reconsider=reconsidering(catalogue=catalogue, structures=None, plan=plan),
            reading=reading,
            authenticator=authenticator,
            clock=clock,
        ),
        merge_routes(LedgerMerges(ledger), authenticator=authenticator, clock=clock),
        notification_routes(
            deliveries,
            threads,
            reading=reading,
            authenticator=authenticator,
            directory=directory,
            clock=clock,
            public_url=url,
        ),
        answering_routes(
            deliveries,
            threads,
            reading=reading,
            directory=directory,
            keys=LINK_KEYS,
            view=view,
            teller=teller,
            seals=SEALS,
            clock=clock,
            ticks=clock.ticks,
        ),
        alert_routes(deliveries, threads, **signed_in),
        listing_routes(threads, **signed_in),
        signing_in_routes(sessions, view=view, seals=SEALS, clock=clock),
    ]


def _authenticator(keys: LedgerKeys, clock: Clock, requests_per_minute: int) -> Authenticator:
    quota = Quota(requests=requests_per_minute, window=timedelta(minutes=1))
    return Authenticator(keys, quota=quota, clock=clock, ticks=clock.ticks)


def _client(*routers: APIRouter) -> httpx.AsyncClient:
    app = build_application(*routers, version="0", webhooks=described_webhooks())
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=URL)


@cache
def _catalogue() -> Catalogue:
    return load_catalogue()
