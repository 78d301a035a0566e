"""Where one writer runs everything, what was classified is routed and claimed in the same transaction."""

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection

from schemas.events import CLASSIFIED
from services.storage import outbox
from services.storage.delivery_records import Appetite, Delivered, Followed
from services.storage.records import Event
from tests.databases import SqlitePlace
from tests.deliveries_rig import Rig, email, make_recipient, open_rig, settlement, webhook


@pytest.fixture
async def rig(path: Path) -> AsyncIterator[Rig]:
    """A ledger with one writer."""
    opened = open_rig(SqlitePlace(path))
    yield opened
    await opened.ledger.close()


def announcement(message_id: str) -> Event:
    payload = json.dumps({"message_id": message_id})
    return Event(topic=CLASSIFIED, event_id=f"verdict of {message_id}", key="key", payload=payload)


async def announce(rig: Rig, message_id: str) -> None:
    append = partial(outbox.append, event=announcement(message_id), now=rig.now)
    await rig.ledger.write(append)


def follow(rig: Rig, *, most: int = 10) -> list[Followed]:
    """Follow what is classified from now on; return the list to which what was done is added."""
    done: list[Followed] = []
    rig.deliveries.follow(done.append, appetite=lambda: Appetite(most), clock=lambda: rig.now)
    return done


async def test_what_is_classified_is_routed_and_claimed_by_the_same_commit(rig: Rig) -> None:
    await rig.direct(make_recipient(channels=(webhook(), email())))
    done = follow(rig)
    message_id = await rig.classify()

    await announce(rig, message_id)

    (followed,) = done
    assert followed.event_ids == (f"verdict of {message_id}",)
    assert [one.versions[0].message.id for one in followed.routed] == [message_id]
    assert {one.notification.channel for one in followed.claims} == {"webhook", "email"}
    assert {row.state for row in await rig.rows()} == {"claimed"}


async def test_reading_it_from_its_topic_afterwards_asks_the_ledger_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.direct(make_recipient())
    follow(rig)
    message_id = await rig.classify()
    await announce(rig, message_id)

    with monkeypatch.context() as without:
        without.setattr(rig.ledger, "write", None)
        record = f"verdict of {message_id}"
        assert (await rig.deliveries.route(message_id, now=rig.now, event_id=record)).versions == ()
        with pytest.raises(TypeError):  # another verdict on the same message is looked at
            await rig.deliveries.route(message_id, now=rig.now, event_id="another verdict")


async def test_without_room_it_is_routed_and_claimed_later(rig: Rig) -> None:
    await rig.direct(make_recipient())
    done = follow(rig, most=0)
    message_id = await rig.classify()

    await announce(rig, message_id)

    assert [list(one.claims) for one in done] == [[]]
    assert [row.state for row in await rig.rows()] == ["pending"]
    assert len(await rig.deliveries.claim(now=rig.now, limit=5)) == 1


async def test_one_that_cannot_be_routed_costs_the_others_nothing(rig: Rig) -> None:
    await rig.direct(make_recipient())
    done = follow(rig)
    message_id = await rig.classify()

    def unit(connection: Connection) -> None:
        outbox.append_all(
            connection, [announcement(message_id), announcement("nobody knows it")], now=rig.now
        )

    await rig.ledger.write(unit)

    assert done == []
    assert await rig.rows() == []
    assert len(await rig.events()) == 2  # they are on their topic, and each is routed by itself from there
    assert (await rig.deliveries.route(message_id, now=rig.now)).rows == 1


async def test_what_no_longer_follows_does_nothing(rig: Rig) -> None:
    await rig.direct(make_recipient())
    done: list[Followed] = []
    end = rig.deliveries.follow(done.append, appetite=lambda: Appetite(5), clock=lambda: rig.now)
    end()
    await announce(rig, await rig.classify())
    await asyncio.sleep(0)
    assert done == []
    assert await rig.rows() == []


async def test_settling_fills_the_room_that_it_leaves(rig: Rig) -> None:
    await rig.direct(make_recipient("a-focal"), make_recipient("b-focal", country="UY"))
    await rig.issue()
    (first,) = await rig.deliveries.claim(now=rig.now, limit=1)
    delivered = settlement(first, Delivered(status_code=204), now=rig.now)

    settled = await rig.deliveries.settle([delivered], now=rig.now, appetite=Appetite(1))

    assert settled.claims is not None
    assert [one.notification.recipient_id for one in settled.claims] != [first.notification.recipient_id]
    assert sorted(row.state for row in await rig.rows()) == ["claimed", "delivered"]
    assert (await rig.deliveries.settle([], now=rig.now)).claims is None
