"""Claiming and settling in the ledger: urgency, fairness, back-off, retries, leases, fallback."""

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest

from schemas.vocabularies import Severity
from services.storage.delivery_records import (
    Appetite,
    Claim,
    Deferred,
    Delivered,
    Outcome,
    Rejected,
    Settled,
)
from tests.builders import make_alert
from tests.deliveries_rig import Rig, email, make_classification, make_recipient, settlement, webhook

LOST = Deferred(reason="unreachable")


@pytest.fixture
async def rig(rig: Rig) -> Rig:
    await rig.direct(make_recipient())
    return rig


async def settle(rig: Rig, claims: Sequence[Claim], outcome: Outcome) -> Settled:
    ended = [settlement(one, outcome, now=rig.now) for one in claims]
    return await rig.deliveries.settle(ended, now=rig.now)


async def claim(rig: Rig, limit: int = 100) -> list[Claim]:
    return await rig.deliveries.claim(now=rig.now, limit=limit)


async def issue_many(rig: Rig, count: int, *, level: Severity = Severity.HIGH, name: str = "n") -> None:
    for number in range(count):
        reference = f"{name}{number}"
        await rig.issue(
            make_alert(national_ref=reference),
            thread=reference,
            classification=make_classification(level=level),
        )


async def test_the_most_urgent_goes_first(rig: Rig) -> None:
    for level in (Severity.INFO, Severity.CRITICAL, Severity.MODERATE):
        await issue_many(rig, 1, level=level, name=level.value)
    assert [one.notification.urgency for one in await claim(rig, 2)] == [0, 2]


async def test_what_is_patient_is_claimed_up_to_its_share_and_what_is_urgent_beyond(rig: Rig) -> None:
    for level in (Severity.INFO, Severity.MODERATE, Severity.HIGH, Severity.CRITICAL):
        await issue_many(rig, 1, level=level, name=level.value)
    first = await rig.deliveries.claim(now=rig.now, limit=3, most_patient=0)
    assert [one.notification.urgency for one in first] == [0, 1]
    then = await rig.deliveries.claim(now=rig.now, limit=3, most_patient=1)
    assert [one.notification.urgency for one in then] == [2]


async def test_mail_has_an_appetite_of_its_own(rig: Rig) -> None:
    await rig.direct(make_recipient(channels=(webhook(), email())))
    await rig.issue()
    first = await rig.deliveries.claim(now=rig.now, limit=5, mail=Appetite(0))
    assert [one.notification.channel for one in first] == ["webhook"]
    then = await rig.deliveries.claim(now=rig.now, limit=0, mail=Appetite(5))
    assert [one.notification.channel for one in then] == ["email"]


async def test_a_claimed_row_is_not_claimed_again_before_its_lease_ends(rig: Rig) -> None:
    await rig.issue()
    assert len(await claim(rig)) == 1
    assert await claim(rig) == []


async def test_a_settlement_with_another_token_changes_nothing(rig: Rig) -> None:
    await rig.issue()
    first = await claim(rig)
    rig.pass_time(minutes=3)
    assert await rig.deliveries.expire(now=rig.now) == 1
    (lapsed,) = await rig.events()
    assert json.loads(lapsed.payload)["recipient_country"] == "CO"
    second = await claim(rig)
    assert (await settle(rig, first, Delivered())).states == {}
    assert [row.state for row in await rig.rows()] == ["claimed"]
    assert list((await settle(rig, second, Delivered())).states.values()) == ["delivered"]
    assert first[0].notification.id == second[0].notification.id


async def test_a_lapsed_claim_counts_as_received_where_a_retraction_waits(rig: Rig) -> None:
    await rig.issue()
    await claim(rig)
    await rig.issue(make_alert(message_type="retraction"))
    rig.pass_time(minutes=3)
    await rig.deliveries.expire(now=rig.now)
    assert [(row.state, row.received) for row in await rig.rows()] == [
        ("superseded", True),
        ("pending", False),
    ]


async def test_the_claims_of_a_dead_process_are_taken_back_at_once(rig: Rig) -> None:
    await rig.issue()
    await claim(rig)
    assert await rig.deliveries.release_claims_of_dead_holder(now=rig.now) == 1
    assert len(await claim(rig)) == 1


async def test_one_recipient_with_a_long_queue_takes_no_more_than_its_share(rig: Rig) -> None:
    await issue_many(rig, 40)
    await rig.direct(make_recipient(), make_recipient("br-focal", country="BR"))
    await issue_many(rig, 1, level=Severity.INFO, name="late")
    claims = await claim(rig)
    assert len([one for one in claims if one.notification.recipient_id == "co-focal"]) == 4
    assert len([one for one in claims if one.notification.recipient_id == "br-focal"]) == 1


async def test_a_failed_attempt_is_tried_again_later_and_its_reason_kept(rig: Rig) -> None:
    await rig.issue()
    settled = await settle(rig, await claim(rig), LOST)
    assert settled.next_at == rig.now + timedelta(seconds=0.75)
    assert await claim(rig) == []
    rig.pass_time(seconds=1)
    assert len(await claim(rig)) == 1
    assert (await rig.rows())[0].attempts == 2


async def test_retry_after_is_honoured_up_to_a_bound(rig: Rig) -> None:
    await rig.issue()
    asked = Deferred(reason="throttled", status_code=429, retry_after=timedelta(days=1))
    settled = await settle(rig, await claim(rig), asked)
    assert settled.next_at == rig.now + timedelta(minutes=15)
    rig.pass_time(minutes=14)
    assert await claim(rig) == []


async def test_a_week_of_failure_ends_as_failed(rig: Rig) -> None:
    await rig.issue()
    await settle(rig, await claim(rig), LOST)
    rig.pass_time(days=7, hours=1)
    settled = await settle(rig, await claim(rig), LOST)
    assert list(settled.states.values()) == ["failed"]
    assert (await rig.rows())[0].reason == "gave_up"


async def test_an_outage_costs_its_receiver_twenty_requests_in_twenty_seconds_and_then_one_a_minute(
    rig: Rig,
) -> None:
    await issue_many(rig, 100)
    began = rig.now
    asked: list[float] = []
    while rig.now < began + timedelta(minutes=5):
        claims = await claim(rig)
        asked += [(rig.now - began).total_seconds()] * len(claims)
        if claims:
            await settle(rig, claims, LOST)
        rig.pass_time(milliseconds=250)
    assert len([at for at in asked if at <= 20]) <= 20
    steady = [at for at in asked if at > 60]
    assert len(steady) <= 4
    assert len(steady) >= 3


async def test_the_queue_drains_by_urgency_after_the_probe_that_succeeds(rig: Rig) -> None:
    await issue_many(rig, 20)
    for _ in range(3):
        await settle(rig, await claim(rig), LOST)
        rig.pass_time(seconds=5)
    await issue_many(rig, 1, level=Severity.CRITICAL, name="critical")
    rig.pass_time(minutes=2)
    probe = await claim(rig)
    assert [(one.probe, one.notification.urgency) for one in probe] == [(True, 0)]
    assert await claim(rig) == []
    assert (await settle(rig, probe, Delivered())).ready
    drained = 0
    while claims := await claim(rig):
        assert not claims[0].probe
        await settle(rig, claims, Delivered())
        drained += len(claims)
    assert drained == 20


async def test_a_dead_endpoint_holds_up_nobody_else(rig: Rig) -> None:
    await issue_many(rig, 30, level=Severity.CRITICAL)
    while claims := await claim(rig):
        await settle(rig, claims, LOST)
    await rig.direct(make_recipient(), make_recipient("br-focal", country="BR"))
    await issue_many(rig, 5, level=Severity.INFO, name="other")
    assert {one.notification.recipient_id for one in await claim(rig)} == {"br-focal"}


async def test_gone_disables_the_webhook_and_email_takes_over(rig: Rig) -> None:
    await rig.direct(make_recipient(deputies=(email("deputy"),)))
    await rig.issue()
    await settle(rig, await claim(rig), Rejected(reason="gone", status_code=410, disables=True))
    rows = await rig.rows()
    assert [(row.channel, row.state, row.reason) for row in rows] == [
        ("webhook", "failed", "gone"),
        ("email", "pending", None),
    ]
    assert rows[1].why == '["focal_point", "fallback"]'
    assert rows[1].occasion == "deputy 1"
    await issue_many(rig, 1, name="next")
    disabled = [one for one in await claim(rig) if one.notification.channel == "webhook"]
    assert [one.disabled for one in disabled] == [True]


async def test_a_recipient_with_email_of_its_own_needs_no_fallback(rig: Rig) -> None:
    await rig.direct(make_recipient(channels=(webhook(), email()), deputies=(email("deputy"),)))
    await rig.issue()
    claims = [one for one in await claim(rig) if one.notification.channel == "webhook"]
    await settle(rig, claims, Rejected(reason="too_large", status_code=413))
    assert len(await rig.rows()) == 2


async def test_every_attempt_is_told_onwards_once(rig: Rig) -> None:
    await rig.issue()
    await settle(rig, await claim(rig), LOST)
    rig.pass_time(seconds=5)
    await settle(rig, await claim(rig), Delivered(status_code=200))
    notification_id = (await rig.rows())[0].id
    assert [one.event_id for one in await rig.events()] == [f"{notification_id}:1", f"{notification_id}:2"]


async def test_a_later_stricter_version_is_named_to_who_sends_the_older_one(rig: Rig) -> None:
    await rig.issue(make_alert(tlp="TLP:GREEN"))
    await rig.classify(make_alert(message_type="update", tlp="TLP:RED"))
    assert (await claim(rig))[0].later_tlps == ("TLP:RED",)
