"""Taking a merge back: who leaves the incident, who is told then, and that it is not joined again."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from schemas.alerts import Alert
from schemas.vocabularies import Audience
from services.errors import Invalid
from services.reference.catalogue import Catalogue
from services.reference.plan import PlanBasis
from services.storage import audit, thread_rows
from services.storage.incidents import incident_id_of
from services.storage.merge_records import Merge, Undone, WantedMerges
from services.storage.merges import LedgerMerges
from services.storage.records import Channel, ChannelKind, Version
from services.storage.tables import audit as audit_table
from services.storage.tables import notifications
from tests.builders import make_alert, make_finding, make_substance
from tests.deliveries_rig import Rig, make_recipient, webhook
from tests.ledger import START
from tests.stages_rig import Stages

WHY = "Two seizures, a week apart"


def report(ref: str, *same_event_as: str, **overrides: Any) -> Alert:
    """Return an alert that says nothing which would have to be told to who knows of the event it names."""
    rumour = make_finding(make_substance(f"polvo {ref}", confirmation="unverified"))
    stated: dict[str, Any] = {
        "national_ref": ref,
        "title": f"[EJERCICIO] {ref}",
        "event_types": ["collected_sample"],
        "references": [{"ref": f"UY:{one}", "relation": "same_event_as"} for one in same_event_as],
        "findings": [rumour],
    }
    return make_alert(**stated | overrides)


class Relay(Stages):
    """The stages, and the merges that they make; each reference is another institution's."""

    async def report(self, ref: str, *same_event_as: str, **overrides: Any) -> Version:
        return await self.send(report(ref, *same_event_as, **overrides), sender_id=f"uy-{ref}".lower())

    @property
    def merges(self) -> LedgerMerges:
        return LedgerMerges(self.rig.ledger)

    async def between(self, one: Version, other: Version) -> Merge:
        """Return the merge by which `one` joined `other`."""
        both = (one.thread.relay_id, other.thread.relay_id)
        listed = await self.merges.listed(WantedMerges(), most=100)
        (found,) = [it for it in listed if (it.joined.relay_id, it.other.relay_id) == both]
        return found

    async def undo(self, one: Version, other: Version) -> Undone:
        """Take the merge of two back an hour later, and route what comes of it."""
        merge = await self.between(one, other)
        self.rig.now += timedelta(hours=1)
        done = await self.merges.undo(merge.id, reason=WHY, actor="oas-sec", now=self.rig.now)
        await self.route()
        return done

    async def incidents(self, *versions: Version) -> list[str]:
        """Return the incidents that these are in now, each as the first of them that is in it."""
        names: dict[str, str] = {}
        found = []
        for one in versions:
            thread = (await self.version(one.message.id)).thread
            found.append(names.setdefault(thread.incident_id, one.alert.national_ref))
        return found

    async def states_of(self, version: Version) -> dict[str, tuple[str, str | None]]:
        """Return how the notifications of one message stand, by recipient."""
        query = select(notifications).where(notifications.c.message_id == version.message.id)
        rows = await self.rig.ledger.read(lambda connection: connection.execute(query).all())
        return {row.recipient_id: (row.state, row.reason) for row in rows}


@pytest.fixture
async def relay(rig: Rig, catalogue: Catalogue, plan: Mapping[str, PlanBasis]) -> Relay:
    await rig.direct(make_recipient())
    return Relay(rig, catalogue=catalogue, plan=plan)


KEPT_BACK = ("withheld", "already_told")
DUE = ("pending", None)


async def test_what_a_merge_kept_back_goes_out_when_it_is_taken_back(relay: Relay) -> None:
    first = await relay.report("A")
    second = await relay.report("B", "A", event_types=["seizure"])
    assert await relay.states_of(second) == {"co-focal": KEPT_BACK}
    assert (await relay.between(second, first)).kept_back == 1

    done = await relay.undo(second, first)

    assert not done.again
    assert await relay.incidents(first, second) == ["A", "B"]
    assert await relay.states_of(second) == {"co-focal": DUE}
    now = await relay.version(second.message.id)
    assert (now.revision, now.cause) == (1, f"separation:{done.merge.id}")
    assert now.correlation.level not in ("same_event", "content_copy")
    assert now.correlation.incident_id == now.thread.incident_id == done.merge.joined.incident_id
    assert now.thread.incident_id == incident_id_of(
        now.thread.id
    )  # as if it had opened it: others may join it there
    assert (await relay.version(first.message.id)).revision == 0


async def test_what_goes_out_then_says_nothing_of_the_merge_and_is_as_old_as_that(relay: Relay) -> None:
    first = await relay.report("A", findings=[make_finding("MDMA")], event_types=["substitution"])
    second = await relay.report("B", "A", event_types=["substitution"])
    (before,) = [row for row in await relay.rig.rows() if row.message_id == second.message.id]

    await relay.undo(second, first)

    (row,) = [row for row in await relay.rig.rows() if row.message_id == second.message.id]
    assert (row.id, row.occasion, row.revision) == (before.id, "issue", 1)
    assert row.created_at == relay.rig.now
    assert row.due_at - row.created_at == before.due_at - before.created_at
    assert row.awaits_answer


async def test_a_repeat_changes_nothing(relay: Relay) -> None:
    first = await relay.report("A")
    second = await relay.report("B", "A")
    done = await relay.undo(second, first)

    again = await relay.merges.undo(done.merge.id, reason=WHY, actor="oas-sec", now=relay.rig.now)

    assert again == Undone(merge=again.merge, again=True)
    assert again.merge.undone_at == done.merge.undone_at
    assert (await relay.version(second.message.id)).revision == 1
    acts = await relay.rig.ledger.read(
        lambda connection: connection.execute(select(audit_table).order_by(audit_table.c.id)).all()
    )
    (act,) = [one for one in acts if one.act == "merge.undone"]
    assert (act.actor, act.subject) == ("oas-sec", done.merge.id)
    assert WHY in act.detail
    assert await relay.rig.ledger.read(audit.broken) is None
    assert await relay.merges.listed(WantedMerges(), most=10) == []


async def test_what_is_no_merge_is_refused(relay: Relay) -> None:
    with pytest.raises(Invalid, match="no_such_merge"):
        await relay.merges.undo("0" * 32, reason=WHY, actor="oas-sec", now=START)


async def test_what_a_person_took_apart_joins_neither_it_nor_its_incident_again(relay: Relay) -> None:
    first = await relay.report("A")
    other = await relay.report("B", "A")
    second = await relay.report("C", "A")
    await relay.undo(second, first)

    for number, ref in enumerate(("A", "B"), start=2):
        kind: dict[str, Any] = {"message_type": "update", "version": number, "update_reason": "new_findings"}
        await relay.report("C", ref, **kind)

    assert await relay.incidents(first, other, second) == ["A", "A", "C"]


async def test_what_came_through_the_one_that_leaves_leaves_with_it(relay: Relay) -> None:
    first = await relay.report("A")
    second = await relay.report("B", "A")
    third = await relay.report("C", "B")
    with_both = await relay.report("D", "A", "B")
    assert await relay.incidents(first, second, third, with_both) == ["A"] * 4

    await relay.undo(second, first)

    assert await relay.incidents(first, second, third, with_both) == ["A", "B", "B", "A"]
    assert await relay.states_of(second) == {"co-focal": DUE}
    assert await relay.states_of(third) == {"co-focal": KEPT_BACK}  # of that event they hear by B
    assert await relay.states_of(with_both) == {"co-focal": KEPT_BACK}
    left = await relay.merges.listed(WantedMerges(), most=10)
    assert {(one.joined.relay_id, one.other.relay_id) for one in left} == {
        (third.thread.relay_id, second.thread.relay_id),
        (with_both.thread.relay_id, first.thread.relay_id),
    }


async def test_where_the_older_one_had_joined_the_younger_they_are_taken_apart_too(relay: Relay) -> None:
    first = await relay.report("A")
    second = await relay.report("B")
    await relay.report("A", "B", message_type="update", version=2)
    assert await relay.incidents(second, first) == ["B", "B"]

    done = await relay.undo(second, first)

    assert await relay.incidents(second, first) == ["B", "A"]
    assert done.merge.joined.relay_id == second.thread.relay_id


async def test_who_was_spared_what_stays_because_of_what_left_is_told_of_it(relay: Relay) -> None:
    police = make_recipient(
        "ar-police", country="AR", audiences=frozenset({Audience.LAW_ENFORCEMENT}), channels=(webhook("ar"),)
    )
    await relay.rig.direct(make_recipient(), police)
    first = await relay.report("A", releasable_to=["law_enforcement"])
    second = await relay.report("B", "A", releasable_to=["health"])
    third = await relay.report("C", "A", "B")
    assert await relay.states_of(third) == {"co-focal": KEPT_BACK, "ar-police": KEPT_BACK}

    await relay.undo(second, first)

    assert await relay.incidents(first, second, third) == ["A", "B", "A"]
    assert await relay.states_of(third) == {"co-focal": DUE, "ar-police": KEPT_BACK}


async def test_what_was_retracted_meanwhile_is_told_nobody(relay: Relay) -> None:
    first = await relay.report("A")
    second = await relay.report("B", "A")
    await relay.report("B", message_type="retraction", version=2, findings=[])

    await relay.undo(second, first)

    assert await relay.incidents(first, second) == ["A", "B"]
    assert await relay.states_of(second) == {"co-focal": KEPT_BACK}


async def test_what_was_closed_meanwhile_is_told_all_the_same(relay: Relay) -> None:
    first = await relay.report("A")
    second = await relay.report("B", "A")
    await relay.report("B", message_type="closure", version=2, findings=[])

    await relay.undo(second, first)

    assert await relay.states_of(second) == {"co-focal": DUE}


async def test_who_reads_a_feed_finds_it_there(relay: Relay) -> None:
    feed = Channel(kind=ChannelKind.FEED, address="feed")
    await relay.rig.direct(make_recipient(channels=(feed,)))
    first = await relay.report("A")
    second = await relay.report("B", "A")
    assert await relay.states_of(second) == {"co-focal": KEPT_BACK}

    await relay.undo(second, first)

    assert await relay.states_of(second) == {"co-focal": ("delivered", None)}


async def test_merges_are_listed_newest_first_and_narrowed(relay: Relay) -> None:
    first = await relay.report("A")
    versions = [await relay.report(ref, "A") for ref in ("B", "C", "D")]
    everything = await relay.merges.listed(WantedMerges(), most=10)
    assert {one.joined.relay_id for one in everything} == {one.thread.relay_id for one in versions}
    assert [(one.linked_at, one.id) for one in everything] == sorted(
        ((one.linked_at, one.id) for one in everything), reverse=True
    )
    assert {one.reason for one in everything} == {"reference.same_event_as"}

    page = await relay.merges.listed(WantedMerges(), most=2)
    rest = await relay.merges.listed(WantedMerges(behind=page[-1].id), most=2)
    assert [*page, *rest] == everything

    with_one = await relay.merges.listed(WantedMerges(relay_id=versions[1].thread.relay_id), most=10)
    assert [one.joined.relay_id for one in with_one] == [versions[1].thread.relay_id]
    with_first = await relay.merges.listed(WantedMerges(relay_id=first.thread.relay_id), most=10)
    assert with_first == everything


async def test_merges_that_kept_nothing_back_can_be_left_out(relay: Relay) -> None:
    await relay.report("A")
    kept = await relay.report("B", "A")
    graver = [{"deaths": 1, "attribution": "confirmed"}]
    await relay.report("C", "A", harms=graver, event_types=["death"])

    found = await relay.merges.listed(WantedMerges(kept_back=True), most=10)

    assert [one.joined.relay_id for one in found] == [kept.thread.relay_id]
    assert len(await relay.merges.listed(WantedMerges(), most=10)) > 1


async def test_an_incident_is_read_as_it_stands(relay: Relay) -> None:
    first = await relay.report("A")
    second = await relay.report("B", "A")

    def of(version: Version) -> Any:
        return lambda connection: thread_rows.separated(connection, version.thread.id)

    assert await relay.rig.ledger.read(of(second)) == frozenset()
    await relay.undo(second, first)
    assert await relay.rig.ledger.read(of(second)) == {first.thread.id}
    assert await relay.rig.ledger.read(of(first)) == {second.thread.id}
