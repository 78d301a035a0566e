"""From the outbox to the topics: at once by the process that committed, what is left by the sweeper.

Nobody waits for a publisher: a request is answered after its commit. A broker that is away delays records, which
wait in memory up to a bound and in the ledger without one. A topic or partition that takes nothing delays its own
records only. A record may come twice; its id absorbs that. Records of a key keep their order, except where an outage
sends some of them by way of the sweeper.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from schemas.events import DELIVERIES
from services.errors import Transient
from services.runtime.instruments import Instruments, Path
from services.runtime.lifecycle import pause
from services.runtime.waiting import Waiting
from services.storage.kafka_connection import KafkaConnection
from services.storage.kafka_sender import KafkaSender, Sent
from services.storage.ports import Executor, Leases
from services.storage.publishing import first_of_topics, mark_published, unpublished
from services.storage.records import Record

log = structlog.get_logger(__name__)

MOST_WAITING: Final = 10_000  # records; together at most
MOST_BYTES: Final = 32 << 20  # of payload; the rest is the sweeper's
_MOST_AT_ONCE: Final = 500
_MOST_BYTES_AT_ONCE: Final = 4 << 20
_MOST_UNMARKED: Final = 50_000
# Lets those of a moment be marked together: one by one, marks would be half of a quiet database's commits. Far below
# the sweeper's grace.
_MARK_AFTER: Final = timedelta(milliseconds=500)
# For what is only counted: sent one by one, deliveries would be a third of what the brokers are asked.
_GATHER_FOR: Final = timedelta(milliseconds=250)
_FIRST_PAUSE: Final = timedelta(milliseconds=100)
_LONGEST_PAUSE: Final = timedelta(seconds=1)
_PASS_OVER: Final = (
    10.0  # seconds; a call with a partition that takes nothing holds up the others for 5 s or more
)
_MOST_PROBED: Final = 64
_LAST_CALL: Final = timedelta(milliseconds=300)  # after `stop`, for what the others still commit
_LEASE: Final = "publish"
# Longer than one call to the brokers, and short: what dead processes left waits for the lease of a dead sweeper.
_LEASE_FOR: Final = timedelta(seconds=20)
_GRACE: Final = timedelta(seconds=5)  # until then a record is its own process's


class Publisher:
    """Publishes what this process commits."""

    def __init__(
        self,
        executor: Executor,
        connection: KafkaConnection,
        *,
        clock: Callable[[], datetime],
        instruments: Instruments,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        """Hold at most `most_waiting` records and `MOST_BYTES` of them in memory."""
        self._executor = executor
        self._sender = KafkaSender(connection)
        self._clock = clock
        self._instruments = instruments
        self._waiting = Waiting(most=most_waiting, most_bytes=MOST_BYTES)
        self._again_at = (
            0.0  # in the time of the loop: when keys that failed are tried again beside the others
        )
        self._went_through = False  # some of the last call did
        self._offered = asyncio.Event()
        self._urgent = asyncio.Event()  # among what waits is something that a stage goes on with
        self._unmarked: list[int] = []
        self._to_mark = asyncio.Event()

    def offer(self, records: Sequence[Record]) -> None:
        """Take records that were just committed; never waits. What does not fit is left to the sweeper."""
        for record in records:
            if not self._waiting.add(record):
                self._instruments.left.inc()
            if record.topic != DELIVERIES:
                self._urgent.set()
        self._instruments.waiting.set(len(self._waiting))
        self._offered.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Publish what is offered until `stop`, and what is offered shortly after it."""
        done = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._mark(done), name="mark published")
                await self._publish(stop)
                done.set()
                self._to_mark.set()
        finally:
            await self._sender.close()

    async def _publish(self, stop: asyncio.Event) -> None:
        wait = _FIRST_PAUSE
        while await self._any(stop):
            await pause(self._urgent, _GATHER_FOR)
            self._urgent.clear()
            batch = self._take()
            sent = await self._sender.send(batch, now=self._clock())
            self._count(sent)
            self._put_back(sent)
            if not sent.failed:
                wait = _FIRST_PAUSE
            elif stop.is_set():  # the sweeper has them
                return
            else:
                log.warning("cannot publish", fault=sent.fault, waiting=len(self._waiting))
                if sent.published:  # the others shall not wait for what fails
                    wait = _FIRST_PAUSE
                await pause(stop, wait)
                wait = min(wait * 2, _LONGEST_PAUSE)

    async def _any(self, stop: asyncio.Event) -> bool:
        """Wait until a record is offered; False: none is, and the process stops."""
        while not self._waiting:
            self._offered.clear()
            if stop.is_set():
                try:
                    async with asyncio.timeout(_LAST_CALL.total_seconds()):
                        await self._offered.wait()
                except TimeoutError:
                    return False
            else:
                await _first(self._offered, stop)
        return True

    def _take(self) -> list[Record]:
        if asyncio.get_running_loop().time() >= self._again_at:
            self._waiting.pass_over_none()
        return self._waiting.take(most=_MOST_AT_ONCE, most_bytes=_MOST_BYTES_AT_ONCE)

    def _put_back(self, sent: Sent) -> None:
        """Keep what failed for later; where others go through it must not take the room of those."""
        partly = bool(sent.published) or self._went_through
        self._went_through = bool(sent.published)
        if sent.failed:
            self._again_at = asyncio.get_running_loop().time() + _PASS_OVER
            if partly and self._waiting.is_half_full:
                self._instruments.left.inc(len(sent.failed))
            else:
                self._waiting.put_back(sent.failed)
        self._instruments.waiting.set(len(self._waiting))

    def _count(self, sent: Sent) -> None:
        count(sent, Path.DIRECT, self._instruments)
        if len(self._unmarked) < _MOST_UNMARKED:  # else the sweeper publishes them once more
            self._unmarked += [record.position for record in sent.published]
        self._to_mark.set()

    async def _mark(self, done: asyncio.Event) -> None:
        wait = _FIRST_PAUSE
        while True:
            await self._to_mark.wait()
            self._to_mark.clear()
            await pause(done, _MARK_AFTER)
            while self._unmarked:
                some = self._unmarked[:_MOST_AT_ONCE]
                try:
                    await self._executor.write(partial(mark_published, positions=some, now=self._clock()))
                except Transient:
                    if done.is_set():  # published once more by the sweeper
                        return
                    await pause(done, wait)
                    wait = min(wait * 2, _LONGEST_PAUSE)
                else:
                    del self._unmarked[: len(some)]
                    wait = _FIRST_PAUSE
            if done.is_set():
                return


class Sweeper:
    """Publishes what is left: by processes that died, or that had no room in their memory."""

    def __init__(
        self,
        executor: Executor,
        connection: KafkaConnection,
        *,
        leases: Leases,
        holder: str,
        clock: Callable[[], datetime],
        instruments: Instruments,
        grace: timedelta = _GRACE,
    ) -> None:
        """Sweep while `holder` has the lease; records younger than `grace` are left to their own process."""
        self._executor = executor
        self._sender = KafkaSender(connection)
        self._leases = leases
        self._holder = holder
        self._clock = clock
        self._instruments = instruments
        self._grace = grace
        self._away = False  # the brokers were, when we last tried: nothing at all went through
        self._probed: Record | None = None  # the last one; None: begin with the oldest

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep about once a second until `stop`."""
        try:
            while not stop.is_set():
                try:
                    await self.round(stop)
                except Transient as fault:
                    log.warning("the ledger is out of reach", task=_LEASE, reason=str(fault))
                await pause(stop, _LONGEST_PAUSE)
        finally:
            await self._sender.close()

    async def round(self, stop: asyncio.Event) -> int:
        """Publish all that is left now, oldest first; return how many. `Transient`: the ledger is out of reach."""
        if self._away:
            return await self._look_again(stop)
        published = 0
        last: Record | None = None
        failed: set[tuple[str, str]] = set()  # topics and keys: what follows of them must not go first
        before = self._clock() - self._grace
        while not stop.is_set() and await self._holds():
            some = await self._executor.read(
                partial(unpublished, before=before, most=_MOST_AT_ONCE, after=last)
            )
            if last is None:
                self._show_age(some)
            if not some:
                break
            last = some[-1]
            sent = await self._publish([one for one in some if (one.topic, one.key) not in failed])
            published += len(sent.published)
            if sent.failed:
                failed.update((one.topic, one.key) for one in sent.failed)
                log.warning("cannot publish", fault=sent.fault, task=_LEASE)
                if not sent.published:
                    self._probed = last
                    probed = await self._probe(before)
                    published += probed
                    if not probed:
                        self._away = True
                        break
        return published

    async def _look_again(self, stop: asyncio.Event) -> int:
        if not await self._holds():
            return 0
        published = await self._probe(self._clock() - self._grace)
        if published:
            # they are back: every process now publishes what it has itself, which must not be done twice
            self._away = False
            await pause(stop, self._grace)
        return published

    async def _probe(self, before: datetime) -> int:
        """Try one record of each topic, and one of each key of the next few; return how many went through.

        The next few move on from call to call: a partition that takes nothing hides no other for long.
        """
        heads = await self._executor.read(partial(first_of_topics, before=before))
        self._show_age(heads)
        few = await self._executor.read(
            partial(unpublished, before=before, most=_MOST_PROBED, after=self._probed)
        )
        self._probed = few[-1] if len(few) == _MOST_PROBED else None
        chosen: dict[tuple[str, str], Record] = {}
        for record in [*heads, *few]:
            chosen.setdefault((record.topic, record.key), record)
        if not chosen:
            self._away = False
            return 0
        sent = await self._publish(list(chosen.values()))
        if sent.failed:
            log.warning("cannot publish", fault=sent.fault, task=_LEASE)
        return len(sent.published)

    async def _holds(self) -> bool:
        now = self._clock()
        return await self._leases.acquire(_LEASE, holder=self._holder, now=now, until=now + _LEASE_FOR)

    async def _publish(self, records: Sequence[Record]) -> Sent:
        if not records:
            return Sent()
        sent = await self._sender.send(records, now=self._clock())
        count(sent, Path.SWEPT, self._instruments)
        if sent.published:
            ids = [record.position for record in sent.published]
            await self._executor.write(partial(mark_published, positions=ids, now=self._clock()))
        return sent

    def _show_age(self, records: Sequence[Record]) -> None:
        oldest = records[0].created_at if records else None
        age = timedelta(0) if oldest is None else self._clock() - oldest
        self._instruments.oldest.set(max(age.total_seconds(), 0.0))


def count(sent: Sent, path: Path, instruments: Instruments) -> None:
    """Count what became of records, and say which kind the brokers refuse."""
    instruments.published(path, len(sent.published))
    if sent.failed:
        instruments.failures.inc()
    if sent.refused:
        instruments.refused.inc(len(sent.refused))
        log.error(
            "the brokers refuse records",
            fault=sent.fault,
            topic=sent.refused[0].topic,
            event_id=sent.refused[0].event_id,
            count=len(sent.refused),
        )


async def _first(*events: asyncio.Event) -> None:
    """Wait until one of these is set."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()
