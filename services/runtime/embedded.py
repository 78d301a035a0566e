"""The embedded runtime: every service in one process on one SQLite file.

One of the only two modules that name adapters. It builds what the services need from the settings, starts
their loops, and nothing else.
"""

import asyncio
import gc
import random
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlsplit
from uuid import uuid4

import uvloop
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp

from schemas.events import ALERTS, CLASSIFIED, DELIVERIES
from services.classify.assess import classify_alert
from services.classify.reviewing import reconsidering
from services.classify.service import ClassifyService, Reclassifier
from services.errors import Misconfigured
from services.http.health import Check
from services.metrics.instruments import Instruments as MetricsInstruments
from services.metrics.service import LedgerCollector, Metrics
from services.notify import routing
from services.notify.channels.address_guard import AddressGuard
from services.notify.channels.email_smtp import SmtpChannel, SmtpServer
from services.notify.channels.mailing import mail_renderer
from services.notify.channels.sending import Addressing, Channels, Renderers, Sender
from services.notify.channels.webhook import WebhookChannel
from services.notify.dispatch import Dispatcher
from services.notify.instruments import Instruments as NotifyInstruments
from services.notify.links import LinkKeys
from services.notify.retry import DeliveryRules, RetryPolicy
from services.notify.service import Chaser, NotifyService
from services.notify.webhook_body import render_webhook
from services.reference import places
from services.reference.terms import Terms, load_terms
from services.runtime import secrets_file, server
from services.runtime.consume import Service, consume
from services.runtime.eyes import Eyes
from services.runtime.lifecycle import Loop, run
from services.runtime.secrets_file import Secrets
from services.runtime.settings import Settings
from services.runtime.tables import load as load_tables
from services.runtime.web import Web, application, metrics_application
from services.storage import migrations
from services.storage.adapters import (
    LedgerAudit,
    LedgerDeadLetters,
    LedgerKeys,
    LedgerLeases,
    LedgerOutbox,
    LedgerReceipts,
    LedgerSignIns,
)
from services.storage.deliveries import LedgerDeliveries
from services.storage.directory import LedgerSecrets
from services.storage.feed_sqlite import SqliteFeed
from services.storage.ports import DeadLetters
from services.storage.receipts import RETENTION_OF_KEYS
from services.storage.recipients import DirectoryReader
from services.storage.reviews import LedgerReviews
from services.storage.serials import Naming
from services.storage.settling import Rules
from services.storage.sqlite import SqliteLedger, open_engine
from services.storage.threads import LedgerThreads
from services.storage.webhook_secrets import SecretBox
from services.upkeep.deadlines import Policy
from services.upkeep.instruments import Instruments as UpkeepInstruments
from services.upkeep.service import Upkeep

GROUPS = {"classify": (ALERTS,), "notify": (CLASSIFIED,), "metrics": (ALERTS, CLASSIFIED, DELIVERIES)}
_BATCH = 16  # records of one commit; more would hold up the HTTP requests between them
_COLLECT_AFTER = 20_000  # new objects; most die by themselves with the alert they belong to
_LINGER = timedelta(milliseconds=50)  # metrics may come a moment later, and in larger batches
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
        gc.collect()
        gc.freeze()  # the tables live as long as the process: looking through them again and again costs half of it
        gc.set_threshold(_COLLECT_AFTER, 20, 20)
        await run(loops, drain=settings.drain)


async def _build(
    settings: Settings, secrets: Secrets, ledger: SqliteLedger, stack: AsyncExitStack
) -> list[tuple[str, str, Loop]]:
    """Return every loop as (role, name, loop)."""
    registry = CollectorRegistry()
    directory = DirectoryReader()
    eyes = Eyes(partial(ledger.read, directory))
    await eyes.refresh()
    threads = LedgerThreads(ledger, rules=Rules(naming=_naming(settings, secrets), may_see=eyes.may_see))
    deliveries = _deliveries(settings, ledger, directory)
    await deliveries.release_claims_of_dead_holder(now=now())  # the file's lock says: there is no other
    mail = await stack.enter_async_context(_mail(settings))
    terms, keys = load_terms(), _link_keys(secrets)
    sender = await _sender(settings, secrets, ledger, deliveries, (mail, terms, keys), stack)
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
    tables = load_tables(settings.classify.catalogue)
    holder = str(uuid4())
    reviews = LedgerReviews(ledger, may_see=eyes.may_see)
    reconsider = reconsidering(catalogue=tables.catalogue, structures=tables.structures, plan=tables.plan)
    receipts, outbox, leases = LedgerReceipts(ledger), LedgerOutbox(ledger), LedgerLeases(ledger)
    dead_letters, audit = LedgerDeadLetters(ledger), LedgerAudit(ledger)
    collector = LedgerCollector(
        receipts=receipts,
        deliveries=deliveries,
        outbox=outbox,
        dead_letters=dead_letters,
        leases=leases,
        groups=GROUPS,
        clock=now,
    )
    registry.register(collector)
    checks = (Check(name="ledger", passes=partial(_answers, ledger)),)
    web = Web(
        settings=settings,
        receipts=receipts,
        threads=threads,
        reviews=reviews,
        deliveries=deliveries,
        keys=LedgerKeys(ledger),
        sign_ins=LedgerSignIns(ledger),
        audit=audit,
        directory=deliveries.directory,
        classify=partial(
            classify_alert, catalogue=tables.catalogue, structures=tables.structures, plan=tables.plan
        ),
        reconsider=reconsider,
        catalogue=tables.catalogue,
        mail=mail,
        link_keys=keys,
        terms=terms,
        places=places,
        registry=registry,
        refresh=collector.refresh,
        checks=checks,
        clock=now,
    )
    upkeep = Upkeep(
        receipts=receipts,
        threads=threads,
        deliveries=deliveries,
        outbox=outbox,
        audit=audit,
        leases=leases,
        instruments=UpkeepInstruments(registry),
        policy=Policy(
            every=settings.upkeep.every,
            reconcile_after=settings.upkeep.reconcile_after,
            keep_outbox=settings.upkeep.keep_outbox,
            keep_keys=RETENTION_OF_KEYS,
        ),
        groups=tuple(GROUPS),
        holder=holder,
        clock=now,
    )
    feed, slow_feed = SqliteFeed(ledger, most=_BATCH), SqliteFeed(ledger, most=_BATCH, linger=_LINGER)

    def reader(service: Service, *, reads: SqliteFeed = feed) -> Loop:
        return partial(_consume, service, reads, dead_letters)

    return [
        *(("ingest", name, loop) for name, loop in _http(web, settings)),
        ("ingest", "directory", eyes.run),
        (
            "classify",
            "classify",
            reader(
                ClassifyService(
                    threads=threads,
                    catalogue=tables.catalogue,
                    structures=tables.structures,
                    plan=tables.plan,
                    clock=now,
                )
            ),
        ),
        (
            "classify",
            "reclassifier",
            Reclassifier(
                reviews,
                leases,
                reconsider=reconsider,
                catalogue_version=tables.catalogue.version,
                holder=holder,
                clock=now,
            ).run,
        ),
        (
            "notify",
            "notify",
            reader(NotifyService(deliveries, clock=now, instruments=instruments, routed=dispatcher.routed)),
        ),
        ("notify", "dispatcher", dispatcher.run),
        (
            "notify",
            "chaser",
            Chaser(deliveries, clock=now, instruments=instruments, wake=dispatcher.wake).run,
        ),
        (
            "metrics",
            "metrics",
            reader(Metrics(receipts=receipts, instruments=MetricsInstruments(registry)), reads=slow_feed),
        ),
        *(("upkeep", name, loop) for name, loop in upkeep.loops),
    ]


def _deliveries(settings: Settings, ledger: SqliteLedger, directory: DirectoryReader) -> LedgerDeliveries:
    return LedgerDeliveries(
        ledger,
        rules=DeliveryRules(policy=RetryPolicy(give_up_after=settings.notify.give_up_after)),
        decide=routing.route,
        directory=directory,
        per_endpoint=settings.notify.in_flight_per_endpoint,
    )


def _mail(settings: Settings) -> SmtpChannel:
    email = settings.email
    smtp = SmtpServer(
        host=email.host,
        port=email.port,
        tls=email.tls,
        username=email.username,
        password=email.password.get_secret_value() if email.password else None,
    )
    if email.username is not None and email.tls == "none":
        raise Misconfigured("RELAY_EMAIL__TLS", "a login without TLS would show the password")
    return SmtpChannel(smtp, sender=email.sender, timeout=email.timeout, connections=email.connections)


async def _sender(
    settings: Settings,
    secrets: Secrets,
    ledger: SqliteLedger,
    deliveries: LedgerDeliveries,
    letters: tuple[SmtpChannel, Terms, LinkKeys],
    stack: AsyncExitStack,
) -> Sender:
    mail, terms, keys = letters
    guard = AddressGuard([str(network) for network in settings.notify.allow_networks])
    webhook = await stack.enter_async_context(WebhookChannel(guard, timeout=settings.notify.webhook_timeout))
    url = str(settings.http.public_url).rstrip("/")
    email = mail_renderer(
        terms=terms,
        places=places,
        domain=urlsplit(url).hostname or "localhost",
        sender=settings.email.sender,
        reply_to=settings.email.reply_to,
    )
    return Sender(
        deliveries,
        LedgerSecrets(ledger, SecretBox([key.decode() for key in secrets.at_rest])),
        Channels(webhook=webhook, email=mail),
        Renderers(webhook=partial(render_webhook, terms=terms, places=places), email=email),
        addressing=Addressing(base_url=url, keys=keys),
    )


def _http(web: Web, settings: Settings) -> list[tuple[str, Loop]]:
    http = settings.http
    serve_at = partial(server.serve, drain=settings.drain)

    def at(application: ASGIApp, host: str, port: int, *, setting: str) -> Loop:
        async def run_server(stop: asyncio.Event) -> None:
            await serve_at(application, host=host, port=port, setting=setting, stop=stop)

        return run_server

    loops = [("http", at(application(web), http.host, http.port, setting="RELAY_HTTP__PORT"))]
    if http.metrics_port is not None:
        metrics = metrics_application(web.registry, refresh=web.refresh, checks=web.checks)
        own = at(metrics, http.metrics_host, http.metrics_port, setting="RELAY_HTTP__METRICS_PORT")
        loops.append(("metrics http", own))
    return loops


async def _answers(ledger: SqliteLedger) -> bool:
    try:
        return await ledger.read(migrations.revision) == migrations.HEAD
    except SQLAlchemyError:
        return False


async def _consume(
    service: Service, feed: SqliteFeed, dead_letters: DeadLetters, stop: asyncio.Event
) -> None:
    await consume(service, feed=feed, dead_letters=dead_letters, clock=now, stop=stop)


def _naming(settings: Settings, secrets: Secrets) -> Naming:
    return Naming(prefix=settings.classify.relay_prefix, secret=secrets.links[min(secrets.links)])


def _link_keys(secrets: Secrets) -> LinkKeys:
    return LinkKeys(keys=secrets.links, current=max(secrets.links))


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
