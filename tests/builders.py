"""Alerts for tests: valid ones with as little as needed, each part replaceable by name."""

import json
from datetime import UTC, datetime
from typing import Any

from schemas.alerts import Alert, Finding, Sender, Substance
from schemas.vocabularies import MessageType

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SENDER = {
    "country": "UY",
    "organisation": "Observatorio de ejemplo",
    "role": "ndo",
    "contact": "sat@example.org",
}


def minimal_alert_json(**overrides: Any) -> dict[str, Any]:
    """Return a new JSON object of the least alert that is valid, with `overrides` in wire names."""
    least: dict[str, Any] = {
        "national_ref": "SAT-UY-2026-014",
        "status": "exercise",
        "language": "es",
        "tlp": "TLP:GREEN",
        "title": "[EJERCICIO] Comprimido vendido como éxtasis contiene N-etilpentilona",
        "summary": "Comprimidos octogonales bicolores. Ejercicio.",
        "event_types": ["substitution"],
        "detected_at": "2026-11-14",
        "sent_at": "2026-11-14T20:30:00-03:00",
        "location": {"country": "UY"},
        "source_types": ["forensic_lab"],
        "findings": [{"substances": [{"name": "N-etilpentilona", "confirmation": "presumptive_lab"}]}],
    }
    return least | overrides


def minimal_alert_body(**overrides: Any) -> bytes:
    """Return `minimal_alert_json` as the body of a post."""
    return json.dumps(minimal_alert_json(**overrides)).encode()


def make_substance(name: str | None = "MDMA", **overrides: Any) -> Substance:
    """Return a substance, confirmed unless told otherwise; overrides in wire names, values or models."""
    return Substance.model_validate({"name": name, "confirmation": "confirmed"} | overrides)


def make_finding(*substances: Substance | str, **overrides: Any) -> Finding:
    """Return a finding of `substances` (names stand for confirmed ones); overrides as for `make_substance`."""
    every = [make_substance(one) if isinstance(one, str) else one for one in substances]
    return Finding.model_validate({"substances": every} | overrides)


def make_alert(**overrides: Any) -> Alert:
    """Return an alert as ingest hands it on, with its sender; overrides in wire names, values or models.

    A message that is not a first alert is version 2 unless told otherwise, so that it needs no reference, and
    an update has new findings for its reason.
    """
    stated = minimal_alert_json() | {"sender": SENDER} | overrides
    kind = stated.get("message_type", MessageType.ALERT)
    if kind != MessageType.ALERT and not {"version", "references"} & overrides.keys():
        stated["version"] = 2
    if kind == MessageType.UPDATE:
        stated.setdefault("update_reason", "new_findings")
    if "location" in overrides and "sender" not in overrides:
        location = stated["location"]
        country = location["country"] if isinstance(location, dict) else location.country
        stated["sender"] = SENDER | {"country": country}
    return Alert.model_validate(stated)


def make_sender(**overrides: Any) -> Sender:
    """Return the sender of `make_alert`, overrides in wire names."""
    return Sender.model_validate(SENDER | overrides)
