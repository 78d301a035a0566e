"""The life of a thread: who may change it, what each message does to it, how it is read, what is taken back."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from schemas.alerts import Alert
from services.reference.catalogue import Catalogue
from services.reference.plan import PlanBasis
from services.storage import joining, thread_rows, verdicts
from services.storage.records import Message
from services.storage.serials import opaque_id
from services.storage.tables import threads
from services.storage.thread_records import Died, Filters, Settled, Waits
from tests.builders import make_alert, make_finding
from tests.databases import Place
from tests.ledger import Relay, everybody, message_of

REF = "SAT-UY-2026-014"
POLICE = {"sender_id": "uy-police"}
ARGENTINA = {"sender_id": "ar-observatory", "country": "AR"}


def follow_up(kind: str, *, of: str = REF, ref: str = "F-1", **overrides: Any) -> Alert:
    relation = {
        "update": "update_of",
        "correction": "corrects",
        "retraction": "retracts",
        "closure": "closes",
        "dispute": "disputes",
    }[kind]
    if kind in {"retraction", "closure", "dispute"}:
        overrides = {"findings": []} | overrides
    references = [{"ref": of, "relation": relation}]
    return make_alert(message_type=kind, national_ref=ref, references=references, **overrides)


def only_thread(relay: Relay) -> Any:
    (row,) = relay.threads().values()
    return row


# --- names ---------------------------------------------------------------------------------------------------


def test_relay_ids_count_the_threads_of_a_country_and_year(relay: Relay) -> None:
    relay.send(make_alert())
    relay.send(make_alert(national_ref="A-2"))
    relay.send(make_alert(location={"country": "AR"}), **ARGENTINA)
    relay.now += timedelta(days=60)
    relay.send(make_alert(national_ref="A-3"))

    assert sorted(row.relay_id for row in relay.threads().values()) == [
        "SATA-AR-2026-000001",
        "SATA-UY-2026-000001",
        "SATA-UY-2026-000002",
        "SATA-UY-2027-000001",
    ]


def test_opaque_ids_tell_nothing_and_spell_nothing() -> None:
    names = {opaque_id(f"thread {number}", secret=b"secret") for number in range(500)}

    assert len(names) == 500
    letters = set("".join(names))
    assert letters <= set("-N23456789BCDFGHJKLMNPQRSTVWXZ")
    assert all(len(name) == len("N-7F3K-92QD") for name in names)
    assert opaque_id("thread 1", secret=b"secret") != opaque_id("thread 1", secret=b"another")


def test_an_opaque_id_that_is_taken_is_drawn_again(relay: Relay) -> None:
    relay.send(make_alert())
    row = only_thread(relay)
    taken = opaque_id("another thread", secret=relay.rules.naming.secret)
    relay.run(lambda c: c.execute(threads.update().values(opaque_id=taken)))
    thread = thread_rows.to_thread(row)
    other = type(thread)(
        **{name: getattr(thread, name) for name in thread.__slots__}
        | {"id": "another thread", "relay_id": "SATA-UY-2026-000099"}
    )

    given = relay.run(lambda c: thread_rows.create(c, other, naming=relay.rules.naming))

    assert given == opaque_id("another thread", secret=relay.rules.naming.secret, draw=1)


# --- states --------------------------------------------------------------------------------------------------


def test_a_closure_closes_and_a_new_version_opens_again(relay: Relay) -> None:
    relay.send(make_alert())

    relay.send(follow_up("closure"))
    assert only_thread(relay).state == "closed"

    relay.send(follow_up("update", ref="F-2", update_reason="translation"))
    assert only_thread(relay).state == "closed"

    relay.send(follow_up("update", ref="F-3"))
    assert only_thread(relay).state == "open"


def test_a_dispute_marks_the_thread_until_its_sender_corrects(relay: Relay) -> None:
    relay.send(make_alert())

    disputed = relay.send(follow_up("dispute", of=f"UY:{REF}"), **ARGENTINA)

    assert isinstance(disputed, Settled)
    row = only_thread(relay)
    assert (row.state, row.disputed, row.version, row.level) == ("open", True, 2, "moderate")

    relay.send(follow_up("update", ref="F-2"))
    assert only_thread(relay).disputed

    relay.send(follow_up("correction", ref="F-3"))
    assert not only_thread(relay).disputed


def test_a_correction_may_lower_the_level_and_is_as_urgent_as_what_it_corrects(relay: Relay) -> None:
    grave = {"event_types": ["death"], "harms": [{"deaths": 1, "attribution": "confirmed"}]}
    relay.send(make_alert(**grave))
    assert only_thread(relay).level == "high"

    outcome = relay.send(follow_up("correction", event_types=["collected_sample"]))

    assert isinstance(outcome, Settled)
    assert outcome.decision is not None
    severity = outcome.decision.classification.severity
    assert (severity.before, severity.level, severity.urgency) == ("high", "info", "high")
    assert only_thread(relay).level == "info"


def test_an_update_never_lowers(relay: Relay) -> None:
    grave = {"event_types": ["death"], "harms": [{"deaths": 1, "attribution": "confirmed"}]}
    relay.send(make_alert(**grave))

    relay.send(follow_up("update", event_types=["collected_sample"]))

    assert only_thread(relay).level == "high"


def test_the_strictest_tlp_of_a_thread_is_kept(relay: Relay) -> None:
    relay.send(make_alert(tlp="TLP:AMBER"))
    relay.send(follow_up("update", tlp="TLP:CLEAR"))

    assert only_thread(relay).strictest_tlp == "TLP:AMBER"


# --- who may -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["update", "correction", "retraction", "closure"])
def test_an_institution_of_the_same_state_needs_the_scope_to_amend(relay: Relay, kind: str) -> None:
    relay.send(make_alert())

    assert relay.send(follow_up(kind, ref="P-1"), **POLICE) == Died("not_allowed")
    assert isinstance(relay.send(follow_up(kind, ref="P-2"), **POLICE, can_amend=True), Settled)


@pytest.mark.parametrize("kind", ["update", "correction", "retraction", "closure"])
def test_another_state_never_may(relay: Relay, kind: str) -> None:
    relay.send(make_alert())

    outcome = relay.send(follow_up(kind, of=f"UY:{REF}"), **ARGENTINA, can_amend=True)

    assert outcome == Died("not_allowed")
    assert only_thread(relay).version == 1


def test_who_may_not_change_an_alert_is_known_beforehand(relay: Relay) -> None:
    relay.send(make_alert())
    closing = follow_up("closure", of=f"UY:{REF}")

    def asked(alert: Alert, *, sender_id: str, country: str = "UY", can_amend: bool = False) -> object:
        message = message_of(alert, sender_id=sender_id, country=country, can_amend=can_amend, at=relay.now)
        return relay.run(partial(joining.not_theirs, message=message, may_see=everybody))

    assert asked(closing, **POLICE) == "without_scope"
    assert asked(closing, **POLICE, can_amend=True) is None
    assert asked(closing, **ARGENTINA, can_amend=True) == "of_another_state"
    assert asked(follow_up("dispute", of=f"UY:{REF}"), **ARGENTINA) is None
    assert asked(follow_up("closure", of="NOWHERE"), **ARGENTINA) is None
    assert asked(make_alert(message_type="update", version=2), sender_id="uy-observatory") is None


def test_a_disputer_gets_no_hold_of_the_thread(relay: Relay) -> None:
    relay.send(make_alert())
    relay.send(follow_up("dispute", of=f"UY:{REF}", ref="D-1"), **ARGENTINA)

    later = make_alert(message_type="update", national_ref="D-1", version=2)

    assert relay.send(later, **ARGENTINA) == Died("not_allowed")


def test_a_reference_means_the_own_alert_before_those_of_the_state(relay: Relay) -> None:
    relay.send(make_alert())
    relay.send(make_alert(title="[EJERCICIO] Otro"), **POLICE)

    relay.send(follow_up("closure"), **POLICE)

    assert {(row.sender_id, row.state) for row in relay.threads().values()} == {
        ("uy-observatory", "open"),
        ("uy-police", "closed"),
    }


def test_a_relay_id_names_a_thread(relay: Relay) -> None:
    relay.send(make_alert())

    relay.send(follow_up("closure", of="SATA-UY-2026-000001"))

    assert only_thread(relay).state == "closed"


def test_a_reference_that_fits_two_alerts_names_none(relay: Relay) -> None:
    relay.send(make_alert())
    relay.send(make_alert(title="[EJERCICIO] Otro"), **POLICE)

    assert isinstance(relay.send(follow_up("dispute", of=f"UY:{REF}"), **ARGENTINA), Waits)


def test_an_exercise_never_refers_to_a_real_alert(relay: Relay) -> None:
    relay.send(make_alert(status="actual"))

    assert isinstance(relay.send(follow_up("closure")), Waits)


@pytest.fixture
def secretive(place: Place, catalogue: Catalogue, plan: Mapping[str, PlanBasis]) -> Iterator[Relay]:
    """A relay where nobody sees what others sent."""

    def nobody(_viewer: str, _message: Message) -> bool:
        return False

    opened = Relay(place, catalogue=catalogue, plan=plan, may_see=nobody)
    yield opened
    opened.close()


def test_what_the_sender_may_not_see_counts_as_unknown(secretive: Relay) -> None:
    secretive.send(make_alert())

    assert isinstance(secretive.send(follow_up("dispute", of=f"UY:{REF}"), **ARGENTINA), Waits)
    assert isinstance(secretive.send(follow_up("closure", ref="P-1"), **POLICE, can_amend=True), Waits)
    assert isinstance(secretive.send(follow_up("closure")), Settled)


# --- reading -------------------------------------------------------------------------------------------------


def test_a_thread_is_read_with_its_history_and_its_current_version(relay: Relay) -> None:
    relay.send(make_alert())
    relay.send(follow_up("update"))
    thread_id = only_thread(relay).id

    told = verdicts.history(relay.connection, thread_id)
    current = verdicts.current(relay.connection, thread_id)

    assert [one.thread_version for one in told] == [1, 2]
    assert current is not None
    assert current.alert.national_ref == "F-1"
    assert current.thread.version == 2
    assert verdicts.version(relay.connection, told[0].message.id) == told[0]
    assert verdicts.version(relay.connection, "no such message") is None


def test_threads_are_found_by_both_of_their_names(relay: Relay) -> None:
    relay.send(make_alert())
    row = only_thread(relay)

    for found in (
        thread_rows.by_relay_id(relay.connection, row.relay_id),
        thread_rows.by_opaque_id(relay.connection, row.opaque_id),
        thread_rows.get(relay.connection, row.id),
    ):
        assert found is not None
        assert found.id == row.id
    assert thread_rows.by_relay_id(relay.connection, "SATA-UY-2026-999999") is None


def test_a_list_goes_on_behind_its_cursor_and_misses_nothing(relay: Relay) -> None:
    for number in range(5):
        relay.send(make_alert(national_ref=f"A-{number}"))

    first = verdicts.page(relay.connection, after=0, most=3, filters=Filters())
    second = verdicts.page(relay.connection, after=first.cursor, most=3, filters=Filters())
    third = verdicts.page(relay.connection, after=second.cursor, most=3, filters=Filters())

    read = [one.alert.national_ref for one in (*first.versions, *second.versions)]
    assert read == [f"A-{number}" for number in range(5)]
    assert third.versions == ()
    assert third.cursor == second.cursor


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(country="AR"), ["R-1"]),
        (Filters(category="SYN.NSO"), ["R-1"]),
        (Filters(category="SYN"), ["A-1", "R-1"]),
        (Filters(category="S%"), []),
        (Filters(sender_id="uy-observatory"), ["A-1", "C-1"]),
        (Filters(thread_state="closed"), ["A-1", "C-1"]),
    ],
)
def test_a_list_is_narrowed(relay: Relay, filters: Filters, expected: list[str]) -> None:
    relay.send(make_alert(national_ref="A-1"))
    nitazene = {"location": {"country": "AR"}, "findings": [make_finding("isotonitazene")]}
    relay.send(make_alert(national_ref="R-1", **nitazene), **ARGENTINA)
    relay.send(follow_up("closure", of="A-1", ref="C-1"))

    page = verdicts.page(relay.connection, after=0, most=10, filters=filters)

    assert [one.alert.national_ref for one in page.versions] == expected


def test_a_verdict_that_nobody_routed_is_found(relay: Relay) -> None:
    relay.send(make_alert())

    late = verdicts.unrouted(relay.connection, before=relay.now + timedelta(seconds=1), most=10)

    assert [revision for _, revision in late] == [0]
    assert verdicts.unrouted(relay.connection, before=relay.now, most=10) == []
