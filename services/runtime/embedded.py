"""The embedded runtime: every service in one process on one SQLite file.

One of the only two modules that name adapters. It builds what the services need from the settings, starts
their loops, and nothing else.
"""

import asyncio
import random
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

import uvloop
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from schemas.events import ALERTS, CLASSIFIED, DELIVERIES
from services.classify.service import ClassifyService
from services.classify.structure import StructureReader
from services.errors import Misconfigured
from services.http.application import build_application
from services.http.authentication import Authenticator
from services.http.limits import Quota
from services.ingest.api import posting_routes
from services.ingest.service import Ingest
from services.notify import routing
from services.notify.channels.address_guard import AddressGuard
from services.notify.channels.sending import Addressing, Channels, Renderers, Sender
from services.notify.channels.webhook import WebhookChannel
from services.notify.dispatch import Dispatcher
from services.notify.instruments import Instruments as NotifyInstruments
from services.notify.links import LinkKeys
from services.notify.retry import DeliveryRules, RetryPolicy
from services.notify.service import NotifyService
from services.notify.webhook_body import render_webhook
from services.reference import places
from services.reference.loader import load_catalogue
from services.reference.plan import load_plan_lines
from services.reference.structural import load_class_rules
from services.reference.terms import load_terms
from services.runtime import secrets_file, server
from services.runtime.consume import Service, consume
from services.runtime.eyes import Eyes
from services.runtime.lifecycle import Loop, run
from services.runtime.secrets_file import Secrets
from services.runtime.settings import Settings
from services.storage import migrations
from services.storage.adapters import LedgerDeadLetters, LedgerKeys, LedgerReceipts
from services.storage.deliveries import LedgerDeliveries
from services.storage.directory import LedgerSecrets
from services.storage.feed_sqlite import SqliteFeed
from services.storage.ports import DeadLetters
from services.storage.recipients import DirectoryReader
from services.storage.serials import Naming
from services.storage.settling import Rules
from services.storage.sqlite import SqliteLedger, open_engine
from services.storage.threads import LedgerThreads
from services.storage.webhook_secrets import SecretBox

GROUPS = {"classify": (ALERTS,), "notify": (CLASSIFIED,), "metrics": (ALERTS, CLASSIFIED, DELIVERIES)}
_BATCH = 16  # records of one commit; more would hold up the HTTP requests between them
_DRAW = random.SystemRandom()


def serve(settings: Settings, roles: frozenset[str]) -> None:
    """Run the services of `roles` until SIGTERM; `Misconfigured` where the ledger is not ready for this code."""
    uvloop.run(_serve(settings, roles))


def now() -> datetime:
    """Return the time; the one clock of the embedded runtime."""
    return datetime.now(UTC)


async def _serve(settings: Settings, roles: frozenset[str]) -> None:
    _require_head(settings)
    secrets = secrets_file.load(settings)
    async with AsyncExitStack() as stack:
        ledger = SqliteLedger(settings.ledger.path)
        stack.push_async_callback(ledger.close)
        parts = await _build(settings, secrets, ledger, stack)
        loops = [(name, loop) for role, name, loop in parts if role in roles]
        await run(loops, drain=settings.drain)


async def _build(
    settings: Settings, secrets: Secrets, ledger: SqliteLedger, stack: AsyncExitStack
) -> list[tuple[str, str, Loop]]:
    """Return every loop as (role, name, loop)."""
    registry = CollectorRegistry()
    directory = DirectoryReader()
    eyes = Eyes(partial(ledger.read, directory))
    threads = LedgerThreads(ledger, rules=Rules(naming=_naming(settings, secrets), may_see=eyes.may_see))
    receipts = LedgerReceipts(ledger)
    deliveries = LedgerDeliveries(
        ledger,
        rules=DeliveryRules(policy=RetryPolicy(give_up_after=settings.notify.give_up_after)),
        decide=routing.route,
        directory=directory,
        per_endpoint=settings.notify.in_flight_per_endpoint,
    )
    await deliveries.release_claims_of_dead_holder(now=now())  # the file's lock says: there is no other
    await eyes.refresh()
    dead_letters = LedgerDeadLetters(ledger)
    feed = SqliteFeed(ledger, most=_BATCH)
    webhook = await stack.enter_async_context(
        WebhookChannel(
            AddressGuard([str(network) for network in settings.notify.allow_networks]),
            timeout=settings.notify.webhook_timeout,
        )
    )
    terms = load_terms()
    sender = Sender(
        deliveries,
        LedgerSecrets(ledger, SecretBox([key.decode() for key in secrets.at_rest])),
        Channels(webhook=webhook, email=None),
        Renderers(webhook=partial(render_webhook, terms=terms, places=places), email=None),
        addressing=Addressing(base_url=str(settings.http.public_url).rstrip("/"), keys=_link_keys(secrets)),
    )
    instruments = NotifyInstruments(registry)
    dispatcher = Dispatcher(
        deliveries,
        sender,
        instruments=instruments,
        clock=now,
        draw=_DRAW.random,
        most=settings.notify.in_flight,
        drain=settings.drain,
    )
    classify = ClassifyService(
        threads=threads,
        catalogue=load_catalogue(),
        structures=StructureReader(load_class_rules()),
        plan=load_plan_lines(),
        clock=now,
    )
    notify = NotifyService(deliveries, clock=now, instruments=instruments, routed=dispatcher.routed)
    authenticator = Authenticator(
        LedgerKeys(ledger),
        quota=Quota(requests=settings.http.requests_per_minute, window=timedelta(minutes=1)),
        clock=now,
        ticks=time.monotonic,
    )
    ingest = Ingest(
        receipts, directory=deliveries.directory, clock=now, public_url=str(settings.http.public_url)
    )
    application = build_application(posting_routes(ingest, authenticator), version="0.1.0")

    def reader(service: Service) -> Loop:
        return partial(_consume, service, feed, dead_letters)

    return [
        ("ingest", "http", partial(_http, application, settings)),
        ("ingest", "directory", eyes.run),
        ("classify", "classify", reader(classify)),
        ("notify", "notify", reader(notify)),
        ("notify", "dispatcher", dispatcher.run),
    ]


def _naming(settings: Settings, secrets: Secrets) -> Naming:
    return Naming(prefix=settings.classify.relay_prefix, secret=secrets.links[min(secrets.links)])


def _link_keys(secrets: Secrets) -> LinkKeys:
    return LinkKeys(keys=secrets.links, current=max(secrets.links))


async def _consume(
    service: Service, feed: SqliteFeed, dead_letters: DeadLetters, stop: asyncio.Event
) -> None:
    await consume(service, feed=feed, dead_letters=dead_letters, clock=now, stop=stop)


async def _http(application: ASGIApp, settings: Settings, stop: asyncio.Event) -> None:
    http = settings.http
    await server.serve(application, host=http.host, port=http.port, drain=settings.drain, stop=stop)


def _require_head(settings: Settings) -> None:
    engine = open_engine(settings.ledger.path)
    with engine.connect() as connection:
        found = migrations.revision(connection)
    engine.dispose()
    if found != migrations.HEAD:
        raise Misconfigured(
            "RELAY_LEDGER__PATH",
            f"{settings.ledger.path} is at {found or 'no revision'}, this code needs {migrations.HEAD}: "
            "run `relay migrate`",
        )
