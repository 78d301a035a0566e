"""How far a group has read its topics, as the broker itself says: asked by a client that reads nothing."""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.errors import Transient

Partition = tuple[str, int]  # topic, number

_ANSWER_WITHIN: Final = 5.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far a group has read one partition: `committed` is the next offset it will read, `end` the log's."""

    committed: int
    end: int


class Reaches:
    """Asks for one group; connects when it is first asked. `close` it in the end."""

    def __init__(self, options: Mapping[str, Any], *, group: str) -> None:
        """`options` are those of any aiokafka client."""
        self._options = dict(options)
        self._group = group
        self._client: AIOKafkaConsumer | None = None

    async def of(self, partitions: Collection[Partition]) -> dict[Partition, Reach]:
        """Return the reach of each partition. Raises `Transient` where the broker does not answer in time."""
        if not partitions:
            return {}
        names = [TopicPartition(topic, number) for topic, number in partitions]
        try:
            async with asyncio.timeout(_ANSWER_WITHIN):
                client = await self._connected()
                ends = await client.end_offsets(names)
                starts = await client.beginning_offsets(names)
                return {
                    (name.topic, name.partition): Reach(
                        committed=max(await client.committed(name) or 0, starts[name]), end=ends[name]
                    )
                    for name in names
                }
        except (KafkaError, OSError, TimeoutError) as fault:
            raise Transient("the broker does not answer") from fault

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.stop()

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
