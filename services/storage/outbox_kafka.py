"""The outbox where records go on to Kafka: what is not published, and what is published and not read."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from services.storage.adapters import LedgerOutbox
from services.storage.kafka_connection import KafkaConnection
from services.storage.kafka_lag import Lags
from services.storage.ports import Executor


class PublishedOutbox:
    """What upkeep and metrics ask of the outbox, with the brokers' part of the answer."""

    def __init__(
        self, executor: Executor, connection: KafkaConnection, *, clock: Callable[[], datetime]
    ) -> None:
        self._outbox = LedgerOutbox(executor)
        self._lags = Lags(connection, clock=clock)

    async def prune(self, *, groups: Sequence[str], now: datetime, keep_for: timedelta, most: int) -> int:
        """Delete old records that are published; return how many."""
        return await self._outbox.prune(groups=groups, now=now, keep_for=keep_for, most=most)

    async def backlog(self, *, group: str, topics: Sequence[str]) -> tuple[int, datetime | None]:
        """Return how many records a group has still to read, and since when the oldest waits.

        While the brokers do not answer nobody knows what was read: then it is since they last did, so that nobody
        takes records for lost that only wait there.
        """
        waiting, oldest = await self._outbox.backlog(group=group, topics=topics)
        lag = await self._lags.of(group, topics)
        times = [one for one in (oldest, lag.since) if one is not None]
        return waiting + lag.records, min(times, default=None)

    async def close(self) -> None:
        """Close the connections to the brokers."""
        await self._lags.close()
