"""The scale-out runtime: any number of processes of each service on PostgreSQL and Apache Kafka.

With `runtime.embedded` one of the two modules that name adapters: it opens the ledger, publishes what is committed,
and feeds the services that `runtime.assembly` builds, classify by Faust and the others by aiokafka.
"""

import gc
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import uvloop
from prometheus_client import CollectorRegistry

from services.errors import Misconfigured
from services.http.health import Check
from services.runtime import ledgers, secrets_file
from services.runtime.assembly import GROUPS, Means, loops_of, metrics_of, now, prepare
from services.runtime.brokers import connection_of
from services.runtime.consume import Service
from services.runtime.feed_worker import FeedWorker
from services.runtime.instruments import Instruments
from services.runtime.lifecycle import Loop, run
from services.runtime.publishing import Publisher, Sweeper
from services.runtime.settings import Settings
from services.storage.feed_kafka import KafkaFeed
from services.storage.kafka_connection import KafkaConnection
from services.storage.outbox_kafka import PublishedOutbox
from services.storage.ports import DeadLetters
from services.storage.postgresql import PostgresLedger

_BATCH = 16  # records that are handled side by side before their offsets are committed
# Nothing but this ends the claims of a notifier that died. Longer than a webhook may take; an email whose dialogue
# takes longer is tried again under its own id.
_CLAIMS_END_AFTER = timedelta(seconds=30)
_IN_FLIGHT_PER_ENDPOINT = 12  # a settlement takes longer here: with fewer a queue would hardly drain
_COLLECT_AFTER = 20_000  # new objects; most die by themselves with the alert they belong to
_BY_FAUST = "classify"
_LINGER = {
    "metrics": timedelta(milliseconds=500)
}  # counts for whoever looks every few seconds: one fetch for many


def serve(settings: Settings, roles: frozenset[str]) -> None:
    """Run the services of `roles` until SIGTERM.

    `Misconfigured` where a setting is missing or the ledger is not ready for this code; `Transient` where the
    ledger or, for classify, the brokers cannot be reached: the supervisor tries again.
    """
    connection = connection_of(settings.kafka)
    secrets_file.given(settings)
    if "ingest" not in roles and settings.http.metrics_port is None:
        raise Misconfigured(
            "RELAY_HTTP__METRICS_PORT", "is needed: without the API nothing else tells how it is"
        )
    ledgers.require_head(settings.ledger)
    # An outage would write hundreds of lines a second: our own say what matters.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    uvloop.run(_serve(settings, connection, roles))


async def _serve(settings: Settings, connection: KafkaConnection, roles: frozenset[str]) -> None:
    async with AsyncExitStack() as stack:
        ledger = PostgresLedger(ledgers.url_of(settings.ledger), connections=settings.ledger.connections)
        stack.push_async_callback(ledger.close)
        outbox = PublishedOutbox(ledger, connection, clock=now)
        stack.push_async_callback(outbox.close)
        registry = CollectorRegistry()
        instruments = Instruments(registry)
        readers = _Readers(connection, instruments)
        means = Means(
            settings=settings,
            secrets=secrets_file.given(settings),
            registry=registry,
            executor=ledger,
            outbox=outbox,
            reader=readers.loop_of,
            checks=(Check(name="topics", passes=readers.ready),),
            groups=tuple(GROUPS),
            claims_end_after=_CLAIMS_END_AFTER,
            in_flight_per_endpoint=_IN_FLIGHT_PER_ENDPOINT,
        )
        parts = await prepare(means, stack, balance="metrics" in roles)
        loops = await loops_of(parts, roles, stack)
        publisher = Publisher(ledger, connection, clock=now, instruments=instruments)
        ledger.on_append.append(publisher.offer)
        loops.append(("publisher", publisher.run))
        if "upkeep" in roles:
            sweeper = Sweeper(
                ledger,
                connection,
                leases=parts.leases,
                holder=parts.holder,
                clock=now,
                instruments=instruments,
            )
            loops.append(("sweeper", sweeper.run))
        if settings.http.metrics_port is not None:
            loops.append(("metrics http", metrics_of(parts, port=settings.http.metrics_port)))
        gc.collect()
        gc.freeze()  # the tables live as long as the process: looking through them again and again costs half of it
        gc.set_threshold(_COLLECT_AFTER, 20, 20)
        await run(loops, drain=settings.drain)


class _Readers:
    """Makes the loop that feeds each service, and knows whether all of them have their topics."""

    def __init__(self, connection: KafkaConnection, instruments: Instruments) -> None:
        self._connection = connection
        self._instruments = instruments
        self._ready: list[Callable[[], Awaitable[bool]]] = []

    def loop_of(self, service: Service, dead_letters: DeadLetters) -> Loop:
        """Return the loop that feeds `service`."""
        if service.name == _BY_FAUST:
            from services.runtime.faust_worker import FaustWorker  # Faust reads sys.argv, and takes a second

            worker: FaustWorker | FeedWorker = FaustWorker(
                service, self._connection, dead_letters=dead_letters, clock=now
            )
        else:
            feed = KafkaFeed(self._connection, most=_BATCH, linger=_LINGER.get(service.name, timedelta(0)))
            worker = FeedWorker(service, self._connection, feed=feed, dead_letters=dead_letters, clock=now)
        self._instruments.watch(
            service.name, lag=worker.lag, silence=lambda: worker.silence().total_seconds()
        )
        self._ready.append(worker.ready)
        return worker.run

    async def ready(self) -> bool:
        """Return whether each service has a place in its group and hears of the brokers."""
        return all([await ready() for ready in self._ready])
