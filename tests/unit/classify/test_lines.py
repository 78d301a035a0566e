"""A list of names, line by line: what each answer holds, and that nothing in a line is an error."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.vocabularies import Outcome
from services.classify.lines import MOST_BYTES, identify_line, identify_raw
from services.classify.structure import StructureReader
from services.reference.catalogue import Catalogue
from services.reference.loader import load_catalogue
from services.reference.structural import load_class_rules

_TODAY = date(2026, 11, 20)
_CATALOGUE = load_catalogue()
_STRUCTURES = StructureReader(load_class_rules())
_KEYS = (
    "ref", "outcome", "inchikey", "preferred_name", "family", "plan_categories", "nps_strict", "candidates",
    "step", "reason", "catalogue_version",
)  # fmt: skip
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_RECORDS = st.dictionaries(
    st.sampled_from(["ref", "name", "cas", "inchikey", "inchi", "smiles", "role", "on", "other"]), _JSON
)


def _answer(catalogue: Catalogue = _CATALOGUE, **record: Any) -> dict[str, Any]:
    return identify_line(record, catalogue=catalogue, structures=_STRUCTURES, today=_TODAY)


def _raw(raw: bytes) -> dict[str, Any]:
    return identify_raw(raw, catalogue=_CATALOGUE, structures=_STRUCTURES, today=_TODAY)


def test_a_name_is_answered_with_its_substance_and_categories() -> None:
    assert _answer(ref="7", name="clorhidrato de carfentanilo") == {
        "ref": "7",
        "outcome": "resolved",
        "inchikey": "YDSDEBIZUNNPOB-UHFFFAOYSA-N",
        "preferred_name": "Carfentanil",
        "family": "fentanyl",
        "plan_categories": ["NPS", "SYN", "SYN.FRS", "SYN.NSO"],
        "nps_strict": False,
        "candidates": [],
        "step": "salt",
        "reason": "name_known",
        "catalogue_version": _CATALOGUE.version,
    }


def test_an_unlisted_structure_has_its_class() -> None:
    found = _answer(smiles="CCC(=O)N(c1ccccc1)C1CCN(CCc2ccccc2F)CC1C")
    assert (found["outcome"], found["family"]) == ("class_only", "fentanyl")
    assert found["inchikey"] == "BKRFARPLSMQEFX-UHFFFAOYSA-N"
    assert found["nps_strict"] is None


@pytest.mark.parametrize(
    ("on", "expected"), [("2023-06-01", True), ("2025-06-01", False), ("2024", None), ("2022-05", True)]
)
def test_the_strict_reading_depends_on_the_day(on: str, expected: bool | None) -> None:
    assert _answer(name="bromazolam", on=on)["nps_strict"] is expected


@pytest.mark.parametrize(
    ("role", "on", "codes"),
    [
        ("precursor", "2016-05-01", ["CHM", "CHM.PPR"]),
        ("precursor", "2019-05-01", ["CHM", "CHM.PRE"]),
        ("by_product", "2019-05-01", []),
        ("principal", "2019-05-01", []),
    ],
)
def test_a_precursor_counts_by_role_and_day(role: str, on: str, codes: list[str]) -> None:
    assert _answer(name="4-ANPP", role=role, on=on)["plan_categories"] == codes


def test_at_most_three_candidates_are_shown() -> None:
    found = _answer(name="TMA")
    assert (found["outcome"], len(found["candidates"])) == ("ambiguous", 3)
    assert set(found["candidates"][0]) == {"inchikey", "preferred_name", "reason"}


def test_a_near_spelling_says_nothing_of_control() -> None:
    found = _answer(name="isotonitazine")
    assert (found["outcome"], found["nps_strict"], found["plan_categories"]) == ("unknown", None, ["X.UNK"])
    assert found["candidates"][0]["preferred_name"] == "isotonitazene"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({}, "nothing_to_identify"),
        ({"name": "  ", "cas": None}, "nothing_to_identify"),
        ({"name": 5}, "name_not_text"),
        ({"smiles": ["CC"]}, "smiles_not_text"),
        ({"name": "x" * 201}, "name_too_long"),
        ({"name": "cocaine", "role": "prinzipal"}, "role_unknown"),
        ({"name": "cocaine", "role": {}}, "role_unknown"),
        ({"name": "cocaine", "on": "2026-02-30"}, "on_not_a_date"),
        ({"name": "cocaine", "on": 20260101}, "on_not_a_date"),
        ({"name": "cocaine", "ref": {"a": 1}}, "ref_invalid"),
        ({"name": "cocaine", "cas": "50-36-3"}, "cas_invalid"),
        ({"inchikey": "cocaine"}, "inchikey_invalid"),
        ({"smiles": "C1CC"}, "structure_not_smiles"),
        ({"smiles": "C" * 501}, "structure_too_long"),
    ],
)
def test_a_wrong_line_is_invalid_with_its_reason(record: dict[str, Any], reason: str) -> None:
    found = identify_line(record, catalogue=_CATALOGUE, structures=_STRUCTURES, today=_TODAY)
    assert tuple(found) == _KEYS
    assert (found["outcome"], found["reason"]) == ("invalid", reason)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\xff\xfe", "line_not_utf8"),
        (b"cocaine", "line_not_json"),
        (b'"cocaine"', "line_not_an_object"),
        (b"[" * 60_000, "line_not_json"),
        (b"9" * 6_000, "line_not_json"),
        (b'{"name": "' + b"x" * MOST_BYTES, "line_too_long"),
    ],
)
def test_what_is_no_line_is_invalid(raw: bytes, reason: str) -> None:
    assert _raw(raw)["reason"] == reason


def test_unknown_keys_and_a_byte_order_mark_are_passed_over() -> None:
    found = _raw(b'\xef\xbb\xbf{"ref": 1, "colour": {"a": []}, "name": "cocaine"}\r\n')
    assert (found["ref"], found["preferred_name"]) == (1, "Cocaine")


@settings(max_examples=300, deadline=None)
@given(record=_RECORDS)
def test_every_object_is_answered(record: dict[str, Any]) -> None:
    found = _raw(json.dumps(record).encode())
    assert tuple(found) == _KEYS
    assert Outcome(found["outcome"])
