"""A ledger with a directory and classified messages, as routing and sending find them."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from schemas.alerts import Alert, canonical_json
from schemas.classifications import CategoryLabel, Classification, Correlation, SeverityVerdict
from schemas.vocabularies import Audience, CorrelationLevel, MessageType, Severity, Status
from services.disclosure import stricter
from services.notify.retry import DeliveryRules
from services.notify.routing import route
from services.storage import recipients, thread_rows, verdicts
from services.storage.deliveries import LedgerDeliveries
from services.storage.delivery_records import Claim, Outcome, Settlement
from services.storage.records import (
    Channel,
    ChannelKind,
    Message,
    Participation,
    Recipient,
    RecipientKind,
    Thread,
    Version,
)
from services.storage.serials import Naming
from services.storage.tables import attempts, notifications, outbox, receipts, threads
from tests.builders import NOW, make_alert
from tests.databases import Ledger, Place

NAMING = Naming(prefix="SATA", secret=b"opaque")


def make_recipient(recipient_id: str = "co-focal", **overrides: Any) -> Recipient:
    """Return a focal point of an active state with one webhook."""
    given: dict[str, Any] = {
        "id": recipient_id,
        "country": "CO",
        "organisation": "Punto focal de ejemplo",
        "kind": RecipientKind.FOCAL_POINT,
        "language": "es",
        "timezone": "America/Bogota",
        "audiences": frozenset({Audience.HEALTH}),
        "channels": (webhook(recipient_id),),
        "participation": Participation.ACTIVE,
    }
    return Recipient(**given | overrides)


def webhook(name: str = "co-focal", **overrides: Any) -> Channel:
    """Return a webhook of an institution."""
    return Channel(kind=ChannelKind.WEBHOOK, address=f"https://{name}.example.org/hook", **overrides)


def email(name: str = "co-focal", **overrides: Any) -> Channel:
    """Return a mailbox of an institution."""
    return Channel(kind=ChannelKind.EMAIL, address=f"{name}@example.org", **overrides)


def make_classification(
    *,
    level: Severity = Severity.HIGH,
    before: Severity | None = None,
    codes: tuple[str, ...] = ("SYN",),
) -> Classification:
    """Return a classification with one label per code."""
    urgency = level if before is None else min(level, before, key=lambda one: one.rank)
    return Classification.model_validate(
        {
            "severity": SeverityVerdict(level=level, urgency=urgency, rule="H1", reason="H1", before=before),
            "categories": tuple(CategoryLabel(code=code, rule="catalogue", reason="test") for code in codes),
            "catalogue_version": "2026.11",
        }
    )


def make_version(alert: Alert | None = None, **overrides: Any) -> Version:
    """Return a classified message without a ledger."""
    alert = alert or make_alert()
    thread_version = overrides.pop("thread_version", 1)
    message_id = overrides.pop("message_id", f"00000000-0000-5000-8000-{thread_version:012d}")
    sender_id = overrides.pop("sender_id", "uy-ndo")
    given: dict[str, Any] = {
        "message": make_message(alert, message_id=message_id, sender_id=sender_id),
        "thread": make_thread(alert, version=thread_version),
        "thread_version": thread_version,
        "revision": 0,
        "cause": "issue",
        "silent": False,
        "classification": make_classification(),
        "correlation": Correlation(level=CorrelationLevel.NEW, incident_id="incident-1"),
        "decided_at": NOW,
        "alert_size": len(alert.model_dump_json()),
    }
    return Version(**given | overrides)


def make_message(alert: Alert, *, message_id: str, sender_id: str) -> Message:
    """Return an accepted alert."""
    return Message(
        id=message_id,
        sender_id=sender_id,
        sender_country=alert.location.country,
        can_amend=False,
        reference_key="key",
        received_at=NOW,
        content_sha256="0" * 64,
        alert=alert,
        state="classified",
    )


def make_thread(alert: Alert, **overrides: Any) -> Thread:
    """Return a thread that an alert opened."""
    given: dict[str, Any] = {
        "id": "thread-1",
        "relay_id": "SATA-UY-2026-000001",
        "opaque_id": "",
        "sender_id": "uy-ndo",
        "sender_country": "UY",
        "country": "UY",
        "status": Status.EXERCISE,
        "message_id": "",
        "state": "open",
        "disputed": False,
        "version": 1,
        "level": Severity.HIGH,
        "strictest_tlp": alert.tlp,
        "incident_id": "incident-1",
        "orphan": False,
        "opened_at": NOW,
        "updated_at": NOW,
    }
    return Thread(**given | overrides)


@dataclass(slots=True)
class Rig:
    """A ledger on disk and its deliveries port; ``now`` is moved by hand."""

    ledger: Ledger
    deliveries: LedgerDeliveries
    now: datetime = NOW
    count: int = 0

    async def direct(self, *people: Recipient) -> None:
        """Make these the directory, each state as its recipient says."""
        taking_part = {one.country: one.participation for one in people}
        await self.ledger.write(
            lambda connection: recipients.replace_all(
                connection, people, taking_part=taking_part, actor="test", now=self.now
            )
        )

    async def classify(
        self,
        alert: Alert | None = None,
        *,
        thread: str = "thread-1",
        incident: str | None = None,
        sender_id: str = "uy-ndo",
        classification: Classification | None = None,
        correlation: Correlation | None = None,
    ) -> str:
        """Write a classified message as the next version of its thread and return its id."""
        alert = alert or make_alert()
        self.count += 1
        message_id = f"00000000-0000-5000-8000-{self.count:012d}"

        def unit(connection: Connection) -> str:
            _write(
                connection,
                alert,
                message_id=message_id,
                thread_id=thread,
                incident=incident or f"incident of {thread}",
                sender_id=sender_id,
                classification=classification or make_classification(),
                correlation=correlation or Correlation(level=CorrelationLevel.NEW),
                now=self.now,
                number=self.count,
            )
            return message_id

        return await self.ledger.write(unit)

    async def issue(self, alert: Alert | None = None, **how: Any) -> str:
        """Classify and route."""
        message_id = await self.classify(alert, **how)
        await self.deliveries.route(message_id, now=self.now)
        return message_id

    async def rows(self) -> list[Any]:
        """Return every notification in the order of their cursors."""
        return await self.ledger.read(
            lambda connection: list(
                connection.execute(select(notifications).order_by(notifications.c.cursor))
            )
        )

    async def states(self) -> list[tuple[str, int, str, str, str | None]]:
        """Return (recipient, thread version, channel, state, reason) of every notification."""
        return [
            (row.recipient_id, row.thread_version, row.channel, row.state, row.reason)
            for row in await self.rows()
        ]

    async def attempts(self) -> list[Any]:
        """Return every attempt, of each notification in order."""
        in_order = select(attempts).order_by(attempts.c.notification_id, attempts.c.number)
        return await self.ledger.read(lambda connection: list(connection.execute(in_order)))

    async def events(self) -> list[Any]:
        """Return every record of the outbox."""
        return await self.ledger.read(
            lambda connection: list(connection.execute(select(outbox).order_by(outbox.c.id)))
        )

    def pass_time(self, **spans: float) -> None:
        """Move the clock."""
        self.now += timedelta(**spans)


def settlement(claim: Claim, outcome: Outcome, *, now: datetime, draw: float = 0.5) -> Settlement:
    """Return how a claim ended, begun and ended ``now``."""
    return Settlement(
        notification_id=claim.notification.id,
        token=claim.token,
        outcome=outcome,
        content=claim.notification.content,
        began_at=now,
        ended_at=now,
        draw=draw,
        country="CO",
    )


def open_rig(place: Place) -> Rig:
    """Return a rig on an empty ledger; close that."""
    ledger = place.open()
    return Rig(ledger=ledger, deliveries=LedgerDeliveries(ledger, rules=DeliveryRules(), decide=route))


async def until(holds: Any, *, seconds: float = 20.0) -> None:
    """Wait until ``holds()`` does; fails when it never does."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110  # what is awaited is written by another thread
            await asyncio.sleep(0.005)


def _write(
    connection: Connection,
    alert: Alert,
    *,
    message_id: str,
    thread_id: str,
    incident: str,
    sender_id: str,
    classification: Classification,
    correlation: Correlation,
    now: datetime,
    number: int,
) -> None:
    connection.execute(
        receipts.insert(),
        {
            "id": message_id,
            "sender_id": sender_id,
            "country": alert.location.country,
            "status": alert.status,
            "national_ref": alert.national_ref,
            "version": alert.version,
            "message_type": alert.message_type,
            "tlp": alert.tlp,
            "reference_key": "key",
            "received_at": now,
            "content_sha256": "0" * 64,
            "body": canonical_json(alert).decode(),
            "can_amend": False,
            "state": "classified",
            "published_at": now,
            "attempt": 0,
        },
    )
    before = thread_rows.get(connection, thread_id)
    if before is None:
        thread = make_thread(
            alert,
            id=thread_id,
            relay_id=f"SATA-UY-2026-{number:06d}",
            sender_id=sender_id,
            status=alert.status,
            message_id=message_id,
            incident_id=incident,
            level=classification.severity.level,
        )
        thread_rows.create(connection, thread, naming=NAMING)
    else:
        retracted = alert.message_type is MessageType.RETRACTION
        thread = replace(
            before,
            version=before.version + 1,
            state="retracted" if retracted else before.state,
            level=classification.severity.level,
            strictest_tlp=stricter(before.strictest_tlp, alert.tlp),
        )
        thread_rows.change(connection, thread)
    verdict = verdicts.NewVerdict(
        message_id=message_id,
        thread_id=thread_id,
        thread_version=thread.version,
        silent=False,
        country=alert.location.country,
        classification=classification,
        correlation=correlation,
    )
    verdicts.write(connection, verdict, now=now)
    assert connection.execute(select(threads.c.id).where(threads.c.id == thread_id)).scalar() == thread_id
