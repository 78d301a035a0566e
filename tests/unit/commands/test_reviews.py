"""`relay reviews`: the queue by command line, an answer, and the row that it amounts to."""

from collections.abc import Mapping
from datetime import UTC, datetime
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
ISOTONITAZENE = "OIOQREYBGDAYGT-UHFFFAOYSA-N"
AT = ("--finding", "0", "--substance", "0")
WHY = ("--reason", "Read again by the laboratory")


@pytest.fixture
def asked(installed: Relay, catalogue: Catalogue, plan: Mapping[str, PlanBasis]) -> str:
    """Id of a classified message with a name that nobody knows."""
    alert = make_alert(event_types=["first_detection"], findings=[make_finding("polvo azul")])
    message = message_of(alert, sender_id="uy-ndo", country="UY", can_amend=False, at=NOW)
    body = canonical_json(alert).decode()
    event = Event(topic=TOPIC, event_id=message.id, key="k", payload=event_payload(message, body=body))
    run(installed, partial(receipts.accept, submission=Submission(message=message, body=body, event=event)))
    reconsider = reconsidering(catalogue=catalogue, structures=None, plan=plan)
    proposal, decide = reconsider(message, ())
    rules = Rules(naming=NAMING, may_see=everybody)
    run(installed, partial(settling.settle, proposal=proposal, decide=decide, rules=rules, now=NOW))
    return message.id


def test_the_queue_is_listed_for_people_and_as_json(installed: Relay, asked: str) -> None:
    (item,) = installed("reviews", "list", "--json").json
    assert (item["message_id"], item["name"], item["outcome"]) == (asked, "polvo azul", "unknown")
    assert item["urgency"] == "moderate"
    table = installed("reviews", "list")
    assert table.status == 0
    assert "polvo azul" in table.out


def test_an_answer_is_kept_once_and_proposed_as_a_row(installed: Relay, asked: str) -> None:
    kept = installed("reviews", "resolve", asked, *AT, *WHY, "--inchikey", ISOTONITAZENE)
    assert (kept.status, kept.err) == (0, "relay: kept; the level is high\n")
    again = installed("reviews", "resolve", asked, *AT, *WHY, "--inchikey", ISOTONITAZENE)
    assert (again.out, again.err) == (kept.out, "relay: said before; the level is high\n")
    assert installed("reviews", "list", "--json").json == []

    row = installed("reviews", "propose", kept.out.strip())

    assert row.out == "polvo azul,isotonitazene,Read again by the laboratory\n"


def test_what_is_no_substance_leaves_the_queue_and_has_no_row(installed: Relay, asked: str) -> None:
    kept = installed("reviews", "resolve", asked, *AT, *WHY, "--not-a-substance")
    assert kept.status == 0
    assert installed("reviews", "list", "--json").json == []
    assert installed("reviews", "propose", kept.out.strip()).status == 1


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ((*AT, *WHY), 2),
        ((*AT, *WHY, "--not-a-substance", "--inchikey", ISOTONITAZENE), 2),
        ((*AT, "--reason", " ", "--not-a-substance"), 2),
        ((*AT, *WHY, "--inchikey", "AAAAAAAAAAAAAA-AAAAAAAAAA-A"), 1),
        (("--finding", "0", "--substance", "4", *WHY, "--not-a-substance"), 1),
    ],
)
def test_a_wrong_answer_is_refused(installed: Relay, asked: str, given: tuple[str, ...], status: int) -> None:
    ended = installed("reviews", "resolve", asked, *given)
    assert (ended.status, ended.out) == (status, "")
    assert len(installed("reviews", "list", "--json").json) == 1


def test_what_is_not_there_is_said(installed: Relay) -> None:
    assert installed("reviews", "propose", "no-such-resolution").status == 1
    assert installed("reviews", "resolve", "no-such-message", *AT, *WHY, "--not-a-substance").status == 1


def test_what_concerns_the_whole_alert_is_ticked_off_once(installed: Relay, asked: str) -> None:
    assert installed("reviews", "done", asked, "unidentified", *WHY).status == 1
    assert installed("reviews", "done", asked, "mixture", *WHY).status == 1
    assert installed("reviews", "done", asked, "unidentified", "--reason", " ").status == 2


def test_a_name_can_be_answered_everywhere(installed: Relay, asked: str) -> None:
    ended = installed("reviews", "resolve", asked, *AT, *WHY, "--not-a-substance", "--everywhere")

    assert ended.status == 0
    assert "answered in 0 other places" in ended.err
