"""The Faust app: one agent on alerts.v1, no tables, and commits that are contiguous.

Faust 0.15.3 as shipped commits past records that nobody handled: those of an agent that raised, those fetched
before a rebalance and dropped. So its consumer's rule is replaced, its release is checked, and every record is
acknowledged by hand once the ledger has it. Nothing but this module imports Faust, which reads `sys.argv` then.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from importlib.metadata import version
from typing import Any, Final, Protocol

import faust
import faust.streams
from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from mode.supervisors import CrashingSupervisor
from mode.threads import WorkerThread

from services.errors import Misconfigured
from services.storage.kafka_connection import MOST_BYTES, KafkaConnection
from services.storage.kafka_records import Read

RELEASE: Final = "0.15.3"
SESSION: Final = 10.0  # seconds without a sign of life after which the broker gives the partitions to another
_HEARTBEAT: Final = 3.0
_REQUEST: Final = 40.0
_COMMIT_EVERY: Final = 0.3
_MOST_WAITING: Final = 64  # records, each of up to 4 MB: they wait in memory while the ledger is away


class Event(Protocol):
    """A record that waits for its acknowledgement."""

    message: Read

    def ack(self) -> bool:
        """Acknowledge it: its offset may be committed once all before it may."""
        ...


def require_release() -> None:
    """Raise `Misconfigured` for any Faust but the one whose inner parts are replaced here, with its C extension.

    Its iterator in Python acknowledges by itself the records that it skips.
    """
    found = version("faust-streaming")
    if found != RELEASE:
        raise Misconfigured(
            "faust-streaming",
            f"{found} is installed; the rule of its commits is replaced by one written for {RELEASE}",
        )
    if faust.streams._CStreamIterator is None:  # type: ignore[attr-defined]  # noqa: SLF001
        raise Misconfigured(
            "faust-streaming", "its C extension is not in use: install its wheel, and do not set NO_CYTHON"
        )


def next_offset(acknowledged: Collection[int], *, start: int) -> int:
    """Return the first offset from `start` on that is not acknowledged. Pure.

    Gaps are never believed: on a topic without transactions and compaction there are none, and what Faust takes
    for one is also what it fetched and dropped.
    """
    done = set(acknowledged)
    offset = start
    while offset in done:
        offset += 1
    return offset


class _Daemon(WorkerThread):
    """A thread that does not keep a process alive which wants to end."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.daemon = True


class _ConsumerThread(AIOKafkaConsumerThread):
    Worker = _Daemon


class StrictConsumer(Consumer):
    """Commits only what is acknowledged without a gap from the committed offset on."""

    def __post_init__(self) -> None:
        """Begin with logs of which nothing was deleted."""
        super().__post_init__()
        self._log_starts: dict[Any, int] = {}

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def passed_over(self) -> frozenset[tuple[str, int]]:
        """Return the partitions of which the next record is not acknowledged, and a later one is.

        Records are acknowledged in the order in which they came: that one never came, or comes a second time.
        """
        waiting = ((tp, acked, self._start(tp)) for tp, acked in list(self._acked.items()) if acked)
        return frozenset(
            (tp.topic, tp.partition)
            for tp, acked, start in waiting
            if start not in acked and max(acked) > start
        )

    def _start(self, tp: Any) -> int:
        return max(self._committed_offset[tp] or 0, self._log_starts.get(tp, 0))

    def _new_offset(self, tp: Any) -> int | None:
        acked = self._acked[tp]
        start = self._start(tp)
        end = next_offset(acked, start=start)
        if end == start:
            return None
        acked[:] = [offset for offset in acked if offset >= end]
        self._acked_index[tp].difference_update(range(start, end))
        if self._gap[tp]:
            self._gap[tp].chop(0, end)
        return end

    async def _wait_for_ack(self, timeout: float) -> None:  # noqa: ASYNC109  # as Faust calls it
        """Wait until something is acknowledged, at most `timeout` seconds; to be cancelled ends it.

        Faust's own goes on then: a process that is told to stop would wait for ever for what nobody finishes, and
        keep its partitions.
        """
        self._waiting_for_ack = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait([self._waiting_for_ack], timeout=timeout)
        finally:
            self._waiting_for_ack = None

    async def perform_seek(self) -> None:
        """Go to the committed offsets, and learn where the logs begin: retention may have deleted what follows."""
        await super().perform_seek()
        assigned = self.assignment()
        if assigned:
            self._log_starts.update(await self.earliest_offsets(*assigned))


class StrictTransport(Transport):
    """Kafka by aiokafka, with the strict consumer."""

    Consumer = StrictConsumer


class App(faust.App):
    """An app without tables, which needs no files of its own."""

    def _create_directories(self) -> None:
        """Make none."""


def build(
    connection: KafkaConnection,
    *,
    group: str,
    topics: Sequence[str],
    take: Callable[[Event], Awaitable[None]],
) -> App:
    """Return the app that reads `topics` as `group`; call it in the event loop that will run it.

    `take` is given each record in the order of its partition; whoever is done with one acknowledges it.
    """
    require_release()
    app = App(
        group,
        broker=[f"kafka://{server.strip()}" for server in connection.servers.split(",")],
        broker_client_id=connection.client_id,
        broker_credentials=_credentials(connection),
        autodiscover=False,
        web_enabled=False,
        store="memory://",
        topic_allow_declare=False,  # topics are made on purpose, by `relay topics create`
        topic_disable_leader=True,
        agent_supervisor=CrashingSupervisor,
        stream_wait_empty=True,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=SESSION,
        broker_heartbeat_interval=_HEARTBEAT,
        broker_request_timeout=_REQUEST,
        broker_commit_interval=_COMMIT_EVERY,
        broker_max_poll_records=_MOST_WAITING,
        stream_buffer_maxsize=_MOST_WAITING,
        consumer_max_fetch_size=MOST_BYTES,
        producer_acks=-1,
    )
    app.transport = StrictTransport(app.conf.broker_consumer, app)
    source = app.topic(*topics, key_serializer="raw", value_serializer="raw")

    async def stage(stream: Any) -> None:
        events: AsyncIterator[Event] = stream.noack().events()
        async for event in events:
            await take(event)

    app.agent(source, name=group, concurrency=1)(stage)
    return app


def assigned(app: App) -> frozenset[tuple[str, int]]:
    """Return the partitions that this process reads, as (topic, number); none while they are dealt out anew."""
    if app.rebalancing:
        return frozenset()
    try:
        return frozenset((name, number) for name, number in app.consumer.assignment())
    except ConsumerNotStarted:
        return frozenset()


def passed_over(app: App) -> frozenset[tuple[str, int]]:
    """Return the partitions of which a record was passed over, as (topic, number)."""
    try:
        consumer = app.consumer
    except ConsumerNotStarted:
        return frozenset()
    return consumer.passed_over() if isinstance(consumer, StrictConsumer) else frozenset()


def is_member(app: App) -> bool:
    """Return whether the group has dealt out its partitions to this process among others, be it none."""
    return app.rebalancing_count > 0 and not app.rebalancing


def _credentials(connection: KafkaConnection) -> faust.SASLCredentials | faust.SSLCredentials | None:
    options = connection.options()
    context = options.get("ssl_context")
    if connection.protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=connection.username,
            password=connection.password,
            mechanism=connection.mechanism,
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context=context)
