"""Of two reports from one town: is it one product, another, or for a person to say?"""

from typing import Any

import pytest

from tests.builders import make_finding, make_substance
from tests.ledger import Relay
from tests.unit.classify.reports import (
    ANOTHER,
    ONE_EVENT,
    PERHAPS,
    place,
    two,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"matrices": ["tablet"]}, {"matrices": ["e_liquid"]}),
        ({"matrices": ["tablet"]}, {"product": {"form": "powder"}}),
        ({"sold_as": "oxicodona"}, {"sold_as": "cannabis"}),
        ({"sold_as": "heroína"}, {"sold_as": "oxycodone"}),
        ({"sold_as": "éxtasis"}, {"sold_as": "dope"}),
    ],
)
def test_another_product_with_the_same_substance_is_for_a_person(
    relay: Relay, one: dict[str, Any], other: dict[str, Any]
) -> None:
    first, second = ({"findings": [make_finding("isotonitazene", **said)]} for said in (one, other))

    assert two(relay, first, second) == (PERHAPS, "other_product")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            {"sold_as": "héroïne", "matrices": ["powder"]},
            {"sold_as": "heroin", "product": {"form": "powder"}},
        ),
        ({"sold_as": "heroína"}, {"sold_as": "dope"}),
        ({"sold_as": "dope", "matrices": ["powder"]}, {}),
        ({"matrices": ["powder"]}, {"matrices": ["powder", "blood"]}),
        ({"sold_as": "a name that nobody knows"}, {"sold_as": "otro nombre"}),
    ],
)
def test_what_may_be_the_same_product_is_one_event(
    relay: Relay, one: dict[str, Any], other: dict[str, Any]
) -> None:
    first, second = ({"findings": [make_finding("isotonitazene", **said)]} for said in (one, other))

    assert two(relay, first, second)[0] == ONE_EVENT


def adulterated(*adulterants: str, principal: str = "cocaine") -> dict[str, Any]:
    cut = (make_substance(name, role="adulterant") for name in adulterants)
    return {"findings": [make_finding(principal, *cut)]}


@pytest.mark.parametrize("adulterant", ["carfentanil", "fentanyl", "xylazine"])
def test_a_common_drug_with_one_rare_adulterant_is_one_event_in_one_town(
    relay: Relay, adulterant: str
) -> None:
    second = adulterated(adulterant, principal="clorhidrato de cocaína")

    assert two(relay, adulterated(adulterant), second) == (ONE_EVENT, "same_adulterant.locality")


def test_without_a_town_it_is_for_a_person(relay: Relay) -> None:
    somewhere = place("BR", ["BR-SP"], None)

    found = two(relay, adulterated("carfentanil"), adulterated("carfentanil") | somewhere)

    assert found == (PERHAPS, "same_adulterant")


@pytest.mark.parametrize(
    "second",
    [
        adulterated("carfentanil") | place("BR", ["BR-SP"], "Santos"),
        adulterated("levamisole"),
        adulterated("carfentanil", principal="MDMA"),
    ],
    ids=["in another town", "another adulterant", "another drug"],
)
def test_otherwise_a_common_drug_is_no_event(relay: Relay, second: dict[str, Any]) -> None:
    assert two(relay, adulterated("carfentanil"), second)[0] in {ANOTHER, "new"}


@pytest.mark.parametrize("confirmation", ["presumptive_field", "presumptive_lab", "confirmed"])
@pytest.mark.parametrize("found_first", [True, False])
def test_what_one_found_and_the_other_ruled_out_is_for_a_person(
    relay: Relay, confirmation: str, *, found_first: bool
) -> None:
    found, ruled_out = (
        {
            "findings": [
                make_finding("cocaine", make_substance("fentanyl", role="adulterant", confirmation=said))
            ]
        }
        for said in (confirmation, "ruled_out")
    )
    pair = (found, ruled_out) if found_first else (ruled_out, found)

    assert two(relay, *pair) == (PERHAPS, "identities_differ")


def test_what_was_ruled_out_is_not_merged_by_what_else_was_found(relay: Relay) -> None:
    first, second = (
        {
            "findings": [
                make_finding(
                    "isotonitazene", make_substance("fentanyl", role="adulterant", confirmation=said)
                )
            ]
        }
        for said in ("presumptive_field", "ruled_out")
    )

    assert two(relay, first, second) == (PERHAPS, "confirmation_conflict")


@pytest.mark.parametrize("unknown_first", [True, False])
@pytest.mark.parametrize("unknown", [[], ["a powder that nobody knows"], ["opioide sintético"]])
def test_what_was_not_identified_at_first_is_for_a_person(
    relay: Relay, unknown: list[str], *, unknown_first: bool
) -> None:
    vape = {"matrices": ["e_liquid"], "sold_as": "vape"}
    unidentified = {"findings": [make_finding(*unknown, **vape)]}
    identified = {"findings": [make_finding("ADB-BUTINACA", **vape)]}
    pair = (unidentified, identified) if unknown_first else (identified, unidentified)

    assert two(relay, *pair) == (PERHAPS, "not_identified")


@pytest.mark.parametrize(
    "other",
    [
        {"findings": [make_finding("ADB-BUTINACA", matrices=["powder"])]},
        {"findings": [make_finding("ADB-BUTINACA", matrices=["e_liquid"])]}
        | place("BR", ["BR-SP"], "Santos"),
        {"findings": [make_finding("ADB-BUTINACA", matrices=["e_liquid"])]} | place("BR", ["BR-SP"], None),
    ],
    ids=["in another form", "in another town", "without a town"],
)
def test_elsewhere_an_unknown_drug_may_be_any(relay: Relay, other: dict[str, Any]) -> None:
    assert two(relay, {"findings": [make_finding(matrices=["e_liquid"])]}, other)[0] == "new"


@pytest.mark.parametrize("body_first", [True, False])
@pytest.mark.parametrize("matrix", ["post_mortem", "blood", "urine"])
def test_what_was_in_a_body_and_what_lay_beside_it_are_for_a_person(
    relay: Relay, matrix: str, *, body_first: bool
) -> None:
    body = {"findings": [make_finding("isotonitazene", matrices=[matrix])]}
    tablets = {"findings": [make_finding("isotonitazene", matrices=["tablet"])]}
    pair = (body, tablets) if body_first else (tablets, body)

    assert two(relay, *pair) == (PERHAPS, "body_and_product")


M30 = {"form": "tablet", "colour": "blue", "shape": "round", "markings": "M / 30"}


def marked(*names: str, **said: str) -> dict[str, Any]:
    return {"findings": [make_finding(*names, product=M30 | said)]}


@pytest.mark.parametrize(
    "said",
    [{"markings": "M30"}, {"colour": "azul", "shape": "redonda", "markings": "M-30"}, {"colour": "bleu"}],
)
def test_one_marked_tablet_is_one_event_in_one_town(relay: Relay, said: dict[str, str]) -> None:
    found = two(relay, marked("MDMA"), marked("MDMA", **said))

    assert found == (ONE_EVENT, "same_product.locality")


def test_one_marking_on_another_shape_is_for_a_person(relay: Relay) -> None:
    assert two(relay, marked("MDMA"), marked("MDMA", shape="triangular")) == (PERHAPS, "other_product")


def test_one_marked_tablet_elsewhere_is_the_same_threat(relay: Relay) -> None:
    far = place("AR", ["AR-B"], "La Plata")

    assert two(relay, marked("MDMA"), marked("MDMA", colour="azul") | far) == (ANOTHER, "same_product")
