"""Letters for tests: an example of the contract, classified by the real tables, for a reader anywhere."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from schemas.alerts import Alert
from schemas.classifications import Classification, Correlation
from schemas.vocabularies import Audience, CorrelationLevel, MessageType, Severity, Status, Tlp
from services.classify.assess import classify_alert
from services.disclosure import Content
from services.notify.letters import Letter, Links
from services.reference import places
from services.reference.loader import load_catalogue
from services.reference.plan import load_plan_lines as load_plan
from services.reference.terms import Terms, load_terms
from services.storage.records import Channel, ChannelKind, Recipient, RecipientKind

EXAMPLES = Path(__file__).parent.parent / "schemas" / "examples"
PLACES = places
NOTIFICATION_ID = "0f6c2f0e-6a55-5a0e-9c55-1d6f3f1b7a10"
THREAD_ID = "7b1d9c52-3c0f-5e6a-8d0e-52f4a9c0e311"
LINKS = Links(
    page="https://relay.example.org/alerts/SATA-UY-2026-000007",
    acknowledge="https://relay.example.org/a/k3v9Qm2x",
    acknowledge_api=f"https://relay.example.org/v1/notifications/{NOTIFICATION_ID}/acknowledgement",
)


@cache
def terms() -> Terms:
    """Return the fixed words."""
    return load_terms()


def example(name: str, **changes: Any) -> Alert:
    """Return an example of the contract by its short name (`uy-07`), with fields changed in wire names."""
    stated = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return Alert.model_validate_json(json.dumps(stated | changes))


@cache
def _tables() -> tuple[Any, Any]:
    return load_catalogue(), load_plan()


def classified(alert: Alert) -> Classification:
    """Return what the real tables say of an alert."""
    catalogue, plan = _tables()
    return classify_alert(alert, catalogue=catalogue, structures=None, plan=plan)


def make_recipient(**overrides: Any) -> Recipient:
    """Return a focal point; Colombia in Spanish unless told otherwise."""
    stated: dict[str, Any] = {
        "id": "co-focal",
        "country": "CO",
        "organisation": "Punto focal (ficticio)",
        "kind": RecipientKind.FOCAL_POINT,
        "language": "es",
        "timezone": "America/Bogota",
        "audiences": frozenset({Audience.HEALTH}),
        "channels": (Channel(kind=ChannelKind.EMAIL, address="sat-co@example.org"),),
    }
    return Recipient(**(stated | overrides))


def make_letter(alert: Alert | None, **overrides: Any) -> Letter:
    """Return a letter of an alert in full; `language` and `timezone` are the reader's."""
    reader = {name: overrides.pop(name) for name in ("language", "timezone") if name in overrides}
    verdict = overrides.pop("classification", classified(alert) if alert is not None else None)
    sent = alert.sent_at.astimezone(UTC) if alert is not None else datetime(2026, 4, 22, 23, tzinfo=UTC)
    country = alert.location.country if alert is not None else "US"
    stated: dict[str, Any] = {
        "content": Content.FULL,
        "recipient": make_recipient(**reader),
        "notification_id": NOTIFICATION_ID,
        "thread_id": THREAD_ID,
        "relay_id": f"SATA-{country}-{sent.year}-000007",
        "opaque_id": "N-7F3K-92QD",
        "thread_version": 1,
        "replaces": None,
        "ever_restricted": False,
        "message_type": alert.message_type if alert is not None else MessageType.ALERT,
        "status": alert.status if alert is not None else Status.EXERCISE,
        "tlp": alert.tlp if alert is not None else Tlp.AMBER,
        "occasion": "issue",
        "why": ("focal_point",),
        "alert": alert,
        "classification": verdict,
        "correlation": Correlation(level=CorrelationLevel.NEW),
        "level": verdict.severity.level if verdict is not None else Severity.HIGH,
        "urgency": verdict.severity.urgency if verdict is not None else Severity.HIGH,
        "under_review": False,
        "disputed_by": None,
        "earlier": None,
        "received_at": sent + timedelta(seconds=1),
        "decided_at": sent + timedelta(seconds=2),
        "due_at": sent + timedelta(hours=4),
        "links": LINKS,
    }
    return Letter(**(stated | overrides))
