"""What waits for an alert is decided with it: nobody is sent a text that was taken back before it came."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from schemas.events import ALERTS, CLASSIFIED
from services.errors import Invalid
from services.reference.catalogue import Catalogue
from services.reference.plan import PlanBasis
from services.storage.delivery_records import Appetite, Followed
from services.storage.records import Record
from tests.builders import make_alert
from tests.databases import SqlitePlace
from tests.deliveries_rig import Rig, make_recipient, open_rig
from tests.ledger import START
from tests.stages_rig import Stages

REF = make_alert().national_ref


class Relay(Stages):
    """The stages, with messages that wait."""

    async def hold(self, kind: str, *, of: str = REF, ref: str = "F-1") -> Record:
        """Let a message wait for one that has not come; return its record."""
        relation = {"update": "update_of", "correction": "corrects", "retraction": "retracts"}[kind]
        references = [{"ref": of, "relation": relation}]
        record = await self.accept(make_alert(message_type=kind, national_ref=ref, references=references))
        await self.classify.handle(record)
        assert await self.state(record) == "held"
        return record


@pytest.fixture
async def relay(rig: Rig, catalogue: Catalogue, plan: Mapping[str, PlanBasis]) -> Relay:
    await rig.direct(make_recipient())
    return Relay(rig, catalogue=catalogue, plan=plan)


async def test_what_was_retracted_before_it_came_is_sent_to_nobody(relay: Relay) -> None:
    retraction = await relay.hold("retraction")
    original = await relay.accept(make_alert())

    await relay.classify.handle(original)

    assert [await relay.state(one) for one in (original, retraction)] == ["classified", "classified"]
    await relay.rig.deliveries.route(original.event_id, now=START)
    assert await relay.told() == [(1, "superseded", "newer_version"), (2, "withheld", "never_had_original")]
    assert await relay.rig.deliveries.claim(now=START + timedelta(days=1), limit=10) == []


async def test_what_was_corrected_before_it_came_is_sent_as_corrected(relay: Relay) -> None:
    await relay.hold("correction")
    original = await relay.accept(make_alert())
    await relay.classify.handle(original)

    await relay.rig.deliveries.route(original.event_id, now=START)

    (claim,) = await relay.rig.deliveries.claim(now=START, limit=10)
    assert claim.notification.message_type == "correction"
    assert await relay.told() == [(1, "superseded", "newer_version"), (2, "claimed", None)]


async def test_a_chain_of_what_waits_is_decided_whole(relay: Relay) -> None:
    retraction = await relay.hold("retraction", of="U-1", ref="R-1")
    update = await relay.hold("update", ref="U-1")
    original = await relay.accept(make_alert())

    await relay.classify.handle(original)

    assert [await relay.state(one) for one in (update, retraction)] == ["classified", "classified"]
    await relay.rig.deliveries.route(original.event_id, now=START)
    assert await relay.rig.deliveries.claim(now=START, limit=10) == []


async def test_the_record_of_what_was_decided_with_its_original_changes_nothing(relay: Relay) -> None:
    retraction = await relay.hold("retraction")
    await relay.classify.handle(await relay.accept(make_alert()))
    *_, released = await relay.records(ALERTS)
    assert released.event_id == f"{retraction.event_id}:1"

    await relay.classify.handle(released)

    assert len(await relay.records(CLASSIFIED)) == 2


async def test_what_can_join_nothing_any_more_is_dead_with_a_dead_letter_to_come(relay: Relay) -> None:
    await relay.hold("retraction")
    update = await relay.hold("update", ref="F-2")

    await relay.classify.handle(await relay.accept(make_alert()))

    assert await relay.state(update) == "dead"
    (released,) = [one for one in await relay.records(ALERTS) if one.event_id == f"{update.event_id}:1"]
    with pytest.raises(Invalid, match="thread_retracted"):
        await relay.classify.handle(released)


async def test_many_that_wait_do_not_hold_up_the_ledger(relay: Relay) -> None:
    waiting = [await relay.hold("update", ref=f"U-{number}") for number in range(18)]
    original = await relay.accept(make_alert())

    await relay.classify.handle(original)

    states = [await relay.state(one) for one in (original, *waiting)]
    assert (states.count("classified"), states.count("pending")) == (17, 2)


async def test_a_fault_of_what_waits_holds_up_its_original_once(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    retraction = await relay.hold("retraction")
    original = await relay.accept(make_alert())
    with monkeypatch.context() as broken:
        broken.setattr(relay.classify, "_prepared_again", _fails)
        with pytest.raises(ValueError, match="what waits"):
            await relay.classify.handle(original)
        assert await relay.state(original) == "pending"

        await relay.classify.handle(replace(original, event_id=f"{original.event_id}:1"))

    assert [await relay.state(one) for one in (original, retraction)] == ["classified", "pending"]


def _fails(*_: object) -> None:
    raise ValueError("what waits cannot be prepared")


@pytest.fixture
async def alone(path: Path, catalogue: Catalogue, plan: Mapping[str, PlanBasis]) -> AsyncIterator[Relay]:
    """The same on a ledger with one writer, where what follows is done in the same commit."""
    rig = open_rig(SqlitePlace(path))
    await rig.direct(make_recipient())
    yield Relay(rig, catalogue=catalogue, plan=plan)
    await rig.ledger.close()


async def test_the_commit_that_accepts_an_alert_sends_nothing_that_was_taken_back(alone: Relay) -> None:
    await alone.hold("retraction")
    done: list[Followed] = []
    alone.classify.follow()
    alone.rig.deliveries.follow(done.append, appetite=lambda: Appetite(10), clock=lambda: START)

    original = await alone.accept(make_alert())

    assert await alone.state(original) == "classified"
    (followed,) = done
    assert followed.claims == []
    assert await alone.told() == [(1, "superseded", "newer_version"), (2, "withheld", "never_had_original")]
