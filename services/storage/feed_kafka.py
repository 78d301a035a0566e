"""The feed of the scale-out runtime: an aiokafka consumer for each group, offsets committed by hand.

A record belongs to the assignment under which it was read (its `epoch`). When partitions are taken away we wait,
not for long, for the batch in hand, commit what is acknowledged and begin a new epoch; whatever was read before it is
neither handed out nor committed any more: the partition's next holder repeats it. No lock is held while we wait for
records: during a rebalance that wait has no end of its own.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from heapq import merge
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from services.errors import Transient
from services.storage import kafka_topics
from services.storage.kafka_connection import MOST_BYTES, KafkaConnection
from services.storage.kafka_positions import Positions
from services.storage.kafka_records import record_of
from services.storage.records import Record

log = structlog.get_logger(__name__)

SESSION: Final = timedelta(seconds=10)
_POLL: Final = 200  # milliseconds; records wake us sooner
_COMMIT_AFTER: Final = 0.25  # seconds between two commits
_COMMIT_WITHIN: Final = 1.0  # the reader waits for it
_COMMIT_AGAIN_AFTER: Final = 3.0
_LAST_COMMIT_WITHIN: Final = 5.0
_START_WITHIN: Final = 60.0
_CLOSE_WITHIN: Final = 5.0
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 5.0
_BUSY_FOR: Final = 5.0  # after a full batch; above what a commit between two may take
_GATHERED: Final = 1 << 18  # bytes that are answered at once, however long the brokers may linger


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaRecord(Record):
    """A record with its partition and the assignment under which it was read."""

    partition: int
    epoch: int


class KafkaFeed:
    """Reads topics as a member of a consumer group; one reader of each group."""

    def __init__(
        self,
        connection: KafkaConnection,
        *,
        most: int,
        session: timedelta = SESSION,
        linger: timedelta = timedelta(0),
    ) -> None:
        """Yield at most `most` records at a time; a member that is silent for `session` loses its partitions.

        With `linger`, below a second, the brokers let records gather for so long before they answer.
        """
        self._connection = connection
        self._most = most
        self._session = session
        self._linger = linger
        self._members: dict[str, _Member] = {}

    async def read(
        self, topics: Sequence[str], *, group: str, stop: asyncio.Event
    ) -> AsyncIterator[list[Record]]:
        """Yield records behind the group's committed offsets until `stop` is set.

        Waits for brokers and topics that are not there; a fault of theirs begins a new membership. Raises nothing.
        """
        wait = _FIRST_PAUSE
        heard_at = time.monotonic()
        while not stop.is_set():
            member = self._members[group] = _Member(
                self._connection,
                topics,
                group=group,
                most=self._most,
                session=self._session,
                linger=self._linger,
                heard_at=heard_at,
            )
            try:
                if await member.join(stop):
                    wait = _FIRST_PAUSE
                    async for batch in member.batches(stop):
                        yield batch
            except (KafkaError, Transient, OSError, TimeoutError) as fault:
                log.warning("cannot read", group=group, fault=str(fault) or type(fault).__name__)
                await _pause(stop, wait)
                wait = min(wait * 2, _LONGEST_PAUSE)
            finally:
                await member.leave()
                heard_at = time.monotonic() - member.silence.total_seconds()

    async def acknowledge(self, records: Sequence[Record], *, group: str) -> None:
        """Note that these are done with; committed up to the first of a partition that is not."""
        await self._members[group].acknowledge(records)

    def ready(self, group: str) -> bool:
        """Return whether the group's reader is a member whose topics are all there, and which the brokers answer."""
        member = self._members.get(group)
        return member is not None and member.ready

    def assigned(self, group: str) -> frozenset[tuple[str, int]]:
        """Return the partitions that the group's reader holds, as (topic, number)."""
        member = self._members.get(group)
        return frozenset() if member is None else member.assigned

    def is_busy(self, group: str) -> bool:
        """Return whether batches come full: what lies behind them waits for its turn."""
        member = self._members.get(group)
        return member is not None and member.is_busy

    def silence(self, group: str) -> timedelta:
        """Return how long the brokers have not answered a fetch; of several partitions the longest.

        Without an assignment it counts on: from when reading began, or from the last answer before.
        """
        member = self._members.get(group)
        return timedelta(0) if member is None else member.silence

    def lag(self, group: str) -> int:
        """Return how many records of its partitions the group's reader has still to acknowledge."""
        member = self._members.get(group)
        return 0 if member is None else member.lag


class _Member(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """One membership of a group, from joining to leaving."""

    def __init__(
        self,
        connection: KafkaConnection,
        topics: Sequence[str],
        *,
        group: str,
        most: int,
        session: timedelta,
        linger: timedelta,
        heard_at: float,
    ) -> None:
        self._connection = connection
        self._topics = tuple(topics)
        self._group = group
        self._most = most
        self._session = session.total_seconds()
        self._linger = linger
        self._consumer: AIOKafkaConsumer | None = None
        self._positions: Positions[TopicPartition] = Positions()
        self._epoch = 0
        self._assigned = False
        self._idle = asyncio.Event()  # clear while a batch is in the reader's hands
        self._idle.set()
        self._committing = asyncio.Lock()
        self._commit_at = 0.0
        self._full_at = -_BUSY_FOR  # monotonic
        self._began_at = heard_at  # monotonic: without an answer of a fetch, silence is counted from here

    async def join(self, stop: asyncio.Event) -> bool:
        """Join the group once all topics are there; False: `stop` came first. Raises what the library raises."""
        absent = await kafka_topics.missing(self._connection, self._topics)
        if absent:
            raise Transient(f"topics that do not exist: {', '.join(absent)}; run `relay topics create`")
        session = int(self._session * 1000)
        consumer = AIOKafkaConsumer(
            **self._connection.options(),
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=session,
            heartbeat_interval_ms=session // 5,
            rebalance_timeout_ms=session * 2,
            max_partition_fetch_bytes=MOST_BYTES,
            **_lingering(self._linger),
        )
        self._consumer = consumer
        consumer.subscribe(self._topics, listener=self)
        async with asyncio.timeout(_START_WITHIN):
            return await _unless(stop, asyncio.ensure_future(consumer.start()))

    async def batches(self, stop: asyncio.Event) -> AsyncIterator[list[Record]]:
        """Yield what is read, in order per partition, oldest first."""
        while not stop.is_set():
            fetching = asyncio.ensure_future(self._fetch())
            if not await _unless(stop, fetching):
                break
            batch = self._accept(*fetching.result())
            if batch:
                self._idle.clear()
                try:
                    yield batch
                finally:
                    self._idle.set()
            await self._commit_now_and_then()

    async def acknowledge(self, records: Sequence[Record]) -> None:
        for record in records:
            if isinstance(record, KafkaRecord) and record.epoch == self._epoch:
                self._positions.acknowledge(TopicPartition(record.topic, record.partition), record.position)
        await self._commit_now_and_then()

    async def leave(self) -> None:
        """Commit what is acknowledged and leave the group, so that others need not wait for our session to end."""
        consumer = self._consumer
        if consumer is None:
            return
        await self._commit(within=_LAST_COMMIT_WITHIN)
        self._began_at = time.monotonic() - self.silence.total_seconds()
        self._assigned = False
        self._consumer = None
        try:
            async with asyncio.timeout(_CLOSE_WITHIN):
                await consumer.stop()
        except (KafkaError, OSError, TimeoutError):
            with suppress(KafkaError, OSError):
                await consumer._client.close()  # noqa: SLF001  # else its connections stay

    @property
    def ready(self) -> bool:
        return self._assigned and self.silence < timedelta(seconds=3 * self._session)

    @property
    def assigned(self) -> frozenset[tuple[str, int]]:
        consumer = self._consumer
        if consumer is None or not self._assigned:
            return frozenset()
        return frozenset((one.topic, one.partition) for one in consumer.assignment())

    @property
    def is_busy(self) -> bool:
        return time.monotonic() - self._full_at < _BUSY_FOR

    @property
    def silence(self) -> timedelta:
        consumer = self._consumer
        running = time.monotonic()  # the metrics ask from a thread of their own
        if consumer is None or not self._assigned:
            return timedelta(seconds=running - self._began_at)
        polled = [consumer.last_poll_timestamp(one) for one in consumer.assignment()]
        if not polled:
            return timedelta(0)
        ages = [max(_now_ms() - at, 0) / 1000 if at else running - self._began_at for at in polled]
        return timedelta(seconds=max(ages))

    @property
    def lag(self) -> int:
        consumer = self._consumer
        if consumer is None or not self._assigned:
            return 0
        reached = ((one, self._positions.reached(one)) for one in consumer.assignment())
        return sum(
            max((consumer.highwater(one) or 0) - offset, 0) for one, offset in reached if offset is not None
        )

    # --- the listener: called by the library's own task -------------------------------------------------

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Let the batch in hand end, commit, and take nothing more from what was read until now."""
        if not revoked:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._session / 2):
                await self._idle.wait()
        await self._commit(within=_LAST_COMMIT_WITHIN)
        self._began_at = time.monotonic() - self.silence.total_seconds()
        self._assigned = False
        self._epoch += 1
        self._positions.forget()

    async def on_partitions_assigned(self, assigned: Any) -> None:  # noqa: ARG002
        """Begin; a member without a partition is one all the same."""
        self._epoch += 1
        self._positions.forget()
        self._began_at = time.monotonic()
        self._assigned = True

    # --- reading and committing ---------------------------------------------------------------------------

    async def _fetch(self) -> tuple[int, dict[TopicPartition, list[Any]]]:
        """Return what came, and the epoch at the very moment at which it did."""
        assert self._consumer is not None
        came = await self._consumer.getmany(timeout_ms=_POLL, max_records=self._most)
        if sum(map(len, came.values())) == self._most:
            self._full_at = time.monotonic()
        return self._epoch, came

    def _accept(self, epoch: int, came: dict[TopicPartition, list[Any]]) -> list[Record]:
        if epoch != self._epoch or not came:
            return []
        batch: list[Record] = []
        for message in merge(*came.values(), key=lambda one: one.timestamp):
            read = record_of(message)
            values = {name: getattr(read, name) for name in Record.__dataclass_fields__}
            batch.append(KafkaRecord(**values, partition=message.partition, epoch=epoch))
            self._positions.hand_out(TopicPartition(message.topic, message.partition), message.offset)
        return batch

    async def _commit_now_and_then(self) -> None:
        if asyncio.get_running_loop().time() >= self._commit_at and not self._committing.locked():
            await self._commit(within=_COMMIT_WITHIN)

    async def _commit(self, *, within: float) -> None:
        """Commit what has moved; a commit that fails is made again with the next, or its records are repeated."""
        consumer = self._consumer
        if consumer is None:
            return
        running = asyncio.get_running_loop()
        async with self._committing:
            epoch, offsets = self._epoch, self._positions.to_commit()
            self._commit_at = running.time() + _COMMIT_AFTER
            if not offsets:
                return
            try:
                async with asyncio.timeout(within):
                    await consumer.commit(offsets)
            except (CommitFailedError, IllegalStateError):
                log.info("offsets are another member's now", group=self._group)
            except (KafkaError, OSError, TimeoutError) as fault:
                self._commit_at = running.time() + _COMMIT_AGAIN_AFTER
                log.warning("cannot commit offsets", group=self._group, fault=type(fault).__name__)
            else:
                if epoch == self._epoch:
                    self._positions.committed(offsets)


def _lingering(linger: timedelta) -> dict[str, int]:
    """Return the options of a consumer whose answers wait for more than one record."""
    if not linger:
        return {}
    return {"fetch_min_bytes": _GATHERED, "fetch_max_wait_ms": int(linger.total_seconds() * 1000)}


async def _unless(stop: asyncio.Event, work: asyncio.Future[Any]) -> bool:
    """Wait for `work`; False where `stop` came first: then it is cancelled. Raises what it raises."""
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((work, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not work.done():
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
    if work.cancelled():
        return False
    work.result()
    return True


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
