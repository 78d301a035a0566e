"""A classified version goes out by webhook and email, and is settled."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from services.errors import Transient
from services.notify.channels.address_guard import AddressGuard
from services.notify.channels.sending import Channels, Renderers, Sender
from services.notify.channels.webhook import WebhookChannel
from services.notify.dispatch import Dispatcher
from services.notify.instruments import Instruments
from services.notify.service import NotifyService
from services.storage.delivery_records import Claim, Delivered, Outcome
from services.storage.records import Directory, Record
from tests import dispatching
from tests.builders import make_alert
from tests.deliveries_rig import Rig, email, make_recipient, until, webhook


class OneSecret:
    """The same secret for everybody."""

    async def valid(self, institution_id: str, *, now: Any) -> list[bytes]:  # the port's form
        return [b"s" * 32]


class Mailbox:
    """A mail server that takes everything."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, bytes]] = []

    async def send(self, address: str, message: bytes, **_: Any) -> Outcome:
        self.mails.append((address, message))
        return Delivered(status_code=250)


def make_dispatcher(
    rig: Rig, answer: Callable[[httpx.Request], httpx.Response], mailbox: Mailbox
) -> tuple[Dispatcher, WebhookChannel]:
    channel = WebhookChannel(AddressGuard(), transport=httpx.MockTransport(answer))
    sender = Sender(
        rig.deliveries,
        OneSecret(),
        Channels(webhook=channel, email=mailbox),
        Renderers(
            webhook=lambda letter: json.dumps({"id": letter.notification_id}).encode(),
            email=lambda letter, address, first, at: f"{address} {letter.content} {first} {at}".encode(),
        ),
        addressing=dispatching.ADDRESSING,
    )
    return dispatching.make_dispatcher(rig, sender, drain=timedelta(seconds=1)), channel


async def run_until(rig: Rig, dispatcher: Dispatcher, channel: WebhookChannel, holds: Any) -> None:
    stop = asyncio.Event()
    async with channel, asyncio.TaskGroup() as group:
        group.create_task(dispatcher.run(stop))
        await until(holds)
        stop.set()


async def test_a_classified_record_is_routed_sent_by_both_channels_and_settled(rig: Rig) -> None:
    await rig.direct(make_recipient(channels=(webhook(), email())))
    message_id = await rig.classify()
    got: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        got.append(request)
        return httpx.Response(204)

    mailbox = Mailbox()
    dispatcher, channel = make_dispatcher(rig, answer, mailbox)
    service = NotifyService(
        rig.deliveries,
        clock=lambda: rig.now,
        instruments=Instruments(CollectorRegistry()),
        routed=dispatcher.routed,
    )
    record = Record(
        topic="classified.v1",
        event_id="1",
        key="k",
        payload=json.dumps({"message_id": message_id}),
        position=1,
    )
    await service.handle(record)

    async def done() -> bool:
        return {row.state for row in await rig.rows()} == {"delivered"}

    await run_until(rig, dispatcher, channel, done)
    assert len(got) == 1
    assert got[0].headers["webhook-id"] in {row.id for row in await rig.rows()}
    assert [address for address, _ in mailbox.mails] == ["co-focal@example.org"]
    assert len(await rig.attempts()) == 2
    events = await rig.events()
    assert {event.topic for event in events} == {"deliveries.v1"}
    assert {json.loads(event.payload)["recipient_country"] for event in events} == {"CO"}


async def test_a_failed_webhook_is_tried_again_under_the_same_id(rig: Rig) -> None:
    await rig.direct(make_recipient())
    ids: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        ids.append(request.headers["webhook-id"])
        rig.pass_time(seconds=2)
        return httpx.Response(503 if len(ids) == 1 else 200)

    dispatcher, channel = make_dispatcher(rig, answer, Mailbox())
    await rig.issue()

    async def done() -> bool:
        rig.pass_time(milliseconds=100)
        return {row.state for row in await rig.rows()} == {"delivered"}

    await run_until(rig, dispatcher, channel, done)
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert [(one.number, one.outcome) for one in await rig.attempts()] == [(1, "deferred"), (2, "delivered")]


async def test_what_may_no_longer_be_seen_when_it_is_sent_is_withheld(rig: Rig) -> None:
    await rig.direct(make_recipient(channels=(email(),)))
    await rig.issue(make_alert(tlp="TLP:GREEN"))
    await rig.direct(make_recipient(channels=(email(),), audiences=frozenset()))
    mailbox = Mailbox()
    dispatcher, channel = make_dispatcher(rig, lambda _: httpx.Response(200), mailbox)

    async def done() -> bool:
        return {row.state for row in await rig.rows()} == {"withheld"}

    await run_until(rig, dispatcher, channel, done)
    assert mailbox.mails == []
    assert (await rig.rows())[0].reason == "audience"


class Hanging:
    """Webhooks of which one receiver never answers."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.got: list[str] = []

    async def send(self, url: str, body: bytes, **_: Any) -> Outcome:  # the port's form
        if self.name in url:
            await asyncio.Event().wait()
        self.got.append(url)
        return Delivered(status_code=200)


async def run_hanging(rig: Rig, channel: Hanging, holds: Any) -> None:
    sender = Sender(
        rig.deliveries,
        OneSecret(),
        Channels(webhook=channel, email=None),
        Renderers(webhook=lambda letter: letter.notification_id.encode(), email=None),
        addressing=dispatching.ADDRESSING,
    )
    dispatcher = Dispatcher(
        rig.deliveries,
        sender,
        instruments=Instruments(CollectorRegistry()),
        clock=lambda: rig.now,
        draw=lambda: 0.5,
        most=20,
        drain=timedelta(milliseconds=50),
        poll=timedelta(milliseconds=20),
    )
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(dispatcher.run(stop))
        await until(holds)
        stop.set()


async def test_a_receiver_that_never_answers_holds_up_nobody_else(rig: Rig) -> None:
    people = [make_recipient("dead", channels=(webhook("dead"),)), make_recipient("br-focal", country="BR")]
    await rig.direct(*people)
    for number in range(30):
        await rig.issue(make_alert(national_ref=f"r{number}"), thread=f"t{number}")
    channel = Hanging("dead")

    async def done() -> bool:
        return len(channel.got) == 30

    await run_hanging(rig, channel, done)


async def test_what_is_under_way_when_the_process_stops_goes_back_to_the_queue_as_maybe_received(
    rig: Rig,
) -> None:
    await rig.direct(make_recipient("dead", channels=(webhook("dead"),)))
    await rig.issue()

    async def done() -> bool:
        return {row.state for row in await rig.rows()} == {"claimed"}

    await run_hanging(rig, Hanging("dead"), done)
    row = (await rig.rows())[0]
    assert (row.state, row.received, row.reason) == ("pending", True, "stopped")


async def test_a_notification_follows_its_recipient_to_a_new_address(rig: Rig) -> None:
    await rig.direct(make_recipient(channels=(webhook("old"),)))
    await rig.issue()
    await rig.direct(make_recipient(channels=(webhook("new"),)))
    channel = Hanging("old")

    async def done() -> bool:
        return {row.state for row in await rig.rows()} == {"delivered"}

    await run_hanging(rig, channel, done)
    assert channel.got == ["https://new.example.org/hook"]
    assert (await rig.rows())[0].attempts == 1


async def test_who_joins_the_directory_while_others_are_claimed_is_told(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher, channel = make_dispatcher(rig, lambda _: httpx.Response(204), Mailbox())
    claim, joined = rig.deliveries.claim, False

    async def join_before(**given: Any) -> list[Claim]:
        nonlocal joined
        if not joined:
            joined = True
            await rig.direct(make_recipient())
            await rig.issue()
        return await claim(**given)

    async def claimed() -> bool:
        return joined and "pending" not in {row.state for row in await rig.rows()}

    monkeypatch.setattr(rig.deliveries, "claim", join_before)
    await run_until(rig, dispatcher, channel, claimed)
    assert [row.state for row in await rig.rows()] == ["delivered"]


async def test_a_ledger_that_goes_away_after_a_claim_costs_it_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.direct(make_recipient())
    await rig.issue()
    dispatcher, channel = make_dispatcher(rig, lambda _: httpx.Response(204), Mailbox())
    directory, tries = rig.deliveries.directory, 0

    async def away_at_first() -> Directory:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise Transient("the ledger is out of reach")
        return await directory()

    async def told() -> bool:
        return {row.state for row in await rig.rows()} == {"delivered"}

    monkeypatch.setattr(rig.deliveries, "directory", away_at_first)
    await run_until(rig, dispatcher, channel, told)
    assert [row.attempts for row in await rig.rows()] == [1]
