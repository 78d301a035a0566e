"""Alerts of our own, modelled on kinds of public alerts, with the level that an epidemiologist would set.

All facts are invented. Each alert is given as what differs from a bare message; ``expected`` is the level, and
``rule`` the reason where only one would do.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One alert and what it should become."""

    name: str
    fields: dict[str, Any]
    expected: str
    rule: str
    codes: frozenset[str]


def found(name: str, confirmation: str = "confirmed", **more: Any) -> dict[str, Any]:
    return {"name": name, "confirmation": confirmation, "methods": ["gc_ms"], **more}


def within(country: str, admin1: str | None = None, **more: Any) -> dict[str, Any]:
    return {"country": country, "admin1": [admin1] if admin1 else [], **more}


CASES = (
    Case(
        name="xylazine for the first time in a Mexican state",
        fields={
            "language": "es",
            "location": within("MX", "MX-BCN"),
            "event_types": ["first_detection", "collected_sample"],
            "source_types": ["drug_checking"],
            "findings": [
                {
                    "sold_as": "heroína",
                    "substances": [
                        found("fentanilo", first=["known"]),
                        found("xilacina", role="adulterant", first=["admin1"]),
                    ],
                }
            ],
        },
        expected="high",
        rule="H4",
        codes=frozenset({"SYN", "SYN.NSO", "SYN.FRS", "X.ADU"}),
    ),
    Case(
        name="a cluster with medetomidine and fentanyl",
        fields={
            "language": "en",
            "location": within("US", "US-PA"),
            "event_types": ["intoxication_cluster"],
            "source_types": ["hospital_ed"],
            "event_start": "2026-11-08",
            "event_end": "2026-11-10",
            "findings": [
                {
                    "sold_as": "dope",
                    "substances": [
                        found("medetomidine", role="adulterant"),
                        found("fentanyl"),
                    ],
                }
            ],
            "harms": [{"cases": 9, "hospitalised": 7, "icu": 4, "attribution": "suspected"}],
        },
        expected="critical",
        rule="C3",
        codes=frozenset({"SYN", "SYN.NSO", "SYN.FRS", "X.ADU"}),
    ),
    Case(
        name="a nitazene in counterfeit oxycodone, nobody harmed",
        fields={
            "language": "en",
            "location": within("BS"),
            "event_types": ["seizure", "counterfeit_pharmaceutical"],
            "source_types": ["customs", "forensic_lab"],
            "findings": [
                {
                    "sold_as": "oxycodone",
                    "matrices": ["tablet"],
                    "substances": [found("metonitazene", "presumptive_lab")],
                }
            ],
        },
        expected="high",
        rule="H3",
        codes=frozenset({"NPS", "SYN", "SYN.NSO"}),
    ),
    Case(
        name="a K2 cluster without deaths",
        fields={
            "language": "en",
            "location": within("US", "US-NY"),
            "event_types": ["intoxication_cluster"],
            "source_types": ["ems"],
            "findings": [
                {"sold_as": "K2", "substances": [found("synthetic cannabinoid", "clinical_suspected")]}
            ],
            "harms": [{"cases": {"value": 30, "qualifier": "at_least"}, "attribution": "suspected"}],
        },
        expected="moderate",
        rule="M4",
        codes=frozenset({"NPS", "SYN", "SYN.OTH"}),
    ),
    Case(
        name="cocaine adulterated with fentanyl, two in hospital",
        fields={
            "language": "es",
            "location": within("CL", "CL-RM"),
            "event_types": ["adulteration", "intoxication_cluster"],
            "source_types": ["hospital_ed", "tox_lab"],
            "findings": [
                {
                    "sold_as": "cocaína",
                    "substances": [
                        found("cocaína"),
                        found("fentanilo", "presumptive_lab", role="adulterant"),
                    ],
                }
            ],
            "harms": [{"cases": 2, "hospitalised": 2, "attribution": "suspected"}],
        },
        expected="critical",
        rule="C4",
        codes=frozenset({"PLT", "SYN", "SYN.NSO", "SYN.FRS"}),
    ),
    Case(
        name="background statistics of the year before",
        fields={
            "language": "es",
            "location": within("CO"),
            "event_types": ["other"],
            "source_types": ["health_authority"],
            "findings": [{"substances": [found("cocaína", "confirmed")]}],
            "harms": [
                {
                    "cases": 1200,
                    "deaths": 14,
                    "attribution": "background",
                    "window_start": "2025-01-01",
                    "window_end": "2025-12-31",
                }
            ],
        },
        expected="info",
        rule="I1",
        codes=frozenset({"PLT"}),
    ),
    Case(
        name="a rumour refuted",
        fields={
            "language": "pt",
            "location": within("BR"),
            "event_types": ["rumour_refutation"],
            "source_types": ["health_authority"],
            "findings": [],
        },
        expected="info",
        rule="I1",
        codes=frozenset(),
    ),
    Case(
        name="a change of control",
        fields={
            "language": "pt",
            "location": within("BR"),
            "event_types": ["control_change"],
            "source_types": ["regulator"],
            "findings": [],
        },
        expected="info",
        rule="I1",
        codes=frozenset(),
    ),
    Case(
        name="tablet presses seized",
        fields={
            "language": "es",
            "location": within("PY"),
            "event_types": ["seizure", "equipment"],
            "source_types": ["police"],
            "findings": [],
            "manufacture": {"equipment": [{"kind": "tablet_press", "count": 2}]},
        },
        expected="moderate",
        rule="M3",
        codes=frozenset({"EQP"}),
    ),
    Case(
        name="tusi with ketamine, MDMA and caffeine",
        fields={
            "language": "es",
            "location": within("UY", "UY-MO"),
            "event_types": ["collected_sample", "substitution"],
            "source_types": ["drug_checking"],
            "findings": [
                {
                    "sold_as": "tusi",
                    "substances": [
                        found("ketamina", "presumptive_lab"),
                        found("MDMA", "presumptive_lab"),
                        found("cafeína", "presumptive_lab", role="cutting_agent"),
                    ],
                }
            ],
        },
        expected="moderate",
        rule="M2",
        codes=frozenset({"NPS", "SYN", "SYN.OTH", "SYN.ATS"}),
    ),
    Case(
        name="deaths after drinking, agent not identified",
        fields={
            "language": "es",
            "location": within("DO"),
            "event_types": ["death", "intoxication_cluster"],
            "source_types": ["hospital_ed"],
            "findings": [{"substances": [], "matrices": ["liquid"]}],
            "harms": [{"cases": 11, "deaths": 4, "attribution": "suspected"}],
        },
        expected="critical",
        rule="C1.unknown_agent",
        codes=frozenset({"X.UNK"}),
    ),
    Case(
        name="a nitazene in waste water, never seen in the country",
        fields={
            "language": "en",
            "location": within("JM", setting="wastewater"),
            "event_types": ["first_detection"],
            "source_types": ["wastewater"],
            "findings": [
                {"matrices": ["wastewater"], "substances": [found("protonitazene", "presumptive_lab")]}
            ],
        },
        expected="high",
        rule="H4",
        codes=frozenset({"NPS", "SYN", "SYN.NSO"}),
    ),
    Case(
        name="a precursor of Table I seized in a port",
        fields={
            "language": "es",
            "location": within("PA", setting="seaport"),
            "event_types": ["stopped_shipment"],
            "source_types": ["customs"],
            "shipment": {"kind": "stopped", "transport": "maritime"},
            "findings": [
                {
                    "market": "chemical_trade",
                    "matrices": ["chemical_bulk"],
                    "substances": [found("anhídrido acético", role="precursor")],
                }
            ],
        },
        expected="high",
        rule="H6",
        codes=frozenset({"CHM", "CHM.PRE", "CHM.ESS"}),
    ),
)
