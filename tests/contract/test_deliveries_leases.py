"""An attempt ends before its claim does: what is sent later could come twice, or behind a newer version."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from schemas.vocabularies import Tlp
from services.storage.delivery_records import Deferred, Delivered, Outcome
from services.storage.tables import threads
from tests.builders import make_alert
from tests.deliveries_rig import Rig, email, make_recipient, until, webhook
from tests.dispatching import make_dispatcher, make_sender


class Receiver:
    """A webhook receiver that may never answer; a secret for it."""

    def __init__(self, *, answers: bool) -> None:
        self.answers = answers
        self.begun: list[str] = []
        self.given_up = 0

    async def send(
        self, url: str, body: bytes, *, notification_id: str, keys: Sequence[bytes], now: datetime
    ) -> Outcome:
        self.begun.append(notification_id)
        if not self.answers:
            try:
                await asyncio.Event().wait()
            finally:
                self.given_up += 1
        return Delivered(status_code=204)

    async def valid(self, institution_id: str, *, now: datetime) -> Sequence[bytes]:
        return [b"s" * 32]


async def test_an_attempt_is_given_up_before_its_claim_ends(rig: Rig) -> None:
    rig.deliveries._lease = timedelta(seconds=5.2)  # the margin is 5 seconds of it
    await rig.direct(make_recipient())
    await rig.issue()
    receiver, stop = Receiver(answers=False), asyncio.Event()
    dispatcher = make_dispatcher(rig, make_sender(rig, receiver))

    async def begun_again() -> bool:
        return len(receiver.begun) > 1

    async with asyncio.TaskGroup() as group:
        group.create_task(dispatcher.run(stop))
        await until(begun_again)
        stop.set()

    first = (await rig.attempts())[0]
    assert (first.outcome, first.reason) == ("unknown", "took_too_long")
    assert receiver.given_up == len(receiver.begun)
    (row,) = await rig.rows()
    assert (row.state, row.received) == ("pending", True)  # it may have arrived: a correction goes there too


class Faulty(Receiver):
    """Code of ours with a fault, met after the letter began to leave."""

    async def send(self, *_: object, **__: object) -> Outcome:
        raise ZeroDivisionError


async def test_a_fault_in_the_code_defers_that_letter_and_no_other(rig: Rig) -> None:
    await rig.direct(make_recipient(channels=(webhook(), email())))
    await rig.issue()
    stop = asyncio.Event()
    dispatcher = make_dispatcher(rig, make_sender(rig, Faulty(answers=True), mail=Taking()))

    async def settled() -> bool:
        return len(await rig.attempts()) >= 2

    async with asyncio.TaskGroup() as group:
        group.create_task(dispatcher.run(stop))
        await until(settled)
        stop.set()

    ended = [(one.outcome, one.reason) for one in await rig.attempts()]
    assert sorted(ended) == [("delivered", ""), ("unknown", "internal_error")]
    (waiting,) = [row for row in await rig.rows() if row.state == "pending"]
    assert waiting.next_at > rig.now  # not tried again and again at once


class Taking:
    """A mail server that takes everything."""

    async def send(self, address: str, message: bytes, **_: object) -> Outcome:
        return Delivered(status_code=250)


class Crowded:
    """A mail server that never has room for one more."""

    def __init__(self) -> None:
        self.asked = 0

    async def send(self, address: str, message: bytes, **_: object) -> Outcome:
        self.asked += 1
        await asyncio.Event().wait()
        raise AssertionError("it never begins")


@pytest.mark.parametrize(("lease", "reason"), [(5.2, "took_too_long"), (120, "stopped")])
async def test_what_only_waited_for_our_own_room_was_surely_not_received(
    rig: Rig, lease: float, reason: str
) -> None:
    rig.deliveries._lease = timedelta(seconds=lease)
    await rig.direct(make_recipient(channels=(email(),)))
    await rig.issue()
    stop = asyncio.Event()
    mail = Crowded()
    dispatcher = make_dispatcher(rig, make_sender(rig, Receiver(answers=True), mail=mail))

    async def under_way() -> bool:
        return mail.asked > (0 if reason == "stopped" else 1)

    async with asyncio.TaskGroup() as group:
        group.create_task(dispatcher.run(stop))
        await until(under_way)
        stop.set()

    first = (await rig.attempts())[0]
    assert (first.outcome, first.reason) == ("deferred", reason)
    assert [(row.state, row.received) for row in await rig.rows()] == [("pending", False)]


class Queueing:
    """A mail server whose first message waits while something happens."""

    def __init__(self, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self.meanwhile = meanwhile
        self.outcomes: list[Outcome] = []

    async def send(
        self,
        address: str,
        message: bytes,
        *,
        stands: Callable[[], Awaitable[bool]] | None = None,
        **_: object,
    ) -> Outcome:
        assert stands is not None
        if not self.outcomes:
            await self.meanwhile()
        stood = await stands()
        self.outcomes.append(
            Delivered(status_code=250) if stood else Deferred(reason="overtaken", blames_endpoint=False)
        )
        return self.outcomes[-1]


@pytest.mark.parametrize(
    ("happens", "states", "sent"),
    [
        ("nothing", ["delivered"], [True]),
        ("another one goes", ["delivered"], [True]),
        ("it goes", ["withheld"], [False]),
        ("a stricter version", ["superseded", "delivered"], [False, True]),
        ("its thread alone is stricter", ["delivered"], [False, True]),
    ],
)
async def test_what_waited_for_our_own_room_is_judged_again(
    rig: Rig, happens: str, states: list[str], sent: list[bool]
) -> None:
    reader, other = make_recipient(channels=(email(),)), make_recipient("br-focal", country="BR", channels=())

    async def meanwhile() -> None:
        match happens:
            case "another one goes":
                await rig.direct(reader)
            case "it goes":
                await rig.direct(other)
            case "a stricter version":
                await rig.issue(make_alert(national_ref="next", tlp=Tlp.AMBER))
            case "its thread alone is stricter":
                await rig.ledger.write(
                    lambda connection: connection.execute(threads.update().values(strictest_tlp=Tlp.AMBER))
                )

    await rig.direct(reader, other)
    await rig.issue()
    mail, stop = Queueing(meanwhile), asyncio.Event()

    async def ended() -> bool:
        return all(
            row.state not in ("pending", "claimed") for row in await rig.rows() if row.channel == "email"
        )

    async with asyncio.TaskGroup() as group:
        group.create_task(make_dispatcher(rig, make_sender(rig, Receiver(answers=True), mail=mail)).run(stop))
        await until(ended)
        stop.set()
    assert [row.state for row in await rig.rows() if row.channel == "email"] == states
    assert [isinstance(one, Delivered) for one in mail.outcomes] == sent


async def test_nothing_leaves_once_the_claim_is_over(rig: Rig) -> None:
    await rig.direct(make_recipient())
    await rig.issue()
    (claim,) = await rig.deliveries.claim(now=rig.now, limit=1)
    assert claim.until is not None
    assert claim.until > rig.now
    receiver = Receiver(answers=True)
    sender = make_sender(rig, receiver)
    directory = await rig.deliveries.directory()

    late = await sender.send(claim, directory, now=rig.now, begin=lambda: False)
    assert late.outcome == Deferred(reason="took_too_long", blames_endpoint=False)
    assert receiver.begun == []

    in_time = await sender.send(replace(claim, until=None), directory, now=rig.now)
    assert in_time.outcome == Delivered(status_code=204)
