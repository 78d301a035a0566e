"""The human queue: what waits for a person, what an answer changes, and what a new catalogue changes."""

import json
import shutil
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from schemas.alerts import Alert
from schemas.events import CLASSIFIED
from schemas.vocabularies import Outcome, Severity
from services.classify.reviewing import items_of, reconsidering
from services.errors import Invalid
from services.reference.catalogue import Catalogue
from services.reference.loader import load_catalogue
from services.reference.plan import PlanBasis
from services.reference.tables import DATA
from services.storage import reviewing, verdicts
from services.storage.records import Message, Version
from services.storage.review_records import NOT_A_SUBSTANCE, NewResolution, Reconsider, Resolved
from services.storage.tables import audit, resolutions
from services.storage.thread_records import Page
from tests.builders import make_alert, make_finding, make_substance
from tests.ledger import Relay, everybody


@pytest.fixture(scope="session")
def reconsider(catalogue: Catalogue, plan: Mapping[str, PlanBasis]) -> Reconsider:
    """How a message is prepared again by the catalogue as shipped."""
    return reconsidering(catalogue=catalogue, structures=None, plan=plan)


def unknown(name: str = "polvo azul", **overrides: Any) -> Alert:
    return make_alert(event_types=["first_detection"], findings=[make_finding(name)], **overrides)


LONG_AGO: dict[str, Any] = {"detected_at": "2026-03-02", "sent_at": "2026-03-03T10:00:00-03:00"}


def key_of(catalogue: Catalogue, name: str) -> str:
    (key,) = catalogue.with_name(name)
    return key


def resolve(relay: Relay, message: Message, outcome: str, reconsider: Reconsider, **at: int) -> Resolved:
    new = NewResolution(
        message_id=message.id,
        finding=at.get("finding", 0),
        substance=at.get("substance", 0),
        outcome=outcome,
        reason="read again by the laboratory",
        actor="secretariat",
    )
    relay.now += timedelta(minutes=1)
    unit = partial(reviewing.resolve, new=new, reconsider=reconsider, may_see=everybody, now=relay.now)
    found: Resolved = relay.run(unit)
    return found


def queued(relay: Relay, *, after: int = 0, most: int = 50) -> Page:
    found: Page = relay.run(partial(reviewing.queue, after=after, most=most))
    return found


def current(relay: Relay, message: Message) -> Version:
    found: Version | None = relay.run(lambda c: verdicts.version(c, message.id))
    assert found is not None
    return found


def sent(relay: Relay, alert: Alert) -> Message:
    message = relay.post(alert)
    relay.settle(message)
    return message


# --- the queue -----------------------------------------------------------------------------------------------


def test_only_what_a_person_should_look_at_is_queued_in_the_order_of_decisions(relay: Relay) -> None:
    first = sent(relay, unknown())
    sent(relay, make_alert(national_ref="A-2", **LONG_AGO))
    second = sent(relay, unknown(national_ref="A-3"))

    page = queued(relay)

    assert [one.message.id for one in page.versions] == [first.id, second.id]
    (item,) = items_of(page.versions[0])
    assert (item.finding, item.substance, item.name) == (0, 0, "polvo azul")
    assert (item.outcome, item.urgency) == (Outcome.UNKNOWN, Severity.MODERATE)
    assert item.relay_id == page.versions[0].thread.relay_id


def test_the_queue_is_read_in_pages(relay: Relay) -> None:
    messages = [sent(relay, unknown(national_ref=f"A-{number}")) for number in range(3)]

    page = queued(relay, most=2)
    rest = queued(relay, after=page.cursor, most=2)

    assert [one.message.id for one in (*page.versions, *rest.versions)] == [one.id for one in messages]
    assert queued(relay, after=rest.cursor).versions == ()


def test_what_a_newer_version_has_replaced_is_not_queued(relay: Relay) -> None:
    sent(relay, unknown())
    sent(relay, make_alert(message_type="correction"))

    assert queued(relay).versions == ()


def test_a_substance_that_was_ruled_out_is_not_asked(relay: Relay) -> None:
    ruled_out = make_substance("polvo rojo", confirmation="ruled_out")
    sent(relay, make_alert(findings=[make_finding("polvo azul", ruled_out)]))

    (version,) = queued(relay).versions

    assert [one.name for one in items_of(version)] == ["polvo azul"]


def test_what_concerns_the_whole_alert_is_asked_without_a_substance(relay: Relay) -> None:
    sent(relay, make_alert(tlp="TLP:RED"))

    (version,) = queued(relay).versions

    (item,) = items_of(version)
    assert (item.finding, item.name, item.reason) == (None, None, "red_without_named_recipients")


# --- resolutions ---------------------------------------------------------------------------------------------


def test_a_resolution_decides_again_and_says_who_and_why(
    relay: Relay, catalogue: Catalogue, reconsider: Reconsider
) -> None:
    message = sent(relay, unknown())

    found = resolve(relay, message, key_of(catalogue, "isotonitazene"), reconsider)

    assert not found.again
    version = current(relay, message)
    assert version == found.version
    assert (version.revision, version.cause) == (1, f"resolution:{found.resolution.id}")
    (substance,) = version.classification.substances
    assert (substance.outcome, substance.preferred_name) == (Outcome.RESOLVED, "isotonitazene")
    assert (substance.step, substance.reason) == ("person", "named_by_a_person")
    assert queued(relay).versions == ()
    severity = version.classification.severity
    assert (severity.before, severity.level) == (Severity.MODERATE, Severity.HIGH)
    assert version.thread.level is Severity.HIGH
    assert (version.thread.version, version.thread_version) == (1, 1)
    event = relay.records(CLASSIFIED)[-1]
    assert (event["revision"], event["cause"]) == (1, version.cause)
    (act,) = relay.connection.execute(select(audit).where(audit.c.act == "review.resolved")).all()
    assert (act.actor, act.subject) == ("secretariat", message.id)
    assert "polvo" not in act.detail


def test_a_repeated_resolution_changes_nothing(
    relay: Relay, catalogue: Catalogue, reconsider: Reconsider
) -> None:
    message = sent(relay, unknown())
    key = key_of(catalogue, "isotonitazene")
    first = resolve(relay, message, key, reconsider)
    records = len(relay.records(CLASSIFIED))

    again = resolve(relay, message, key, reconsider)

    assert again.again
    assert again.resolution == first.resolution
    assert current(relay, message).revision == 1
    assert len(relay.records(CLASSIFIED)) == records
    assert relay.connection.execute(select(func.count()).select_from(resolutions)).scalar_one() == 1


def test_a_resolution_can_be_taken_to_another_substance(
    relay: Relay, catalogue: Catalogue, reconsider: Reconsider
) -> None:
    message = sent(relay, unknown())
    resolve(relay, message, key_of(catalogue, "isotonitazene"), reconsider)

    resolve(relay, message, key_of(catalogue, "paracetamol"), reconsider)

    version = current(relay, message)
    assert version.revision == 2
    severity = version.classification.severity
    assert (severity.before, severity.level, severity.urgency) == (
        Severity.HIGH,
        Severity.MODERATE,
        Severity.HIGH,
    )
    assert version.thread.level is Severity.MODERATE


def test_what_is_no_substance_gets_no_category_and_asks_nobody_again(
    relay: Relay, reconsider: Reconsider
) -> None:
    message = sent(relay, unknown())

    resolve(relay, message, NOT_A_SUBSTANCE, reconsider)

    classification = current(relay, message).classification
    assert classification.categories == ()
    assert classification.review == ()
    assert queued(relay).versions == ()


def test_one_answer_leaves_the_other_questions_of_an_alert_open(
    relay: Relay, catalogue: Catalogue, reconsider: Reconsider
) -> None:
    message = sent(relay, make_alert(findings=[make_finding("polvo azul", "polvo rojo")]))

    resolve(relay, message, key_of(catalogue, "MDMA"), reconsider)
    (version,) = queued(relay).versions
    assert [one.name for one in items_of(version)] == ["polvo rojo"]

    resolve(relay, message, key_of(catalogue, "cocaine"), reconsider, substance=1)
    names = [one.preferred_name for one in current(relay, message).classification.substances]
    assert names == ["MDMA", "Cocaine"]


def test_a_later_alert_is_compared_with_what_the_person_named(
    relay: Relay, catalogue: Catalogue, reconsider: Reconsider
) -> None:
    message = sent(relay, unknown())
    resolve(relay, message, key_of(catalogue, "isotonitazene"), reconsider)

    other = make_alert(national_ref="B-1", event_types=["seizure"], findings=[make_finding("isotonitazene")])
    later = relay.post(other, sender_id="uy-police")
    relay.settle(later)

    related = current(relay, later).correlation.related
    assert [one.id for one in related] == [message.id]


def test_an_update_keeps_the_level_that_its_thread_had(
    relay: Relay, catalogue: Catalogue, reconsider: Reconsider
) -> None:
    sent(relay, unknown("isotonitazene"))
    update = sent(relay, unknown(message_type="update"))
    assert current(relay, update).thread.level is Severity.HIGH

    resolve(relay, update, key_of(catalogue, "paracetamol"), reconsider)

    severity = current(relay, update).classification.severity
    assert (severity.level, severity.rule) == (Severity.HIGH, "H4")


@pytest.mark.parametrize(
    ("position", "reason"),
    [({"finding": 1}, "no_such_substance"), ({"substance": 1}, "no_such_substance")],
)
def test_a_position_that_is_not_there_is_refused(
    relay: Relay, reconsider: Reconsider, position: dict[str, int], reason: str
) -> None:
    message = sent(relay, unknown())

    with pytest.raises(Invalid, match=reason):
        resolve(relay, message, NOT_A_SUBSTANCE, reconsider, **position)

    assert current(relay, message).revision == 0


def test_what_no_longer_stands_is_not_decided_again(relay: Relay, reconsider: Reconsider) -> None:
    replaced = sent(relay, unknown())
    pending = relay.post(unknown(national_ref="A-9"))
    sent(relay, make_alert(message_type="correction"))

    with pytest.raises(Invalid, match="not_current"):
        resolve(relay, replaced, NOT_A_SUBSTANCE, reconsider)
    with pytest.raises(Invalid, match="unknown_message"):
        resolve(relay, pending, NOT_A_SUBSTANCE, reconsider)


# --- another catalogue ---------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """A catalogue that knows one name more."""
    folder = tmp_path_factory.mktemp("catalogue") / "tables"
    shutil.copytree(DATA, folder)
    with (folder / "added_names.csv").open("a", encoding="utf-8") as names:
        names.write("polvo azul,isotonitazene,a test\n")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps(manifest | {"version": "newer"}), encoding="utf-8")
    return load_catalogue(folder)


def take_over(relay: Relay, catalogue: Catalogue, plan: Mapping[str, PlanBasis]) -> list[str]:
    """Decide again all that another catalogue decided; return the messages whose classification changed."""
    reconsider = reconsidering(catalogue=catalogue, structures=None, plan=plan)
    changed = []
    outdated = partial(reviewing.outdated, catalogue_version=catalogue.version, most=2)
    cursor = -1
    while (found := relay.run(outdated)).cursor != cursor:
        for message_id in found.message_ids:
            unit = partial(
                reviewing.reclassify,
                message_id=message_id,
                catalogue_version=catalogue.version,
                reconsider=reconsider,
                may_see=everybody,
                now=relay.now,
            )
            if relay.run(unit):
                changed.append(message_id)
        cursor = found.cursor
        relay.run(partial(reviewing.passed, catalogue_version=catalogue.version, cursor=cursor))
    return changed


def test_a_new_catalogue_decides_open_threads_again_once(
    relay: Relay, newer: Catalogue, plan: Mapping[str, PlanBasis]
) -> None:
    message = sent(relay, unknown())
    same = sent(relay, make_alert(national_ref="A-2", **LONG_AGO))
    closed = sent(relay, unknown(national_ref="A-3"))
    sent(relay, make_alert(national_ref="A-3", message_type="closure", findings=[]))

    assert take_over(relay, newer, plan) == [message.id]

    version = current(relay, message)
    assert (version.revision, version.cause) == (1, "catalogue:newer")
    assert version.classification.substances[0].preferred_name == "isotonitazene"
    assert current(relay, same).revision == 0
    assert current(relay, closed).revision == 0
    assert take_over(relay, newer, plan) == []


def test_the_same_catalogue_leaves_everything_as_it_is(
    relay: Relay, catalogue: Catalogue, plan: Mapping[str, PlanBasis]
) -> None:
    sent(relay, unknown())

    assert take_over(relay, catalogue, plan) == []


def test_what_a_person_said_outlives_a_new_catalogue(
    relay: Relay,
    catalogue: Catalogue,
    newer: Catalogue,
    plan: Mapping[str, PlanBasis],
    reconsider: Reconsider,
) -> None:
    message = sent(relay, unknown())
    resolve(relay, message, key_of(catalogue, "paracetamol"), reconsider)

    assert take_over(relay, newer, plan) == []

    version = current(relay, message)
    assert version.classification.substances[0].preferred_name == "Paracetamol"
