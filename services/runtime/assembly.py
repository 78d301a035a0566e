"""The services of a process, built over what its runtime brings: the same for every transport and ledger.

It knows the ports over an executor, and neither which database stands behind it nor how records travel.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Final
from uuid import uuid4

from prometheus_client import CollectorRegistry
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp

from schemas.events import ALERTS, CLASSIFIED, DELIVERIES
from services.classify.assess import classify_alert
from services.classify.reviewing import reconsidering
from services.classify.service import ClassifyService, Reclassifier
from services.errors import Transient
from services.http.health import Check
from services.metrics.api import Refresh
from services.metrics.instruments import Instruments as MetricsInstruments
from services.metrics.service import LedgerCollector, Metrics
from services.notify import routing
from services.notify.channels.email_smtp import SmtpChannel
from services.notify.dispatch import Dispatcher
from services.notify.instruments import Instruments as NotifyInstruments
from services.notify.links import LinkKeys
from services.notify.retry import DeliveryRules, RetryPolicy
from services.notify.service import Chaser, NotifyService
from services.reference import places
from services.reference.terms import Terms, load_terms
from services.runtime import server
from services.runtime.consume import Service
from services.runtime.eyes import Eyes
from services.runtime.lifecycle import Loop
from services.runtime.secrets_file import Secrets
from services.runtime.sending import mail_channel, sender_over
from services.runtime.settings import Settings
from services.runtime.tables import Tables
from services.runtime.tables import load as load_tables
from services.runtime.web import Web, application, metrics_application
from services.storage import migrations
from services.storage.adapters import (
    LedgerAudit,
    LedgerDeadLetters,
    LedgerKeys,
    LedgerLeases,
    LedgerReceipts,
    LedgerSignIns,
)
from services.storage.deliveries import LedgerDeliveries
from services.storage.delivery_records import Followed
from services.storage.merges import LedgerMerges
from services.storage.ports import DeadLetters, Executor, Leases, Outbox, Receipts
from services.storage.receipts import RETENTION_OF_KEYS
from services.storage.recipients import DirectoryReader
from services.storage.review_records import Reconsider
from services.storage.reviews import LedgerReviews
from services.storage.serials import Naming
from services.storage.settling import Rules
from services.storage.threads import LedgerThreads
from services.upkeep.deadlines import Policy
from services.upkeep.instruments import Instruments as UpkeepInstruments
from services.upkeep.service import Upkeep

GROUPS: Final[Mapping[str, Sequence[str]]] = {
    "classify": (ALERTS,),
    "notify": (CLASSIFIED,),
    "metrics": (ALERTS, CLASSIFIED, DELIVERIES),
}
_DRAW = random.SystemRandom()

Loops = list[tuple[str, Loop]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a runtime brings.

    `reader` makes the loop that feeds a service; what can never be read goes to the dead letters it is given.
    `groups` read the outbox table itself, so that none of it is pruned before them. `claims_end_after`: when an
    attempt that was not settled is another's to make. `in_flight_per_endpoint`: of all processes together, unless
    a setting says.
    """

    settings: Settings
    secrets: Secrets
    registry: CollectorRegistry
    executor: Executor
    outbox: Outbox
    reader: Callable[[Service, DeadLetters], Loop]
    checks: Sequence[Check]
    groups: Sequence[str]
    claims_end_after: timedelta
    in_flight_per_endpoint: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What several services of a process share."""

    means: Means
    tables: Callable[[], Tables]  # a third of a second and 20 MB: loaded once, for those who classify
    eyes: Eyes
    threads: LedgerThreads
    reviews: LedgerReviews
    deliveries: LedgerDeliveries
    receipts: Receipts
    dead_letters: DeadLetters
    leases: Leases
    audit: LedgerAudit
    mail: SmtpChannel
    terms: Terms
    link_keys: LinkKeys
    holder: str  # names this process in leases
    checks: Sequence[Check]
    refresh: Refresh


def now() -> datetime:
    """Return the time; the one clock of a process."""
    return datetime.now(UTC)


async def prepare(means: Means, stack: AsyncExitStack, *, balance: bool) -> Parts:
    """Build what is shared; `balance` asks the ledger before every scrape what is late and what is open."""
    settings, executor, directory = means.settings, means.executor, DirectoryReader()
    eyes = Eyes(partial(executor.read, directory))
    await eyes.refresh()
    links = means.secrets.links
    naming = Naming(prefix=settings.classify.relay_prefix, secret=links[min(links)])
    deliveries = LedgerDeliveries(
        executor,
        rules=DeliveryRules(policy=RetryPolicy(give_up_after=settings.notify.give_up_after)),
        decide=routing.route,
        directory=directory,
        per_endpoint=settings.notify.in_flight_per_endpoint or means.in_flight_per_endpoint,
        lease=means.claims_end_after,
    )
    receipts, dead_letters = LedgerReceipts(executor), LedgerDeadLetters(executor)
    leases = LedgerLeases(executor)
    refresh: Refresh = _nothing
    if balance:
        collector = LedgerCollector(
            receipts=receipts,
            deliveries=deliveries,
            outbox=means.outbox,
            dead_letters=dead_letters,
            leases=leases,
            groups=GROUPS,
            clock=now,
        )
        means.registry.register(collector)
        refresh = collector.refresh
    return Parts(
        means=means,
        tables=cache(partial(load_tables, settings.classify.catalogue)),
        eyes=eyes,
        threads=LedgerThreads(executor, rules=Rules(naming=naming, may_see=eyes.may_see)),
        reviews=LedgerReviews(executor, may_see=eyes.may_see),
        deliveries=deliveries,
        receipts=receipts,
        dead_letters=dead_letters,
        leases=leases,
        audit=LedgerAudit(executor),
        mail=await stack.enter_async_context(mail_channel(settings, claims_end_after=means.claims_end_after)),
        terms=load_terms(),
        link_keys=LinkKeys(keys=links, current=max(links)),
        holder=str(uuid4()),
        checks=(Check(name="ledger", passes=partial(ledger_is_ready, executor)), *means.checks),
        refresh=refresh,
    )


async def loops_of(parts: Parts, roles: frozenset[str], stack: AsyncExitStack) -> Loops:
    """Return every loop of the services `roles` with its name."""
    loops: Loops = []
    if roles & {"ingest", "classify"}:
        loops.append(("directory", parts.eyes.run))
    if "ingest" in roles:
        loops.append(("http", api_of(parts)))
    if "classify" in roles:
        loops += _classify(parts, stack)
    if "notify" in roles:
        loops += await _notify(parts, stack)
    if "metrics" in roles:
        instruments = MetricsInstruments(parts.means.registry)
        loops.append(("metrics", _read(parts, Metrics(receipts=parts.receipts, instruments=instruments))))
    if "upkeep" in roles:
        loops += _upkeep(parts)
    return loops


def api_of(parts: Parts) -> Loop:
    """Return the loop of the HTTP API and the pages."""
    means, http = parts.means, parts.means.settings.http
    tables = parts.tables()
    web = Web(
        settings=means.settings,
        receipts=parts.receipts,
        threads=parts.threads,
        reviews=parts.reviews,
        merges=LedgerMerges(means.executor),
        deliveries=parts.deliveries,
        keys=LedgerKeys(means.executor),
        sign_ins=LedgerSignIns(means.executor),
        audit=parts.audit,
        directory=parts.deliveries.directory,
        classify=partial(
            classify_alert, catalogue=tables.catalogue, structures=tables.structures, plan=tables.plan
        ),
        reconsider=_reconsidering(tables),
        catalogue=tables.catalogue,
        mail=parts.mail,
        link_keys=parts.link_keys,
        terms=parts.terms,
        places=places,
        registry=parts.means.registry,
        refresh=parts.refresh,
        checks=parts.checks,
        clock=now,
    )
    return _served(parts, application(web), http.host, http.port, setting="RELAY_HTTP__PORT")


def metrics_of(parts: Parts, *, port: int) -> Loop:
    """Return the loop of the port that only Prometheus and the supervisor reach."""
    own = metrics_application(parts.means.registry, refresh=parts.refresh, checks=parts.checks)
    host = parts.means.settings.http.metrics_host
    return _served(parts, own, host, port, setting="RELAY_HTTP__METRICS_PORT")


def _classify(parts: Parts, stack: AsyncExitStack) -> Loops:
    tables = parts.tables()
    service = ClassifyService(
        threads=parts.threads,
        catalogue=tables.catalogue,
        structures=tables.structures,
        plan=tables.plan,
        clock=now,
    )
    reclassifier = Reclassifier(
        parts.reviews,
        parts.leases,
        reconsider=_reconsidering(tables),
        catalogue_version=tables.catalogue.version,
        holder=parts.holder,
        clock=now,
    )
    stack.callback(service.follow())
    return [("classify", _read(parts, service)), ("reclassifier", reclassifier.run)]


async def _notify(parts: Parts, stack: AsyncExitStack) -> Loops:
    means, settings = parts.means, parts.means.settings
    sender = await sender_over(
        parts.deliveries,
        settings=settings,
        secrets=means.secrets,
        executor=means.executor,
        mail=parts.mail,
        terms=parts.terms,
        keys=parts.link_keys,
        stack=stack,
    )
    instruments = NotifyInstruments(parts.means.registry)
    dispatcher = Dispatcher(
        parts.deliveries,
        sender,
        instruments=instruments,
        clock=now,
        draw=_DRAW.random,
        most=settings.notify.in_flight,
        drain=settings.drain,
        # what a dead notifier had claimed counts against its endpoints until somebody looks
        expire_every=means.claims_end_after / 6,
    )
    service = NotifyService(parts.deliveries, clock=now, instruments=instruments, routed=dispatcher.routed)
    chaser = Chaser(parts.deliveries, clock=now, instruments=instruments, wake=dispatcher.wake)

    def followed(done: Followed) -> None:
        service.followed(done)
        dispatcher.followed(done)

    stack.callback(parts.deliveries.follow(followed, appetite=dispatcher.appetite, clock=now))
    return [("notify", _read(parts, service)), ("dispatcher", dispatcher.run), ("chaser", chaser.run)]


def _upkeep(parts: Parts) -> Loops:
    upkeep = parts.means.settings.upkeep
    service = Upkeep(
        receipts=parts.receipts,
        threads=parts.threads,
        deliveries=parts.deliveries,
        outbox=parts.means.outbox,
        audit=parts.audit,
        leases=parts.leases,
        instruments=UpkeepInstruments(parts.means.registry),
        policy=Policy(
            every=upkeep.every,
            reconcile_after=upkeep.reconcile_after,
            keep_outbox=upkeep.keep_outbox,
            keep_keys=RETENTION_OF_KEYS,
        ),
        groups=parts.means.groups,
        holder=parts.holder,
        clock=now,
    )
    return list(service.loops)


def _reconsidering(tables: Tables) -> Reconsider:
    return reconsidering(catalogue=tables.catalogue, structures=tables.structures, plan=tables.plan)


def _read(parts: Parts, service: Service) -> Loop:
    return parts.means.reader(service, parts.dead_letters)


def _served(parts: Parts, application: ASGIApp, host: str, port: int, *, setting: str) -> Loop:
    async def run_server(stop: asyncio.Event) -> None:
        drain = parts.means.settings.drain
        await server.serve(application, host=host, port=port, setting=setting, drain=drain, stop=stop)

    return run_server


async def ledger_is_ready(executor: Executor) -> bool:
    """Return whether the ledger answers, and is one that this code can run over."""
    try:
        return (await executor.read(migrations.standing)).unfit() is None
    except (SQLAlchemyError, Transient):
        return False


async def _nothing() -> None:
    """Ask the ledger nothing: another process tells what is late."""
