"""Reports of one or two events: an alert of isotonitazene in Campinas, told by several institutions."""

from datetime import timedelta
from typing import Any

from schemas.alerts import Alert
from services.storage.thread_records import Decision, Settled
from tests.builders import make_alert, make_finding
from tests.ledger import Relay

IN_SAO_PAULO = {"country": "BR", "admin1": ["BR-SP"]}
ONE_EVENT, PERHAPS, ANOTHER = "same_event", "possible_same_event", "same_threat"


def report(ref: str, *, on: str = "2026-11-12", **overrides: Any) -> Alert:
    """Return an alert of isotonitazene in Campinas, its text its own."""
    stated: dict[str, Any] = {
        "national_ref": ref,
        "title": f"[EXERCÍCIO] {ref}",
        "location": IN_SAO_PAULO | {"locality": "Campinas"},
        "event_types": ["collected_sample"],
        "event_start": on,
        "detected_at": on,
        "sent_at": "2026-11-21T08:00:00Z",
        "findings": [make_finding("isotonitazene")],
    }
    return make_alert(**(stated | overrides))


def decided(relay: Relay, sent: Alert, *, by: str = "br-health") -> Decision:
    relay.now += timedelta(minutes=1)
    outcome = relay.send(sent, sender_id=by, country=sent.location.country)
    assert isinstance(outcome, Settled)
    assert outcome.decision is not None
    return outcome.decision


def related(decision: Decision) -> dict[str, tuple[str, str]]:
    """Return level and reason by the serial of the related alert."""
    return {one.relay_id[-1]: (one.level.value, one.reason) for one in decision.correlation.related}


def incidents(relay: Relay) -> list[str]:
    """Return the incident of each thread by its first reference."""
    return [row.incident_id for row in sorted(relay.threads().values(), key=lambda row: row.relay_id)]


def two(
    relay: Relay, first: dict[str, Any], second: dict[str, Any], *, by: str = "br-police"
) -> tuple[str, str]:
    """Return how the second of two reports relates to the first."""
    decided(relay, report("A-1", **first))
    decision = decided(relay, report("B-1", **second), by=by)
    found = decision.correlation.related
    assert len(set(incidents(relay))) == (1 if found and found[0].level in {ONE_EVENT, "content_copy"} else 2)
    return (found[0].level.value, found[0].reason) if found else ("new", "")


def place(country: str, admin1: list[str], locality: str | None) -> dict[str, Any]:
    return {"location": {"country": country, "admin1": admin1, "locality": locality}}
