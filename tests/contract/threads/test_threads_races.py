"""What must come out the same in whatever order messages are decided: repeats, late originals, circles."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update

from schemas.alerts import Alert
from schemas.events import ALERTS, CLASSIFIED
from services.storage.records import Message
from services.storage.tables import held, receipts, sightings, threads, verdicts
from tests.builders import make_alert, make_finding
from tests.ledger import Died, Relay, Settled, Waits

REF = "SAT-UY-2026-014"


def original(**overrides: Any) -> Alert:
    return make_alert(**overrides)


def follow_up(kind: str, national_ref: str, *, of: str = REF, **overrides: Any) -> Alert:
    relation = {
        "update": "update_of",
        "correction": "corrects",
        "retraction": "retracts",
        "closure": "closes",
        "dispute": "disputes",
    }[kind]
    references = [{"ref": of, "relation": relation}]
    return make_alert(message_type=kind, national_ref=national_ref, references=references, **overrides)


def only_thread(relay: Relay) -> Any:
    (row,) = relay.threads().values()
    return row


def versions(relay: Relay) -> list[tuple[str, int, int, bool]]:
    """Return (reference, version, thread_version, silent) of every verdict, by thread_version."""
    rows = relay.connection.execute(
        select(receipts.c.national_ref, receipts.c.version, verdicts.c.thread_version, verdicts.c.silent)
        .join(verdicts, verdicts.c.message_id == receipts.c.id)
        .order_by(verdicts.c.thread_version, verdicts.c.decision)
    )
    return [tuple(row) for row in rows]  # type: ignore[misc]  # a row is a tuple of these four


def state_of(relay: Relay, message: Message) -> tuple[str, str | None]:
    row = relay.connection.execute(select(receipts).where(receipts.c.id == message.id)).one()
    return row.state, row.state_reason


def test_a_repeated_record_is_decided_once(relay: Relay) -> None:
    message = relay.post(original())

    first, second = relay.settle(message), relay.settle(message)

    assert isinstance(first, Settled)
    assert not first.again
    assert second == Settled(message_id=message.id, again=True)
    assert len(relay.records(CLASSIFIED)) == 1
    assert only_thread(relay).version == 1


def test_an_update_before_its_original_waits_and_then_joins_it(relay: Relay) -> None:
    update_ = relay.post(follow_up("update", "U-1"))
    waits = relay.settle(update_)
    assert waits == Waits(REF, relay.now + timedelta(minutes=10))
    assert relay.states() == {"held": 1}

    outcome = relay.send(original())

    assert isinstance(outcome, Settled)
    assert outcome.released == 1
    assert versions(relay) == [(REF, 1, 1, False), ("U-1", 1, 2, False)]
    assert relay.states() == {"classified": 2}
    assert relay.connection.execute(select(func.count()).select_from(held)).scalar() == 0


def test_what_waited_is_released_exactly_once(relay: Relay) -> None:
    update_ = relay.post(follow_up("update", "U-1"))
    relay.settle(update_)
    late = relay.post(original())

    relay.settle(late)
    relay.settle(late)

    again = [one for one in relay.records(ALERTS) if one["message_id"] == update_.id]
    assert len(again) == 2  # as accepted, and as released
    assert state_of(relay, update_) == ("pending", None)


def test_the_repeat_of_a_held_record_after_its_release_is_harmless(relay: Relay) -> None:
    update_ = relay.post(follow_up("update", "U-1"))
    relay.settle(update_)
    relay.send(original())

    assert relay.settle(update_) == Settled(message_id=update_.id, again=True)


def test_two_updates_of_one_unknown_original_are_both_released(relay: Relay) -> None:
    relay.settle(relay.post(follow_up("update", "U-1")))
    relay.settle(relay.post(follow_up("update", "U-2")))

    outcome = relay.send(original())

    assert isinstance(outcome, Settled)
    assert outcome.released == 2
    assert only_thread(relay).version == 3
    assert relay.states() == {"classified": 3}


def test_an_update_of_an_update_is_released_in_turn(relay: Relay) -> None:
    relay.settle(relay.post(follow_up("update", "U-2", of="U-1")))
    relay.settle(relay.post(follow_up("update", "U-1")))

    relay.send(original())

    assert [ref for ref, *_ in versions(relay)] == [REF, "U-1", "U-2"]


def test_a_circle_of_references_is_dead_as_a_whole(relay: Relay) -> None:
    first = relay.post(follow_up("update", "A-1", of="A-3"))
    second = relay.post(follow_up("update", "A-2", of="A-1"))
    third = relay.post(follow_up("update", "A-3", of="A-2"))

    outcomes = [relay.settle(one) for one in (first, second, third)]

    assert [type(one) for one in outcomes] == [Waits, Waits, Died]
    assert outcomes[-1] == Died("reference_circle")
    assert {state_of(relay, one) for one in (first, second, third)} == {("dead", "reference_circle")}


def test_an_update_with_findings_opens_its_own_thread_when_its_original_does_not_come(relay: Relay) -> None:
    relay.send(follow_up("update", "U-1"))

    assert relay.expire(after=timedelta(minutes=9)) == 0
    assert relay.expire(after=timedelta(minutes=2)) == 1

    assert relay.states() == {"classified": 1}
    assert only_thread(relay).orphan


def test_an_original_that_comes_after_all_joins_the_incident_of_its_orphan(relay: Relay) -> None:
    relay.send(follow_up("update", "U-1", title="[EJERCICIO] Otro texto"))
    relay.expire(after=timedelta(minutes=11))

    outcome = relay.send(original(findings=[make_finding("ketamine")]))

    assert isinstance(outcome, Settled)
    assert outcome.decision is not None
    assert [(one.level, one.reason) for one in outcome.decision.links] == [
        ("same_event", "reference.update_of")
    ]
    assert len({row.incident_id for row in relay.threads().values()}) == 1


def test_a_retraction_of_what_never_comes_waits_a_week_and_is_then_dead(relay: Relay) -> None:
    message = relay.post(follow_up("retraction", "R-1", findings=[]))
    relay.settle(message)

    assert relay.expire(after=timedelta(days=6)) == 0
    assert relay.expire(after=timedelta(days=2)) == 1

    assert state_of(relay, message) == ("dead", "reference_unknown")


def test_an_original_in_time_wins_over_the_deadline(relay: Relay) -> None:
    relay.send(follow_up("update", "U-1"))
    relay.post(original())
    relay.now += timedelta(minutes=11)
    relay.drain()

    assert relay.expire(after=timedelta(0)) == 0
    assert only_thread(relay).version == 2
    assert not only_thread(relay).orphan


def test_a_late_update_of_what_was_retracted_is_dead(relay: Relay) -> None:
    relay.send(original())
    relay.send(follow_up("retraction", "R-1", findings=[]))

    assert relay.send(follow_up("update", "U-1")) == Died("thread_retracted")
    assert only_thread(relay).state == "retracted"
    assert relay.states() == {"classified": 2, "dead": 1}


def test_a_retraction_leaves_no_current_sighting(relay: Relay) -> None:
    relay.send(original())
    relay.send(follow_up("retraction", "R-1", findings=[]))

    current = select(func.count()).select_from(sightings).where(sightings.c.current)
    assert relay.connection.execute(current).scalar() == 0
    assert only_thread(relay).level == "info"


def test_a_late_lower_version_is_kept_and_silent(relay: Relay) -> None:
    relay.send(original(version=3, findings=[make_finding("ketamine")]))
    relay.send(original(version=1))

    row = only_thread(relay)
    assert versions(relay) == [(REF, 1, 0, True), (REF, 3, 1, False)]
    assert row.version == 1
    current = select(sightings.c.message_id).where(sightings.c.current).distinct()
    assert list(relay.connection.execute(current).scalars()) == [row.message_id]
    unrouted = select(verdicts.c.thread_version).where(verdicts.c.routed_at.is_(None))
    assert list(relay.connection.execute(unrouted).scalars()) == [1]


def test_versions_in_either_order_leave_the_same_thread(relay: Relay) -> None:
    relay.send(original(version=2, findings=[make_finding("ketamine")]))
    relay.send(original(version=1))

    standing = relay.connection.execute(
        select(receipts.c.version).join(threads, threads.c.message_id == receipts.c.id)
    ).scalar_one()
    assert standing == 2


def test_what_is_retracted_stays_so_even_where_a_later_version_was_first(relay: Relay) -> None:
    relay.send(original())
    relay.send(make_alert(message_type="update", version=3))

    relay.send(make_alert(message_type="retraction", version=2, findings=[]))

    assert only_thread(relay).state == "retracted"


def test_an_update_of_the_own_reference_waits_for_its_first_version(relay: Relay) -> None:
    second = relay.post(make_alert(message_type="update", version=2))
    assert isinstance(relay.settle(second), Waits)

    relay.send(original())

    assert versions(relay) == [(REF, 1, 1, False), (REF, 2, 2, False)]


def test_a_message_that_died_is_looked_at_again_only_when_told_to(relay: Relay) -> None:
    relay.send(original())
    message = relay.post(
        follow_up("update", "U-1", of=f"UY:{REF}"), sender_id="uy-police", country="UY", can_amend=False
    )
    assert relay.settle(message) == Died("not_allowed")
    allowed = Message(**{name: getattr(message, name) for name in message.__slots__} | {"can_amend": True})

    assert relay.settle(allowed) == Died("not_allowed")
    assert isinstance(relay.settle(allowed, revive=True), Settled)


def test_a_copy_that_is_decided_before_the_original_is_the_first(relay: Relay) -> None:
    mine = relay.post(original())
    copy = relay.post(original(national_ref="P-7"), sender_id="uy-police")

    relay.settle(copy)
    outcome = relay.settle(mine)

    assert isinstance(outcome, Settled)
    assert outcome.decision is not None
    assert outcome.decision.correlation.level == "content_copy"
    assert len({row.incident_id for row in relay.threads().values()}) == 1


def test_accepted_is_the_sum_of_the_states(relay: Relay) -> None:
    relay.send(original())
    relay.send(follow_up("update", "U-1", of="NOWHERE"))
    relay.send(follow_up("retraction", "R-1", findings=[]))
    relay.send(follow_up("update", "U-2"))
    relay.post(original(national_ref="N-1"))

    assert relay.states() == {"classified": 2, "held": 1, "dead": 1, "pending": 1}


def test_the_reconciler_may_publish_a_pending_message_at_any_time(relay: Relay) -> None:
    message = relay.post(original())
    relay.run(lambda c: c.execute(update(receipts).values(attempt=1)))

    assert isinstance(relay.settle(message), Settled)


def test_a_correction_that_comes_after_the_closure_behind_it_still_stands(relay: Relay) -> None:
    relay.send(original())
    relay.send(make_alert(message_type="closure", version=3, findings=[]))

    relay.send(make_alert(message_type="correction", version=2, findings=[make_finding("ketamine")]))

    row = only_thread(relay)
    assert (row.state, row.version) == ("closed", 2)
    current = select(sightings.c.key).where(sightings.c.current, sightings.c.key.startswith("substance:"))
    assert list(relay.connection.execute(current).scalars()) == ["substance:" + relay.key_of("ketamine")]
