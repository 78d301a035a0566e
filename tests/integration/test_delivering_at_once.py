"""Two notifiers on a real PostgreSQL: routing is a fact, a claim has one holder, what is being sent is waited for."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, select

from schemas.vocabularies import Severity
from services.notify.retry import DeliveryRules
from services.notify.routing import route
from services.storage import answers, deliveries_claiming, deliveries_routing, deliveries_settling, endpoints
from services.storage.delivery_records import (
    Appetite,
    Claim,
    Deferred,
    Delivered,
    NewAnswer,
    Outcome,
    Routed,
    Settled,
)
from services.storage.recipients import DirectoryReader
from services.storage.tables import endpoints as endpoints_table
from services.storage.tables import notifications
from tests.builders import make_alert
from tests.deliveries_rig import Rig, make_classification, make_recipient, settlement
from tests.two_transactions import Two

pytestmark = [pytest.mark.integration, pytest.mark.needs("postgresql")]

LEASE = timedelta(minutes=2)
Claiming = Callable[[Connection], list[Claim]]


@pytest.fixture
async def rig(rig: Rig) -> Rig:
    await rig.direct(make_recipient())
    return rig


def routing(*message_ids: str, now: datetime) -> Callable[[Connection], list[Any]]:
    wanted = [(one, now) for one in message_ids]
    return partial(deliveries_routing.route_all, wanted=wanted, decide=route, directory=DirectoryReader())


def claiming(token: str, *, now: datetime, limit: int = 100, per_endpoint: int = 12) -> Claiming:
    return partial(
        deliveries_claiming.claim,
        now=now,
        appetite=Appetite(limit),
        per_endpoint=per_endpoint,
        tolerated=3,
        lease=LEASE,
        token=token,
    )


def settling(claims: Sequence[Claim], outcome: Outcome, *, now: datetime) -> Callable[[Connection], Settled]:
    settlements = [settlement(one, outcome, now=now) for one in claims]
    return partial(
        deliveries_settling.settle,
        settlements=settlements,
        rules=DeliveryRules(),
        directory=DirectoryReader(),
        now=now,
    )


def ids(claims: Sequence[Claim]) -> set[str]:
    return {one.notification.id for one in claims}


async def issue_many(rig: Rig, count: int) -> None:
    for number in range(count):
        await rig.issue(make_alert(national_ref=f"N-{number}"), thread=f"thread {number}")


async def test_a_version_that_two_route_at_once_is_routed_once(rig: Rig, at_once: Two) -> None:
    message_id = await rig.classify()
    unit = routing(message_id, now=rig.now)

    (first,), (second,) = at_once.in_line(unit, unit)

    assert isinstance(first, Routed)
    assert isinstance(second, Routed)
    assert (len(first.versions), len(second.versions)) == (1, 0)
    assert len(await rig.rows()) == first.rows == 1


async def test_a_version_is_never_routed_before_a_lower_one_that_another_routes(
    rig: Rig, at_once: Two
) -> None:
    first, second = await rig.classify(), await rig.classify(make_alert(message_type="update"))

    at_once.in_line(routing(first, now=rig.now), routing(second, now=rig.now))

    rows = await rig.rows()
    assert [row.thread_version for row in rows] == [1, 2]
    assert [row.state for row in rows] == ["superseded", "pending"]


async def test_versions_of_two_threads_that_are_routed_at_once_are_numbered_in_the_order_of_their_commits(
    rig: Rig, at_once: Two
) -> None:
    one = await rig.classify(make_alert(national_ref="N-1"), thread="thread 1")
    other = await rig.classify(make_alert(national_ref="N-2"), thread="thread 2")

    at_once.in_line(routing(one, now=rig.now), routing(other, now=rig.now))

    assert [row.message_id for row in await rig.rows()] == [one, other]


async def test_what_is_being_claimed_is_not_superseded_but_waited_for(rig: Rig, at_once: Two) -> None:
    await rig.issue()
    newer = await rig.classify(make_alert(message_type="correction"))

    claims, _ = at_once.in_line(claiming("a", now=rig.now), routing(newer, now=rig.now))

    (old, new) = await rig.rows()
    assert ids(claims) == {old.id}
    assert (old.state, new.state, new.waits_for, new.next_at) == ("claimed", "pending", old.id, None)


async def test_what_is_being_superseded_is_not_claimed(rig: Rig, at_once: Two) -> None:
    await rig.issue()
    newer = await rig.classify(make_alert(message_type="update"))

    _, claims = at_once.meanwhile(routing(newer, now=rig.now), claiming("a", now=rig.now))

    assert claims == []
    assert [row.state for row in await rig.rows()] == ["superseded", "pending"]


async def test_a_version_that_is_routed_while_its_original_is_settled_is_not_left_waiting(
    rig: Rig, at_once: Two
) -> None:
    await rig.issue()
    claims = await rig.deliveries.claim(now=rig.now, limit=1)
    newer = await rig.classify(make_alert(message_type="correction"))

    at_once.in_line(settling(claims, Delivered(), now=rig.now), routing(newer, now=rig.now))

    (_, new) = await rig.rows()
    assert (new.state, new.waits_for, new.next_at) == ("pending", None, rig.now)


async def test_a_settlement_lets_go_what_was_routed_to_wait_for_it_meanwhile(rig: Rig, at_once: Two) -> None:
    await rig.issue()
    claims = await rig.deliveries.claim(now=rig.now, limit=1)
    newer = await rig.classify(make_alert(message_type="correction"))

    at_once.in_line(routing(newer, now=rig.now), settling(claims, Delivered(), now=rig.now))

    (_, new) = await rig.rows()
    assert (new.state, new.waits_for, new.next_at) == ("pending", None, rig.now)


async def test_two_notifiers_share_what_is_due(rig: Rig, at_once: Two) -> None:
    await issue_many(rig, 5)

    first, second = at_once.in_line(claiming("a", now=rig.now, limit=3), claiming("b", now=rig.now))

    assert (len(first), len(second)) == (3, 2)
    assert not ids(first) & ids(second)


async def test_two_notifiers_together_keep_the_bound_of_an_endpoint(rig: Rig, at_once: Two) -> None:
    await issue_many(rig, 5)

    first, second = at_once.in_line(
        claiming("a", now=rig.now, per_endpoint=4), claiming("b", now=rig.now, per_endpoint=4)
    )

    assert (len(first), len(second)) == (4, 0)


async def test_a_claim_passes_over_what_another_transaction_holds(rig: Rig, at_once: Two) -> None:
    await issue_many(rig, 3)
    held = select(notifications.c.id).order_by(notifications.c.cursor).limit(1).with_for_update()

    row, claims = at_once.meanwhile(
        lambda connection: connection.execute(held).scalar_one(), claiming("a", now=rig.now)
    )

    assert len(claims) == 2
    assert row not in ids(claims)


async def test_a_claim_that_is_asked_for_again_by_its_token_is_the_same_claim(rig: Rig, at_once: Two) -> None:
    await issue_many(rig, 2)

    first, again = (at_once.look(claiming("a", now=rig.now, limit=1)) for _ in range(2))

    assert again == first
    assert len(await rig.deliveries.claim(now=rig.now, limit=9)) == 1


async def test_a_claim_whose_lease_two_end_at_once_is_ended_once(rig: Rig, at_once: Two) -> None:
    await rig.issue()
    await rig.deliveries.claim(now=rig.now, limit=1)
    unit = partial(
        deliveries_settling.expire,
        rules=DeliveryRules(),
        directory=DirectoryReader(),
        now=rig.now + LEASE,
        most=10,
    )

    assert at_once.in_line(unit, unit) == (1, 0)
    assert len(await rig.attempts()) == 1


async def test_a_claim_that_lapsed_and_was_taken_again_is_settled_by_its_holder_only(
    rig: Rig, at_once: Two
) -> None:
    await rig.issue()
    lapsed = await rig.deliveries.claim(now=rig.now, limit=1)
    later = rig.now + LEASE
    await rig.deliveries.expire(now=later)

    taken, settled = at_once.meanwhile(claiming("b", now=later), settling(lapsed, Delivered(), now=later))

    assert len(taken) == 1
    assert settled.states == {}


async def test_failures_that_two_count_at_once_are_both_counted(rig: Rig, at_once: Two) -> None:
    await issue_many(rig, 2)
    one, other = ([claim] for claim in await rig.deliveries.claim(now=rig.now, limit=2))
    lost = Deferred(reason="unreachable")

    at_once.in_line(settling(one, lost, now=rig.now), settling(other, lost, now=rig.now))

    failures = select(endpoints_table.c.failures)
    assert at_once.look(lambda connection: connection.execute(failures).scalar_one()) == 2


async def test_an_endpoint_that_recovers_does_not_wait_for_who_claims_from_it(rig: Rig, at_once: Two) -> None:
    await issue_many(rig, 2)
    held = select(notifications.c.id).order_by(notifications.c.cursor).limit(1).with_for_update()
    later = rig.now - timedelta(hours=1)
    endpoint = (await rig.rows())[0].endpoint_id

    _, drained = at_once.meanwhile(
        lambda connection: connection.execute(held).scalar_one(),
        partial(endpoints.drain, endpoint_id=endpoint, now=later),
    )

    assert drained == 1


async def test_what_is_being_answered_is_not_claimed(rig: Rig, at_once: Two) -> None:
    message_id = await rig.issue(classification=make_classification(level=Severity.CRITICAL))
    new = NewAnswer(message_id=message_id, recipient_id="co-focal", state="acknowledged", via="link")
    acknowledging = partial(answers.acknowledge, new=new, directory=DirectoryReader(), now=rig.now)

    _, claims = at_once.meanwhile(acknowledging, claiming("a", now=rig.now))

    assert claims == []
    assert [row.state for row in await rig.rows()] == ["withheld"]


async def test_what_is_being_claimed_is_stopped_by_an_answer_when_it_settles(rig: Rig, at_once: Two) -> None:
    message_id = await rig.issue(classification=make_classification(level=Severity.CRITICAL))
    new = NewAnswer(message_id=message_id, recipient_id="co-focal", state="acknowledged", via="link")
    acknowledging = partial(answers.acknowledge, new=new, directory=DirectoryReader(), now=rig.now)

    claims, _ = at_once.in_line(claiming("a", now=rig.now), acknowledging)
    await rig.ledger.write(settling(claims, Deferred(reason="unreachable"), now=rig.now))

    assert [(row.state, row.reason) for row in await rig.rows()] == [("withheld", "acknowledged_elsewhere")]
