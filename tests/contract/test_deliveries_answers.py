"""Answers, reminders, deputies, and what is read of deliveries."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from schemas.events import Acknowledged, DeliveryRecorded
from schemas.vocabularies import Severity
from services.notify.reminding import remind
from services.storage.delivery_records import Deferred, Delivered, NewAnswer, Outcome
from services.storage.records import Channel, ChannelKind, NotificationState
from services.storage.tables import notifications, verdicts
from tests.builders import make_alert
from tests.contract.test_deliveries_sending import claim, settle
from tests.databases import SqlitePlace
from tests.deliveries_rig import Rig, email, make_classification, make_recipient, open_rig, webhook

FEED = Channel(kind=ChannelKind.FEED, address="")


@pytest.fixture
async def rig(rig: Rig) -> Rig:
    await rig.direct(make_recipient(channels=(webhook(), email()), deputies=(email("deputy"),)))
    return rig


def answer(message_id: str, state: str = "acknowledged", **how: str) -> NewAnswer:
    return NewAnswer(message_id=message_id, recipient_id="co-focal", state=state, via="link", **how)


async def deliver(rig: Rig, channel: str, outcome: Outcome | None = None) -> None:
    claims = await claim(rig)
    await settle(rig, [one for one in claims if one.notification.channel == channel], outcome or Delivered())
    others = [one for one in claims if one.notification.channel != channel]
    await settle(rig, others, Deferred(reason="stopped", blames_endpoint=False))


async def test_an_answer_stops_every_channel_of_that_recipient(rig: Rig) -> None:
    message_id = await rig.issue()
    await deliver(rig, "email")
    kept = await rig.deliveries.acknowledge(answer(message_id, note="ok"), now=rig.now)
    assert kept is not None
    assert sorted((row.channel, row.state, row.reason) for row in await rig.rows()) == [
        ("email", "delivered", None),
        ("webhook", "withheld", "acknowledged_elsewhere"),
    ]


async def test_an_answer_during_an_attempt_stops_the_next_one(rig: Rig) -> None:
    message_id = await rig.issue()
    claims = await claim(rig)
    await rig.deliveries.acknowledge(answer(message_id), now=rig.now)
    await settle(rig, claims, Deferred(reason="unreachable"))
    assert {(row.state, row.reason) for row in await rig.rows()} == {("withheld", "acknowledged_elsewhere")}


async def test_every_answer_is_kept_and_who_was_not_told_cannot_answer(rig: Rig) -> None:
    message_id = await rig.issue()
    await rig.deliveries.acknowledge(answer(message_id), now=rig.now)
    rig.pass_time(minutes=1)
    await rig.deliveries.acknowledge(answer(message_id, "acting"), now=rig.now)
    assert [one.state for one in await rig.deliveries.answers_of(message_id)] == ["acknowledged", "acting"]
    stranger = replace(answer(message_id), recipient_id="br-focal")
    assert await rig.deliveries.acknowledge(stranger, now=rig.now) is None


async def test_the_date_of_an_action_is_kept_as_exactly_as_it_was_given(rig: Rig) -> None:
    message_id = await rig.issue()
    exact = "2026-11-21T08:30:00.123456-03:00"
    await rig.deliveries.acknowledge(answer(message_id, "action_taken", action_on=exact), now=rig.now)
    assert [one.action_on for one in await rig.deliveries.answers_of(message_id)] == [exact]


async def test_a_page_that_was_looked_at_is_no_answer(rig: Rig) -> None:
    message_id = await rig.issue()
    await rig.deliveries.acknowledge(answer(message_id, "seen"), now=rig.now)
    assert {row.state for row in await rig.rows()} == {"pending"}
    assert (await rig.deliveries.reach(message_id)).acknowledged == 0


async def test_events_of_deliveries_and_answers_keep_their_contract(rig: Rig) -> None:
    message_id = await rig.issue()
    await settle(rig, await claim(rig), Delivered(status_code=200))
    await rig.deliveries.acknowledge(answer(message_id), now=rig.now)
    *attempts, answered = await rig.events()
    assert [DeliveryRecorded.model_validate_json(one.payload).recipient_country for one in attempts] == [
        "CO"
    ] * 2
    assert Acknowledged.model_validate_json(answered.payload).state == "acknowledged"


async def test_who_does_not_answer_in_time_is_reminded_and_the_deputy_called_in(rig: Rig) -> None:
    await rig.issue(classification=make_classification(level=Severity.CRITICAL))
    await settle(rig, await claim(rig), Delivered())
    rig.pass_time(hours=3)
    assert (await rig.deliveries.chase(remind=remind, now=rig.now)).reminders == 0
    rig.pass_time(hours=1, seconds=1)
    assert (await rig.deliveries.chase(remind=remind, now=rig.now)).reminders == 3
    assert (await rig.deliveries.chase(remind=remind, now=rig.now)).reminders == 0
    rows = (await rig.rows())[2:]
    assert [(row.occasion, row.channel, row.why) for row in rows] == [
        ("reminder 1", "webhook", '["focal_point"]'),
        ("reminder 1", "email", '["focal_point"]'),
        ("deputy 1", "email", '["deputy"]'),
    ]


async def test_an_answer_in_time_needs_no_reminder_and_stops_those_on_their_way(rig: Rig) -> None:
    message_id = await rig.issue()
    await settle(rig, await claim(rig), Delivered())
    rig.pass_time(hours=49)
    await rig.deliveries.chase(remind=remind, now=rig.now)
    await rig.deliveries.acknowledge(answer(message_id), now=rig.now)
    assert {row.state for row in (await rig.rows())[2:]} == {"withheld"}


async def test_nobody_is_reminded_of_a_version_that_was_replaced(rig: Rig) -> None:
    await rig.issue()
    await settle(rig, await claim(rig), Delivered())
    await rig.issue(make_alert(message_type="update"))
    rig.pass_time(hours=49)
    await rig.deliveries.chase(remind=remind, now=rig.now)
    assert {row.thread_version for row in await rig.rows() if row.occasion != "issue"} == {2}


async def test_a_deputy_who_was_told_is_told_of_the_correction(rig: Rig) -> None:
    await rig.issue()
    await settle(rig, await claim(rig), Delivered())
    rig.pass_time(hours=49)
    await rig.deliveries.chase(remind=remind, now=rig.now)
    await settle(rig, await claim(rig), Delivered())
    await rig.issue(make_alert(message_type="correction"))
    newest = [row for row in await rig.rows() if row.thread_version == 2]
    assert sorted((row.channel, row.occasion) for row in newest) == [
        ("email", "deputy 1"),
        ("email", "issue"),
        ("webhook", "issue"),
    ]


async def test_where_a_webhook_stays_silent_the_deputy_gets_email(rig: Rig) -> None:
    await rig.direct(make_recipient(deputies=(email("deputy"),)))
    await rig.issue()
    for _ in range(3):
        await settle(rig, await claim(rig), Deferred(reason="unreachable"))
        rig.pass_time(seconds=10)
    rig.pass_time(minutes=5)
    assert (await rig.deliveries.chase(remind=remind, now=rig.now)).fallbacks == 1
    assert (await rig.deliveries.chase(remind=remind, now=rig.now)).fallbacks == 0
    assert (await rig.rows())[1].why == '["focal_point", "fallback"]'


async def test_the_feed_is_read_on_behind_a_cursor(rig: Rig) -> None:
    await rig.direct(make_recipient(channels=(FEED,)))
    for number in range(3):
        await rig.issue(make_alert(national_ref=f"F{number}"), thread=f"f{number}")
    page = await rig.deliveries.feed("co-focal", after=0, most=2)
    rest = await rig.deliveries.feed("co-focal", after=page[-1].cursor, most=2)
    assert (len(page), len(rest)) == (2, 1)
    assert {one.state for one in page} == {NotificationState.DELIVERED}
    assert await claim(rig) == []


async def test_reach_counts_recipients_not_channels(rig: Rig) -> None:
    message_id = await rig.issue()
    await deliver(rig, "webhook")
    reach = await rig.deliveries.reach(message_id)
    assert (reach.recipients, reach.notified, reach.delivered, reach.failed) == (1, 1, 1, 0)


async def test_a_failed_notification_is_sent_again_under_its_id(rig: Rig) -> None:
    await rig.issue()
    await settle(rig, await claim(rig), Deferred(reason="unreachable"))
    rig.pass_time(days=8)
    await settle(rig, await claim(rig), Deferred(reason="unreachable"))
    failed = await rig.deliveries.listed(state=NotificationState.FAILED, after=0, most=10)
    assert len(failed) == 2
    assert await rig.deliveries.replay(failed[0].id, now=rig.now)
    rig.pass_time(hours=1)
    assert [one.notification.id for one in await claim(rig)] == [failed[0].id]


async def test_what_is_late_is_counted(rig: Rig) -> None:
    await rig.issue()
    began = rig.now
    standing = await rig.deliveries.standing()
    assert standing.oldest_undelivered_at == began
    assert standing.oldest_unacknowledged_at is None
    await settle(rig, await claim(rig), Delivered())
    standing = await rig.deliveries.standing()
    assert (standing.oldest_undelivered_at, standing.oldest_unacknowledged_at) == (None, began)


async def test_the_auditor_finds_what_nothing_will_move(rig: Rig) -> None:
    message_id = await rig.issue()
    assert await rig.deliveries.violations(now=rig.now) == 0

    async def breaks(**values: object) -> int:
        await rig.ledger.write(lambda connection: connection.execute(notifications.update().values(**values)))
        return await rig.deliveries.violations(now=rig.now)

    first = (await rig.rows())[0].id
    assert await breaks(next_at=None) == 2
    assert await breaks(waits_for=first) == 0
    assert await breaks(waits_for="00000000-0000-5000-8000-000000000000") == 2
    assert await breaks(state="claimed", waits_for=None, claimed_until=rig.now - timedelta(hours=1)) == 2
    assert await breaks(state="delivered") == 0

    def lose(connection: Connection) -> None:
        connection.execute(notifications.delete().where(notifications.c.id == first))
        connection.execute(verdicts.update().values(routed_at=None, decided_at=rig.now - timedelta(hours=1)))

    await rig.ledger.write(lose)
    assert await rig.deliveries.violations(now=rig.now) == 2
    assert await rig.deliveries.of_message(message_id) != []


async def test_the_auditor_asks_indexes_only(path: Path) -> None:
    rig = open_rig(SqlitePlace(path))

    def plan(connection: Connection) -> list[str]:
        from services.storage.deliveries_reading import _violations

        statement = _violations(now=rig.now, patience=timedelta(minutes=1)).compile(
            connection, compile_kwargs={"render_postcompile": True}
        )
        asked = connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {statement}", tuple(statement.params.values())
        )
        return [row[3] for row in asked]

    steps = await rig.ledger.read(plan)
    assert [one for one in steps if one.startswith("SCAN") and "USING" not in one] == []
    assert (
        await rig.ledger.read(lambda connection: connection.execute(select(notifications.c.id)).all()) == []
    )
    await rig.ledger.close()
