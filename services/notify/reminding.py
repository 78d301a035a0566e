"""What goes out when an answer is overdue: one reminder on each channel, and the deputies are called in.

Pure. The reminder is the same text with the same link; whoever of the institution answers, answers for it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from services.notify import occasions
from services.storage.delivery_records import Overdue, Planned
from services.storage.records import Channel, ChannelKind, Notification, NotificationState, Recipient

_FIRST: Final = 1


def remind(
    overdue: Overdue,
    *,
    recipient: Recipient,
    rows: Sequence[Notification],
    now: datetime,  # noqa: ARG001  # the decision's form; a later one may ask for working hours
) -> list[Planned]:
    """Return reminders where the message was delivered, and one notification for each deputy.

    A channel on which the message itself is still to come gets no reminder of it. A deputy who had the message
    already, because a webhook failed, gets none either.
    """
    if not recipient.active:
        return []
    delivered = [one for one in rows if one.state is NotificationState.DELIVERED]
    planned = [
        _planned(one.message_id, recipient, channel, occasion=occasions.reminder(_FIRST), like=one)
        for one in delivered
        for channel in recipient.channels
        if channel.kind is one.channel
        and channel.kind is not ChannelKind.FEED
        and not one.occasion.startswith(("deputy", "reminder"))
    ]
    told = {one.endpoint_id for one in rows}
    for position, channel in enumerate(recipient.deputies, start=1):
        if occasions.endpoint_id(recipient.id, channel) in told:
            continue
        planned.append(
            _planned(
                overdue.message_id,
                recipient,
                channel,
                occasion=occasions.deputy(position),
                like=rows[0],
                why=("deputy",),
            )
        )
    return planned


def _planned(
    message_id: str,
    recipient: Recipient,
    channel: Channel,
    *,
    occasion: str,
    like: Notification,
    why: tuple[str, ...] | None = None,
) -> Planned:
    return Planned(
        id=occasions.notification_id(
            message_id=message_id, occasion=occasion, recipient_id=recipient.id, channel=channel.kind
        ),
        occasion=occasion,
        recipient_id=recipient.id,
        channel=channel.kind,
        endpoint_id=occasions.endpoint_id(recipient.id, channel),
        content=like.content,
        why=like.why if why is None else why,
        state="pending",
        due_at=None,  # the message's own answer is awaited already: it is not asked for twice
    )
