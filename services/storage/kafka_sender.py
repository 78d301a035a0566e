"""Sends records to their topics and says which of them are there; every wait is bounded.

`acks=all` and not idempotent: one expired batch breaks aiokafka's idempotent producer for good, and a record that is
there twice is absorbed by its id.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from aiokafka.partitioner import DefaultPartitioner

from services.storage.kafka_connection import MOST_BYTES, KafkaConnection
from services.storage.kafka_records import headers
from services.storage.records import Record

log = structlog.get_logger(__name__)

_REQUEST_WITHIN: Final = 5_000  # milliseconds; also how long a batch may wait for its broker
_SEND_WITHIN: Final = 15.0  # seconds for all that is handed in at once
_NEXT_WITHIN: Final = 0.3  # to take one, after another partition has waited for its broker in vain
_CLOSE_WITHIN: Final = 2.0
_PARTITIONER: Final = DefaultPartitioner()
_REFUSED: Final = (
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of records: on their topics, refused by the brokers, or not tried and failed. Each in order."""

    published: list[Record] = field(default_factory=list)
    refused: list[Record] = field(default_factory=list)  # the same again would be refused again
    failed: list[Record] = field(default_factory=list)
    fault: str | None = None  # the first that was met: the name of its class


class KafkaSender:
    """One producer, made when it is needed and made anew after a call in which nothing went through."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        self._producer: AIOKafkaProducer | None = None

    async def send(self, records: Sequence[Record], *, now: datetime) -> Sent:
        """Send records in the order given and wait until the brokers have them; one call at a time.

        Takes at most some 20 s, whatever the brokers do. What is `failed` may be there all the same.
        """
        try:
            producer = await self._started()
            outcomes = await self._outcomes(producer, records, now=now)
        except (KafkaError, OSError, TimeoutError) as fault:
            await self.close()
            return Sent(failed=list(records), fault=type(fault).__name__)
        sent = _sorted(records, outcomes)
        if not sent.published and sent.failed:
            await self.close()
        return sent

    async def close(self) -> None:
        """End the producer; what it has not sent is not sent."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _end(producer)

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            options = self._connection.options() | {"request_timeout_ms": _REQUEST_WITHIN}
            producer = AIOKafkaProducer(
                acks="all", enable_idempotence=False, max_request_size=MOST_BYTES, **options
            )
            try:
                async with asyncio.timeout(_SEND_WITHIN):
                    await producer.start()
            except BaseException:
                await _end(producer)
                raise
            self._producer = producer
        return self._producer

    async def _outcomes(
        self, producer: AIOKafkaProducer, records: Sequence[Record], *, now: datetime
    ) -> list[BaseException | None]:
        """Return for each record None where it is on its topic, else why not."""
        futures: list[asyncio.Future[Any]] = []
        # topics: asking for one that is absent takes seconds, and once is enough
        absent: dict[str, asyncio.Future[Any]] = {}
        full: dict[tuple[str, int], asyncio.Future[Any]] = {}  # partitions whose batch does not leave
        try:
            async with asyncio.timeout(_SEND_WITHIN):
                for record in records:
                    future = absent.get(record.topic)
                    if future is None and full:
                        future = full.get(await _place(producer, record))
                    if future is None:
                        within = _NEXT_WITHIN if full else _SEND_WITHIN
                        future = await self._hand_in(producer, record, now=now, within=within)
                    futures.append(future)
                    fault = _fault(future)
                    if isinstance(fault, UnknownTopicOrPartitionError):
                        absent[record.topic] = future
                    elif fault is not None and not isinstance(fault, _REFUSED):
                        full[await _place(producer, record)] = future  # the others of it would wait as long
                await asyncio.wait(futures)
        except TimeoutError:
            log.warning("the brokers do not answer", records=len(records))
        untried = [TimeoutError()] * (len(records) - len(futures))
        return [_fault(future) if future.done() else TimeoutError() for future in futures] + untried

    async def _hand_in(
        self, producer: AIOKafkaProducer, record: Record, *, now: datetime, within: float
    ) -> asyncio.Future[Any]:
        """Return the future of a record; one that is not even taken has failed already."""
        try:
            async with asyncio.timeout(within):
                handed: asyncio.Future[Any] = await producer.send(
                    record.topic,
                    value=record.payload.encode(),
                    key=record.key.encode(),
                    headers=headers(record, now=now),
                )
        except (KafkaError, TimeoutError) as fault:
            handed = asyncio.get_running_loop().create_future()
            handed.set_exception(fault)
        handed.add_done_callback(_fault)  # looked at, also where nobody waits for it any more
        return handed


async def _place(producer: AIOKafkaProducer, record: Record) -> tuple[str, int]:
    """Return the topic and partition of a record, which the producer chooses by the key alone; -1: none is known."""
    try:
        partitions = sorted(await producer.partitions_for(record.topic))
    except KafkaError:
        return record.topic, -1
    return record.topic, _PARTITIONER(record.key.encode(), partitions, partitions)


async def _end(producer: AIOKafkaProducer) -> None:
    try:
        async with asyncio.timeout(_CLOSE_WITHIN):
            await producer.stop()
    except (KafkaError, OSError, TimeoutError):
        await producer.client.close()


def _fault(future: asyncio.Future[Any]) -> BaseException | None:
    if not future.done():
        return None
    return TimeoutError() if future.cancelled() else future.exception()


def _sorted(records: Sequence[Record], outcomes: Sequence[BaseException | None]) -> Sent:
    sent = Sent(fault=next((type(fault).__name__ for fault in outcomes if fault is not None), None))
    for record, fault in zip(records, outcomes, strict=True):
        if fault is None:
            sent.published.append(record)
        elif isinstance(fault, _REFUSED):
            sent.refused.append(record)
        else:
            sent.failed.append(record)
    return sent
