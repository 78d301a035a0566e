"""What was stopped, diverted or stolen: which goods are high, which moderate, and which are none."""

from typing import Any

import pytest

from tests.unit.classify.conftest import Classify

STOPPED = {"event_types": ["stopped_shipment"], "shipment": {"kind": "stopped"}}
STOLEN = {"event_types": ["theft"], "shipment": {"kind": "theft"}}
MEDICINE = {"market": "diverted_medicine", "matrices": ["tablet"]}
TRADED = {"market": "chemical_trade", "matrices": ["chemical_bulk"]}


def _of(name: str, *, role: str = "principal", **more: Any) -> dict[str, Any]:
    return {"substances": [{"name": name, "role": role, "confirmation": "unverified"}], **more}


def _tablets(count: int) -> list[dict[str, Any]]:
    return [{"value": count, "unit": "{tbl}"}]


@pytest.mark.parametrize(
    ("quantities", "reason"),
    [
        (_tablets(40_000), "H6"),
        (_tablets(100), "H6"),
        (_tablets(99), "M5"),
        ([{"value": 12, "unit": "kg"}], "H6"),
        ([], "H6"),
    ],
)
@pytest.mark.parametrize("name", ["pseudoephedrine", "efedrina", "pseudoephedrine + loratadine"])
def test_a_medicine_made_from_a_table_one_chemical_is_one(
    classify: Classify, name: str, quantities: list[dict[str, Any]], reason: str
) -> None:
    finding = _of(name, **MEDICINE, quantities=quantities)

    assert classify(**STOPPED, findings=[finding]).severity.reason == reason


@pytest.mark.parametrize("market", ["illicit", "retail_product"])
def test_it_is_none_where_it_is_no_medicine_that_left_its_channel(classify: Classify, market: str) -> None:
    assert classify(**STOPPED, findings=[_of("pseudoephedrine", market=market)]).severity.reason == "I1"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": "ephedrine/pseudoephedrine"}, "H6"),
        ({"name": "ANPP / NPP"}, "H6"),
        ({"name": "acetone + 4-ANPP"}, "H6"),  # of a mixture one is enough
        ({"name": "acetone and toluene"}, "M5"),
        ({"one_of": ["4-ANPP", "NPP"]}, "H6"),
        ({"one_of": ["4-ANPP", "acetone"]}, "M5"),  # of two that may be meant, both
        ({"one_of": ["4-ANPP", "an unlisted name"]}, "M5"),
    ],
)
def test_several_chemicals_in_one_name(classify: Classify, fields: dict[str, Any], reason: str) -> None:
    substance = {"role": "precursor", "confirmation": "confirmed", **fields}

    assert classify(**STOPPED, findings=[{"substances": [substance], **TRADED}]).severity.reason == reason


@pytest.mark.parametrize("fields", [STOPPED, STOLEN])
@pytest.mark.parametrize("finding", [MEDICINE, TRADED])
def test_a_name_that_nobody_can_read_does_not_make_goods_nothing(
    classify: Classify, fields: dict[str, Any], finding: dict[str, Any]
) -> None:
    assert classify(**fields, findings=[_of("Zorblax 50 retard", **finding)]).severity.reason == "M5"


def test_what_was_stolen_is_a_medicine_unless_its_sender_says_more(classify: Classify) -> None:
    assert classify(**STOLEN, findings=[_of("Zorblax 50 retard")]).severity.reason == "M5"
    assert classify(**STOLEN, findings=[_of("Zorblax 50 retard", market="illicit")]).severity.reason == "I1"


def test_an_unread_name_in_a_seizure_of_drugs_is_no_chemical(classify: Classify) -> None:
    finding = _of("Zorblax 50 retard", market="illicit")

    assert classify(event_types=["seizure"], findings=[finding]).severity.reason == "I1"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("pseudoephedrine", "H6"), ("4-piperidone", "H6"), ("acetone", "M5"), ("cocaine", "I1")],
)
def test_what_was_stopped_is_a_chemical_though_nobody_says_for_what(
    classify: Classify, name: str, reason: str
) -> None:
    assert classify(**STOPPED, findings=[_of(name)]).severity.reason == reason
    assert classify(event_types=["seizure"], findings=[_of(name)]).severity.reason == "I1"


@pytest.mark.parametrize("name", ["4-ANPP", "acetone"])
def test_a_residue_beside_the_drug_is_not_the_goods(classify: Classify, name: str) -> None:
    drug = {"name": "MDMA", "confirmation": "confirmed"}
    finding = {"substances": [drug, {"name": name, "confirmation": "confirmed"}], "matrices": ["tablet"]}

    assert classify(**STOPPED, findings=[finding]).severity.reason == "I1"


@pytest.mark.parametrize("confirmation", ["presumptive_field", "presumptive_lab", "confirmed"])
@pytest.mark.parametrize(("name", "reason"), [("reactivo qwertyol", "M5"), ("lactosa", "I1")])
def test_a_stopped_reagent_that_nobody_can_read_is_goods_whoever_named_it(
    classify: Classify, confirmation: str, name: str, reason: str
) -> None:
    finding = _of(name, role="reagent", **TRADED)
    finding["substances"][0]["confirmation"] = confirmation

    assert classify(**STOPPED, findings=[finding]).severity.reason == reason
