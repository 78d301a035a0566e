"""Of one threat in many states each is related, so that its readers can count what they see."""

from datetime import timedelta

from services.storage.thread_records import Settled
from tests.builders import make_alert, make_finding
from tests.ledger import Relay


def _related(relay: Relay, reference: str, country: str) -> list[str]:
    """Send an alert of isotonitazene, and return the countries of the alerts that it is related to."""
    relay.now += timedelta(minutes=1)
    sent = make_alert(
        national_ref=reference,
        title=f"[EJERCICIO] {country} {reference}",
        location={"country": country},
        findings=[make_finding("isotonitazene")],
        event_start="2026",  # too vague for one event
    )
    settled = relay.send(sent, sender_id=f"{country}-observatory", country=country)
    assert isinstance(settled, Settled)
    assert settled.decision is not None
    return [one.relay_id[5:7] for one in settled.decision.correlation.related]


def test_an_alert_of_each_state_is_related_before_a_second_one_of_another(relay: Relay) -> None:
    states = ["AR", "BR", "CL", "CO", "PE"]  # the oldest first
    for country in states:
        _related(relay, "first", country)
        _related(relay, "second", country)

    related = _related(relay, "own", "UY")
    assert len(related) == 6
    assert set(related) == set(states)
