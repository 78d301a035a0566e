"""The embedded runtime: every service in one process on one SQLite file.

With `runtime.kafka` one of the two modules that name adapters: it opens the ledger, makes the feeds, and starts
what `runtime.assembly` builds over them.
"""

import asyncio
import gc
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial

import uvloop
from prometheus_client import CollectorRegistry

from services.runtime import ledgers, secrets_file
from services.runtime.assembly import GROUPS, Means, loops_of, metrics_of, now, prepare
from services.runtime.consume import Intake, Service, consume
from services.runtime.lifecycle import Loop, run
from services.runtime.settings import Settings
from services.storage.adapters import LedgerOutbox
from services.storage.feed_sqlite import SqliteFeed
from services.storage.ports import DeadLetters
from services.storage.sqlite import SqliteLedger

_BATCH = 16  # records of one commit; more would hold up the HTTP requests between them
_CLAIMS_END_AFTER = timedelta(minutes=2)  # a start ends those of the process before at once
_IN_FLIGHT_PER_ENDPOINT = 4  # what is sent and not settled when the process is killed is sent again
_COLLECT_AFTER = 20_000  # new objects; most die by themselves with the alert they belong to
# Who has little to do may come a moment later, and do it in larger batches: metrics, and the notifier, for which
# the deliveries follow in the transaction that classifies.
_LINGER = timedelta(milliseconds=50)


def serve(settings: Settings, roles: frozenset[str]) -> None:
    """Run the services of `roles` until SIGTERM; `Misconfigured` where the ledger is not ready for this code."""
    ledgers.require_head(settings.ledger)
    uvloop.run(_serve(settings, roles))


async def _serve(settings: Settings, roles: frozenset[str]) -> None:
    secrets = secrets_file.load(settings)
    async with AsyncExitStack() as stack:
        ledger = SqliteLedger(settings.ledger.path)
        stack.push_async_callback(ledger.close)
        feed, slow_feed = SqliteFeed(ledger, most=_BATCH), SqliteFeed(ledger, most=_BATCH, linger=_LINGER)

        def reader(service: Service, dead_letters: DeadLetters) -> Loop:
            return partial(_consume, service, feed if service.name == "classify" else slow_feed, dead_letters)

        means = Means(
            settings=settings,
            secrets=secrets,
            registry=CollectorRegistry(),
            executor=ledger,
            outbox=LedgerOutbox(ledger),
            reader=reader,
            checks=(),
            groups=tuple(GROUPS),
            claims_end_after=_CLAIMS_END_AFTER,
            in_flight_per_endpoint=_IN_FLIGHT_PER_ENDPOINT,
        )
        parts = await prepare(means, stack, balance=True)
        # the file's lock says: there is no other process whose claims these could be
        await parts.deliveries.release_claims_of_dead_holder(now=now())
        loops = await loops_of(parts, roles, stack)
        if settings.http.metrics_port is not None:
            loops.append(("metrics http", metrics_of(parts, port=settings.http.metrics_port)))
        gc.collect()
        gc.freeze()  # the tables live as long as the process: looking through them again and again costs half of it
        gc.set_threshold(_COLLECT_AFTER, 20, 20)
        await run(loops, drain=settings.drain)


async def _consume(
    service: Service, feed: SqliteFeed, dead_letters: DeadLetters, stop: asyncio.Event
) -> None:
    intake = Intake(service, dead_letters=dead_letters, clock=now, stop=stop)
    await consume(service, feed=feed, intake=intake, stop=stop)
