"""The twelve exercise alerts that the relay was designed on, in their shortest form."""

from dataclasses import dataclass
from typing import Any

import pytest

from schemas.classifications import Classification
from schemas.vocabularies import Severity
from services.classify.severity import Assessed
from tests.unit.classify.conftest import Classify


def _one(name: str, confirmation: str, role: str = "principal", **more: Any) -> dict[str, Any]:
    return {"name": name, "confirmation": confirmation, "role": role, **more}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One alert with what it should become; ``nps_strict`` is None where nothing in it is an NPS."""

    id: str
    fields: dict[str, Any]
    codes: str
    level: str
    reason: str
    nps_strict: bool | None


EXAMPLES = (
    Example(
        id="AR-01",
        fields={
            "location": {"country": "AR", "admin1": ["AR-B"]},
            "event_types": ["intoxication_cluster", "death", "adulteration"],
            "event_start": "2026-02-02",
            "detected_at": "2026-02-02",
            "sent_at": "2026-02-02T14:10:00-03:00",
            "findings": [
                {
                    "sold_as": "cocaine",
                    "matrices": ["powder"],
                    "substances": [
                        _one("cocaine", "presumptive_field"),
                        _one("opioid, unspecified", "clinical_suspected", "adulterant"),
                        _one("fentanyl", "ruled_out", "adulterant", methods=["gc_ms"]),
                    ],
                }
            ],
            "harms": [
                {
                    "cases": 80,
                    "hospitalised": 60,
                    "deaths": 17,
                    "window_hours": 24,
                    "attribution": "suspected",
                }
            ],
        },
        codes="PLT X.UNK",
        level="critical",
        reason="C1.opioid",
        nps_strict=None,
    ),
    Example(
        id="AR-02",
        fields={
            "message_type": "update",
            "update_reason": "new_findings",
            "references": [{"ref": "SYN-AR-01", "relation": "update_of"}],
            "location": {"country": "AR", "admin1": ["AR-B"]},
            "event_types": ["intoxication_cluster", "death", "adulteration"],
            "event_start": "2026-02-02",
            "detected_at": "2026-02-02",
            "sent_at": "2026-02-10T18:00:00-03:00",
            "findings": [
                {
                    "sold_as": "cocaine",
                    "matrices": ["powder", "blood"],
                    "substances": [
                        _one("cocaine", "confirmed"),
                        _one("carfentanil", "confirmed", "adulterant"),
                    ],
                }
            ],
            "harms": [
                {
                    "cases": 84,
                    "hospitalised": 80,
                    "deaths": 24,
                    "window_hours": 72,
                    "attribution": "confirmed",
                }
            ],
        },
        codes="PLT SYN SYN.NSO SYN.FRS NPS",
        level="critical",
        reason="C1.opioid",
        nps_strict=False,
    ),
    Example(
        id="CA-03",
        fields={
            "location": {"country": "CA", "admin1": ["CA-MB"]},
            "event_types": ["seizure", "first_detection", "adulteration"],
            "event_start": "2026-05-05",
            "detected_at": "2026-05-09",
            "sent_at": "2026-06-10T15:00:00-05:00",
            "findings": [
                {
                    "sold_as": "down",
                    "matrices": ["powder"],
                    "substances": [
                        _one("fentanyl", "confirmed"),
                        _one("medetomidine", "confirmed", "adulterant", first=["admin1"]),
                        _one("xylazine", "confirmed", "adulterant"),
                    ],
                }
            ],
        },
        codes="SYN SYN.NSO SYN.FRS X.ADU",
        level="high",
        reason="H4",
        nps_strict=None,
    ),
    Example(
        id="CA-04",
        fields={
            "location": {"country": "CA", "admin1": ["CA-QC"]},
            "event_types": ["death", "counterfeit_pharmaceutical", "intoxication_cluster"],
            "event_start": "2026-03-18",
            "detected_at": "2026-03-29",
            "sent_at": "2026-04-05T11:00:00-04:00",
            "findings": [
                {
                    "sold_as": "hydromorphone",
                    "matrices": ["tablet"],
                    "substances": [
                        _one("protonitazepyne", "confirmed"),
                        _one("N-desethyl isotonitazene", "confirmed"),
                    ],
                }
            ],
            "harms": [{"cases": 6, "deaths": 1, "attribution": "suspected"}],
        },
        codes="NPS SYN SYN.NSO",
        level="critical",
        reason="C1.opioid",
        nps_strict=False,
    ),
    Example(
        id="BR-05",
        fields={
            "location": {"country": "BR", "admin1": ["BR-SP"], "setting": "prison"},
            "event_types": ["seizure", "new_form_or_route"],
            "event_start": "2026-01-20",
            "detected_at": "2026-01-28",
            "sent_at": "2026-02-03T10:00:00-03:00",
            "findings": [
                {
                    "matrices": ["impregnated_paper"],
                    "quantities": [{"value": 42, "unit": "{sheet}"}],
                    "substances": [
                        _one("MDMB-4en-PINACA", "confirmed"),
                        _one("ADB-BUTINACA", "presumptive_lab"),
                    ],
                }
            ],
        },
        codes="NPS SYN SYN.OTH",
        level="moderate",
        reason="M1",
        nps_strict=False,
    ),
    Example(
        id="CO-06",
        fields={
            "location": {"country": "CO", "admin1": ["CO-DC"]},
            "event_types": ["collected_sample", "substitution"],
            "event_start": "2026-07-17",
            "detected_at": "2026-07-24",
            "sent_at": "2026-07-25T09:00:00-05:00",
            "source_types": ["drug_checking"],
            "findings": [
                {
                    "sold_as": "2C-B",
                    "matrices": ["powder"],
                    "quantities": [{"value": 22, "unit": "{sample}"}],
                    "substances": [
                        _one("ketamine", "presumptive_lab"),
                        _one("MDMA", "presumptive_lab"),
                        _one("caffeine", "presumptive_lab", "cutting_agent"),
                        _one("2C-B", "ruled_out"),
                    ],
                }
            ],
        },
        codes="NPS SYN SYN.ATS SYN.OTH",
        level="moderate",
        reason="M2",
        nps_strict=True,
    ),
    Example(
        id="UY-07",
        fields={
            "location": {"country": "UY", "admin1": ["UY-MO"], "setting": "nightlife"},
            "event_types": ["death", "substitution"],
            "event_start": "2026-11-12",
            "detected_at": "2026-11-14",
            "sent_at": "2026-11-14T20:30:00-03:00",
            "findings": [
                {
                    "sold_as": "MDMA",
                    "matrices": ["tablet"],
                    "substances": [_one("N-ethylpentylone", "presumptive_lab"), _one("MDMA", "ruled_out")],
                }
            ],
            "harms": [{"cases": 5, "deaths": 1, "attribution": "suspected"}],
        },
        codes="NPS SYN SYN.ATS",
        level="high",
        reason="H1",
        nps_strict=False,
    ),
    Example(
        id="US-08",
        fields={
            "location": {"country": "US", "admin1": ["US-AZ"], "setting": "land_border"},
            "event_types": ["seizure", "counterfeit_pharmaceutical"],
            "event_start": "2026-04-02",
            "detected_at": "2026-04-20",
            "sent_at": "2026-04-22T16:00:00-07:00",
            "findings": [
                {
                    "sold_as": "oxycodone",
                    "matrices": ["tablet"],
                    "quantities": [{"value": 1219, "unit": "{tbl}"}],
                    "substances": [
                        _one("para-fluorofentanyl", "confirmed"),
                        _one("carfentanil", "confirmed", "adulterant"),
                        _one("4-ANPP", "confirmed", "by_product"),
                    ],
                }
            ],
        },
        codes="NPS SYN SYN.NSO SYN.FRS",
        level="high",
        reason="H3",
        nps_strict=False,
    ),
    Example(
        id="MX-09",
        fields={
            "location": {"country": "MX", "admin1": ["MX-COL"]},
            "event_types": ["stopped_shipment", "diversion"],
            "event_start": "2026-08-03",
            "detected_at": "2026-08-04",
            "sent_at": "2026-08-05T12:00:00-06:00",
            "shipment": {"kind": "stopped", "transport": "maritime", "destination": "MX"},
            "findings": [
                {
                    "matrices": ["chemical_bulk"],
                    "quantities": [{"value": 450, "unit": "kg"}],
                    "substances": [
                        _one("1-boc-4-AP", "confirmed", "precursor", cas="125541-22-2"),
                        _one("4-piperidone", "presumptive_field", "precursor"),
                    ],
                }
            ],
        },
        codes="CHM CHM.PRE",
        level="high",
        reason="H6",
        nps_strict=None,
    ),
    Example(
        id="GT-10",
        fields={
            "location": {"country": "GT", "admin1": ["GT-05"]},
            "event_types": ["clandestine_manufacture", "equipment"],
            "event_start": "2026-09-01",
            "detected_at": "2026-09-01",
            "sent_at": "2026-09-03T08:00:00-06:00",
            "findings": [
                {
                    "matrices": ["chemical_bulk", "equipment"],
                    "quantities": [{"value": 900, "unit": "L"}],
                    "substances": [
                        _one("P-2-P methyl glycidic acid, methyl ester", "presumptive_lab", "precursor"),
                        _one("tartaric acid", "confirmed", "precursor"),
                        _one("methamphetamine", "confirmed"),
                    ],
                }
            ],
        },
        codes="SYN SYN.ATS CHM CHM.PRE CHM.NSC EQP",
        level="moderate",
        reason="M3",
        nps_strict=None,
    ),
    Example(
        id="HT-11",
        fields={
            "location": {"country": "HT", "admin1": ["HT-OU"]},
            "event_types": ["counterfeit_pharmaceutical", "intoxication_cluster"],
            "event_start": "2026-10-06",
            "detected_at": "2026-10-10",
            "sent_at": "2026-10-11T09:00:00-04:00",
            "findings": [
                {
                    "sold_as": "alprazolam",
                    "matrices": ["tablet", "urine"],
                    "substances": [_one("bromazolam", "presumptive_lab")],
                }
            ],
            "harms": [{"cases": 9, "deaths": 0, "attribution": "suspected"}],
        },
        codes="NPS SYN SYN.OTH",
        level="high",
        reason="H5.disguised",
        nps_strict=False,
    ),
    Example(
        id="CL-12",
        fields={
            "location": {"country": "CL"},
            "event_types": ["rumour_refutation"],
            "event_start": "2026-04-18",
            "detected_at": "2026-04-19",
            "sent_at": "2026-04-20T10:00:00-04:00",
            "findings": [],
        },
        codes="",
        level="info",
        reason="I1",
        nps_strict=None,
    ),
)
BY_ID = {example.id: example for example in EXAMPLES}


def _strict(verdict: Classification) -> bool | None:
    """Return whether none of the substances counted as NPS was scheduled; None where none is counted."""
    counted = {(label.finding, label.substance) for label in verdict.categories if label.code == "NPS"}
    answers = [one.nps_strict for one in verdict.substances if (one.finding, one.substance) in counted]
    return all(answers) if answers else None


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)
def test_an_example_gets_its_categories(example: Example, classify: Classify) -> None:
    verdict = classify(**example.fields)

    assert {label.code.value for label in verdict.categories} == set(example.codes.split())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)
def test_an_example_gets_its_severity(example: Example, classify: Classify) -> None:
    severity = classify(**example.fields).severity

    assert (severity.level.value, severity.reason) == (example.level, example.reason)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)
def test_an_example_says_whether_its_nps_were_controlled(example: Example, classify: Classify) -> None:
    assert _strict(classify(**example.fields)) is example.nps_strict


def test_bromazolam_was_uncontrolled_in_2022(classify: Classify) -> None:
    dated = {"event_start": "2022-10-06", "detected_at": "2022-10-10", "sent_at": "2022-10-11T09:00:00-04:00"}

    assert _strict(classify(**{**BY_ID["HT-11"].fields, **dated})) is True


def test_an_ester_was_a_pre_precursor_until_it_was_scheduled(classify: Classify) -> None:
    dated = {"event_start": "2024-12-02", "detected_at": "2024-12-02", "sent_at": "2024-12-02T08:00:00-06:00"}

    verdict = classify(**{**BY_ID["GT-10"].fields, **dated})

    assert {"CHM.PPR"} == {label.code for label in verdict.categories} & {"CHM.PPR", "CHM.PRE"}


def test_the_update_of_a_critical_alert_keeps_its_level(classify: Classify) -> None:
    before = Assessed(level=Severity.CRITICAL, rule="C1", reason="C1.opioid")

    severity = classify(**BY_ID["AR-02"].fields, before=before).severity

    assert (severity.level, severity.urgency, severity.before) == ("critical", "critical", "critical")
