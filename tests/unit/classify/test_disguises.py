"""What hides a hazard from the buyer, and which rules ask for that."""

from typing import Any

import pytest

from tests.unit.classify.conftest import Classify


def _one(name: str, confirmation: str = "confirmed", **more: Any) -> dict[str, Any]:
    return {"name": name, "confirmation": confirmation, **more}


def _in(*substances: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"substances": list(substances), **more}


def _harm(**counts: Any) -> dict[str, Any]:
    return {"attribution": "suspected", **counts}


@pytest.mark.parametrize(
    ("sold_as", "event", "reason"),
    [
        ("oxycodone", "seizure", "H3"),  # not called a counterfeit, and one all the same
        ("M30", "counterfeit_pharmaceutical", "H3"),
        ("alprazolam", "seizure", "H3"),
        ("fentanyl", "seizure", "M2"),  # another opioid than promised
        ("isotonitazene", "seizure", "M6"),
        ("down", "seizure", "M6"),
        ("vegan cocaine", "seizure", "M6"),  # nobody knows what that promises
        ("tusi", "seizure", "H3"),  # of several effects, and this is none of them
        ("MDMA y ketamina", "seizure", "H3"),
        ("heroína y cocaína", "seizure", "M2"),
        ("bazuco", "seizure", "H3"),  # a plant promises what its marker does
        ("kratom", "seizure", "M2"),
        ("M30", "seizure", "H3"),
        ("oxycodone/acetaminophen", "seizure", "H3"),
        ("heroin/fentanyl", "seizure", "M2"),  # of the street, though fentanyl is a medicine too
        ("Vicodin", "seizure", "H3"),
        ("Adderall", "seizure", "H3"),
        ("cachaça", "seizure", "H3"),
        ("caramelo", "seizure", "H3"),
        ("marihuana", "seizure", "H3"),
    ],
)
def test_a_nitazene_is_disguised_by_what_it_is_sold_as(
    classify: Classify, sold_as: str, event: str, reason: str
) -> None:
    finding = _in(_one("isotonitazene"), sold_as=sold_as, matrices=["tablet"])

    assert classify(findings=[finding], event_types=[event]).severity.reason == reason


@pytest.mark.parametrize("sold_as", ["down", "dope", "fentanyl", "heroína", "fentanilo"])
@pytest.mark.parametrize("beside", ["bromazolam", "cocaine", "ketamine"])
@pytest.mark.parametrize("overdoses", [0, 1])
def test_what_stands_beside_an_openly_sold_opioid_does_not_hide_it(
    classify: Classify, sold_as: str, beside: str, overdoses: int
) -> None:
    finding = _in(
        _one("fentanyl", first=["known"]), _one(beside, role="adulterant"), sold_as=sold_as, market="illicit"
    )
    severity = classify(findings=[finding], harms=[_harm(overdoses=overdoses)]).severity

    assert (severity.reason, severity.facts["disguised"]) == ("M2", True)
    assert not severity.facts["disguised_opioid"]


def test_a_counterfeit_of_an_opioid_medicine_hides_an_opioid_for_h3_and_not_for_c4(
    classify: Classify,
) -> None:
    found = (_one("isotonitazepyne", first=["known"]), _one("bromazolam", role="adulterant"))
    finding = _in(*found, sold_as="oxycodone", matrices=["tablet"])
    fields = {"event_types": ["counterfeit_pharmaceutical"], "findings": [finding]}

    assert classify(**fields, harms=[_harm(overdoses={"qualifier": "several"})]).severity.reason == "H3"


def test_an_opioid_beside_what_the_product_shows_is_still_hidden(classify: Classify) -> None:
    found = (_one("MDMA"), _one("metonitazene", "presumptive_lab", role="adulterant", first=["known"]))
    finding = _in(*found, sold_as="MDMA")

    assert classify(findings=[finding], harms=[_harm(hospitalised=1)]).severity.reason == "C4"


@pytest.mark.parametrize(
    ("sold_as", "reason"),
    [
        *((sold_as, "H7") for sold_as in ("heroin", "cocaína", "oxycodone", "pó", "benzos", "spice")),
        *((sold_as, "M2") for sold_as in ("down", "points", "fetty", "an unheard word", "fentanyl")),
    ],
)
def test_a_share_counts_in_what_was_sold_as_something_else(
    classify: Classify, sold_as: str, reason: str
) -> None:
    samples = {"tested": 50, "positive": 48}
    fentanyl = _one("fentanyl", role="adulterant", first=["known"], samples=samples)
    severity = classify(findings=[_in(fentanyl, sold_as=sold_as)]).severity

    assert reason == ("M2" if severity.facts["opioid_share_percent"] is None else "H7")
