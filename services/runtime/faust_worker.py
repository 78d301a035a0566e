"""A service fed by Faust: records in flight together, acknowledged in order, and a process that ends when in doubt.

Whatever is cut short comes again, and its ids absorb the repeat.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from services.errors import Transient
from services.runtime.consume import Intake, Service
from services.runtime.faust_app import SESSION, App, Event, assigned, build, is_member
from services.runtime.fence import Fence
from services.runtime.in_order import InOrder
from services.runtime.stall import Stall, watch
from services.storage.kafka_connection import KafkaConnection
from services.storage.kafka_reach import Partition, Reach, Reaches
from services.storage.kafka_records import record_of
from services.storage.ports import DeadLetters

log = structlog.get_logger(__name__)

_MOST_IN_FLIGHT: Final = 64
_STALL: Final = timedelta(
    seconds=20
)  # above the session timeout: after a death the others wait for that long
_HELD_UP: Final = timedelta(seconds=2)  # longer than any transaction while the ledger answers


class FaustWorker:
    """Runs one service on the partitions that the broker gives this process."""

    def __init__(
        self,
        service: Service,
        connection: KafkaConnection,
        *,
        dead_letters: DeadLetters,
        clock: Callable[[], datetime],
    ) -> None:
        """The group is named like the service."""
        self._service = service
        self._connection = connection
        self._dead_letters = dead_letters
        self._clock = clock
        self._app: App | None = None
        self._lag = 0
        self._heard_at = time.monotonic()

    async def ready(self) -> bool:
        """Return whether this process reads a partition of every topic of its service."""
        names = {topic for topic, _ in self._assigned()}
        return names.issuperset(self._service.topics)

    def lag(self) -> int:
        """Return how many records of its partitions the group had still to commit when the brokers last answered."""
        return self._lag

    def silence(self) -> timedelta:
        """Return for how long the brokers have not said how far this process has read, from its start on.

        A member without a partition has nothing to ask and is not silent.
        """
        return timedelta(seconds=time.monotonic() - self._heard_at)

    def note(self, reaches: Mapping[Partition, Reach], *, member: bool) -> None:
        """Note an answer of the brokers; `member`: this process has a place in the group."""
        self._lag = sum(max(one.end - one.committed, 0) for one in reaches.values())
        if reaches or member:
            self._heard_at = time.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop` is set, then finish what is in flight and leave the group.

        Raises `Transient` where the brokers cannot be reached at the start, and whatever else ends Faust.
        """
        intake = Intake(self._service, dead_letters=self._dead_letters, clock=self._clock, stop=stop)
        fence = Fence(session=timedelta(seconds=SESSION))
        reaches = Reaches(self._connection.options(), group=self._service.name)

        async def handle(event: Event) -> None:
            fence.check()
            await intake.take(record_of(event.message))

        async def ask() -> Mapping[Partition, Reach]:
            found = await reaches.of(self._assigned())
            self.note(found, member=self._app is not None and is_member(self._app))
            return found

        flow = InOrder[Event](handle=handle, acknowledge=_acknowledge, most=_MOST_IN_FLIGHT)
        self._app = build(
            self._connection, group=self._service.name, topics=self._service.topics, take=flow.put
        )
        try:
            async with asyncio.TaskGroup() as group:
                beside = (
                    group.create_task(fence.run(), name="fence"),
                    group.create_task(flow.run(), name="acknowledging"),
                    group.create_task(
                        watch(
                            stop,
                            stall=Stall(_STALL),
                            ask=ask,
                            # behind a backlog a partition's turn may come later than the limit
                            excused=lambda: flow.is_full() or flow.held_up_for() > _HELD_UP,
                        ),
                        name="watch",
                    ),
                )
                await _serve(self._app, stop)
                for task in beside:
                    task.cancel()
        finally:
            await reaches.close()

    def _assigned(self) -> frozenset[Partition]:
        return frozenset() if self._app is None else assigned(self._app)


def _acknowledge(event: Event) -> None:
    event.ack()


async def _serve(app: App, stop: asyncio.Event) -> None:
    """Run the app until `stop` is set; raises what made it crash."""
    starting = asyncio.ensure_future(app.start())
    stopping = asyncio.ensure_future(stop.wait())
    ended = asyncio.ensure_future(app.wait_until_stopped())
    try:
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await asyncio.wait([stopping, ended], return_when=asyncio.FIRST_COMPLETED)
        if app.crashed:
            raise RuntimeError("Faust ended by itself") from app.crash_reason
        await app.stop()
    except (KafkaError, OSError) as fault:
        raise Transient("the brokers are out of reach") from fault
    finally:
        for task in (starting, stopping, ended):
            task.cancel()
        await asyncio.gather(starting, stopping, ended, return_exceptions=True)
