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


def _found(name: str, confirmation: str = "confirmed", **more: Any) -> dict[str, Any]:
    return {"name": name, "confirmation": confirmation, "methods": ["gc_ms"], **more}


def _in(country: str, admin1: str | None = None, **more: Any) -> dict[str, Any]:
    return {"country": country, "admin1": [admin1] if admin1 else [], **more}


CASES = (
    Case(
        name="xylazine for the first time in a Mexican state",
        fields={
            "language": "es",
            "location": _in("MX", "MX-BCN"),
            "event_types": ["first_detection", "collected_sample"],
            "source_types": ["drug_checking"],
            "findings": [
                {
                    "sold_as": "heroína",
                    "substances": [
                        _found("fentanilo", first=["known"]),
                        _found("xilacina", role="adulterant", first=["admin1"]),
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
            "location": _in("US", "US-PA"),
            "event_types": ["intoxication_cluster"],
            "source_types": ["hospital_ed"],
            "event_start": "2026-11-08",
            "event_end": "2026-11-10",
            "findings": [
                {
                    "sold_as": "dope",
                    "substances": [
                        _found("medetomidine", role="adulterant"),
                        _found("fentanyl"),
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
            "location": _in("BS"),
            "event_types": ["seizure", "counterfeit_pharmaceutical"],
            "source_types": ["customs", "forensic_lab"],
            "findings": [
                {
                    "sold_as": "oxycodone",
                    "matrices": ["tablet"],
                    "substances": [_found("metonitazene", "presumptive_lab")],
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
            "location": _in("US", "US-NY"),
            "event_types": ["intoxication_cluster"],
            "source_types": ["ems"],
            "findings": [
                {"sold_as": "K2", "substances": [_found("synthetic cannabinoid", "clinical_suspected")]}
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
            "location": _in("CL", "CL-RM"),
            "event_types": ["adulteration", "intoxication_cluster"],
            "source_types": ["hospital_ed", "tox_lab"],
            "findings": [
                {
                    "sold_as": "cocaína",
                    "substances": [
                        _found("cocaína"),
                        _found("fentanilo", "presumptive_lab", role="adulterant"),
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
            "location": _in("CO"),
            "event_types": ["other"],
            "source_types": ["health_authority"],
            "findings": [{"substances": [_found("cocaína", "confirmed")]}],
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
            "location": _in("BR"),
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
            "location": _in("BR"),
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
            "location": _in("PY"),
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
            "location": _in("UY", "UY-MO"),
            "event_types": ["collected_sample", "substitution"],
            "source_types": ["drug_checking"],
            "findings": [
                {
                    "sold_as": "tusi",
                    "substances": [
                        _found("ketamina", "presumptive_lab"),
                        _found("MDMA", "presumptive_lab"),
                        _found("cafeína", "presumptive_lab", role="cutting_agent"),
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
            "location": _in("DO"),
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
            "location": _in("JM", setting="wastewater"),
            "event_types": ["first_detection"],
            "source_types": ["wastewater"],
            "findings": [
                {"matrices": ["wastewater"], "substances": [_found("protonitazene", "presumptive_lab")]}
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
            "location": _in("PA", setting="seaport"),
            "event_types": ["stopped_shipment"],
            "source_types": ["customs"],
            "shipment": {"kind": "stopped", "transport": "maritime"},
            "findings": [
                {
                    "market": "chemical_trade",
                    "matrices": ["chemical_bulk"],
                    "substances": [_found("anhídrido acético", role="precursor")],
                }
            ],
        },
        expected="high",
        rule="H6",
        codes=frozenset({"CHM", "CHM.PRE", "CHM.ESS"}),
    ),
    Case(
        name="a solvent of Table II stopped",
        fields={
            "language": "es",
            "location": _in("PE"),
            "event_types": ["stopped_shipment"],
            "source_types": ["customs"],
            "shipment": {"kind": "stopped", "transport": "road"},
            "findings": [{"market": "chemical_trade", "substances": [_found("acetona", role="reagent")]}],
        },
        expected="moderate",
        rule="M5",
        codes=frozenset({"CHM", "CHM.PRE", "CHM.ESS"}),
    ),
    Case(
        name="fentanyl ampoules diverted from hospitals",
        fields={
            "language": "es",
            "location": _in("AR", "AR-S"),
            "event_types": ["diversion"],
            "source_types": ["police", "regulator"],
            "shipment": {"kind": "diverted"},
            "findings": [
                {
                    "market": "diverted_medicine",
                    "matrices": ["ampoule"],
                    "quantities": [{"value": 240, "unit": "{ampoule}"}],
                    "substances": [_found("fentanilo", "confirmed")],
                }
            ],
        },
        expected="high",
        rule="H6",
        codes=frozenset({"PHA", "PHA.NAR", "SYN", "SYN.NSO", "SYN.FRS"}),
    ),
    Case(
        name="a few clonazepam boxes stolen",
        fields={
            "language": "es",
            "location": _in("AR"),
            "event_types": ["theft"],
            "source_types": ["police"],
            "shipment": {"kind": "theft"},
            "findings": [
                {
                    "quantities": [{"value": 600, "unit": "{tbl}"}],
                    "substances": [_found("clonazepam", "unverified")],
                }
            ],
        },
        expected="moderate",
        rule="M5",
        codes=frozenset({"PHA", "PHA.PSY", "SYN", "SYN.OTH"}),
    ),
    Case(
        name="a substance of which the press speaks",
        fields={
            "language": "fr",
            "location": _in("HT"),
            "event_types": ["other"],
            "source_types": ["media_open_source"],
            "findings": [{"presence": "mentioned", "substances": [_found("xylazine", "unverified")]}],
        },
        expected="info",
        rule="I1",
        codes=frozenset({"X.ADU"}),
    ),
    Case(
        name="another state's nitazenes passed on, not found here",
        fields={
            "language": "es",
            "location": _in("CR"),
            "event_types": ["death", "other"],
            "source_types": ["foreign_ews"],
            "findings": [
                {
                    "presence": "not_detected_here",
                    "origin": {"country": "PA"},
                    "substances": [_found("isotonitazeno")],
                }
            ],
            "harms": [{"finding": 0, "deaths": 3, "attribution": "confirmed"}],
        },
        expected="moderate",
        rule="M4",
        codes=frozenset({"NPS", "SYN", "SYN.NSO"}),
    ),
    Case(
        name="what was thought fentanyl is methamphetamine alone",
        fields={
            "language": "en",
            "location": _in("BZ"),
            "event_types": ["collected_sample"],
            "source_types": ["forensic_lab"],
            "findings": [
                {
                    "sold_as": "ice",
                    "substances": [
                        _found("methamphetamine"),
                        _found("fentanyl", "ruled_out"),
                    ],
                }
            ],
        },
        expected="info",
        rule="I1",
        codes=frozenset({"SYN", "SYN.ATS"}),
    ),
    Case(
        name="bromazolam in counterfeit alprazolam, one dead",
        fields={
            "language": "fr",
            "location": _in("CA", "CA-QC"),
            "event_types": ["death", "counterfeit_pharmaceutical"],
            "source_types": ["coroner"],
            "findings": [
                {
                    "sold_as": "alprazolam",
                    "matrices": ["tablet"],
                    "substances": [_found("bromazolam")],
                }
            ],
            "harms": [{"deaths": 1, "attribution": "suspected"}],
        },
        expected="critical",
        rule="C1.disguised",
        codes=frozenset({"NPS", "SYN", "SYN.OTH"}),
    ),
    Case(
        name="a fentanyl press house",
        fields={
            "language": "es",
            "location": _in("MX", "MX-SIN"),
            "event_types": ["clandestine_manufacture", "seizure"],
            "source_types": ["police"],
            "manufacture": {"stages": ["tableting"], "equipment": [{"kind": "tablet_press", "count": 3}]},
            "findings": [{"substances": [_found("fentanilo", "presumptive_field")]}],
        },
        expected="high",
        rule="H9",
        codes=frozenset({"SYN", "SYN.NSO", "SYN.FRS", "EQP"}),
    ),
    Case(
        name="the share of nitazenes doubles",
        fields={
            "language": "en",
            "location": _in("CA", "CA-BC"),
            "event_types": ["collected_sample"],
            "source_types": ["drug_checking"],
            "findings": [
                {
                    "sold_as": "down",
                    "samples": {"tested": 300, "positive": 290},
                    "substances": [
                        _found("fentanyl"),
                        _found(
                            "N-desethyl isotonitazene",
                            role="adulterant",
                            first=["known"],
                            samples={
                                "tested": 300,
                                "positive": 36,
                                "earlier": {"tested": 280, "positive": 11},
                            },
                        ),
                    ],
                }
            ],
        },
        expected="high",
        rule="H7",
        codes=frozenset({"NPS", "SYN", "SYN.NSO", "SYN.FRS"}),
    ),
    Case(
        name="very strong MDMA tablets",
        fields={
            "language": "en",
            "location": _in("TT"),
            "event_types": ["potency_change"],
            "source_types": ["forensic_lab"],
            "findings": [
                {
                    "sold_as": "ecstasy",
                    "matrices": ["tablet"],
                    "substances": [_found("MDMA", purity={"value": 280, "unit": "mg/unit"})],
                }
            ],
        },
        expected="moderate",
        rule="M4",
        codes=frozenset({"SYN", "SYN.ATS"}),
    ),
    Case(
        name="an unknown opioid that answered to naloxone, four in hospital in a night",
        fields={
            "language": "pt",
            "location": _in("BR", "BR-SP"),
            "event_types": ["intoxication_cluster"],
            "source_types": ["hospital_ed"],
            "findings": [{"substances": [_found("opioide não especificado", "clinical_suspected")]}],
            "harms": [
                {
                    "cases": 4,
                    "hospitalised": 4,
                    "naloxone_given": 4,
                    "naloxone_response": 4,
                    "attribution": "suspected",
                    "window_hours": 12,
                }
            ],
        },
        expected="critical",
        rule="C3",
        codes=frozenset({"X.UNK"}),
    ),
    Case(
        name="a large seizure of cocaine",
        fields={
            "language": "fr",
            "location": _in("HT", setting="seaport"),
            "event_types": ["seizure"],
            "source_types": ["customs"],
            "findings": [
                {
                    "matrices": ["powder"],
                    "quantities": [{"value": 900, "unit": "kg"}],
                    "substances": [_found("cocaïne")],
                }
            ],
        },
        expected="info",
        rule="I1",
        codes=frozenset({"PLT"}),
    ),
    Case(
        name="synthetic cannabinoids in sweets, five children in hospital",
        fields={
            "language": "en",
            "location": _in("JM"),
            "event_types": ["intoxication_cluster"],
            "source_types": ["hospital_ed"],
            "findings": [
                {
                    "sold_as": "candy",
                    "matrices": ["edible"],
                    "substances": [_found("MDMB-4en-PINACA", "presumptive_lab")],
                }
            ],
            "harms": [{"cases": 5, "hospitalised": 2, "attribution": "suspected"}],
        },
        expected="high",
        rule="H5.disguised",
        codes=frozenset({"NPS", "SYN", "SYN.OTH"}),
    ),
    Case(
        name="a new form: fentanyl in eye-drop bottles",
        fields={
            "language": "es",
            "location": _in("EC"),
            "event_types": ["seizure", "new_form_or_route"],
            "source_types": ["police"],
            "findings": [{"matrices": ["liquid"], "substances": [_found("fentanilo", "presumptive_field")]}],
        },
        expected="moderate",
        rule="M1",
        codes=frozenset({"SYN", "SYN.NSO", "SYN.FRS"}),
    ),
)
