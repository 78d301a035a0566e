"""Each rule of severity: what just makes it hold, and what just does not."""

from dataclasses import dataclass
from typing import Any

import pytest

from schemas.vocabularies import MessageType, Severity, UpdateReason
from services.classify.firsts import FirstsHistory
from services.classify.severity import NOTHING, RULES, Assessed, thread_level
from services.reference.tables import DATA, rows
from tests.unit.classify.conftest import Classify


def _one(name: str, confirmation: str = "confirmed", **more: Any) -> dict[str, Any]:
    return {"name": name, "confirmation": confirmation, **more}


def _in(*substances: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"substances": list(substances), **more}


def _harm(**counts: Any) -> dict[str, Any]:
    return {"attribution": "suspected", **counts}


def _with_samples(tested: int, positive: int, **more: Any) -> dict[str, Any]:
    samples = {"tested": tested, "positive": positive, **more}
    return _one("isotonitazene", role="adulterant", first=["known"], samples=samples)


FENTANYL = _in(_one("fentanyl", first=["known"]))
COCAINE = _in(_one("cocaine"))
SPIKED = _in(_one("cocaine"), _one("fentanyl", "presumptive_field", role="adulterant"), sold_as="cocaine")
AMPOULES = {"market": "diverted_medicine", "matrices": ["ampoule"]}
HEALTH = {"country": "UY", "organisation": "A ministry", "role": "health"}
STOPPED = {"event_types": ["stopped_shipment"], "shipment": {"kind": "stopped"}}
DIVERTED = {"event_types": ["diversion"], "shipment": {"kind": "diverted"}}


def _ampoules(count: int) -> dict[str, Any]:
    quantities = [{"value": count, "unit": "{ampoule}"}]
    return {**DIVERTED, "findings": [_in(_one("fentanyl"), **AMPOULES, quantities=quantities)]}


def _chemical(name: str, role: str = "precursor") -> dict[str, Any]:
    return {**STOPPED, "findings": [_in(_one(name, role=role), market="chemical_trade")]}


def _nitazene_share(tested: int, positive: int, sold_as: str = "heroin") -> dict[str, Any]:
    return {"findings": [_in(_with_samples(tested, positive), sold_as=sold_as)]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A rule with an alert at which it just holds and one just below, and what that becomes."""

    reason: str
    holds: dict[str, Any]
    below: dict[str, Any]
    instead: str


PAIRS = (
    Pair(
        reason="C1.opioid",
        holds={"findings": [FENTANYL], "harms": [_harm(deaths=1)]},
        below={"findings": [FENTANYL], "harms": [_harm(deaths=0, cases=1)]},
        instead="M6",
    ),
    Pair(
        reason="C1.opioid",
        holds={
            "findings": [_in(_one("opioide sin especificar", "clinical_suspected"))],
            "harms": [_harm(deaths=1)],
        },
        below={"findings": [_in(_one("tramadol"))], "harms": [_harm(deaths=1)]},
        instead="H1",
    ),
    Pair(
        reason="C1.unknown_agent",
        holds={"findings": [_in()], "harms": [_harm(deaths=1)]},
        below={"findings": [COCAINE], "harms": [_harm(deaths=1)]},
        instead="H1",
    ),
    Pair(
        reason="C1.disguised",
        holds={"findings": [_in(_one("ketamine"), sold_as="cocaine")], "harms": [_harm(deaths=1)]},
        below={"findings": [_in(_one("ketamine"), sold_as="ketamine")], "harms": [_harm(deaths=1)]},
        instead="H1",
    ),
    Pair(
        reason="C2",
        holds={"findings": [COCAINE], "harms": [_harm(deaths=3)]},
        below={"findings": [COCAINE], "harms": [_harm(deaths=2)]},
        instead="H1",
    ),
    Pair(
        reason="C3",
        holds={"findings": [COCAINE], "harms": [_harm(hospitalised=5, window_hours=72)]},
        below={"findings": [COCAINE], "harms": [_harm(hospitalised=4, window_hours=72)]},
        instead="H2",
    ),
    Pair(
        reason="C3",
        holds={"findings": [FENTANYL], "harms": [_harm(naloxone_given=3, window_hours=48)]},
        below={"findings": [FENTANYL], "harms": [_harm(naloxone_given=2, window_hours=48)]},
        instead="M4",
    ),
    Pair(
        reason="C3",
        holds={"findings": [COCAINE], "harms": [_harm(overdoses=10, window_hours=144)]},
        below={"findings": [COCAINE], "harms": [_harm(overdoses=9, window_hours=144)]},
        instead="H2",
    ),
    Pair(
        reason="C4",
        holds={"findings": [SPIKED], "harms": [_harm(hospitalised=1)]},
        below={"findings": [SPIKED], "harms": [_harm(cases=1)]},
        instead="H3",
    ),
    Pair(
        reason="H2",
        holds={"findings": [COCAINE], "harms": [_harm(icu=3, window_hours=400)]},
        below={"findings": [COCAINE], "harms": [_harm(icu=2, window_hours=400)]},
        instead="M4",
    ),
    Pair(
        reason="H3",
        holds={"findings": [SPIKED]},
        below={
            "findings": [
                _in(
                    _one("cocaine"),
                    _one("fentanyl", "clinical_suspected", role="adulterant"),
                    sold_as="cocaine",
                )
            ]
        },
        instead="M2",
    ),
    Pair(
        reason="H4",
        holds={"findings": [_in(_one("xylazine", "presumptive_lab", first=["admin1"]))]},
        below={"findings": [_in(_one("xylazine", "presumptive_field", first=["admin1"]))]},
        instead="M1",
    ),
    Pair(
        reason="H5.opioid",
        holds={"findings": [FENTANYL], "harms": [_harm(cases=3)]},
        below={"findings": [FENTANYL], "harms": [_harm(cases=2)]},
        instead="M6",
    ),
    Pair(
        reason="H5.unknown_agent",
        holds={"findings": [_in()], "harms": [_harm(cases={"qualifier": "several"})]},
        below={"findings": [_in()], "harms": [_harm(cases={"qualifier": "about", "value": 2})]},
        instead="I1",
    ),
    Pair(
        reason="H5.disguised",
        holds={"findings": [_in(_one("ketamine"), sold_as="cocaine")], "harms": [_harm(cases=3)]},
        below={"findings": [_in(_one("ketamine"), sold_as="ketamine")], "harms": [_harm(cases=3)]},
        instead="M4",
    ),
    Pair(reason="H6", holds=_chemical("4-piperidone"), below=_chemical("acetone"), instead="M5"),
    Pair(reason="H6", holds=_ampoules(100), below=_ampoules(99), instead="M5"),
    Pair(reason="H7", holds=_nitazene_share(20, 4), below=_nitazene_share(20, 3), instead="M2"),
    Pair(reason="H7", holds=_nitazene_share(20, 20), below=_nitazene_share(19, 19), instead="M2"),
    Pair(
        reason="H7",
        holds={"findings": [_in(_with_samples(40, 4, earlier={"tested": 40, "positive": 2}))]},
        below={"findings": [_in(_with_samples(40, 3, earlier={"tested": 40, "positive": 2}))]},
        instead="M2",
    ),
    Pair(
        reason="H8",
        holds={"sender": HEALTH, "severity_reported": "critical"},
        below={"sender": HEALTH, "severity_reported": "high"},
        instead="I1",
    ),
    Pair(
        reason="H9",
        holds={"findings": [FENTANYL], "event_types": ["clandestine_manufacture"]},
        below={"findings": [COCAINE], "event_types": ["clandestine_manufacture"]},
        instead="M3",
    ),
    Pair(
        reason="M1",
        holds={"findings": [_in(_one("cocaine", first=["country"]))]},
        below={"findings": [_in(_one("cocaine", first=["known"]))], "event_types": ["first_detection"]},
        instead="I1",
    ),
    Pair(
        reason="M2",
        holds={"findings": [_in(_one("methamphetamine"), sold_as="MDMA")]},
        below={"findings": [_in(_one("MDMA"), _one("methamphetamine"), sold_as="MDMA")]},
        instead="I1",
    ),
    Pair(
        reason="M3",
        holds={"findings": [], "event_types": ["equipment"]},
        below={"findings": [], "event_types": ["modus_operandi"]},
        instead="I1",
    ),
    Pair(
        reason="M4",
        holds={"findings": [COCAINE], "harms": [_harm(hospitalised=1)]},
        below={"findings": [COCAINE], "harms": [_harm(cases=1)]},
        instead="I1",
    ),
    Pair(
        reason="M5",
        holds=_chemical("acetone", role="reagent"),
        below=_chemical("acetone", role="by_product"),
        instead="I1",
    ),
    Pair(reason="M6", holds={"findings": [FENTANYL]}, below={"findings": [COCAINE]}, instead="I1"),
)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.reason)
def test_a_rule_holds_at_its_threshold(pair: Pair, classify: Classify) -> None:
    assert classify(**pair.holds).severity.reason == pair.reason


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.reason)
def test_a_rule_does_not_hold_just_below(pair: Pair, classify: Classify) -> None:
    assert classify(**pair.below).severity.reason == pair.instead


def test_every_reason_has_its_words() -> None:
    told = {row["code"] for row in rows(DATA / "terms.csv") if row["group"] == "severity_reason"}
    reasons = {pair.reason for pair in PAIRS} | {rule.id for rule in RULES} | {NOTHING.reason}

    assert reasons <= told


def test_the_baseline_of_a_state_makes_a_first(classify: Classify) -> None:
    history = FirstsHistory(
        baseline=True,
        substances={"BPICBUSOMSTKRF-UHFFFAOYSA-N": frozenset({"country"})},
        families={"alpha2_agonist": frozenset({"country"})},
    )

    assert classify(findings=[_in(_one("xylazine"))], history=history).severity.reason == "H4"


def test_without_a_baseline_the_register_makes_no_first(classify: Classify) -> None:
    history = FirstsHistory(substances={"BPICBUSOMSTKRF-UHFFFAOYSA-N": frozenset({"country"})})

    assert classify(findings=[_in(_one("xylazine"))], history=history).severity.reason == "I1"


def test_the_sender_denies_what_the_register_takes_for_a_first(classify: Classify) -> None:
    history = FirstsHistory(baseline=True, substances={"BPICBUSOMSTKRF-UHFFFAOYSA-N": frozenset({"country"})})

    assert (
        classify(findings=[_in(_one("xylazine", first=["known"]))], history=history).severity.reason == "I1"
    )


def test_a_second_alpha2_agonist_in_a_province_is_no_first_of_its_family(classify: Classify) -> None:
    finding = _in(_one("xylazine", first=["known"]), _one("medetomidine", first=["admin1"]))

    assert classify(findings=[finding]).severity.reason == "M1"


def test_it_is_high_as_soon_as_someone_is_severely_ill(classify: Classify) -> None:
    finding = _in(_one("xylazine", first=["known"]), _one("medetomidine", first=["admin1"]))

    assert classify(findings=[finding], harms=[_harm(icu=1)]).severity.reason == "H4"


def test_cases_that_double_in_an_update_are_rising(classify: Classify) -> None:
    fields = {
        "message_type": "update",
        "update_reason": "new_harms",
        "references": [{"ref": "EWS-2026-000", "relation": "update_of"}],
        "findings": [FENTANYL],
        "harms": [_harm(cases=2)],
    }

    assert classify(**fields, history=FirstsHistory(cases_before=1)).severity.reason == "H7"
    assert classify(**fields, history=FirstsHistory(cases_before=2)).severity.reason == "M6"


def test_an_echo_is_at_most_moderate_and_claims_no_first(classify: Classify) -> None:
    finding = _in(_one("isotonitazene", first=["region"]), presence="not_detected_here")
    severity = classify(findings=[finding], harms=[_harm(deaths=5)]).severity

    assert (severity.level, severity.reason, severity.facts["first"]) == ("moderate", "M4", None)


CRITICAL = Assessed(level=Severity.CRITICAL, rule="C1", reason="C1.opioid")
MODERATE = Assessed(level=Severity.MODERATE, rule="M6", reason="M6")


def test_an_update_never_lowers_its_thread() -> None:
    stands = thread_level(MODERATE, before=CRITICAL, message_type=MessageType.UPDATE)

    assert (stands.level, stands.urgency, stands.reason) == (
        Severity.CRITICAL,
        Severity.CRITICAL,
        "C1.opioid",
    )


def test_a_correction_lowers_the_level_and_goes_out_as_urgently() -> None:
    stands = thread_level(MODERATE, before=CRITICAL, message_type=MessageType.CORRECTION)

    assert (stands.level, stands.urgency, stands.reason) == (Severity.MODERATE, Severity.CRITICAL, "M6")


def test_a_correction_may_raise_both() -> None:
    stands = thread_level(CRITICAL, before=MODERATE, message_type=MessageType.CORRECTION)

    assert (stands.level, stands.urgency) == (Severity.CRITICAL, Severity.CRITICAL)


def test_nothing_remains_of_a_retracted_thread() -> None:
    stands = thread_level(CRITICAL, before=CRITICAL, message_type=MessageType.RETRACTION)

    assert (stands.level, stands.urgency, stands.rule) == (Severity.INFO, Severity.CRITICAL, "I1")


@pytest.mark.parametrize(
    ("message_type", "update_reason"),
    [
        (MessageType.DISPUTE, None),
        (MessageType.UPDATE, UpdateReason.TRANSLATION),
        (MessageType.CLOSURE, None),
    ],
)
def test_what_states_no_facts_changes_no_level(
    message_type: MessageType, update_reason: UpdateReason | None
) -> None:
    stands = thread_level(
        NOTHING,
        before=CRITICAL,
        message_type=message_type,
        update_reason=update_reason,
        states_facts=False,
    )

    assert (stands.level, stands.reason) == (Severity.CRITICAL, "C1.opioid")


def test_a_closure_with_facts_of_its_own_sets_the_level_anew() -> None:
    stands = thread_level(MODERATE, before=CRITICAL, message_type=MessageType.CLOSURE)

    assert (stands.level, stands.urgency) == (Severity.MODERATE, Severity.CRITICAL)
