"""What goes out when an answer is overdue: a reminder on each channel, and the deputies are called in.

Pure. The reminder is the same text with the same link; whoever of the institution answers, answers for it.
"""

from collections.abc import Sequence
from datetime import datetime

from services.notify import occasions
from services.notify.occasions import MOST_REMINDERS
from services.storage.delivery_records import Overdue, Planned
from services.storage.records import Channel, ChannelKind, Notification, NotificationState, Recipient


def remind(
    overdue: Overdue,
    *,
    recipient: Recipient,
    rows: Sequence[Notification],
    now: datetime,  # noqa: ARG001  # the decision's form; when it is asked says `DeliveryRules.at_work`
) -> list[Planned]:
    """Return reminders where the message was delivered, and one notification for each deputy.

    Reminders are numbered; after `MOST_REMINDERS` there is none. A channel on which the message itself or an
    earlier reminder is still to come gets none. A deputy who had the message already, because a webhook failed,
    gets none either.
    """
    if not recipient.active:
        return []
    number = 1 + max((occasions.number_of(one.occasion) for one in rows), default=0)
    if number > MOST_REMINDERS:
        return []
    delivered = [one for one in rows if one.state is NotificationState.DELIVERED]
    on_its_way = {
        one.channel
        for one in rows
        if occasions.number_of(one.occasion)
        and one.state in (NotificationState.PENDING, NotificationState.CLAIMED)
    }
    planned = [
        _planned(one.message_id, recipient, channel, occasion=occasions.reminder(number), like=one)
        for one in delivered
        for channel in recipient.channels
        if channel.kind is one.channel
        and channel.kind not in on_its_way
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
