"""Reminders: how many, how often, and at which hours."""

from datetime import UTC, datetime, timedelta

from schemas.vocabularies import Severity
from services.notify.occasions import MOST_REMINDERS
from services.notify.reminding import remind
from services.storage.delivery_records import Deferred, Delivered, NewAnswer
from tests.builders import make_alert
from tests.contract.test_deliveries_sending import claim, settle
from tests.deliveries_rig import Rig, email, make_classification, make_recipient, webhook

_FRIDAY = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)  # 13:00 in Bogota


async def _issue(rig: Rig, level: Severity, *, at: datetime = _FRIDAY) -> str:
    rig.now = at
    await rig.direct(make_recipient(channels=(email(),), deputies=(email("deputy"),)))
    message_id = await rig.issue(classification=make_classification(level=level))
    await settle(rig, await claim(rig), Delivered())
    return message_id


async def _chase(rig: Rig) -> int:
    chased = await rig.deliveries.chase(remind=remind, now=rig.now)
    await settle(rig, await claim(rig), Delivered())
    return chased.reminders


async def _hours(rig: Rig, *, hours: int) -> list[tuple[datetime, int]]:
    """Look every hour; return when something was written, and how much."""
    found = []
    for _ in range(hours):
        rig.pass_time(hours=1)
        if written := await _chase(rig):
            found.append((rig.now, written))
    return found


async def test_a_critical_alert_is_chased_at_any_hour_and_no_more_than_three_times(rig: Rig) -> None:
    await _issue(rig, Severity.CRITICAL)
    found = await _hours(rig, hours=72)
    assert [at - _FRIDAY for at, _ in found] == [timedelta(hours=4 * n) for n in range(1, MOST_REMINDERS + 1)]
    occasions = [row.occasion for row in await rig.rows()]
    assert occasions == ["issue", "reminder 1", "deputy 1", "reminder 2", "reminder 3"]


async def test_another_one_waits_for_the_working_time_of_its_recipient(rig: Rig) -> None:
    await _issue(rig, Severity.HIGH)  # due on Sunday
    found = await _hours(rig, hours=24 * 7)
    here = [at - timedelta(hours=5) for at, _ in found]  # in Bogota
    assert [(at.strftime("%a"), at.hour) for at in here] == [("Mon", 8), ("Tue", 8), ("Wed", 8)]
    assert [row.occasion for row in await rig.rows()].count("deputy 1") == 1


async def test_who_is_not_at_work_holds_up_nobody_who_is(rig: Rig) -> None:
    rig.now = datetime(2026, 11, 18, 14, 0, tzinfo=UTC)
    people = [
        make_recipient(f"nz-{n}", timezone="Pacific/Auckland", channels=(email(f"nz{n}"),)) for n in range(5)
    ]
    await rig.direct(*people, make_recipient(channels=(email(),)))
    await rig.issue(classification=make_classification(level=Severity.HIGH))
    while claims := await claim(rig):
        await settle(rig, claims, Delivered())
    rig.pass_time(hours=49)  # Friday 10:00 in Bogota, Saturday 4:00 in Auckland
    chased = await rig.deliveries.chase(remind=remind, now=rig.now, most=3)
    assert chased.reminders == 1
    assert [row.recipient_id for row in await rig.rows() if row.occasion == "reminder 1"] == ["co-focal"]


async def test_an_answer_ends_the_reminders(rig: Rig) -> None:
    message_id = await _issue(rig, Severity.CRITICAL)
    assert len(await _hours(rig, hours=5)) == 1
    new = NewAnswer(message_id=message_id, recipient_id="co-focal", state="acknowledged", via="link")
    await rig.deliveries.acknowledge(new, now=rig.now)
    assert await _hours(rig, hours=24) == []


async def test_what_nobody_answers_is_left_alone_in_the_end(rig: Rig) -> None:
    await _issue(rig, Severity.CRITICAL)
    rig.pass_time(days=15)
    assert await _chase(rig) == 0


async def test_a_reminder_that_is_still_to_come_gets_no_second_beside_it(rig: Rig) -> None:
    rig.now = _FRIDAY
    await rig.direct(make_recipient(channels=(webhook(),)))
    await rig.issue(make_alert(), classification=make_classification(level=Severity.CRITICAL))
    await settle(rig, await claim(rig), Delivered())
    for _ in range(3):
        rig.pass_time(hours=4)
        await rig.deliveries.chase(remind=remind, now=rig.now)
        await settle(rig, await claim(rig), Deferred(reason="unreachable"))
    assert [row.occasion for row in await rig.rows()] == ["issue", "reminder 1"]
