"""Firsts by the relay's register: what states said they know, with families, commons, and most of the region."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert

from schemas.alerts import Alert
from services.commands.baselines import familiar
from services.reference.catalogue import Catalogue
from services.storage import baselines
from services.storage.tables import participations
from services.storage.thread_records import Decision, Settled
from tests.builders import make_alert, make_finding
from tests.ledger import Relay

STATES = ("AR", "BO", "BR", "CL", "CO", "PY", "UY")


def knows(relay: Relay, catalogue: Catalogue, country: str, *rows: dict[str, str]) -> None:
    """Load the baseline of a state as the command does."""
    known = [one for row in rows for one in familiar(row, catalogue)]
    unit = partial(baselines.replace, country=country, known=known, actor="test", now=relay.now)
    relay.run(unit)


def take_part(relay: Relay, states: Sequence[str]) -> None:
    rows = [{"country": one, "participation": "active"} for one in states]
    rows.append({"country": "ES", "participation": "observer"})
    relay.run(lambda connection: connection.execute(insert(participations), rows))


def detection(*names: str, country: str = "UY", **overrides: Any) -> Alert:
    stated: dict[str, Any] = {
        "location": {"country": country, "admin1": ["UY-MO"] if country == "UY" else []},
        "event_types": ["seizure"],
        "findings": [make_finding(*names, market="illicit", matrices=["powder"])],
    }
    return make_alert(**stated | overrides)


def decided(relay: Relay, sent: Alert) -> Decision:
    outcome = relay.send(sent, sender_id="an-observatory", country=sent.location.country)
    assert isinstance(outcome, Settled)
    assert outcome.decision is not None
    return outcome.decision


def firsts(decision: Decision) -> set[tuple[str, str | None]]:
    return {(one.scope.value, one.substance or one.family) for one in decision.correlation.firsts}


@pytest.mark.parametrize(
    ("known", "found", "family"),
    [
        ("isotonitazene", "protonitazene", "nitazene"),
        ("bromazolam", "etizolam", "benzodiazepine"),
        ("fentanyl", "carfentanil", "fentanyl"),
        ("xylazine", "medetomidine", "alpha2_agonist"),
    ],
)
def test_who_knows_a_substance_knows_its_family(
    relay: Relay, catalogue: Catalogue, known: str, found: str, family: str
) -> None:
    knows(relay, catalogue, "UY", {"name": known})

    told = {(name or "").lower() for _, name in firsts(decided(relay, detection(found)))}

    assert found in told
    assert family not in told


def test_it_knows_the_family_where_it_knows_the_substance(relay: Relay, catalogue: Catalogue) -> None:
    knows(relay, catalogue, "UY", {"name": "isotonitazene", "admin1": "UY-CA"})

    assert ("admin1", "nitazene") in firsts(decided(relay, detection("protonitazene")))


def test_a_row_that_names_nothing_says_nothing(catalogue: Catalogue) -> None:
    assert familiar({"name": "nothing that anybody lists"}, catalogue) == ()
    assert familiar({"family": "no_such_family"}, catalogue) == ()


def test_that_a_substance_is_common_makes_its_family_none(catalogue: Catalogue) -> None:
    said = {
        one.key.partition(":")[0]: one.common
        for one in familiar({"name": "ketamine", "common": "yes"}, catalogue)
    }

    assert said == {"substance": True, "family": False}


def test_a_family_that_is_called_common_stays_so_beside_its_members(
    relay: Relay, catalogue: Catalogue
) -> None:
    knows(relay, catalogue, "UY", {"family": "nitazene", "common": "yes"}, {"name": "isotonitazene"})
    decided(relay, detection("metonitazene", country="AR"))

    assert decided(relay, detection("protonitazene", national_ref="U-1")).correlation.level == "new"


@pytest.mark.parametrize("name", ["MDMA", "cocaine", "cannabis"])
def test_what_is_found_everywhere_is_nobody_s_first(relay: Relay, catalogue: Catalogue, name: str) -> None:
    knows(relay, catalogue, "UY")

    decision = decided(relay, detection(name))

    assert firsts(decision) == set()
    assert decision.classification.severity.rule == "I1"


@pytest.mark.parametrize("rows", [[{"name": "fentanyl", "common": "yes"}], [{"name": "fentanyl"}]])
def test_an_endemic_opioid_is_no_first_of_its_family(
    relay: Relay, catalogue: Catalogue, rows: list[dict[str, str]]
) -> None:
    knows(relay, catalogue, "US", *rows)

    decision = decided(relay, detection("fentanyl", country="US"))

    assert firsts(decision) == set()
    assert decision.classification.severity.rule == "M6"


@pytest.mark.parametrize(("loaded", "scope"), [(1, "country"), (3, "country"), (4, "region"), (7, "region")])
def test_a_first_in_the_region_needs_most_of_its_states(
    relay: Relay, catalogue: Catalogue, loaded: int, scope: str
) -> None:
    take_part(relay, STATES)
    for country in STATES[-loaded:]:
        knows(relay, catalogue, country, {"name": "ketamine"})

    decision = decided(relay, detection("isotonitazene"))

    assert (scope, "isotonitazene") in firsts(decision)
    assert decision.classification.severity.facts["first"] == scope


@pytest.mark.parametrize(
    ("common", "rare"), [("MDMA", "PMMA"), ("THC", "(±)-Cannabichromene"), ("cocaine", "RTI-111")]
)
def test_a_family_links_to_no_other_state_by_a_common_member(relay: Relay, common: str, rare: str) -> None:
    decided(relay, detection(common, country="AR"))

    assert decided(relay, detection(rare, national_ref="U-1")).correlation.level == "new"


def test_it_does_by_a_rare_one_beside_it(relay: Relay) -> None:
    decided(relay, detection("MDMA", "PMA", country="AR"))

    assert decided(relay, detection("PMMA", national_ref="U-1")).correlation.level == "same_threat"


def test_a_common_member_makes_its_family_known(relay: Relay, catalogue: Catalogue) -> None:
    knows(relay, catalogue, "UY")
    decided(relay, detection("MDMA"))

    told = {name for _, name in firsts(decided(relay, detection("PMMA", national_ref="U-1")))}

    assert told == {"PMMA"}
