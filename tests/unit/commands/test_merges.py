"""`relay merges`: what was taken for one event by command line, and taking it back."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from schemas.alerts import canonical_json
from services.classify.reviewing import reconsidering
from services.reference.catalogue import Catalogue
from services.reference.plan import PlanBasis
from services.storage import receipts, settling
from services.storage.receipt_records import TOPIC, Submission, event_payload
from services.storage.records import Event
from services.storage.settling import Rules
from tests.builders import make_alert, make_finding
from tests.command import Relay, run
from tests.ledger import NAMING, everybody, message_of

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WHY = ("--reason", "Two seizures, a week apart")


@pytest.fixture
def merged(installed: Relay, catalogue: Catalogue, plan: Mapping[str, PlanBasis]) -> str:
    """Id of the merge of two alerts."""
    reconsider = reconsidering(catalogue=catalogue, structures=None, plan=plan)
    rules = Rules(naming=NAMING, may_see=everybody)
    for number, cited in enumerate(([], [{"ref": "A-0", "relation": "same_event_as"}])):
        ref, now = f"A-{number}", NOW + timedelta(minutes=number)
        alert = make_alert(national_ref=ref, references=cited, findings=[make_finding(f"polvo {ref}")])
        message = message_of(alert, sender_id="uy-ndo", country="UY", can_amend=False, at=now)
        body = canonical_json(alert).decode()
        event = Event(topic=TOPIC, event_id=message.id, key="k", payload=event_payload(message, body=body))
        submission = Submission(message=message, body=body, event=event)
        run(installed, partial(receipts.accept, submission=submission))
        proposal, decide = reconsider(message, ())
        run(installed, partial(settling.settle, proposal=proposal, decide=decide, rules=rules, now=now))
    (merge,) = installed("merges", "list", "--json").json
    found: str = merge["id"]
    return found


def test_merges_are_listed_for_people_and_as_json(installed: Relay, merged: str) -> None:
    (merge,) = installed("merges", "list", "--json").json
    assert (merge["id"], merge["level"], merge["reason"]) == (merged, "same_event", "reference.same_event_as")
    assert (merge["relay_id"], merge["other_relay_id"]) == ("SATA-UY-2026-000002", "SATA-UY-2026-000001")
    assert merge["kept_back"] == 0
    table = installed("merges", "list")
    assert table.status == 0
    assert merged in table.out
    assert "kept back" in table.out


def test_the_list_is_narrowed(installed: Relay, merged: str) -> None:
    assert installed("merges", "list", "--json", "--kept-back").json == []
    assert installed("merges", "list", "--json", "--alert", "SATA-UY-2026-000009").json == []
    (merge,) = installed("merges", "list", "--json", "--alert", "SATA-UY-2026-000001").json
    assert merge["id"] == merged


def test_a_merge_is_undone_once_and_says_where_the_alert_is_now(installed: Relay, merged: str) -> None:
    (merge,) = installed("merges", "list", "--json").json

    done = installed("merges", "undo", merged, *WHY)
    again = installed("merges", "undo", merged, *WHY)

    assert (done.status, done.err) == (0, "relay: undone; SATA-UY-2026-000002 is in its own incident\n")
    assert (again.status, again.err) == (
        0,
        "relay: undone before; SATA-UY-2026-000002 is in its own incident\n",
    )
    assert done.out == again.out
    assert done.out.strip() not in ("", merge["incident_id"])
    assert installed("merges", "list", "--json").json == []


def test_what_is_no_merge_is_said(installed: Relay) -> None:
    ended = installed("merges", "undo", "no-such-merge", *WHY)
    assert (ended.status, ended.out) == (1, "")
    assert "there is no merge no-such-merge" in ended.err


def test_a_merge_is_not_undone_without_a_reason(installed: Relay, merged: str) -> None:
    assert installed("merges", "undo", merged).status == 2
    assert installed("merges", "undo", merged, "--reason", " ").status == 2
    assert len(installed("merges", "list", "--json").json) == 1


def test_the_help_says_what_happens(installed: Relay) -> None:
    ended = installed("merges", "undo", "--help")
    assert ended.status == 0
    assert "goes to whom the merge had kept it from" in " ".join(ended.out.split())
