"""What every executor of units of work promises."""

import asyncio

import pytest
from sqlalchemy import Connection, func, insert, select

from services.storage import outbox
from services.storage.records import Event
from services.storage.tables import counters
from tests.builders import NOW
from tests.databases import Ledger

COUNT = select(func.count()).select_from(counters)


def put(connection: Connection, name: str) -> str:
    connection.execute(insert(counters), {"name": name, "value": 1})
    return name


def put_and_fail(connection: Connection, name: str) -> None:
    put(connection, name)
    raise LookupError(name)


async def names(ledger: Ledger) -> list[str]:
    def query(connection: Connection) -> list[str]:
        return list(connection.execute(select(counters.c.name).order_by(counters.c.name)).scalars())

    return await ledger.read(query)


async def test_a_unit_answers_with_what_it_returned_once_it_is_kept(ledger: Ledger) -> None:
    assert await ledger.write(lambda connection: put(connection, "a")) == "a"
    assert await names(ledger) == ["a"]


async def test_a_unit_that_raises_takes_nothing_but_itself_back(ledger: Ledger) -> None:
    outcomes = await asyncio.gather(
        *(ledger.write(lambda connection, n=n: put(connection, n)) for n in ("a", "b")),
        ledger.write(lambda connection: put_and_fail(connection, "x")),
        *(ledger.write(lambda connection, n=n: put(connection, n)) for n in ("c", "d")),
        return_exceptions=True,
    )
    assert [type(one) for one in outcomes] == [str, str, LookupError, str, str]
    assert await names(ledger) == ["a", "b", "c", "d"]


async def test_what_is_not_committed_is_not_read(ledger: Ledger) -> None:
    with pytest.raises(LookupError):
        await ledger.write(lambda connection: put_and_fail(connection, "x"))
    assert await names(ledger) == []
    assert await ledger.read_slowly(lambda connection: connection.execute(COUNT).scalar()) == 0


async def test_a_commit_says_which_topics_were_appended_to(ledger: Ledger) -> None:
    heard: list[set[str]] = []
    ledger.on_commit.append(lambda topics: heard.append(set(topics)))

    def append(connection: Connection) -> None:
        for topic in ("a", "b"):
            outbox.append(connection, Event(topic=topic, event_id="1", key="k", payload="{}"), now=NOW)

    await ledger.write(append)
    await ledger.write(lambda connection: put(connection, "nothing to tell"))
    assert heard == [{"a", "b"}]
