"""What one recipient was told and answered, as the API and the pages ask for it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.storage.delivery_records import NewAnswer
from services.storage.records import Answer, Notification, Reach


class Inbox(Protocol):
    """What the API and the pages need of the deliveries port."""

    async def get(self, notification_id: str) -> Notification | None:
        """Return one notification."""
        ...

    async def feed(self, recipient_id: str, *, after: int, most: int) -> list[Notification]:
        """Return what a recipient was sent or should have been, behind the cursor `after`, oldest first."""
        ...

    async def recipients_of(self, message_id: str) -> list[str]:
        """Return the recipients that a message was routed to."""
        ...

    async def of_message(self, message_id: str) -> list[Notification]:
        """Return every notification of a message."""
        ...

    async def routed_at(self, message_id: str, recipient_id: str) -> datetime | None:
        """Return when a message was routed to a recipient."""
        ...

    async def answers_of(self, message_id: str) -> list[Answer]:
        """Return every answer to a message, oldest first."""
        ...

    async def reach(self, message_id: str) -> Reach:
        """Return how far a message got."""
        ...

    async def acknowledge(self, new: NewAnswer, *, now: datetime) -> Answer | None:
        """Keep an answer and stop what is still on its way; None: this recipient was not told."""
        ...


def told_of(every: Sequence[Notification], recipient_id: str) -> Notification | None:
    """Return the first of a message's notifications to a recipient; None where it was not told."""
    return next((one for one in every if one.recipient_id == recipient_id), None)
