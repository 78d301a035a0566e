"""How far a group is behind on its topics, as the brokers say: asked by a client that reads nothing.

Since when a group is behind is told from what the log held when we asked before: what was there then and is still to
be read is at least as old.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from services.storage.kafka_connection import KafkaConnection

_KEEP: Final = timedelta(seconds=5)  # an answer, also that there is none: metrics and upkeep ask often
_ANSWER_WITHIN: Final = 2.0  # seconds
_MOST_SEEN: Final = 200

Offsets = Mapping[TopicPartition, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How many records a group has still to read, and since when at least the oldest of them waits."""

    records: int
    since: datetime | None


class Behind:
    """What the log held at earlier moments, as far as a group has not read it all. Pure."""

    def __init__(self) -> None:
        self._seen: list[tuple[datetime, Offsets]] = []

    def look(self, *, ends: Offsets, committed: Offsets, now: datetime) -> Lag:
        """Note the log's ends of this moment and return the lag."""
        self._seen = [one for one in self._seen if not _read(one[1], committed)]
        if not _read(ends, committed):
            if len(self._seen) == _MOST_SEEN:  # the oldest says since when
                self._seen.pop()
            self._seen.append((now, ends))
        records = sum(max(end - committed.get(one, 0), 0) for one, end in ends.items())
        return Lag(records=records, since=self._seen[0][0] if self._seen else None)


class Lags:
    """Asks the brokers, and keeps each answer for a moment; connects when it is first asked."""

    def __init__(self, connection: KafkaConnection, *, clock: Callable[[], datetime]) -> None:
        self._connection = connection
        self._clock = clock
        self._clients: tuple[AIOKafkaConsumer, AIOKafkaAdminClient] | None = None
        self._behind: dict[str, Behind] = {}
        self._kept: dict[str, tuple[datetime, Lag]] = {}
        self._answered_at = clock()
        self._asking = asyncio.Lock()

    async def of(self, group: str, topics: Sequence[str]) -> Lag:
        """Return how far a group is behind; brokers that do not answer are taken for unread since they did."""
        async with self._asking:
            now = self._clock()
            kept = self._kept.get(group)
            if kept is not None and now - kept[0] < _KEEP:
                return kept[1]
            try:
                async with asyncio.timeout(_ANSWER_WITHIN):
                    lag = await self._ask(group, topics)
                self._answered_at = now
            except (KafkaError, OSError, TimeoutError):
                await self._disconnect()
                lag = Lag(records=0, since=self._answered_at)
            self._kept[group] = (now, lag)
            return lag

    async def close(self) -> None:
        """Close the connections."""
        async with self._asking:
            await self._disconnect()

    async def _ask(self, group: str, topics: Sequence[str]) -> Lag:
        reader, admin = await self._connected(group)
        partitions = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in await admin.describe_topics(list(topics))
            for partition in topic["partitions"]
        ]
        committed = await _committed(admin, group)
        starts = await reader.beginning_offsets(partitions)
        ends = await reader.end_offsets(partitions)
        reached = {
            one: max(committed[one].offset if one in committed else 0, start) for one, start in starts.items()
        }
        behind = self._behind.setdefault(group, Behind())
        return behind.look(ends=ends, committed=reached, now=self._clock())

    async def _connected(self, group: str) -> tuple[AIOKafkaConsumer, AIOKafkaAdminClient]:
        if self._clients is None:
            options = self._connection.options()
            self._clients = (
                # it subscribes to nothing, so it joins no group; without one its `stop` would be cancelled by itself
                AIOKafkaConsumer(group_id=group, enable_auto_commit=False, **options),
                AIOKafkaAdminClient(**options),
            )
            for client in self._clients:
                await client.start()
        return self._clients

    async def _disconnect(self) -> None:
        clients, self._clients = self._clients, None
        for client in clients or ():
            close = client.close if isinstance(client, AIOKafkaAdminClient) else client.stop
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(_ANSWER_WITHIN):
                    await close()


async def _committed(admin: AIOKafkaAdminClient, group: str) -> Mapping[TopicPartition, OffsetAndMetadata]:
    try:
        found: Mapping[TopicPartition, OffsetAndMetadata] = await admin.list_consumer_group_offsets(group)
    except GroupCoordinatorNotAvailableError:  # no group has ever been on these brokers
        return {}
    return found


def _read(ends: Offsets, committed: Offsets) -> bool:
    return all(committed.get(one, 0) >= end for one, end in ends.items())
