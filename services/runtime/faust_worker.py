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
from services.runtime.faust_app import SESSION, App, Event, assigned, build, is_member, passed_over
from services.runtime.fence import Fence
from services.runtime.in_order import InOrder
from services.runtime.lifecycle import pause
from services.runtime.stall import Limits, excused, watch
from services.storage import kafka_topics
from services.storage.kafka_connection import KafkaConnection
from services.storage.kafka_reach import Partition, Reach, Reaches
from services.storage.kafka_records import record_of
from services.storage.ports import DeadLetters

log = structlog.get_logger(__name__)

_MOST_IN_FLIGHT: Final = 64
_LOOK_AGAIN_AFTER: Final = timedelta(seconds=1)  # for brokers that are away, and topics that are missing


class FaustWorker:
    """Runs one service on the partitions that the broker gives this process."""

    def __init__(
        self,
        service: Service,
        connection: KafkaConnection,
        *,
        dead_letters: DeadLetters,
        clock: Callable[[], datetime],
        limits: Limits = Limits(),  # noqa: B008  # frozen
    ) -> None:
        """The group is named like the service; beyond `limits` the process is ended."""
        self._service = service
        self._connection = connection
        self._dead_letters = dead_letters
        self._clock = clock
        self._limits = limits
        self._app: App | None = None
        self._lag = 0
        self._heard_at = time.monotonic()

    async def ready(self) -> bool:
        """Return whether this process has a place in the group, be it without a partition, and the brokers answer."""
        return self._is_member() and self.silence() < timedelta(seconds=3 * SESSION)

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

        Waits for brokers that are away and for topics that are missing: Faust would take its place without them, and
        keep it so. Raises `Transient` where the brokers go while Faust starts, and whatever else ends Faust.
        """
        intake = Intake(self._service, dead_letters=self._dead_letters, clock=self._clock, stop=stop)
        fence = Fence(session=timedelta(seconds=SESSION))
        reaches = Reaches(self._connection.options(), group=self._service.name, topics=self._service.topics)

        async def handle(event: Event) -> None:
            fence.check()
            await intake.take(record_of(event.message))

        async def ask() -> Mapping[Partition, Reach]:
            found = await reaches.of(self._assigned())
            self.note(found, member=self._is_member())
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
                            limits=self._limits,
                            ask=ask,
                            placed=self._is_member,
                            passed_over=self._passed_over,
                            excused=lambda: excused(intake, limits=self._limits),
                            busy=flow.is_full,
                        ),
                        name="watch",
                    ),
                )
                if await self._topics_are_there(stop):
                    await _serve(self._app, stop)
                for task in beside:
                    task.cancel()
        finally:
            await reaches.close()

    async def _topics_are_there(self, stop: asyncio.Event) -> bool:
        """Wait for the brokers and the topics; False: `stop` came first."""
        while not stop.is_set():
            try:
                absent = await kafka_topics.missing(self._connection, self._service.topics)
            except Transient as away:  # waited for here: to start again and again costs seconds each time
                fault = str(away)
            else:
                if not absent:
                    return True
                fault = f"topics that do not exist: {', '.join(absent)}; run `relay topics create`"
            log.warning("cannot read", group=self._service.name, fault=fault)
            await pause(stop, _LOOK_AGAIN_AFTER)
        return False

    def _is_member(self) -> bool:
        return self._app is not None and is_member(self._app)

    def _passed_over(self) -> frozenset[Partition]:
        return frozenset() if self._app is None else passed_over(self._app)

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
