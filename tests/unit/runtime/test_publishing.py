"""A topic, a partition or a broker that takes nothing: what else is committed is published all the same."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from services.runtime.instruments import Instruments
from services.runtime.publishing import Publisher, Sweeper
from services.storage import outbox
from services.storage.adapters import LedgerLeases
from services.storage.kafka_connection import KafkaConnection
from services.storage.kafka_sender import Sent
from services.storage.migrations import upgrade
from services.storage.records import Event, Record
from services.storage.sqlite import SqliteLedger
from services.storage.sqlite_file import open_engine
from services.storage.tables import outbox as rows
from tests.e2e.stage import until

CONNECTION = KafkaConnection(servers="127.0.0.1:1")


def now() -> datetime:
    return datetime.now(UTC)


def record(number: int, *, topic: str = "alerts.v1", key: str | None = None) -> Record:
    return Record(
        topic=topic, event_id=f"e-{number}", key=key or f"k-{number}", payload="{}", position=number
    )


class Brokers:
    """Brokers that take what does not match `dead`, in place of the sender."""

    def __init__(self, dead: Callable[[Record], bool]) -> None:
        self.dead = dead
        self.calls: list[int] = []  # how many records each had
        self.taken: list[str] = []

    async def send(self, records: Sequence[Record], *, now: datetime) -> Sent:
        await asyncio.sleep(0.01)
        self.calls.append(len(records))
        failed = [one for one in records if self.dead(one)]
        published = [one for one in records if not self.dead(one)]
        self.taken += [one.event_id for one in published]
        return Sent(published=published, failed=failed, fault="NotEnoughReplicasError" if failed else None)

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    engine = open_engine(tmp_path / "ledger.sqlite3")
    upgrade(engine)
    engine.dispose()
    made = SqliteLedger(tmp_path / "ledger.sqlite3")
    yield made
    await made.close()


def sweeper_on(ledger: SqliteLedger, brokers: Brokers, monkeypatch: pytest.MonkeyPatch) -> Sweeper:
    sweeper = Sweeper(
        ledger,
        CONNECTION,
        leases=LedgerLeases(ledger),
        holder="tests",
        clock=now,
        instruments=Instruments(CollectorRegistry()),
        grace=timedelta(milliseconds=10),
    )
    monkeypatch.setattr(sweeper, "_sender", brokers)
    return sweeper


async def append(ledger: SqliteLedger, records: Sequence[Record]) -> None:
    events = [
        Event(topic=one.topic, event_id=one.event_id, key=one.key, payload=one.payload) for one in records
    ]
    await ledger.write(partial(outbox.append_all, events=events, now=now()))
    await asyncio.sleep(0.02)


async def unpublished_ids(ledger: SqliteLedger) -> set[str]:
    waiting = select(rows.c.event_id).where(rows.c.published_at.is_(None))
    return set(await ledger.read(lambda connection: connection.execute(waiting).scalars().all()))


@asynccontextmanager
async def publishing(
    ledger: SqliteLedger, brokers: Brokers, monkeypatch: pytest.MonkeyPatch, *, most: int = 10_000
) -> AsyncIterator[Publisher]:
    publisher = Publisher(
        ledger,
        CONNECTION,
        clock=now,
        instruments=Instruments(CollectorRegistry()),
        most_waiting=most,
    )
    monkeypatch.setattr(publisher, "_sender", brokers)
    stop = asyncio.Event()
    running = asyncio.create_task(publisher.run(stop))
    yield publisher
    stop.set()
    async with asyncio.timeout(5):
        await running


async def test_deliveries_leave_together(ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    brokers = Brokers(lambda _: False)
    async with publishing(ledger, brokers, monkeypatch) as publisher:
        for number in range(5):
            publisher.offer([record(number, topic="deliveries.v1")])
            await asyncio.sleep(0)
        await until(lambda: brokers.calls == [5])


async def test_nothing_else_waits_for_deliveries_to_gather(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.runtime.publishing._GATHER_FOR", timedelta(hours=1))
    brokers = Brokers(lambda _: False)
    async with publishing(ledger, brokers, monkeypatch) as publisher:
        publisher.offer([record(1, topic="deliveries.v1")])
        await asyncio.sleep(0)
        publisher.offer([record(2)])
        await until(lambda: brokers.calls == [2])


async def test_one_failing_record_stops_no_sweep(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    brokers = Brokers(lambda one: one.event_id == "e-0")
    await append(ledger, [record(n) for n in range(11)])
    assert await sweeper_on(ledger, brokers, monkeypatch).round(asyncio.Event()) == 10
    assert await unpublished_ids(ledger) == {"e-0"}


@pytest.mark.parametrize("healthy", ["alerts.v1", "another.v1"])
async def test_a_page_that_fails_hides_nothing_behind_it(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch, healthy: str
) -> None:
    brokers = Brokers(lambda one: int(one.event_id[2:]) < 1200)
    await append(ledger, [record(n) for n in range(1200)])
    await append(ledger, [record(n, topic=healthy) for n in range(1200, 1210)])
    sweeper = sweeper_on(ledger, brokers, monkeypatch)
    for _ in range(40):
        await sweeper.round(asyncio.Event())
    assert len(await unpublished_ids(ledger)) == 1200
    brokers.dead = lambda _: False
    for _ in range(3):
        await sweeper.round(asyncio.Event())
    assert await unpublished_ids(ledger) == set()


async def test_while_all_brokers_are_away_a_sweep_tries_few(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    brokers = Brokers(lambda _: True)
    await append(ledger, [record(n) for n in range(1500)])
    sweeper = sweeper_on(ledger, brokers, monkeypatch)
    for _ in range(5):
        assert await sweeper.round(asyncio.Event()) == 0
    assert brokers.calls[0] == 500
    assert max(brokers.calls[1:]) <= 65
    assert len(brokers.calls) == 6


async def test_a_sweep_sends_nothing_of_a_key_behind_what_failed(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    brokers = Brokers(lambda one: one.event_id == "e-0")
    monkeypatch.setattr("services.runtime.publishing._MOST_AT_ONCE", 2)
    await append(ledger, [record(n, key="ab"[n % 2]) for n in range(6)])
    await sweeper_on(ledger, brokers, monkeypatch).round(asyncio.Event())
    assert brokers.taken == ["e-1", "e-3", "e-5"]


async def test_records_that_fail_do_not_hold_up_one_behind_them(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    brokers = Brokers(lambda one: int(one.event_id[2:]) < 500)
    async with publishing(ledger, brokers, monkeypatch) as publisher:
        publisher.offer([record(n) for n in range(501)])
        async with asyncio.timeout(2):
            while brokers.taken != ["e-500"]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await asyncio.sleep(2)
        assert len(brokers.calls) < 10, "it waits between two tries"
        brokers.dead = lambda _: False
        async with asyncio.timeout(5):
            while len(brokers.taken) < 501:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert brokers.taken[1:] == [f"e-{n}" for n in range(500)]


async def test_what_fails_leaves_room_for_what_goes_through(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    brokers = Brokers(lambda one: one.topic == "dead.v1")
    async with publishing(ledger, brokers, monkeypatch, most=100) as publisher:
        for number in range(0, 300, 2):
            publisher.offer([record(number, topic="dead.v1"), record(number + 1)])
            await asyncio.sleep(0.02)
        async with asyncio.timeout(5):
            while len(brokers.taken) < 150:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert len(publisher._waiting) <= 100
