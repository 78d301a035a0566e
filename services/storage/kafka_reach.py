"""How far a group has read its topics, as the broker itself says: asked by a client that reads nothing."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.errors import Transient

Partition = tuple[str, int]  # topic, number

_ANSWER_WITHIN: Final = 5.0  # seconds
_CLOSE_WITHIN: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far a group has read one partition: `committed` is the next offset it will read, `end` the log's."""

    committed: int
    end: int


class Reaches:
    """Asks for one group; connects when it is asked and is not connected. `close` it in the end."""

    def __init__(self, options: Mapping[str, Any], *, group: str, topics: Sequence[str]) -> None:
        """`options` are those of any aiokafka client; the group reads `topics`."""
        self._options = dict(options)
        self._group = group
        self._topics = tuple(topics)
        self._client: AIOKafkaConsumer | None = None

    async def of(self, partitions: Collection[Partition]) -> dict[Partition, Reach]:
        """Return the reach of each partition; also of none the brokers are asked.

        Raises `Transient` where they do not answer in time, the group's coordinator among them, or a topic is missing.
        """
        try:
            async with asyncio.timeout(_ANSWER_WITHIN):
                client = await self._connected()
                return await (_reaches(client, partitions) if partitions else self._none(client))
        except (KafkaError, OSError, TimeoutError) as fault:
            await self.close()  # else a client that stands still for good would never tell of anything again
            raise Transient("the broker does not answer") from fault

    async def close(self) -> None:
        """Close the connections; not for long, and whatever comes of it."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(_CLOSE_WITHIN):
                    await client.stop()

    async def _none(self, client: AIOKafkaConsumer) -> dict[Partition, Reach]:
        absent = set(self._topics).difference(await client.topics())
        if absent:
            raise Transient(f"topics that do not exist: {', '.join(sorted(absent))}")
        await client.committed(TopicPartition(self._topics[0], 0))  # the coordinator answers
        return {}

    async def _connected(self) -> AIOKafkaConsumer:
        if self._client is None:
            client = AIOKafkaConsumer(**self._options, group_id=self._group, enable_auto_commit=False)
            try:
                await client.start()
            except BaseException:
                with suppress(KafkaError, OSError):
                    await client.stop()
                raise
            self._client = client
        return self._client


async def _reaches(client: AIOKafkaConsumer, partitions: Collection[Partition]) -> dict[Partition, Reach]:
    names = [TopicPartition(topic, number) for topic, number in partitions]
    ends = await client.end_offsets(names)
    starts = await client.beginning_offsets(names)
    # one question for all: `committed` is one for each partition
    committed = await client._coordinator.fetch_committed_offsets(names)  # noqa: SLF001
    return {
        (name.topic, name.partition): Reach(
            committed=max(committed[name].offset if name in committed else 0, starts[name]), end=ends[name]
        )
        for name in names
    }
