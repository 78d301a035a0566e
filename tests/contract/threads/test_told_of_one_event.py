"""Sequences of reports from the first to the last step: who is told of the second, where the first told everybody.

What is decided of two threads and what a recipient is spared are two rules; only together do they keep an alert
back.
"""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from schemas.alerts import Alert
from services.notify.routing import route
from services.storage import deliveries_routing, recipients
from services.storage.tables import notifications
from tests.builders import make_alert, make_finding, make_substance
from tests.deliveries_rig import make_recipient
from tests.ledger import Relay

PEOPLE = [make_recipient(f"{code}-focal".lower(), country=code) for code in ("AR", "EC", "US", "UY")]
EVERYBODY = {one.id for one in PEOPLE}


@pytest.fixture
def directed(relay: Relay) -> Relay:
    """A relay whose directory has a focal point in four states."""
    taking_part = {one.country: one.participation for one in PEOPLE}
    relay.run(
        lambda connection: recipients.replace_all(
            connection, PEOPLE, taking_part=taking_part, actor="test", now=relay.now
        )
    )
    return relay


def told(relay: Relay, alert: Alert, *, by: str) -> set[str]:
    """Return who is told of an alert that is sent now, decided and routed."""
    relay.now += timedelta(minutes=1)
    message = relay.post(alert, sender_id=by, country=alert.location.country)
    relay.settle(message)
    routing = partial(
        deliveries_routing.route_all,
        wanted=[(message.id, relay.now)],
        decide=route,
        directory=partial(recipients.read, version=1),
    )
    relay.run(routing)
    rows = relay.connection.execute(select(notifications).where(notifications.c.message_id == message.id))
    return {row.recipient_id for row in rows if row.state != "withheld"}


def report(ref: str, locality: str | None, *, on: str = "2026-11-12", **overrides: Any) -> Alert:
    stated: dict[str, Any] = {
        "national_ref": ref,
        "title": f"[EJERCICIO] {ref}",
        "location": {"country": "EC", "admin1": ["EC-G"], "locality": locality},
        "event_types": ["intoxication_cluster"],
        "event_start": on,
        "detected_at": on,
        "sent_at": "2026-11-21T08:00:00Z",
        "findings": [make_finding("isotonitazene", sold_as="cocaína", matrices=["powder"])],
    }
    return make_alert(**stated | overrides)


def harm(**counts: int) -> list[dict[str, Any]]:
    return [{"finding": 0, "attribution": "suspected", **counts}]


def test_two_deaths_in_the_next_town_reach_everybody(directed: Relay) -> None:
    first = report("A-1", "Guayaquil", harms=harm(cases=20, hospitalised=14, deaths=6))
    second = report("A-2", "Durán", on="2026-11-14", harms=harm(cases=5, hospitalised=3, deaths=2))

    assert told(directed, first, by="ec-ndo") == EVERYBODY
    assert told(directed, second, by="ec-ndo") == EVERYBODY


def test_deaths_in_two_towns_of_no_stated_province_reach_everybody(directed: Relay) -> None:
    def place(town: str) -> dict[str, Any]:
        return {"location": {"country": "CL", "locality": town}}

    first = report("A-1", None, harms=harm(deaths=3), **place("Arica"))
    second = report("B-1", None, harms=harm(deaths=2), **place("Punta Arenas"))

    assert told(directed, first, by="cl-ndo") == EVERYBODY
    assert told(directed, second, by="cl-isp") == EVERYBODY


@pytest.mark.parametrize("locality", ["Nogales", "San Luis", None])
def test_a_second_seizure_of_one_sender_reaches_everybody(directed: Relay, locality: str | None) -> None:
    def seizure(ref: str, town: str | None) -> Alert:
        tablet = {"form": "tablet", "colour": "blue", "shape": "round", "markings": "M / 30"}
        place = {"country": "US", "admin1": ["US-AZ"], "locality": town}
        findings = [make_finding("fentanyl", sold_as="oxycodone", product=tablet)]
        return report(ref, None, location=place, findings=findings, event_types=["seizure"])

    assert told(directed, seizure("A-1", "Nogales"), by="us-customs") == EVERYBODY
    assert told(directed, seizure("A-2", locality), by="us-customs") == EVERYBODY


def test_each_new_hospitalisation_of_a_long_series_reaches_everybody(directed: Relay) -> None:
    for number, day in enumerate((1, 7, 13, 19)):
        sent = report(f"A-{number}", "Guayaquil", on=f"2026-09-{day:02}", harms=harm(hospitalised=1))
        assert told(directed, sent, by=("ec-lab", "ec-ndo")[number % 2]) == EVERYBODY


def test_an_update_that_rises_of_a_report_from_another_town_reaches_everybody(directed: Relay) -> None:
    told(directed, report("A-1", "Guayaquil", harms=harm(hospitalised=9)), by="ec-ndo")
    told(directed, report("B-1", "Durán", harms=harm(hospitalised=4)), by="ec-health")

    update = report("B-1", "Durán", version=2, message_type="update", harms=harm(hospitalised=8))

    assert told(directed, update, by="ec-health") == EVERYBODY


@pytest.mark.parametrize("locality", ["Guayaquil", "GUAYAQUIL, Ecuador", "Guayaquil (Guayas)"])
def test_the_second_report_of_one_town_that_says_nothing_new_reaches_nobody(
    directed: Relay, locality: str
) -> None:
    first = report("A-1", "Guayaquil", harms=harm(hospitalised=9))
    second = report("B-1", locality, on="2026-11-13", harms=harm(hospitalised=4))

    assert told(directed, first, by="ec-ndo") == EVERYBODY
    assert told(directed, second, by="ec-health") == set()


def test_a_reference_holds_back_what_says_nothing_new(directed: Relay) -> None:
    first = report("A-1", "Guayaquil", harms=harm(hospitalised=9))
    references = [{"ref": "A-1", "relation": "same_event_as"}]
    whole_country = {"location": {"country": "EC"}, "references": references}

    assert told(directed, first, by="ec-ndo") == EVERYBODY
    assert told(directed, report("B-1", None, **whole_country), by="ec-health") == set()


def test_a_report_without_a_town_is_held_back_only_where_it_is_harmless(directed: Relay) -> None:
    minor = {"findings": [make_finding("ketamine")], "event_types": ["collected_sample"]}

    assert told(directed, report("A-1", "Guayaquil", **minor), by="ec-ndo") == EVERYBODY
    assert told(directed, report("B-1", None, **minor), by="ec-health") == set()
    assert (
        told(directed, report("C-1", None, **minor, harms=harm(hospitalised=1)), by="ec-police") == EVERYBODY
    )


def test_the_deadly_cocaine_of_one_town_is_told_again_only_where_something_rises(directed: Relay) -> None:
    def cocaine(ref: str, confirmation: str, **counts: int) -> Alert:
        cut = make_substance("carfentanil", role="adulterant", confirmation=confirmation)
        base = make_substance("cocaine", confirmation=confirmation)
        return report(
            ref, "Guayaquil", findings=[make_finding(base, cut, sold_as="cocaína")], harms=harm(**counts)
        )

    assert told(directed, cocaine("A-1", "presumptive_lab", deaths=4), by="ec-health") == EVERYBODY
    assert told(directed, cocaine("B-1", "presumptive_lab", deaths=2), by="ec-police") == set()
    assert told(directed, cocaine("C-1", "confirmed", deaths=6), by="ec-ndo") == EVERYBODY
    assert len({row.incident_id for row in directed.threads().values()}) == 1


def test_one_substance_in_two_languages_is_told_once(directed: Relay) -> None:
    first, second = (
        report(ref, "Guayaquil", findings=[make_finding(name, sold_as="heroína")], event_types=["seizure"])
        for ref, name in (("A-1", "isotonitazène"), ("B-1", "isotonitazene"))
    )

    assert told(directed, first, by="ec-ndo") == EVERYBODY
    assert told(directed, second, by="ec-police") == set()
