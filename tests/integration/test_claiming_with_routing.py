"""Several notifiers on a real PostgreSQL: what is routed is claimed by the same commit, a settlement looks further."""

from functools import partial
from typing import Any

import pytest

from services.storage import deliveries_onwards
from services.storage.delivery_records import Appetite, Claim, Delivered, Followed, Settlement
from services.storage.recipients import DirectoryReader
from tests.builders import make_alert
from tests.deliveries_rig import Rig, email, make_recipient, settlement, webhook
from tests.integration.test_delivering_at_once import claiming, routing

pytestmark = [pytest.mark.integration, pytest.mark.needs("postgresql")]


def follow(rig: Rig, *, most: int = 10) -> list[Followed]:
    """Claim what is routed from now on; return the list to which what was done is added."""
    done: list[Followed] = []
    rig.deliveries.follow(done.append, appetite=lambda: Appetite(most), clock=lambda: rig.now)
    return done


def delivered(rig: Rig, claim: Claim) -> Settlement:
    return settlement(claim, Delivered(status_code=204), now=rig.now)


async def states(rig: Rig) -> list[Any]:
    return sorted(row.state for row in await rig.rows())


async def test_what_is_routed_is_claimed_by_the_same_commit(rig: Rig) -> None:
    await rig.direct(make_recipient(channels=(webhook(), email())))
    done = follow(rig)
    message_id = await rig.classify()

    answer = await rig.deliveries.route(message_id, now=rig.now)

    (followed,) = done
    assert [one.versions[0].message.id for one in followed.routed] == [message_id]
    assert {one.notification.channel for one in followed.claims} == {"webhook", "email"}
    assert followed.directory.recipients.keys() == {"co-focal"}
    assert await states(rig) == ["claimed", "claimed"]
    assert (answer.versions, answer.rows, answer.ready) == ((), 0, False)  # it was told already


async def test_a_later_version_of_a_thread_is_routed_and_claimed_by_itself(rig: Rig) -> None:
    await rig.direct(make_recipient())
    await rig.issue()
    done = follow(rig)
    second = await rig.classify(make_alert(version=2))

    answer = await rig.deliveries.route(second, now=rig.now)

    assert done == []
    assert [one.message.id for one in answer.versions] == [second]
    assert answer.ready
    assert "claimed" not in await states(rig)


async def test_without_room_it_is_routed_and_nothing_is_claimed(rig: Rig) -> None:
    await rig.direct(make_recipient())
    done = follow(rig, most=0)
    answer = await rig.deliveries.route(await rig.classify(), now=rig.now)
    assert done == []
    assert answer.ready
    assert await states(rig) == ["pending"]


async def test_a_run_whose_commit_was_not_answered_gives_the_same_claims_again(rig: Rig) -> None:
    await rig.direct(make_recipient(channels=(webhook(), email())))
    message_id = await rig.classify()
    route_it = routing(message_id, now=rig.now)
    unit = partial(
        deliveries_onwards.route_then_claim,
        route=route_it,
        directory=DirectoryReader(),
        claim=claiming("token", now=rig.now),
    )
    (_, first), (_, again) = [await rig.ledger.write(unit) for _ in range(2)]
    assert first is not None
    assert again is not None
    assert len(first.claims) == 2
    assert {one.notification.id for one in again.claims} == {one.notification.id for one in first.claims}
    assert [row.attempts for row in await rig.rows()] == [1, 1]


async def test_what_no_longer_follows_claims_nothing(rig: Rig) -> None:
    await rig.direct(make_recipient())
    done: list[Followed] = []
    end = rig.deliveries.follow(done.append, appetite=lambda: Appetite(5), clock=lambda: rig.now)
    end()
    assert (await rig.deliveries.route(await rig.classify(), now=rig.now)).ready
    assert done == []


async def test_a_settlement_says_whether_more_is_due_at_its_endpoint(rig: Rig) -> None:
    await rig.direct(make_recipient("a-focal", channels=(webhook("a-focal"),)))
    for number in range(2):
        await rig.issue(make_alert(national_ref=f"r{number}"), thread=f"t{number}")
    (first,) = await rig.deliveries.claim(now=rig.now, limit=1)

    settled = await rig.deliveries.settle([delivered(rig, first)], now=rig.now, appetite=Appetite(1))
    assert (settled.claims, settled.ready) == (None, True)

    (second,) = await rig.deliveries.claim(now=rig.now, limit=1)
    settled = await rig.deliveries.settle([delivered(rig, second)], now=rig.now, appetite=Appetite(1))
    assert (settled.claims, settled.ready) == (None, False)


async def test_the_directory_is_read_again_only_where_it_changed(rig: Rig) -> None:
    await rig.direct(make_recipient("a-focal"))
    first = await rig.deliveries.directory()
    assert await rig.deliveries.directory() is first
    await rig.direct(make_recipient("b-focal"))
    assert {one.id for one in (await rig.deliveries.directory()).recipients.values() if one.active} == {
        "b-focal"
    }
