"""Two that accept or decide at once on a real PostgreSQL: the second sees what the first committed."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from schemas.alerts import Alert, canonical_json
from schemas.events import ALERTS, CLASSIFIED
from services.storage import (
    audit,
    leases,
    merged,
    outbox,
    publishing,
    receipt_records,
    receipts,
    separating,
    verdicts,
)
from services.storage.merge_records import WantedMerges
from services.storage.records import Event
from services.storage.statements import next_number
from services.storage.tables import outbox as outbox_table
from services.storage.tables import receipts as receipts_table
from services.storage.thread_records import Died, Filters, Settled, Waits
from tests.builders import NOW, make_alert, make_finding, make_substance
from tests.ledger import Relay, message_of
from tests.two_transactions import Two

pytestmark = [pytest.mark.integration, pytest.mark.needs("postgresql")]

REF = make_alert().national_ref


def follow_up(kind: str, **overrides: Any) -> Alert:
    relation = {"update": "update_of", "retraction": "retracts"}[kind]
    stated = {
        "message_type": kind,
        "national_ref": "F-1",
        "references": [{"ref": REF, "relation": relation}],
    }
    return make_alert(**stated | overrides)


def submission(alert: Alert, *, key: str | None = None) -> receipt_records.Submission:
    message = message_of(alert, sender_id="uy-observatory", country="UY", can_amend=False, at=NOW)
    body = canonical_json(alert).decode()
    payload = receipt_records.event_payload(message, body=body)
    return receipt_records.Submission(
        message=message,
        body=body,
        event=Event(topic=ALERTS, event_id=message.id, key=message.reference_key, payload=payload),
        idempotency_key=key,
        request_sha256=message.content_sha256,
    )


def count(connection: Connection) -> tuple[int, int]:
    """Return how many messages are kept, and how many records."""
    kept = connection.execute(select(func.count()).select_from(receipts_table)).scalar_one()
    return kept, connection.execute(select(func.count()).select_from(outbox_table)).scalar_one()


def test_an_alert_that_is_accepted_twice_at_once_is_kept_once(at_once: Two) -> None:
    unit = partial(receipts.accept, submission=submission(make_alert()))

    first, second = at_once.in_line(unit, unit)

    assert isinstance(first, receipt_records.Accepted)
    assert isinstance(second, receipt_records.Repeated)
    assert at_once.look(count) == (1, 1)


def test_an_alert_whose_first_acceptance_is_undone_is_accepted_by_the_second(at_once: Two) -> None:
    unit = partial(receipts.accept, submission=submission(make_alert()))

    _, second = at_once.in_line(unit, unit, undone=True)

    assert isinstance(second, receipt_records.Accepted)
    assert at_once.look(count) == (1, 1)


def test_two_messages_under_one_idempotency_key_at_once_are_not_both_accepted(at_once: Two) -> None:
    one, other = (submission(make_alert(national_ref=ref), key="k") for ref in ("A-1", "A-2"))

    first, second = at_once.in_line(
        partial(receipts.accept, submission=one), partial(receipts.accept, submission=other)
    )

    assert isinstance(first, receipt_records.Accepted)
    assert second == receipt_records.Refused("idempotency_key_reused")
    assert at_once.look(count) == (1, 1)


def test_a_message_that_is_decided_twice_at_once_is_decided_once(relay: Relay, at_once: Two) -> None:
    message = relay.post(make_alert())

    first, second = at_once.in_line(relay.deciding(message), relay.deciding(message))

    assert isinstance(first, Settled)
    assert isinstance(second, Settled)
    assert (first.again, second.again) == (False, True)
    assert len(relay.records(CLASSIFIED)) == 1


def test_an_update_that_is_decided_beside_its_original_joins_its_thread(relay: Relay, at_once: Two) -> None:
    original, update = relay.post(make_alert()), relay.post(follow_up("update"))

    _, second = at_once.in_line(relay.deciding(original), relay.deciding(update))

    assert isinstance(second, Settled)
    (thread,) = relay.threads().values()
    assert thread.version == 2


def test_an_original_that_is_decided_while_its_update_begins_to_wait_lets_it_go(
    relay: Relay, at_once: Two
) -> None:
    original, update = relay.post(make_alert()), relay.post(follow_up("update"))

    first, second = at_once.in_line(relay.deciding(update), relay.deciding(original))

    assert isinstance(first, Waits)
    assert isinstance(second, Settled)
    assert second.released == 1
    relay.drain()
    assert relay.states() == {"classified": 2}


def test_two_versions_of_one_reference_that_are_decided_at_once_are_one_thread(
    relay: Relay, at_once: Two
) -> None:
    first = relay.post(make_alert())
    second = relay.post(make_alert(message_type="update", version=2))

    at_once.in_line(relay.deciding(second), relay.deciding(first))

    relay.drain()
    assert len(relay.threads()) == 1
    assert set(relay.states()) == {"classified"}


def test_two_reports_of_one_event_that_are_decided_at_once_are_one_incident(
    relay: Relay, at_once: Two
) -> None:
    first = relay.post(make_alert())
    second = relay.post(make_alert(national_ref="P-1"), sender_id="uy-police")

    _, outcome = at_once.in_line(relay.deciding(first), relay.deciding(second))

    assert isinstance(outcome, Settled)
    assert outcome.decision is not None
    assert outcome.decision.correlation.level.value == "content_copy"
    assert len({row.incident_id for row in relay.threads().values()}) == 1


def test_a_decision_that_is_undone_leaves_nothing_to_the_second(relay: Relay, at_once: Two) -> None:
    first = relay.post(make_alert())
    second = relay.post(make_alert(national_ref="P-1"), sender_id="uy-police")

    _, outcome = at_once.in_line(relay.deciding(first), relay.deciding(second), undone=True)

    assert isinstance(outcome, Settled)
    assert outcome.decision is not None
    assert outcome.decision.correlation.level.value == "new"


def test_a_retraction_beside_an_update_leaves_the_thread_retracted(relay: Relay, at_once: Two) -> None:
    relay.send(make_alert())
    retraction, update = (
        relay.post(follow_up("retraction")),
        relay.post(follow_up("update", national_ref="F-2")),
    )

    _, second = at_once.in_line(relay.deciding(retraction), relay.deciding(update))

    assert second == Died("thread_retracted")
    (thread,) = relay.threads().values()
    assert thread.state == "retracted"


def test_decisions_on_different_things_are_numbered_in_the_order_of_their_commits(
    relay: Relay, at_once: Two
) -> None:
    chile = make_alert(
        national_ref="C-1", location={"country": "CL"}, findings=[make_finding(make_substance("ketamine"))]
    )
    first = relay.post(make_alert())
    second = relay.post(chile, sender_id="cl-observatory", country="CL")
    page = partial(verdicts.page, after=0, most=10, filters=Filters())

    at_once.in_line(relay.deciding(first), relay.deciding(second))

    listed = at_once.look(page)
    assert [one.message.id for one in listed.versions] == [first.id, second.id]
    assert listed.cursor == 2


def test_a_record_that_commits_behind_a_later_one_is_found(at_once: Two) -> None:
    early, late = (Event(topic=ALERTS, event_id=name, key="k", payload="{}") for name in ("early", "late"))
    waiting = partial(publishing.unpublished, before=NOW + timedelta(1), most=10)

    at_once.first.begin(partial(outbox.append, event=early, now=NOW)).result(10)
    at_once.second.run(partial(outbox.append, event=late, now=NOW))
    seen = at_once.look(waiting)
    at_once.look(partial(publishing.mark_published, positions=[one.position for one in seen], now=NOW))
    at_once.first.commit()
    then = at_once.look(waiting)

    assert ([one.event_id for one in seen], [one.event_id for one in then]) == (["late"], ["early"])
    assert then[0].position < seen[0].position


def test_acts_are_chained_only_when_no_lower_one_can_still_come(at_once: Two) -> None:
    act = partial(audit.record, actor="t", act="key.created", detail={}, now=NOW)
    chain = partial(audit.chain, most=10)

    at_once.first.begin(partial(act, subject="lower")).result(10)
    at_once.second.run(partial(act, subject="higher"))
    assert at_once.look(chain) == 0
    at_once.first.commit()

    assert at_once.look(chain) == 2
    assert at_once.look(audit.broken) is None


def test_a_lease_that_two_ask_for_at_once_has_one_holder(at_once: Two) -> None:
    ask = partial(leases.acquire, name="sweep", now=NOW, until=NOW + timedelta(minutes=1))
    at_once.look(
        partial(ask, holder="before", now=NOW - timedelta(hours=1), until=NOW - timedelta(minutes=1))
    )

    assert at_once.in_line(partial(ask, holder="a"), partial(ask, holder="b")) == (True, False)


def test_a_number_is_given_once(at_once: Two) -> None:
    take = partial(next_number, name="SATA-UY-2026")

    assert at_once.in_line(take, take) == (1, 2)
    assert at_once.in_line(take, take, undone=True) == (3, 3)


def test_what_is_decided_while_a_merge_is_taken_back_joins_what_is_left(relay: Relay, at_once: Two) -> None:
    def report(ref: str, *others: str) -> Alert:
        cited = [{"ref": other, "relation": "same_event_as"} for other in others]
        return make_alert(national_ref=ref, findings=[make_finding(f"polvo {ref}")], references=cited)

    relay.send(report("A"))
    relay.now += timedelta(seconds=1)
    relay.send(report("B", "A"))
    (merge,) = relay.run(partial(merged.listed, wanted=WantedMerges(), most=10))
    third = relay.post(report("C", "B"))
    undo = partial(separating.undo, merge_id=merge.id, reason="two events", actor="oas-sec", now=relay.now)

    done, _ = at_once.in_line(undo, relay.deciding(third))

    incidents = {row.national_ref: row.incident_id for row in relay.threads().values()}
    assert incidents["C"] == incidents["B"] == done.merge.joined.incident_id
    assert incidents["A"] != incidents["B"]
