"""Several receivers that never answer hold up nobody else, and the gravest goes first (P5)."""

import asyncio
from collections import Counter
from functools import wraps
from typing import Any

import pytest
from sqlalchemy import Connection

from schemas.vocabularies import Severity
from services.notify.channels.room import Room
from services.notify.channels.sending import Mail
from services.notify.dispatch import Dispatcher
from services.storage import deliveries_claiming
from services.storage.delivery_records import Appetite, Claim, Delivered, Followed, Outcome
from services.storage.records import Notification
from tests.builders import make_alert
from tests.deliveries_rig import Rig, email, make_classification, make_recipient, until, webhook
from tests.dispatching import make_dispatcher, make_sender

_IN_FLIGHT = 256  # RELAY_NOTIFY__IN_FLIGHT
_PER_ENDPOINT = 4  # RELAY_NOTIFY__IN_FLIGHT_PER_ENDPOINT
_HANGING = 6
_ALERTS = 48


class Receivers:
    """Webhooks, and the secrets for them; those named dead are begun and never answered."""

    def __init__(self) -> None:
        self.begun: Counter[str] = Counter()
        self.taken: list[str] = []

    async def send(self, url: str, body: bytes, **_: Any) -> Outcome:
        if "dead" in url:
            self.begun[url] += 1
            await asyncio.Event().wait()
        self.taken.append(body.decode())
        return Delivered(status_code=200)

    async def valid(self, institution_id: str, *, now: Any) -> list[bytes]:
        return [b"s" * 32]


def _dispatcher(
    rig: Rig, receivers: Receivers, *, most: int = _IN_FLIGHT, mail: Mail | None = None
) -> Dispatcher:
    return make_dispatcher(rig, make_sender(rig, receivers, mail=mail), most=most)


@pytest.fixture
def claimed(monkeypatch: pytest.MonkeyPatch) -> list[Notification]:
    """What has been claimed, in the order of the transactions: what answers them may come in another order."""
    order: list[Notification] = []
    claim = deliveries_claiming.claim

    @wraps(claim)
    def recorded(connection: Connection, **how: Any) -> list[Claim]:
        claims = claim(connection, **how)
        order.extend(one.notification for one in claims)
        return claims

    monkeypatch.setattr(deliveries_claiming, "claim", recorded)
    return order


async def test_several_that_never_answer_hold_up_nobody_else_and_the_gravest_goes_first(
    rig: Rig, claimed: list[Notification]
) -> None:
    dead = [f"dead-{number}" for number in range(_HANGING)]
    people = [make_recipient(name, channels=(webhook(name),)) for name in dead]
    await rig.direct(*people, make_recipient("br-focal", country="BR"))
    levels = tuple(reversed(Severity))  # the least grave were there first
    for number in range(_ALERTS):
        await rig.issue(
            make_alert(national_ref=f"r{number}"),
            thread=f"t{number}",
            classification=make_classification(level=levels[number * len(levels) // _ALERTS]),
        )
    receivers, stop = Receivers(), asyncio.Event()

    async def told() -> bool:
        return len(receivers.taken) == _ALERTS and receivers.begun.total() >= _HANGING * _PER_ENDPOINT

    async with asyncio.TaskGroup() as group:
        group.create_task(_dispatcher(rig, receivers).run(stop))
        await until(told)
        stop.set()
    assert set(receivers.begun.values()) == {_PER_ENDPOINT}
    assert len(receivers.begun) == _HANGING
    # Those on their way to one endpoint together arrive in any order: it is claimed in that of their urgency.
    order = [one.urgency for one in claimed if one.recipient_id == "br-focal"]
    assert len(order) == _ALERTS
    assert len(set(order)) == len(levels)
    assert order == sorted(order)


async def test_a_quarter_of_the_slots_is_kept_for_what_is_urgent(rig: Rig) -> None:
    dead = [f"dead-{number}" for number in range(12)]
    people = [make_recipient(name, channels=(webhook(name),)) for name in dead]
    await rig.direct(*people)
    await rig.issue(thread="info", classification=make_classification(level=Severity.INFO))
    receivers, stop = Receivers(), asyncio.Event()
    dispatcher = _dispatcher(rig, receivers, most=8)

    async def crowded() -> bool:
        return receivers.begun.total() >= 5  # of six slots; two are for mail

    async def told() -> bool:
        return len(receivers.taken) == 1

    async with asyncio.TaskGroup() as group:
        group.create_task(dispatcher.run(stop))
        await until(crowded)
        assert dispatcher.appetite() == Appetite(1, 0, Appetite(2, 2))
        # Two claims that were under way together may take more than there is: the quarter is kept all the same.
        patient = await rig.deliveries.claim(now=rig.now, limit=4)
        dispatcher.followed(
            Followed(event_ids=(), routed=(), claims=patient, directory=await rig.deliveries.directory())
        )
        assert dispatcher.appetite() == Appetite(1, 0, Appetite(2, 2))
        await rig.direct(make_recipient("br-focal", country="BR"))
        await rig.issue(
            make_alert(national_ref="urgent"),
            thread="urgent",
            classification=make_classification(level=Severity.CRITICAL),
        )
        dispatcher.wake()
        await until(told)
        stop.set()


class StandingStill:
    """A mail server that takes nothing and never says so."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    async def send(self, address: str, message: bytes, **_: Any) -> Outcome:
        self.begun.append(address)
        await asyncio.Event().wait()
        raise AssertionError("it never answers")


@pytest.mark.parametrize(
    ("most", "for_mail"), [(16, 4), (2, 1)]
)  # 2: the least that RELAY_NOTIFY__IN_FLIGHT takes
async def test_a_mail_server_that_stands_still_holds_up_no_webhook(
    rig: Rig, most: int, for_mail: int
) -> None:
    mailboxes = [f"mailbox-{number}" for number in range(20)]
    await rig.direct(*(make_recipient(name, channels=(email(name),)) for name in mailboxes))
    await rig.issue()
    receivers, mail, stop = Receivers(), StandingStill(), asyncio.Event()
    dispatcher = _dispatcher(rig, receivers, most=most, mail=mail)

    async def crowded() -> bool:
        return len(mail.begun) == for_mail

    async def told() -> bool:
        return len(receivers.taken) == 1

    async with asyncio.TaskGroup() as group:
        group.create_task(dispatcher.run(stop))
        await until(crowded)
        await rig.direct(make_recipient("br-focal", country="BR"))
        await rig.issue(make_alert(national_ref="next"), thread="next")
        dispatcher.wake()
        await until(told)
        stop.set()


class Narrow:
    """A mail server that takes nothing, by two connections: the others wait for one."""

    def __init__(self) -> None:
        self.room = Room(2)
        self.asked = 0

    async def send(self, address: str, message: bytes, *, urgency: int = 0, **_: Any) -> Outcome:
        self.asked += 1
        async with self.room.place(urgency=urgency):
            await asyncio.Event().wait()
        raise AssertionError("it never answers")


async def test_mail_on_its_way_and_mail_that_waits_may_be_stopped_together(rig: Rig) -> None:
    mailboxes = [f"mailbox-{number}" for number in range(16)]
    await rig.direct(*(make_recipient(name, channels=(email(name),)) for name in mailboxes))
    await rig.issue()
    mail, stop = Narrow(), asyncio.Event()

    async def crowded() -> bool:
        return mail.asked == len(mailboxes)

    async with asyncio.TaskGroup() as group:
        group.create_task(_dispatcher(rig, Receivers(), most=64, mail=mail).run(stop))
        await until(crowded)
        stop.set()
    assert [(row.state, row.reason) for row in await rig.rows()] == [("pending", "stopped")] * len(mailboxes)


async def test_what_is_claimed_for_a_dispatcher_that_crashed_is_left_to_its_lease(rig: Rig) -> None:
    await rig.direct(make_recipient())
    await rig.issue()
    dispatcher = _dispatcher(rig, Receivers())
    running = asyncio.create_task(dispatcher.run(asyncio.Event()))

    async def taken() -> bool:
        return {row.state for row in await rig.rows()} == {"delivered"}

    await until(taken)
    running.cancel()
    await asyncio.wait([running])
    await rig.issue(make_alert(national_ref="next"), thread="next")
    claims = await rig.deliveries.claim(now=rig.now, limit=5)
    directory = await rig.deliveries.directory()
    dispatcher.followed(Followed(event_ids=(), routed=(), claims=claims, directory=directory))
    assert len(claims) == 1
    assert dispatcher.appetite() == Appetite(0)
