"""A statement run by the driver gives what SQLAlchemy gives: the pinned version's inner parts are used for it."""

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import bindparam, delete, func, insert, select, update

from services.storage.driver import run, run_together
from services.storage.statements import insert_all, insert_once
from services.storage.tables import api_keys, institutions, outbox, webhook_secrets
from tests.databases import Held, Place

NOW = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
BY_TOPICS = (
    select(outbox.c.id, outbox.c.event_id, outbox.c.created_at, outbox.c.published_at)
    .where(
        outbox.c.id > bindparam("after"),
        outbox.c.topic.in_(bindparam("topics", expanding=True)),
        outbox.c.key == "fixed",
    )
    .order_by(outbox.c.id)
)
PUBLISH = (
    update(outbox)
    .where(outbox.c.event_id == bindparam("event"))
    .values(published_at=bindparam("at", type_=outbox.c.published_at.type))
)
COUNT = select(func.count()).select_from(outbox)
RETURNING = insert(outbox).returning(outbox.c.id, outbox.c.created_at)
FORGET = delete(outbox).where(outbox.c.event_id.in_(bindparam("events", expanding=True)))


@pytest.fixture
def held(place: Place) -> Iterator[Held]:
    opened = place.hold()
    for number in range(6):
        ask(opened, insert_once(opened.connection, outbox), entry(number))
    yield opened
    opened.close()


def ask(held: Held, statement: Any, params: Any = None) -> Any:
    return held.run(lambda connection: run(connection, statement, params))


def entry(number: int) -> dict[str, object]:
    return {
        "topic": "ab"[number % 2],
        "event_id": f"event {number}",
        "key": "fixed",
        "payload": "{}",
        "traceparent": None,
        "created_at": NOW,
    }


@pytest.mark.parametrize("topics", [["a"], ["a", "b"], ["b", "c", "a"], []])
@pytest.mark.parametrize("after", [0, 3])
def test_rows_are_the_same(held: Held, topics: list[str], after: int) -> None:
    params = {"after": after, "topics": topics}
    expected = held.connection.execute(BY_TOPICS, params).all()
    found = ask(held, BY_TOPICS, params).all()
    assert [tuple(row) for row in found] == [tuple(row) for row in expected]
    assert [row.created_at for row in found] == [NOW] * len(found)


def test_a_time_is_written_and_read_as_an_instant(held: Held) -> None:
    assert ask(held, PUBLISH, {"event": "event 1", "at": NOW}).rowcount == 1
    row = held.connection.execute(select(outbox).where(outbox.c.event_id == "event 1")).one()
    assert row.published_at == NOW


def test_booleans_and_bytes_keep_their_types(held: Held) -> None:
    values = {
        "id": "x",
        "country": "UY",
        "organisation": "X",
        "kind": "network",
        "language": "es",
        "timezone": "UTC",
        "audiences": "[]",
        "categories": "[]",
        "active": True,
        "document": "{}",
        "updated_at": NOW,
    }
    ask(held, insert_once(held.connection, institutions), values)
    secret = {"id": "s", "institution_id": "x", "secret": b"\x00\xff", "created_at": NOW, "expires_at": None}
    ask(held, insert_once(held.connection, webhook_secrets), secret)
    assert ask(held, select(institutions.c.active)).scalar_one() is True
    assert ask(held, select(webhook_secrets.c.secret)).scalar_one() == b"\x00\xff"


def test_a_second_insert_changes_nothing_and_says_so(held: Held) -> None:
    assert ask(held, insert_once(held.connection, outbox), entry(0)).rowcount == 0
    assert ask(held, COUNT).scalar_one() == 6


def test_many_rows_are_written_at_once(held: Held) -> None:
    many = [entry(number) for number in (5, 6, 7)]
    ask(held, insert_once(held.connection, outbox), many)
    assert ask(held, COUNT).scalar_one() == 8
    assert ask(held, insert_once(held.connection, outbox), []).rowcount == 0


def test_what_an_insert_returns_is_converted(held: Held) -> None:
    row = ask(held, RETURNING, entry(9)).one()
    assert (row.id, row.created_at) == (7, NOW)


def test_a_list_may_have_another_length_each_time(held: Held) -> None:
    assert ask(held, FORGET, {"events": ["event 0"]}).rowcount == 1
    assert ask(held, FORGET, {"events": ["event 1", "event 2", "event 3"]}).rowcount == 3
    assert ask(held, FORGET, {"events": []}).rowcount == 0


def test_a_statement_without_rows_is_empty(held: Held) -> None:
    found = ask(held, select(api_keys))
    assert (found.all(), found.first(), found.scalar(), found.one_or_none()) == ([], None, None, None)
    assert list(found) == []


def test_writes_go_together_and_the_last_gives_its_rows(held: Held) -> None:
    publishing = (PUBLISH, {"event": "event 1", "at": NOW})
    new = insert_all(held.connection, insert_once(held.connection, outbox), [entry(5), entry(6), entry(7)])
    row = held.run(
        lambda connection: run_together(connection, (publishing, new, (RETURNING, entry(8)))).one()
    )
    assert row.created_at == NOW
    written = ask(held, select(outbox.c.event_id, outbox.c.published_at).order_by(outbox.c.event_id)).all()
    assert [event_id for event_id, _ in written] == [f"event {number}" for number in range(9)]
    assert [event_id for event_id, published_at in written if published_at == NOW] == ["event 1"]


def test_a_text_that_is_too_long_is_refused_in_a_list_too_by_a_database_that_knows_bounds(held: Held) -> None:
    long = {**entry(6), "key": "k" * 200}
    new = insert_all(held.connection, insert_once(held.connection, outbox), [entry(7), long])
    knows_bounds = held.connection.dialect.name != "sqlite"
    with pytest.raises(Exception, match="too long") if knows_bounds else nullcontext():
        held.run(lambda connection: run_together(connection, (new,)))
