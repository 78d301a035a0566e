"""The closed vocabularies are exactly the words that have their four languages."""

import csv
from collections import defaultdict
from enum import StrEnum
from pathlib import Path

import pytest

from schemas import vocabularies as words

_TERMS = Path(__file__).parents[3] / "services" / "reference" / "data" / "terms.csv"
_GROUPS: dict[str, type[StrEnum]] = {
    "message_type": words.MessageType,
    "update_reason": words.UpdateReason,
    "status": words.Status,
    "severity": words.Severity,
    "severity_meaning": words.Severity,
    "event_type": words.EventType,
    "role": words.Role,
    "confirmation": words.Confirmation,
    "presence": words.Presence,
    "market": words.Market,
    "matrix": words.Matrix,
    "route_of_use": words.RouteOfUse,
    "setting": words.Setting,
    "source_type": words.SourceType,
    "lab_type": words.LabType,
    "method": words.Method,
    "qualifier": words.Qualifier,
    "attribution": words.Attribution,
    "shipment_kind": words.ShipmentKind,
    "transport": words.Transport,
    "request": words.RequestKind,
    "audience": words.Audience,
    "sender_role": words.SenderRole,
    "first": words.First,
    "control_status": words.NationalControl,
    "measure_status": words.MeasureStatus,
    "reliability": words.Reliability,
    "message_state": words.MessageState,
    "ack_state": words.AckState,
    "correlation_level": words.CorrelationLevel,
    "reference_relation": words.ReferenceRelation,
    "category": words.Category,
    "tlp_meaning": words.Tlp,
    "tlp_line": words.Tlp,
    "language": words.Language,
    "equipment": words.EquipmentKind,
    "manufacture_stage": words.ManufactureStage,
    "purity_basis": words.PurityBasis,
    "report_to": words.ReportTo,
    "attachment_kind": words.AttachmentKind,
    "translation_origin": words.TranslationOrigin,
}


def _terms() -> dict[str, set[str]]:
    groups: dict[str, set[str]] = defaultdict(set)
    with _TERMS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            groups[row["group"]].add(row["code"])
    return groups


@pytest.mark.parametrize("group", sorted(_GROUPS))
def test_a_vocabulary_has_exactly_the_terms_of_its_group(group: str) -> None:
    assert {word.value for word in _GROUPS[group]} == _terms()[group]


def test_a_thread_has_its_states_and_two_marks_beside_them() -> None:
    assert {*words.ThreadState, "disputed", "under_review"} == _terms()["thread_state"]


def test_units_that_count_pieces_have_their_plural() -> None:
    pieces = {unit.value.strip("{}") for unit in words.Unit if unit.value.startswith("{")}
    assert {f"{piece}.{form}" for piece in pieces for form in ("one", "other")} == _terms()["unit"]


def test_orders_run_as_their_docstrings_say() -> None:
    assert [severity.rank for severity in words.Severity] == [0, 1, 2, 3]
    assert words.Severity.CRITICAL.rank == 0
    assert sorted(words.Tlp, key=lambda tlp: tlp.strictness)[0] is words.Tlp.CLEAR
    assert words.Tlp.RED.strictness > words.Tlp.AMBER_STRICT.strictness > words.Tlp.AMBER.strictness
    assert words.Confirmation.RULED_OUT.rank < words.Confirmation.UNVERIFIED.rank
    assert words.Confirmation.CONFIRMED_REFERENCE.rank > words.Confirmation.CONFIRMED.rank
