"""Names of occasions, identities of notifications and endpoints, and when an answer is due.

A notification's id derives from what it is: the same on every try, in every process, after every replay.
"""

import hashlib
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

from schemas.ids import derived_id
from schemas.vocabularies import MessageType, Severity
from services.storage.records import Channel, ChannelKind

ISSUE: Final = "issue"
MOST_REMINDERS: Final = 3  # who has not answered by then is the secretariat's to call
_REMINDER: Final = "reminder "
_NAMESPACE: Final = UUID("5b2f6f0e-3a6f-5d0a-9b1c-7f1e6a3d2c41")

URGENCIES: Final = (Severity.CRITICAL, Severity.HIGH, Severity.MODERATE, Severity.INFO)

# DOMAIN 7: critical within 4 hours, high within 48 (RASFF). Moderate is our choice: one working day more.
# Information asks for no answer: what asks for nothing must not be chased.
_ANSWER_WITHIN: Final = {
    Severity.CRITICAL: timedelta(hours=4),
    Severity.HIGH: timedelta(hours=48),
    Severity.MODERATE: timedelta(hours=72),
}
_ASKS_FOR_AN_ANSWER: Final = frozenset(
    {MessageType.ALERT, MessageType.UPDATE, MessageType.CORRECTION, MessageType.RETRACTION}
)


def reassessed(revision: int) -> str:
    """Return the occasion of a verdict that came without a new version."""
    return f"reassessed {revision}"


def reminder(number: int) -> str:
    """Return the occasion of the n-th reminder."""
    return f"{_REMINDER}{number}"


def number_of(occasion: str) -> int:
    """Return which reminder an occasion is; 0 for what is none."""
    return int(occasion.removeprefix(_REMINDER)) if occasion.startswith(_REMINDER) else 0


def deputy(position: int) -> str:
    """Return the occasion of what goes to the n-th deputy (1 or more) of a recipient."""
    return f"deputy {position}"


def slot(occasion: str) -> str:
    """Return whose mailbox an occasion is for: two notifications of one slot are kept in order."""
    return occasion if occasion.startswith("deputy ") else "main"


def shown(occasion: str) -> str:
    """Return the occasion as a reader sees it: what a deputy gets is a reminder."""
    return reminder(1) if occasion.startswith("deputy ") else occasion


def urgency_rank(severity: Severity) -> int:
    """Return 0 for critical to 3 for info: sorts first things first."""
    return URGENCIES.index(severity)


def severity_of(rank: int) -> Severity:
    """Return the severity of a rank."""
    return URGENCIES[rank]


def notification_id(*, message_id: str, occasion: str, recipient_id: str, channel: ChannelKind) -> str:
    """Return the id under which one message, occasion, recipient and channel is known everywhere."""
    return derived_id(_NAMESPACE, "\n".join((message_id, occasion, recipient_id, channel.value)))


@lru_cache(maxsize=4096)
def endpoint_id(recipient_id: str, channel: Channel) -> str:
    """Return the id of what backs off; it does not show the address."""
    digest = hashlib.sha256(f"{recipient_id}\n{channel.kind.value}\n{channel.address}".encode()).hexdigest()
    return f"{channel.kind.value}:{digest[:32]}"


def due_at(*, urgency: Severity, message_type: MessageType, now: datetime) -> datetime | None:
    """Return when an answer is due; None where none is asked for."""
    within = _ANSWER_WITHIN.get(urgency) if message_type in _ASKS_FOR_AN_ANSWER else None
    return None if within is None else now + within
