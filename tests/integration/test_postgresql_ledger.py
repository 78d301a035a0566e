"""What the executor on PostgreSQL does when the server undoes, refuses, restarts, halts or is cut off."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, insert, make_url, select, text, update
from sqlalchemy.exc import IntegrityError

from services.demo.postgresql_server import PostgresServer
from services.errors import Invalid, Misconfigured, Transient
from services.runtime import ledgers
from services.runtime.settings import LedgerSettings
from services.storage import outbox, publishing, receipts
from services.storage.adapters import LedgerOutbox
from services.storage.postgresql import BY_INDEX, PostgresLedger
from services.storage.receipt_records import Repeated
from services.storage.records import Event, Record
from services.storage.repeating import repeatable
from services.storage.tables import counters
from tests.builders import NOW, make_alert
from tests.cut_off import network_to
from tests.databases import PostgresPlace
from tests.integration.test_deciding_at_once import submission

pytestmark = [pytest.mark.integration, pytest.mark.needs("postgresql")]

RAISE = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}', MESSAGE = '{message}'; END $$"


@pytest.fixture
async def ledger(place: PostgresPlace) -> AsyncIterator[PostgresLedger]:
    opened = place.open()
    yield opened
    await opened.close()


def put(connection: Connection, name: str) -> str:
    connection.execute(insert(counters), {"name": name, "value": 1})
    return name


def names(connection: Connection) -> set[str]:
    return set(connection.execute(select(counters.c.name)).scalars())


class Failing:
    """A unit that the server fails as often as `times`, after it wrote."""

    def __init__(self, sql: str, *, times: int = 1) -> None:
        self.runs = 0
        self._sql = sql
        self._times = times

    def __call__(self, connection: Connection) -> str:
        self.runs += 1
        put(connection, "a")
        if self.runs <= self._times:
            connection.execute(text(self._sql))
        return "done"


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03", "57014", "53200", "57P01", "57P03", "53300"])
async def test_what_the_server_undid_is_run_again(ledger: PostgresLedger, code: str) -> None:
    unit = Failing(RAISE.format(code=code, message="undone"))
    assert await ledger.write(unit) == "done"
    assert unit.runs == 2
    assert await ledger.read(names) == {"a"}


async def test_a_connection_that_an_administrator_ends_is_replaced(ledger: PostgresLedger) -> None:
    unit = Failing("SELECT pg_terminate_backend(pg_backend_pid())", times=3)
    assert await ledger.write(unit) == "done"
    assert unit.runs == 4


@pytest.fixture
async def impatient(place: PostgresPlace) -> AsyncIterator[PostgresLedger]:
    """A ledger that gives up soon."""
    url = make_url(place.url).set(drivername="postgresql+asyncpg")
    opened = PostgresLedger(url, patience=timedelta(seconds=1))
    yield opened
    await opened.close()


async def test_what_the_server_undoes_for_ever_is_transient(impatient: PostgresLedger) -> None:
    unit = Failing(RAISE.format(code="40001", message="undone"), times=1000)
    with pytest.raises(Transient):
        await impatient.write(unit)
    assert 2 <= unit.runs <= 10
    assert await impatient.read(names) == set()


async def test_a_fault_of_the_unit_is_its_callers_and_not_tried_again(ledger: PostgresLedger) -> None:
    await ledger.write(lambda connection: put(connection, "a"))
    unit = Failing("SELECT 1")
    with pytest.raises(IntegrityError):
        await ledger.write(unit)
    assert unit.runs == 1


async def test_of_two_that_wait_for_each_other_both_end(ledger: PostgresLedger) -> None:
    for name in ("a", "b"):
        await ledger.write(lambda connection, name=name: put(connection, name))

    def add(connection: Connection, order: str) -> None:
        for name in order:
            connection.execute(
                update(counters).where(counters.c.name == name).values(value=counters.c.value + 1)
            )
            connection.execute(text("SELECT pg_sleep(0.1)"))

    await asyncio.gather(*(ledger.write(partial(add, order=order)) for order in ("ab", "ba")))
    values = await ledger.read(
        lambda connection: connection.execute(select(counters.c.value)).scalars().all()
    )
    assert values == [3, 3]


async def test_a_commit_hands_out_the_records_that_it_wrote_itself(ledger: PostgresLedger) -> None:
    taken: list[list[str]] = []
    ledger.on_append.append(lambda records: taken.append([one.event_id for one in records]))

    def append(connection: Connection, *ids: str, fails: bool = False) -> list[Record]:
        events = [Event(topic="alerts.v1", event_id=one, key="k", payload="{}") for one in ids]
        outbox.append_all(connection, events, now=NOW)
        if fails:
            raise LookupError
        return outbox.read(connection, topics=["alerts.v1"], after=0, most=10)

    with pytest.raises(LookupError):
        await ledger.write(partial(append, fails=True))
    with pytest.raises(LookupError):
        await ledger.write(lambda connection: append(connection, "1", "2", fails=True))
    await ledger.write(lambda connection: append(connection, "2", "3"))
    kept = await ledger.write(lambda connection: append(connection, "3", "4"))
    await ledger.write(lambda connection: append(connection, "3", "4"))

    assert taken == [["2", "3"], ["4"]]
    assert [one.event_id for one in kept] == ["2", "3", "4"]


async def test_a_query_sees_one_moment(ledger: PostgresLedger, place: PostgresPlace) -> None:
    other = place.hold()

    def twice(connection: Connection) -> tuple[set[str], set[str]]:
        before = names(connection)
        other.run(lambda beside: put(beside, "meanwhile"))
        return before, names(connection)

    assert await ledger.read(twice) == (set(), set())
    assert await ledger.read_slowly(names) == {"meanwhile"}
    other.close()


async def test_units_and_short_queries_read_by_index_and_long_ones_as_they_like(
    ledger: PostgresLedger,
) -> None:
    def plans(connection: Connection) -> tuple[str, str]:
        shown = [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in BY_INDEX]
        return shown[0], shown[1]

    assert await ledger.write(plans) == ("off", "force_generic_plan")
    assert await ledger.read(plans) == ("off", "force_generic_plan")
    assert await ledger.read_slowly(plans) == ("on", "auto")


@pytest.mark.parametrize("name", ["\x00", "a\x00b", "\ud800"])
async def test_a_text_that_no_database_holds_is_invalid(ledger: PostgresLedger, name: str) -> None:
    with pytest.raises(Invalid):
        await ledger.read(partial(receipts.get, message_id=name))
    with pytest.raises(Invalid):
        await ledger.write(lambda connection: put(connection, name))


async def test_a_query_writes_nothing(impatient: PostgresLedger) -> None:
    with pytest.raises(Transient):  # as on a server that only reads: another one has taken over
        await impatient.read(lambda connection: put(connection, "a"))
    assert await impatient.read(names) == set()


@pytest.mark.parametrize("kills", [True, False])
async def test_what_was_answered_survives_a_server_that_ends_under_load(
    own_postgresql: PostgresServer, kills: bool
) -> None:
    settings = LedgerSettings.model_validate({"url": own_postgresql.create("relay")})
    await asyncio.to_thread(ledgers.migrate, settings)
    ledger = PostgresLedger(ledgers.url_of(settings))
    answered: list[str] = []

    async def writer(number: int) -> None:
        for round_ in range(60):
            answered.append(await persistently(ledger, f"{number} {round_}"))

    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(writer(number))
        while len(answered) < 100:  # noqa: ASYNC110  # the load has no event for it
            await asyncio.sleep(0.001)
        await asyncio.to_thread(own_postgresql.kill if kills else own_postgresql.stop)
        await asyncio.to_thread(own_postgresql.start)
    kept = await ledger.read(names)
    await ledger.close()

    assert len(answered) == len(set(answered)) == 480
    assert kept == set(answered)


async def persistently(ledger: PostgresLedger, name: str) -> str:
    """Write as every caller does: what is out of reach is asked again."""
    while True:
        try:
            return await ledger.write(partial(put_once, name=name))
        except Transient:
            continue


@repeatable
def put_once(connection: Connection, name: str) -> str:
    connection.execute(text("INSERT INTO counters VALUES (:name, 1) ON CONFLICT DO NOTHING"), {"name": name})
    return name


async def test_a_server_that_says_nothing_does_not_keep_a_process_from_ending(
    own_postgresql: PostgresServer,
) -> None:
    ledger = PostgresLedger(make_url(own_postgresql.create("relay")).set(drivername="postgresql+asyncpg"))
    query = partial(Connection.scalar, statement=text("SELECT 1"))
    assert [await ledger.read(query), await ledger.read_slowly(query)] == [1, 1]
    own_postgresql.pause()
    try:
        async with asyncio.timeout(20):
            await ledger.close()
    finally:
        own_postgresql.resume()


async def test_a_server_that_says_nothing_keeps_nobody_for_ever(own_postgresql: PostgresServer) -> None:
    url = make_url(own_postgresql.create("relay")).set(drivername="postgresql+asyncpg")
    ledger = PostgresLedger(url, patience=timedelta(seconds=1))
    one = text("SELECT 1")
    assert await ledger.read(lambda connection: connection.execute(one).scalar()) == 1
    own_postgresql.pause()
    try:
        async with asyncio.timeout(10):
            with pytest.raises(Transient):
                await ledger.write(lambda connection: connection.execute(one).scalar())
    finally:
        own_postgresql.resume()
    assert await ledger.write(lambda connection: connection.execute(one).scalar()) == 1
    await ledger.close()


async def test_a_commit_whose_answer_is_lost_is_repeated_where_that_changes_nothing(
    place: PostgresPlace,
) -> None:
    url = make_url(place.url).set(drivername="postgresql+asyncpg")
    assert url.port is not None
    async with network_to(url.port) as network:
        ledger = PostgresLedger(url.set(port=network.port))
        await ledger.read(names)
        network.breaks = 1
        answer = await ledger.write(partial(receipts.accept, submission=submission(make_alert())), first=True)
        network.breaks = 1
        with pytest.raises(Transient):
            await ledger.write(lambda connection: put(connection, "a"))
        assert await ledger.read(names) == {"a"}
        counts = await ledger.read(receipts.counts)
        await ledger.close()

    assert isinstance(answer, Repeated)
    assert counts == {"pending": 1}


async def test_a_server_without_a_free_connection_is_transient(own_postgresql: PostgresServer) -> None:
    own_postgresql.create("relay")
    own_postgresql.execute("CREATE ROLE few LOGIN CONNECTION LIMIT 0")
    url = make_url(own_postgresql.url("relay")).set(drivername="postgresql+asyncpg", username="few")
    ledger = PostgresLedger(url, patience=timedelta(seconds=1))
    with pytest.raises(Transient):
        await ledger.read(names)
    await ledger.close()


@pytest.mark.parametrize(("user", "database"), [("nobody", "relay"), ("relay", "nothing")])
def test_a_server_that_refuses_us_stops_the_start_and_names_the_setting(
    own_postgresql: PostgresServer, user: str, database: str
) -> None:
    own_postgresql.create("relay")
    url = f"postgresql://{user}:hunter2@127.0.0.1:{own_postgresql.port}/{database}"
    with pytest.raises(Misconfigured) as refused:
        ledgers.require_head(LedgerSettings.model_validate({"url": url}))
    assert refused.value.setting == "RELAY_LEDGER__URL"
    assert "hunter2" not in str(refused.value)


def test_a_server_that_is_not_there_is_transient() -> None:
    settings = LedgerSettings.model_validate({"url": "postgresql://relay@127.0.0.1:1/relay"})
    with pytest.raises(Transient, match="postgresql://relay@127"):
        ledgers.require_head(settings)


async def test_on_postgresql_what_is_published_is_pruned_and_the_rest_is_the_backlog(
    ledger: PostgresLedger,
) -> None:
    port = LedgerOutbox(ledger)
    events = [Event(topic="alerts.v1", event_id=one, key="k", payload="{}") for one in "abc"]
    written: list[Record] = []
    ledger.on_append.append(written.extend)
    await ledger.write(partial(outbox.append_all, events=events, now=NOW))
    ids = [one.position for one in written[:2]]
    await ledger.write(partial(publishing.mark_published, positions=ids, now=NOW))
    prune = partial(port.prune, groups=("never read",), keep_for=timedelta(days=7), most=100)

    assert await port.backlog(group="classify", topics=["alerts.v1"]) == (1, NOW)
    assert await prune(now=NOW + timedelta(days=6)) == 0
    assert await prune(now=NOW + timedelta(days=8)) == 2
    assert await port.backlog(group="classify", topics=["alerts.v1"]) == (1, NOW)
