"""Routing in the ledger: who is told, what supersedes what, who is corrected, what is kept back."""

import asyncio
from dataclasses import replace

import pytest

from schemas.alerts import Alert
from schemas.classifications import Correlation, RelatedAlert
from schemas.vocabularies import CorrelationLevel
from services.errors import Invalid
from services.storage.delivery_records import Deferred, Delivered, Outcome
from services.storage.records import Participation
from tests.builders import make_alert
from tests.deliveries_rig import Rig, email, make_classification, make_recipient, settlement, webhook


@pytest.fixture
async def rig(rig: Rig) -> Rig:
    await rig.direct(make_recipient())
    return rig


async def settle_all(rig: Rig, outcome: Outcome) -> int:
    claims = await rig.deliveries.claim(now=rig.now, limit=100)
    ended = [settlement(one, outcome, now=rig.now, draw=0.0) for one in claims]
    await rig.deliveries.settle(ended, now=rig.now)
    return len(claims)


LOST = Deferred(reason="unreachable")
UNKNOWN = Deferred(reason="timeout", maybe=True)


def later(kind: str, **overrides: object) -> Alert:
    return make_alert(message_type=kind, **overrides)


async def test_routing_is_a_fact_a_repeat_decides_nothing(rig: Rig) -> None:
    message_id = await rig.issue()
    await rig.direct(make_recipient(), make_recipient("br-focal", country="BR"))
    again = await rig.deliveries.route(message_id, now=rig.now)
    assert again.versions == ()
    assert [row.recipient_id for row in await rig.rows()] == ["co-focal"]


async def test_an_unknown_message_is_invalid(rig: Rig) -> None:
    with pytest.raises(Invalid):
        await rig.deliveries.route("00000000-0000-5000-8000-999999999999", now=rig.now)


async def test_the_lower_version_is_routed_first_whoever_comes_first(rig: Rig) -> None:
    first = await rig.classify()
    second = await rig.classify(later("update"))
    routed = await rig.deliveries.route(second, now=rig.now)
    assert [one.message.id for one in routed.versions] == [first, second]
    assert await rig.states() == [
        ("co-focal", 1, "webhook", "superseded", "newer_version"),
        ("co-focal", 2, "webhook", "pending", None),
    ]


async def test_two_routers_of_one_message_write_its_rows_once(rig: Rig) -> None:
    message_id = await rig.classify()
    await asyncio.gather(*(rig.deliveries.route(message_id, now=rig.now) for _ in range(5)))
    assert len(await rig.rows()) == 1


async def test_a_claimed_notification_is_waited_for_and_a_failed_one_not_tried_again(rig: Rig) -> None:
    await rig.issue()
    claims = await rig.deliveries.claim(now=rig.now, limit=10)
    await rig.issue(later("correction"))
    assert [state for _, _, _, state, _ in await rig.states()] == ["claimed", "pending"]
    assert (await rig.rows())[1].waits_for == claims[0].notification.id
    assert await rig.deliveries.claim(now=rig.now, limit=10) == []
    await rig.deliveries.settle([settlement(claims[0], LOST, now=rig.now, draw=0.0)], now=rig.now)
    assert await rig.states() == [
        ("co-focal", 1, "webhook", "superseded", "newer_version"),
        ("co-focal", 2, "webhook", "pending", None),
    ]
    assert [one.notification.thread_version for one in await rig.deliveries.claim(now=rig.now, limit=10)] == [
        2
    ]


async def test_a_retraction_is_withheld_from_who_certainly_never_had_the_original(rig: Rig) -> None:
    await rig.issue()
    claims = await rig.deliveries.claim(now=rig.now, limit=10)
    await rig.issue(later("retraction"))
    await rig.deliveries.settle([settlement(claims[0], LOST, now=rig.now, draw=0.0)], now=rig.now)
    assert await rig.states() == [
        ("co-focal", 1, "webhook", "superseded", "newer_version"),
        ("co-focal", 2, "webhook", "withheld", "never_had_original"),
    ]


async def test_an_unknown_outcome_counts_as_received(rig: Rig) -> None:
    await rig.issue()
    claims = await rig.deliveries.claim(now=rig.now, limit=10)
    await rig.issue(later("retraction"))
    await rig.deliveries.settle([settlement(claims[0], UNKNOWN, now=rig.now, draw=0.0)], now=rig.now)
    assert [state for _, _, _, state, _ in await rig.states()] == ["superseded", "pending"]


async def test_a_retraction_of_what_is_still_pending_tells_nobody(rig: Rig) -> None:
    await rig.issue()
    await rig.issue(later("retraction"))
    assert await rig.states() == [
        ("co-focal", 1, "webhook", "superseded", "newer_version"),
        ("co-focal", 2, "webhook", "withheld", "never_had_original"),
    ]


async def test_who_may_no_longer_see_it_gets_a_notice_without_content(rig: Rig) -> None:
    await rig.issue(make_alert(tlp="TLP:GREEN"))
    await settle_all(rig, Delivered())
    await rig.issue(later("correction", tlp="TLP:RED"))
    rows = await rig.rows()
    assert (rows[1].state, rows[1].content, rows[1].why) == (
        "pending",
        "gone",
        '["focal_point", "had_original"]',
    )


async def test_an_update_under_a_stricter_label_says_nothing_to_who_may_not_see_it(rig: Rig) -> None:
    await rig.issue(make_alert(tlp="TLP:GREEN"))
    await settle_all(rig, Delivered())
    await rig.issue(later("update", tlp="TLP:RED"))
    assert len(await rig.rows()) == 1


async def test_a_state_that_left_gets_the_notice_of_a_correction_and_nothing_else(rig: Rig) -> None:
    await rig.issue()
    await settle_all(rig, Delivered())
    await rig.direct(make_recipient(participation=Participation.WITHDRAWN))
    await rig.issue(later("correction"))
    await rig.issue(make_alert(national_ref="SAT-2"), thread="thread-2")
    assert [row.content for row in await rig.rows()] == ["full", "gone"]


async def test_a_correction_reaches_who_may_see_it_only_now(rig: Rig) -> None:
    await rig.issue(make_alert(tlp="TLP:RED"))
    assert await rig.rows() == []
    await rig.issue(later("correction", tlp="TLP:GREEN"))
    rows = await rig.rows()
    assert [(row.state, row.why) for row in rows] == [("pending", '["focal_point"]')]


async def test_a_copy_is_kept_from_those_already_told_and_from_nobody_else(rig: Rig) -> None:
    await rig.issue(incident="one event")
    await rig.direct(make_recipient(), make_recipient("br-focal", country="BR"))
    copy = Correlation(level=CorrelationLevel.CONTENT_COPY)
    await rig.issue(make_alert(national_ref="C"), thread="copy", incident="one event", correlation=copy)
    assert await rig.states() == [
        ("co-focal", 1, "webhook", "pending", None),
        ("br-focal", 1, "webhook", "pending", None),
        ("co-focal", 1, "webhook", "withheld", "already_told"),
    ]


async def test_when_the_first_is_retracted_what_it_had_held_back_goes_out(rig: Rig) -> None:
    await rig.issue(incident="one event")
    await settle_all(rig, Delivered())
    town = RelatedAlert(
        id="1",
        relay_id="SATA-UY-2026-000001",
        level=CorrelationLevel.SAME_EVENT,
        reason="same_substance.locality",
    )
    same = Correlation(level=CorrelationLevel.SAME_EVENT, related=(town,))
    await rig.issue(make_alert(national_ref="S"), thread="second", incident="one event", correlation=same)
    assert (await rig.rows())[1].state == "withheld"
    await rig.issue(later("retraction"))
    assert [row.state for row in await rig.rows()] == ["delivered", "pending", "pending"]


async def test_a_dispute_waits_for_the_alert_and_goes_to_its_sender_too(rig: Rig) -> None:
    sender = make_recipient("uy-ndo", country="UY")
    await rig.direct(make_recipient(), sender, make_recipient("br-focal", country="BR"))
    await rig.issue()
    await rig.issue(later("dispute"), sender_id="br-focal")
    rows = [row for row in await rig.rows() if row.thread_version == 2]
    assert {row.recipient_id: row.waits_for is not None for row in rows} == {
        "co-focal": True,
        "uy-ndo": False,
    }
    assert {row.state for row in await rig.rows()} == {"pending"}  # the alert itself is not superseded


async def test_a_version_that_may_be_followed_only_by_others_is_withheld_with_its_reason(rig: Rig) -> None:
    await rig.direct(make_recipient(categories=frozenset({"CHM"})), make_recipient("br", country="BR"))
    await rig.issue(classification=make_classification(codes=("SYN.FRS",)))
    assert (await rig.states())[1] == ("co-focal", 1, "webhook", "withheld", "not_followed") or (
        await rig.states()
    )[0] == ("co-focal", 1, "webhook", "withheld", "not_followed")
    followed = make_recipient(categories=frozenset({"SYN"}))
    await rig.direct(followed)
    await rig.issue(
        make_alert(national_ref="T"),
        thread="second",
        classification=make_classification(codes=("SYN.FRS",)),
    )
    last = (await rig.rows())[-1]
    assert (last.state, last.why) == ("pending", '["focal_point", "subscription"]')


async def test_the_routing_keeps_why_everybody_was_told_or_not(rig: Rig) -> None:
    await rig.direct(
        make_recipient(),
        make_recipient("cu-focal", country="CU", participation=Participation.NOT_PARTICIPATING),
        replace(make_recipient("uy-ndo", country="UY")),
    )
    message_id = await rig.issue()
    assert await rig.deliveries.reasons_of(message_id) == {
        "co-focal": ("focal_point",),
        "cu-focal": ("participation",),
        "uy-ndo": ("own_institution",),
    }
    reach = await rig.deliveries.reach(message_id)
    assert (reach.recipients, reach.held_back) == (1, {"participation": 1, "own_institution": 1})


async def test_both_channels_of_one_recipient_have_their_own_ids(rig: Rig) -> None:
    await rig.direct(make_recipient(channels=(webhook(), email())))
    await rig.issue()
    ids = {row.id for row in await rig.rows()}
    assert len(ids) == 2
