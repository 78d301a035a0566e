"""A service fed by aiokafka: the feed of the scale-out runtime, and a process that ends when that stands still.

Whatever is cut short comes again, and its ids absorb the repeat.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from services.runtime.consume import Intake, Service, consume
from services.runtime.stall import Limits, excused, watch
from services.storage.kafka_connection import KafkaConnection
from services.storage.kafka_reach import Partition, Reach, Reaches
from services.storage.ports import DeadLetters, Feed


class GroupFeed(Feed, Protocol):
    """A feed whose readers share partitions, and which knows how its own reader stands; see `KafkaFeed`."""

    def ready(self, group: str) -> bool:
        """Return whether the reader has a place in its group and hears of the brokers."""
        ...

    def assigned(self, group: str) -> frozenset[Partition]:
        """Return the partitions that the reader holds."""
        ...

    def is_busy(self, group: str) -> bool:
        """Return whether batches come full."""
        ...

    def lag(self, group: str) -> int:
        """Return how many records the reader has still to acknowledge."""
        ...

    def silence(self, group: str) -> timedelta:
        """Return how long the brokers have not answered a fetch."""
        ...


class FeedWorker:
    """Runs one service on the partitions that the broker gives this process."""

    def __init__(
        self,
        service: Service,
        connection: KafkaConnection,
        *,
        feed: GroupFeed,
        dead_letters: DeadLetters,
        clock: Callable[[], datetime],
        limits: Limits = Limits(),  # noqa: B008  # frozen
    ) -> None:
        """`feed` reads over `connection`; the group is named like the service; beyond `limits` the process is ended."""
        self._service = service
        self._connection = connection
        self._dead_letters = dead_letters
        self._clock = clock
        self._limits = limits
        self._feed = feed

    async def ready(self) -> bool:
        """Return whether this process has a place in the group, be it without a partition, and the brokers answer."""
        return self._is_placed()

    def lag(self) -> int:
        """Return how many records of its partitions this process has still to acknowledge."""
        return self._feed.lag(self._service.name)

    def silence(self) -> timedelta:
        """Return for how long the brokers have not answered a fetch of this process, from its start on."""
        return self._feed.silence(self._service.name)

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop` is set, then finish what is in hand and leave the group; waits for brokers and topics."""
        intake = Intake(self._service, dead_letters=self._dead_letters, clock=self._clock, stop=stop)
        group, topics = self._service.name, self._service.topics
        reaches = Reaches(self._connection.options(), group=group, topics=topics)

        async def ask() -> Mapping[Partition, Reach]:
            return await reaches.of(self._feed.assigned(group))

        try:
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(
                    watch(
                        stop,
                        limits=self._limits,
                        ask=ask,
                        placed=self._is_placed,
                        excused=lambda: excused(intake, limits=self._limits),
                        busy=lambda: self._feed.is_busy(group),
                    ),
                    name="watch",
                )
                await consume(self._service, feed=self._feed, intake=intake, stop=stop)
                watching.cancel()
        finally:
            await reaches.close()

    def _is_placed(self) -> bool:
        return self._feed.ready(self._service.name)
