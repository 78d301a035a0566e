"""Which reports are one event, which a person is asked about, and which are another event of the same threat.

A wrong merge keeps an alert from everybody: where two reports name two towns, two products, two serials of one
sender or days too wide, both go out.
"""

from typing import Any

import pytest

from tests.builders import make_finding
from tests.ledger import Relay
from tests.unit.classify.reports import (
    ANOTHER,
    ONE_EVENT,
    PERHAPS,
    decided,
    incidents,
    place,
    related,
    report,
    two,
)

TABLET = {"form": "tablet", "colour": "blue", "shape": "round", "markings": "M / 30"}

# --- where ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "admin1", "one", "other"),
    [
        ("CA", ["CA-QC"], "Montréal", "Montreal"),
        ("CA", ["CA-QC"], "Quebec City", "Ville de Québec"),
        ("MX", ["MX-CHH"], "Ciudad Juárez", "Cd. Juárez, Chih."),
        ("BR", ["BR-SP"], "Campinas", "Campinas - SP"),
        ("CL", [], "Arica", "ARICA"),
    ],
)
def test_the_same_town_is_one_event(
    relay: Relay, country: str, admin1: list[str], one: str, other: str
) -> None:
    found = two(relay, place(country, admin1, one), place(country, admin1, other))

    assert found == (ONE_EVENT, "same_substance.locality")


@pytest.mark.parametrize(
    ("country", "admin1", "one", "other"),
    [
        ("BR", ["BR-SP"], "Campinas", "Santos"),
        ("CA", ["CA-QC"], "Montréal", "Quebec City"),
        ("MX", ["MX-CHH"], "Ciudad Juárez", "Chihuahua"),
        ("EC", ["EC-G"], "Guayaquil", "Durán"),
    ],
)
def test_another_town_of_the_subdivision_is_for_a_person(
    relay: Relay, country: str, admin1: list[str], one: str, other: str
) -> None:
    assert two(relay, place(country, admin1, one), place(country, admin1, other)) == (
        PERHAPS,
        "other_locality",
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (place("CL", [], "Arica"), place("CL", [], "Punta Arenas")),
        (place("CL", [], "Arica"), place("CL", [], None)),
        (place("CL", [], None), place("CL", ["CL-AP"], "Arica")),
    ],
    ids=["two towns without a subdivision", "a town and the whole country", "the whole country and a town"],
)
def test_where_no_subdivision_is_shared_only_the_threat_is(
    relay: Relay, one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert two(relay, one, other) == (ANOTHER, "same_substance")


def test_one_town_whose_subdivision_one_side_leaves_out_is_for_a_person(relay: Relay) -> None:
    found = two(relay, place("HN", [], "Santa Rosa"), place("HN", ["HN-CP"], "Santa Rosa"))

    assert found == (PERHAPS, "subdivision_not_stated")


def test_a_report_without_a_town_fits_the_one_event_of_its_subdivision(relay: Relay) -> None:
    assert two(relay, {}, place("BR", ["BR-SP"], None)) == (ONE_EVENT, "same_substance")


def test_a_report_without_a_town_that_fits_two_events_is_for_a_person(relay: Relay) -> None:
    decided(relay, report("A-1"))
    decided(relay, report("B-1", **place("BR", ["BR-SP"], "Santos")), by="br-police")

    decision = decided(relay, report("C-1", **place("BR", ["BR-SP"], None)), by="br-ndo")

    assert related(decision) == {"1": (PERHAPS, "another_incident"), "2": (PERHAPS, "another_incident")}
    assert len(set(incidents(relay))) == 3


def test_two_towns_never_meet_through_a_report_that_names_none(relay: Relay) -> None:
    decided(relay, report("A-1", **place("BR", ["BR-SP"], None)))
    assert decided(relay, report("B-1"), by="br-police").correlation.level == ONE_EVENT

    decision = decided(relay, report("C-1", **place("BR", ["BR-SP"], "Santos")), by="br-ndo")

    assert related(decision) == {"1": (PERHAPS, "another_report_differs"), "2": (PERHAPS, "other_locality")}
    assert len(set(incidents(relay))) == 2


# --- who says so ---------------------------------------------------------------------------------------------


def test_a_second_serial_of_one_sender_is_for_a_person(relay: Relay) -> None:
    assert two(relay, {}, {}, by="br-health") == (PERHAPS, "own_serial")


@pytest.mark.parametrize(
    "more",
    [place("BR", ["BR-SP"], "Santos"), {"findings": [make_finding("isotonitazene", matrices=["e_liquid"])]}],
    ids=["in another town", "in another product"],
)
def test_a_second_serial_of_one_sender_with_another_difference_is_another_event(
    relay: Relay, more: dict[str, Any]
) -> None:
    first = {"findings": [make_finding("isotonitazene", matrices=["tablet"])]}

    assert two(relay, first, first | more, by="br-health") == (ANOTHER, "same_substance")


def test_a_second_serial_joins_by_the_sender_s_own_word(relay: Relay) -> None:
    references = [{"ref": "A-1", "relation": "same_event_as"}]

    assert two(relay, {}, {"references": references}, by="br-health") == (
        ONE_EVENT,
        "reference.same_event_as",
    )


@pytest.mark.parametrize(
    "alike",
    [
        {},
        {"findings": [make_finding("fentanyl", product=TABLET, matrices=["tablet"])]},
        {"title": "[EXERCÍCIO] Igual"},
    ],
    ids=["the same town", "the same product", "the same text"],
)
@pytest.mark.parametrize("by", ["br-health", "br-police"])
def test_who_says_the_same_threat_says_not_the_same_event(
    relay: Relay, alike: dict[str, Any], by: str
) -> None:
    references = [{"ref": "A-1", "relation": "same_threat_as"}]

    assert two(relay, alike, alike | {"references": references}, by=by) == (
        ANOTHER,
        "reference.same_threat_as",
    )


def test_the_same_threat_as_one_report_is_no_event_of_the_others_of_its_incident(relay: Relay) -> None:
    decided(relay, report("A-1"))
    decided(relay, report("B-1"), by="br-police")
    assert len(set(incidents(relay))) == 1

    references = [{"ref": "B-1", "relation": "same_threat_as"}]
    decision = decided(relay, report("C-1", references=references), by="br-ndo")

    assert {level for level, _ in related(decision).values()} == {ANOTHER}


def test_a_sender_that_tells_its_own_cases_apart_is_believed(relay: Relay) -> None:
    decided(relay, report("A-1"))
    decided(relay, report("A-2"))

    references = [{"ref": "A-1", "relation": "same_threat_as"}]
    decision = decided(relay, report("A-3", references=references))

    assert {level for level, _ in related(decision).values()} == {ANOTHER}


# --- when ----------------------------------------------------------------------------------------------------


def test_a_chain_of_reports_does_not_grow_beyond_its_first(relay: Relay) -> None:
    decided(relay, report("A-1", on="2026-09-01"))
    decided(relay, report("B-1", on="2026-09-07"), by="br-police")

    third = decided(relay, report("C-1", on="2026-09-13"), by="br-ndo")

    assert related(third) == {"2": (PERHAPS, "not_its_first_report"), "1": (ANOTHER, "same_substance")}
    assert len(set(incidents(relay))) == 2


@pytest.mark.parametrize(
    "days",
    [
        {"event_start": "2026-11", "detected_at": "2026-11"},
        {"event_start": "2026-11-01", "event_end": "2026-11-20"},
    ],
)
@pytest.mark.parametrize("wide_first", [True, False])
def test_days_too_wide_for_one_event_are_for_a_person(
    relay: Relay, days: dict[str, str], *, wide_first: bool
) -> None:
    pair = (days, {}) if wide_first else ({}, days)

    assert two(relay, *pair) == (PERHAPS, "vague_date")


def test_a_vague_report_leads_no_later_case_to_an_earlier_event(relay: Relay) -> None:
    decided(relay, report("A-1", on="2026-10-05", event_end="2026-10-11"))
    decided(relay, report("B-1", on="2026-10"), by="br-police")

    decision = decided(relay, report("C-1", on="2026-10-19"), by="br-ndo")

    assert related(decision) == {"2": (PERHAPS, "vague_date"), "1": (ANOTHER, "same_substance")}
    assert len(set(incidents(relay))) == 3


# --- afterwards ----------------------------------------------------------------------------------------------


def test_a_correction_leaves_the_incident_where_no_ground_remains(relay: Relay) -> None:
    decided(relay, report("A-1"))
    decided(relay, report("B-1"), by="br-police")
    assert len(set(incidents(relay))) == 1

    other = report("B-1", version=2, message_type="correction", findings=[make_finding("ketamine")])
    decision = decided(relay, other, by="br-police")

    assert decision.correlation.incident_id in incidents(relay)
    assert len(set(incidents(relay))) == 2


@pytest.mark.parametrize("kind", ["correction", "update"])
def test_it_stays_where_a_ground_does(relay: Relay, kind: str) -> None:
    decided(relay, report("A-1"))
    decided(relay, report("B-1"), by="br-police")

    decided(relay, report("B-1", version=2, message_type=kind, summary="[EXERCÍCIO] Mais."), by="br-police")

    assert len(set(incidents(relay))) == 1


def test_the_report_that_opened_an_incident_does_not_leave_it(relay: Relay) -> None:
    decided(relay, report("A-1"))
    decided(relay, report("B-1"), by="br-police")

    decided(relay, report("A-1", version=2, message_type="correction", findings=[make_finding("ketamine")]))

    assert len(set(incidents(relay))) == 1
