"""What counts as the agent of harm: what is known, what is not, and each part of a mixture."""

from typing import Any

import pytest

from services.reference.tables import DATA, rows
from tests.unit.classify.conftest import Classify


def _one(name: str, confirmation: str = "confirmed", **more: Any) -> dict[str, Any]:
    return {"name": name, "confirmation": confirmation, **more}


def _with_a_death(classify: Classify, *substances: dict[str, Any], **more: Any) -> str:
    harm = {"attribution": "suspected", "deaths": 1}
    return classify(findings=[{"substances": list(substances), **more}], harms=[harm]).severity.reason


@pytest.mark.parametrize("name", ["methanol", "metanol", "alcool méthylique", "etilenglicol"])
@pytest.mark.parametrize("role", ["principal", "adulterant", "co_detected"])
@pytest.mark.parametrize("confirmation", ["confirmed", "presumptive_field", "clinical_suspected"])
def test_a_poison_that_is_no_drug_is_an_agent(
    classify: Classify, name: str, role: str, confirmation: str
) -> None:
    assert _with_a_death(classify, _one(name, confirmation, role=role)) == "H1"


def test_a_rumour_of_it_is_none(classify: Classify) -> None:
    assert _with_a_death(classify, _one("methanol", "unverified")) == "C1.unknown_agent"


@pytest.mark.parametrize("unknown", ["unidentified powder", "polvo no identificado", "Zorblax"])
@pytest.mark.parametrize(
    "name", ["caffeine", "paracetamol", "ethanol", "lactose", "levamisole", "sildenafil"]
)
@pytest.mark.parametrize("role", ["adulterant", "co_detected"])
def test_what_is_no_drug_does_not_tell_what_an_unknown_powder_was(
    classify: Classify, unknown: str, name: str, role: str
) -> None:
    main = _one(unknown, "clinical_suspected")

    assert _with_a_death(classify, main, _one(name, role=role)) == "C1.unknown_agent"
    assert _with_a_death(classify, _one(name, role=role)) == "H1"


@pytest.mark.parametrize("name", ["cocaine", "MDMA", "ketamine", "synthetic cannabinoids", "clonazepam"])
def test_a_drug_beside_an_unknown_powder_does(classify: Classify, name: str) -> None:
    main = _one("unidentified powder", "clinical_suspected")

    assert _with_a_death(classify, main, _one(name, role="co_detected")) == "H1"


@pytest.mark.parametrize("name", ["toluene", "methanol", "pregabalin"])
def test_what_is_a_main_part_itself_does(classify: Classify, name: str) -> None:
    other = _one("Zorblax", "unverified")

    assert _with_a_death(classify, _one(name, "clinical_suspected"), other) == "H1"
    assert _with_a_death(classify, _one(name, role="co_detected"), other) == "C1.unknown_agent"
    assert _with_a_death(classify, _one("caffeine"), other) == "C1.unknown_agent"


def test_the_name_of_a_cutting_agent_need_not_be_known(classify: Classify) -> None:
    assert _with_a_death(classify, _one("caffeine"), _one("Zorblax", role="cutting_agent")) == "H1"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nitazene + caffeine", "C1.opioid"),
        ("opioide desconocido + cocaína", "C1.opioid"),
        ("fentanyl/xylazine", "C1.opioid"),
        ("tramadol/paracetamol", "H1"),  # a weak medicine is no opioid here, in whatever company
        ("cocaine/ketamine", "H1"),
    ],
)
def test_a_mixture_is_each_of_its_parts(classify: Classify, name: str, reason: str) -> None:
    assert _with_a_death(classify, _one(name)) == reason


def test_a_part_of_a_mixture_may_be_what_is_hidden(classify: Classify) -> None:
    assert _with_a_death(classify, _one("cocaine/ketamine"), sold_as="cocaine") == "C1.disguised"
    assert _with_a_death(classify, _one("cocaine/ketamine"), sold_as="cocaine y ketamina") == "H1"


def test_a_mixture_of_an_opioid_and_a_sedative_resists_naloxone(classify: Classify) -> None:
    facts = classify(findings=[{"substances": [_one("fentanyl/xylazine")]}]).severity.facts

    assert (facts["opioid"], facts["resistant_sedative"]) == (True, True)


@pytest.mark.parametrize(
    ("one_of", "reason"),
    [
        (["fentanyl", "acetylfentanyl"], "C1.opioid"),
        (["tramadol", "tapentadol"], "H1"),
        (["morphine", "codeine"], "H1"),  # both known, and neither a synthetic opioid
    ],
)
def test_of_two_that_may_be_meant_one_that_counts_is_enough(
    classify: Classify, one_of: list[str], reason: str
) -> None:
    assert _with_a_death(classify, {"one_of": one_of, "confirmation": "confirmed"}) == reason


def test_the_share_of_a_mixture_is_that_of_its_parts(classify: Classify) -> None:
    samples = {"tested": 40, "positive": 20, "earlier": {"tested": 40, "positive": 10}}
    finding = {"substances": [_one("fentanyl/xylazine", first=["known"])], "samples": samples}

    assert classify(findings=[finding]).severity.reason == "H7"


def test_no_reader_is_told_that_nobody_identified_what_a_laboratory_named() -> None:
    told = [row for row in rows(DATA / "terms.csv") if row["code"].endswith(".unknown_agent")]

    assert len(told) == 2
    for row in told:
        assert "catalogue" in row["en"]
        assert "catálogo" in row["es"]
        assert "catalogue" in row["fr"]
        assert "catálogo" in row["pt"]
