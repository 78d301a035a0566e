"""What belongs together: copies, one event, one threat, echoes, and what must never be merged."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from schemas.alerts import Alert
from services.storage.tables import baselines
from services.storage.thread_records import Decision, Settled
from tests.builders import make_alert, make_finding, make_substance
from tests.ledger import Relay

POLICE = {"sender_id": "uy-police"}
TABLET = {"form": "tablet", "colour": "light blue/white", "shape": "octagonal", "markings": "X"}


def alert(
    ref: str = "A-1", *, country: str = "UY", admin1: list[str] | None = None, **overrides: Any
) -> Alert:
    """Return an alert of isotonitazene in Montevideo, its text its own."""
    place = {
        "country": country,
        "admin1": admin1 if admin1 is not None else [f"{country}-{CAPITAL[country]}"],
    }
    stated: dict[str, Any] = {
        "national_ref": ref,
        "title": f"[EJERCICIO] {ref}",
        "location": place,
        "event_types": ["collected_sample"],
        "event_start": "2026-11-12",
        "detected_at": "2026-11-14",
        "sent_at": "2026-11-21T08:00:00Z",
        "findings": [make_finding("isotonitazene")],
    }
    return make_alert(**(stated | overrides))


CAPITAL = {"UY": "MO", "AR": "C", "BR": "DF", "CL": "RM"}


def decided(relay: Relay, sent: Alert, **sender: Any) -> Decision:
    outcome = relay.send(sent, **sender)
    assert isinstance(outcome, Settled)
    assert outcome.decision is not None
    return outcome.decision


def found(decision: Decision) -> list[tuple[str, str]]:
    return [(one.level, one.reason) for one in decision.correlation.related]


def incidents(relay: Relay) -> int:
    return len({row.incident_id for row in relay.threads().values()})


def test_the_first_of_its_kind_is_new(relay: Relay) -> None:
    decision = decided(relay, alert())

    assert decision.correlation.level == "new"
    assert decision.correlation.related == ()
    assert decision.correlation.states_in_window == 1


# --- copies --------------------------------------------------------------------------------------------------


def test_a_reprint_of_another_sender_is_a_copy(relay: Relay) -> None:
    decided(relay, alert(title="[EJERCICIO] Nitazeno"))

    decision = decided(relay, alert("P-1", title="[Ejercicio]  nitazeno."), **POLICE)

    assert decision.correlation.level == "content_copy"
    assert incidents(relay) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"detected_at": "2026-11-13"},
        {"findings": [make_finding("protonitazene")]},
        {"harms": [{"cases": 3, "attribution": "suspected"}]},
    ],
)
def test_the_same_text_with_other_facts_is_no_copy(relay: Relay, changed: dict[str, Any]) -> None:
    decided(relay, alert(title="[EJERCICIO] Nitazeno"))

    decision = decided(relay, alert("P-1", title="[EJERCICIO] Nitazeno", **changed), **POLICE)

    assert decision.correlation.level in {"same_event", "possible_same_event"}


def test_the_same_text_of_the_same_sender_is_left_to_a_person_where_nothing_else_joins_it(
    relay: Relay,
) -> None:
    nothing = {"findings": [], "event_types": ["modus_operandi"], "title": "[EJERCICIO] Igual"}
    decided(relay, alert(**nothing))

    decision = decided(relay, alert("A-2", **nothing))

    assert found(decision) == [("possible_same_event", "same_text")]
    assert decision.classification.review == ("possible_same_event",)
    assert incidents(relay) == 2


# --- one event -----------------------------------------------------------------------------------------------


def test_the_same_principal_substance_in_one_place_and_week_is_one_event(relay: Relay) -> None:
    decided(relay, alert())

    decision = decided(relay, alert("P-1", event_start="2026-11-18", detected_at="2026-11-18"), **POLICE)

    assert found(decision) == [("same_event", "same_substance")]
    assert incidents(relay) == 1


@pytest.mark.parametrize(
    "apart",
    [
        {"event_start": "2026-11-20", "detected_at": "2026-11-20"},
        {"admin1": ["UY-CA"]},
        {"admin1": []},
        {"event_start": "2026"},
        {"findings": [make_finding("isotonitazene", market="diverted_medicine")]},
        {"findings": [make_finding(make_substance("isotonitazene", role="adulterant"))]},
    ],
    ids=["8 days later", "elsewhere", "the whole country", "some day", "a pharmacy's", "as an adulterant"],
)
def test_two_reports_stay_apart_where_place_days_market_or_role_do_not_fit(
    relay: Relay, apart: dict[str, Any]
) -> None:
    decided(relay, alert())

    decision = decided(relay, alert("P-1", **apart), **POLICE)

    assert decision.correlation.level in {"new", "same_threat"}
    assert incidents(relay) == 2


def test_two_notices_for_the_whole_country_may_be_one_event(relay: Relay) -> None:
    decided(relay, alert(admin1=[]))

    assert decided(relay, alert("P-1", admin1=[]), **POLICE).correlation.level == "same_event"


def test_the_same_tablet_is_one_event_also_for_a_common_substance(relay: Relay) -> None:
    finding = make_finding("MDMA", product=TABLET)
    decided(relay, alert(findings=[finding]))

    decision = decided(relay, alert("P-1", findings=[finding]), **POLICE)

    assert found(decision) == [("same_event", "same_product")]


def test_a_common_substance_alone_links_nothing(relay: Relay) -> None:
    decided(relay, alert(findings=[make_finding("cocaine")]))

    assert (
        decided(relay, alert("P-1", findings=[make_finding("cocaine")]), **POLICE).correlation.level == "new"
    )


def test_what_a_state_calls_common_links_nothing_there(relay: Relay) -> None:
    decided(relay, alert(findings=[make_finding("ketamine")]))
    key = "substance:" + relay.key_of("ketamine")
    row = {"country": "UY", "key": key, "admin1": "", "common": True}
    relay.run(lambda connection: connection.execute(insert(baselines), row))

    decision = decided(relay, alert("P-1", findings=[make_finding("ketamine")]), **POLICE)

    assert ("same_event", "same_substance") not in found(decision)


def test_one_product_with_two_identities_is_for_a_person(relay: Relay) -> None:
    decided(relay, alert(findings=[make_finding("isotonitazene", product=TABLET)]))

    decision = decided(
        relay, alert("P-1", findings=[make_finding("protonitazene", product=TABLET)]), **POLICE
    )

    assert found(decision)[0] == ("possible_same_event", "identities_differ")
    assert incidents(relay) == 2


def test_an_unidentified_product_and_its_identity_are_for_a_person(relay: Relay) -> None:
    decided(relay, alert(findings=[make_finding(product=TABLET)]))

    decision = decided(
        relay, alert("P-1", findings=[make_finding("protonitazene", product=TABLET)]), **POLICE
    )

    assert found(decision)[0] == ("possible_same_event", "identities_differ")


def test_confirmed_here_and_ruled_out_there_is_never_merged(relay: Relay) -> None:
    ruled_out = make_substance("fentanyl", confirmation="ruled_out", role="adulterant")
    decided(relay, alert(findings=[make_finding("isotonitazene", ruled_out)]))

    both = make_finding("isotonitazene", make_substance("fentanyl", role="adulterant"))
    decision = decided(relay, alert("P-1", findings=[both]), **POLICE)

    assert found(decision)[0] == ("possible_same_event", "confirmation_conflict")
    assert incidents(relay) == 2


def test_a_class_alone_never_merges(relay: Relay) -> None:
    decided(relay, alert(findings=[make_finding("nitazenos")]))

    decision = decided(relay, alert("P-1", findings=[make_finding("nitazenos")]), **POLICE)

    assert found(decision) == [("same_threat", "same_family")]
    assert incidents(relay) == 2


def test_exercises_and_real_alerts_never_meet(relay: Relay) -> None:
    decided(relay, alert())

    assert decided(relay, alert("P-1", status="actual"), **POLICE).correlation.level == "new"


def test_an_explicit_reference_wins_over_place_and_days(relay: Relay) -> None:
    decided(relay, alert())

    references = [{"ref": "UY:A-1", "relation": "same_event_as"}]
    decision = decided(
        relay,
        alert("C-1", country="AR", references=references, findings=[make_finding("ketamine")]),
        sender_id="ar-observatory",
        country="AR",
    )

    assert found(decision) == [("same_event", "reference.same_event_as")]
    assert incidents(relay) == 1


def test_a_reference_links_also_when_the_other_side_comes_later(relay: Relay) -> None:
    references = [{"ref": "A-1", "relation": "same_event_as"}]
    far = alert("P-1", admin1=["UY-CA"], references=references, findings=[make_finding("ketamine")])
    decided(relay, far, **POLICE)

    decision = decided(relay, alert())

    assert found(decision) == [("same_event", "reference.same_event_as")]
    assert incidents(relay) == 1


def test_a_report_that_names_two_incidents_joins_the_older_and_asks_about_the_other(relay: Relay) -> None:
    decided(relay, alert(admin1=["UY-MO"]))
    relay.now += timedelta(minutes=1)
    decided(relay, alert("A-2", admin1=["UY-CA"]))
    relay.now += timedelta(minutes=1)

    references = [{"ref": ref, "relation": "same_event_as"} for ref in ("A-2", "A-1")]
    decision = decided(relay, alert("P-1", admin1=["UY-CA", "UY-MO"], references=references), **POLICE)

    assert found(decision) == [
        ("same_event", "reference.same_event_as"),
        ("possible_same_event", "another_incident"),
    ]
    assert incidents(relay) == 2


def test_each_thread_keeps_its_own_tlp(relay: Relay) -> None:
    decided(relay, alert(tlp="TLP:CLEAR"))
    decided(relay, alert("P-1", tlp="TLP:AMBER"), **POLICE)

    assert {row.strictest_tlp for row in relay.threads().values()} == {"TLP:CLEAR", "TLP:AMBER"}


# --- one threat ----------------------------------------------------------------------------------------------


def test_the_same_substance_in_another_state_is_counted_and_never_merged(relay: Relay) -> None:
    decided(relay, alert())
    decided(relay, alert("R-1", country="AR"), sender_id="ar-observatory", country="AR")

    decision = decided(relay, alert("B-1", country="BR"), sender_id="br-observatory", country="BR")

    assert [one.level for one in decision.correlation.related] == ["same_threat", "same_threat"]
    assert decision.links == ()  # nothing that a person could take back: it stands in the verdict only
    assert decision.correlation.states_in_window == 3
    assert incidents(relay) == 3


def test_after_half_a_year_it_is_no_longer_the_same_threat(relay: Relay) -> None:
    old = {"event_start": "2026-03-01", "detected_at": "2026-03-01"}
    decided(relay, alert("R-1", country="AR", **old), sender_id="ar-observatory", country="AR")

    assert decided(relay, alert()).correlation.states_in_window == 1


@pytest.fixture
def informed(relay: Relay) -> Relay:
    """A relay to which two states have said what they know: nothing of what these tests report."""
    rows = [{"country": one, "key": "", "admin1": "", "common": False} for one in ("UY", "AR")]
    relay.run(lambda connection: connection.execute(insert(baselines), rows))
    return relay


def test_first_detections_narrow_from_region_to_subdivision(informed: Relay) -> None:

    def scopes(decision: Decision) -> set[tuple[str, str | None]]:
        return {(one.scope, one.admin1) for one in decision.correlation.firsts if one.substance}

    assert scopes(decided(informed, alert())) == {("region", None)}
    assert scopes(decided(informed, alert("R-1", country="AR"), country="AR")) == {("country", None)}
    assert scopes(decided(informed, alert("A-2", admin1=["UY-CA"]))) == {("admin1", "UY-CA")}
    assert scopes(decided(informed, alert("A-3", admin1=["UY-CA"]))) == set()


def test_an_update_keeps_the_news_of_its_own_thread(informed: Relay) -> None:
    decided(informed, alert())

    decision = decided(informed, alert(version=2, message_type="update"))

    assert {one.scope for one in decision.correlation.firsts} == {"region"}


def test_a_retracted_first_is_none(informed: Relay) -> None:
    decided(informed, alert())
    decided(informed, alert(version=2, message_type="retraction", findings=[]))

    decision = decided(informed, alert("P-1"), **POLICE)

    assert {one.scope for one in decision.correlation.firsts} == {"region"}
    assert decision.links == ()


def test_a_correction_takes_back_what_it_no_longer_says(informed: Relay) -> None:
    decided(informed, alert())
    decided(informed, alert(version=2, message_type="correction", findings=[make_finding("ketamine")]))

    decision = decided(informed, alert("R-1", country="AR"), sender_id="ar-observatory", country="AR")

    assert "isotonitazene" in {one.substance for one in decision.correlation.firsts if one.scope == "region"}


def test_a_baseline_denies_a_first(relay: Relay) -> None:
    key = "substance:" + relay.key_of("isotonitazene")
    row = {"country": "UY", "key": key, "admin1": "", "common": False}
    relay.run(lambda connection: connection.execute(insert(baselines), row))

    decision = decided(relay, alert())

    assert {one.family for one in decision.correlation.firsts} == {"nitazene"}


def test_history_makes_a_first_for_severity_only_with_a_baseline(relay: Relay) -> None:
    assert decided(relay, alert()).classification.severity.rule == "M6"
    row = {"country": "AR", "key": "substance:SOMETHINGELSE0", "admin1": "", "common": True}
    relay.run(lambda connection: connection.execute(insert(baselines), row))

    decision = decided(relay, alert("R-1", country="AR"), sender_id="ar-observatory", country="AR")

    assert decision.classification.severity.rule == "H4"


# --- echoes --------------------------------------------------------------------------------------------------


def test_an_echo_links_to_its_origin_and_counts_no_sighting(informed: Relay) -> None:
    decided(informed, alert())
    passed_on = make_finding(
        "isotonitazene", presence="not_detected_here", origin={"country": "UY", "ref": "UY:A-1"}
    )

    decision = decided(
        informed, alert("R-1", country="AR", findings=[passed_on]), sender_id="ar-observatory", country="AR"
    )

    assert found(decision) == [("echo", "reference.echo_of")]
    assert decision.correlation.level == "echo"
    assert decision.correlation.firsts == ()
    own = decided(informed, alert("R-2", country="AR"), sender_id="ar-police", country="AR")
    assert ("country", "isotonitazene") in {(one.scope, one.substance) for one in own.correlation.firsts}


def test_an_echo_without_a_reference_links_to_the_state_it_names(relay: Relay) -> None:
    decided(relay, alert())
    decided(relay, alert("B-1", country="BR"), sender_id="br-observatory", country="BR")
    passed_on = make_finding("isotonitazene", presence="not_detected_here", origin={"country": "BR"})

    decision = decided(
        relay, alert("R-1", country="AR", findings=[passed_on]), sender_id="ar-observatory", country="AR"
    )

    assert found(decision) == [("echo", "same_substance"), ("same_threat", "same_substance")]
    assert decision.correlation.related[0].id == next(
        row.message_id for row in relay.threads().values() if row.country == "BR"
    )
