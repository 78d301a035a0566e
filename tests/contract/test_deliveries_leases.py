"""An attempt ends before its claim does: what is sent later could come twice, or behind a newer version."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry

from services.notify.channels.sending import Addressing, Channels, Renderers, Sender
from services.notify.dispatch import Dispatcher
from services.notify.instruments import Instruments
from services.notify.links import LinkKeys
from services.storage.delivery_records import Deferred, Delivered, Outcome
from tests.deliveries_rig import Rig, make_recipient, until


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


def make_sender(rig: Rig, receiver: Receiver) -> Sender:
    return Sender(
        rig.deliveries,
        receiver,
        Channels(webhook=receiver, email=None),
        Renderers(webhook=lambda letter: letter.notification_id.encode(), email=None),
        addressing=Addressing(
            base_url="https://relay.example.org", keys=LinkKeys(keys={1: b"k" * 32}, current=1)
        ),
    )


async def test_an_attempt_is_given_up_before_its_claim_ends(rig: Rig) -> None:
    rig.deliveries._lease = timedelta(seconds=5.2)  # the margin is 5 seconds of it
    await rig.direct(make_recipient())
    await rig.issue()
    receiver, stop = Receiver(answers=False), asyncio.Event()
    dispatcher = Dispatcher(
        rig.deliveries,
        make_sender(rig, receiver),
        instruments=Instruments(CollectorRegistry()),
        clock=lambda: rig.now,
        draw=lambda: 0.5,
        poll=timedelta(milliseconds=20),
        drain=timedelta(milliseconds=50),
    )

    async def settled() -> bool:
        return bool(await rig.attempts())

    async with asyncio.TaskGroup() as group:
        group.create_task(dispatcher.run(stop))
        await until(settled)
        stop.set()

    first = (await rig.attempts())[0]
    assert (first.outcome, first.reason) == ("unknown", "took_too_long")
    assert receiver.given_up == len(receiver.begun)
    (row,) = await rig.rows()
    assert (row.state, row.received) == ("pending", True)  # it may have arrived: a correction goes there too


async def test_nothing_leaves_once_the_claim_is_over(rig: Rig) -> None:
    await rig.direct(make_recipient())
    await rig.issue()
    (claim,) = await rig.deliveries.claim(now=rig.now, limit=1)
    assert claim.until is not None
    assert claim.until > rig.now
    receiver = Receiver(answers=True)
    sender = make_sender(rig, receiver)
    directory = await rig.deliveries.directory()

    late = await sender.send(claim, directory, now=rig.now, late=lambda: True)
    assert late.outcome == Deferred(reason="took_too_long", blames_endpoint=False)
    assert receiver.begun == []

    in_time = await sender.send(replace(claim, until=None), directory, now=rig.now)
    assert in_time.outcome == Delivered(status_code=204)
