"""Messages that are routed in one moment: they share a unit of work, and nothing else."""

import asyncio
from datetime import datetime

import pytest

from services.errors import Invalid
from services.notify.retry import DeliveryRules
from services.notify.routing import route
from services.storage.deliveries import LedgerDeliveries
from services.storage.delivery_records import Background, Routed, Routing
from services.storage.records import Directory, Version
from tests.builders import make_alert
from tests.deliveries_rig import Rig, make_recipient


@pytest.fixture
async def rig(rig: Rig) -> Rig:
    await rig.direct(make_recipient())
    return rig


async def route_together(
    deliveries: LedgerDeliveries, rig: Rig, *message_ids: str
) -> list[Routed | BaseException]:
    asked = (deliveries.route(one, now=rig.now) for one in message_ids)
    return await asyncio.gather(*asked, return_exceptions=True)


async def test_what_is_decided_of_a_thread_is_routed_as_one_and_a_later_version_knows_of_the_one_before(
    rig: Rig,
) -> None:
    first = await rig.classify()
    second = await rig.classify(make_alert(message_type="update", version=2))
    answers = await route_together(rig.deliveries, rig, first, second, first)
    assert [
        [one.thread_version for one in answer.versions] for answer in answers if isinstance(answer, Routed)
    ] == [[1, 2], [], []]
    assert await rig.states() == [
        ("co-focal", 1, "webhook", "superseded", "newer_version"),
        ("co-focal", 2, "webhook", "pending", None),
    ]


async def test_the_higher_version_asked_for_first_takes_the_lower_one_with_it(rig: Rig) -> None:
    first = await rig.classify()
    second = await rig.classify(make_alert(message_type="update", version=2))
    answers = await route_together(rig.deliveries, rig, second, first)
    assert [
        [one.thread_version for one in answer.versions] for answer in answers if isinstance(answer, Routed)
    ] == [[1, 2], []]


async def test_what_is_not_classified_is_refused_and_the_others_are_routed(rig: Rig) -> None:
    message_id = await rig.classify()
    refused, routed = await route_together(rig.deliveries, rig, "no-such-message", message_id)
    assert isinstance(refused, Invalid)
    assert isinstance(routed, Routed)
    assert routed.rows == 1


async def test_one_that_cannot_be_decided_undoes_none_of_the_others(rig: Rig) -> None:
    good = await rig.classify()
    bad = await rig.classify(make_alert(national_ref="UY-2026-999"), thread="another-thread")

    def decide(version: Version, background: Background, directory: Directory, *, now: datetime) -> Routing:
        if version.message.id == bad:
            raise LookupError(bad)
        return route(version, background, directory, now=now)

    deliveries = LedgerDeliveries(rig.ledger, rules=DeliveryRules(), decide=decide)
    fault, routed = await route_together(deliveries, rig, bad, good)
    assert isinstance(fault, LookupError)
    assert isinstance(routed, Routed)
    assert routed.rows == 1
    assert (await route_together(rig.deliveries, rig, bad))[0] == Routed(
        versions=(await _version(rig, bad),), rows=1, ready=True
    )


async def _version(rig: Rig, message_id: str) -> Version:
    version = await rig.deliveries.version(message_id, revision=0)
    assert version is not None
    return version
