"""One letter: what one reader is told of one version, cut down to what the reader may see at this moment.

Pure. Disclosure is asked again here, with the directory as it is now: what it does not allow does not leave.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.alerts import Alert
from schemas.classifications import Correlation
from schemas.vocabularies import MessageType, Tlp
from services.disclosure import (
    Content,
    Reader,
    correlate_for,
    disclose,
    redact,
    redact_for_others,
    restricted,
    stricter,
    surface_of,
)
from services.notify.audience import TAKES_BACK, Past
from services.notify.changes import Change
from services.notify.comparing import facts_changed
from services.notify.letters import Earlier, Letter, Links
from services.notify.occasions import deputy, endpoint_id, severity_of, shown
from services.notify.once import once
from services.storage.delivery_records import Claim, Told
from services.storage.records import Channel, ChannelKind, Notification, Recipient, Version

_SHOWN: Final = (Content.FULL, Content.FINDINGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """What may be sent now; NOTHING with the reason why not."""

    content: Content
    reason: str


def address_of(notification: Notification, recipient: Recipient) -> Channel | None:
    """Return the directory's entry for where a notification goes; None where there is none any more.

    The entry whose address it was routed to, else whatever the recipient now has of that kind.
    """
    for channel in (*recipient.channels, *recipient.deputies):
        if (
            channel.kind is notification.channel
            and endpoint_id(recipient.id, channel) == notification.endpoint_id
        ):
            return channel
    if notification.occasion.startswith(deputy(0)[:-1]):
        return None  # another person may be the deputy now, who was told nothing
    return next((one for one in recipient.channels if one.kind is notification.channel), None)


def permit(
    claim: Claim, version: Version, reader: Reader, *, had_earlier: bool, owed: bool = False
) -> Permit:
    """Return what may be sent of a claimed notification now, whatever was allowed when it was routed.

    ``owed``: it stands for a correction that never arrived.
    """
    planned = Content(claim.notification.content)
    if not reader.recipient.active:
        return Permit(content=Content.NOTHING, reason="inactive")
    if planned is Content.GONE:
        return Permit(content=Content.GONE, reason="may_no_longer_see")
    later = tuple(Tlp(one) for one in claim.later_tlps)
    disclosed = disclose(version.alert, reader, sender_id=version.message.sender_id, later_tlps=later)
    takes_back = owed or version.message_type in TAKES_BACK
    if disclosed.content is Content.NOTHING and had_earlier and takes_back:
        return Permit(content=Content.GONE, reason=disclosed.reason)
    return Permit(content=disclosed.content, reason=disclosed.reason)


def reader_of(recipient: Recipient, channel: Channel) -> Reader:
    """Return who reads a channel."""
    return Reader(recipient=recipient, surface=surface_of(channel.kind), channel=channel)


def last_sent(told: Iterable[Told], notification: Notification) -> Told | None:
    """Return the newest lower version that this reader was sent, or may have been."""
    sent = [
        one
        for one in told
        if one.recipient_id == notification.recipient_id
        and one.thread_version < notification.thread_version
        and one.received
    ]
    return max(sent, key=lambda one: one.thread_version, default=None)


def is_owed_a_correction(told: Iterable[Told], notification: Notification) -> bool:
    """Return whether this notification stands for a correction of a lower version that did not arrive."""
    lower = tuple(
        one
        for one in told
        if one.recipient_id == notification.recipient_id and one.thread_version < notification.thread_version
    )
    return Past(thread=lower, incident=(), wrote=False).is_owed_a_correction


def first_mail(told: Iterable[Told], notification: Notification) -> str | None:
    """Return the id of the first mail of the thread to this mailbox: later ones are shown below it."""
    mails = (
        one
        for one in told
        if one.channel is ChannelKind.EMAIL
        and one.recipient_id == notification.recipient_id
        and one.endpoint_id == notification.endpoint_id
        and one.received
    )
    return next((one.id for one in mails), None)


def earlier_of(
    last: Told, version: Version, reader: Reader, *, now_tlp: Tlp, now_content: Content
) -> Earlier:
    """Return the earlier version as this reader may compare it; no content where it was stricter than now."""
    narrower = stricter(version.alert.tlp, now_tlp) is not now_tlp
    shown_then = Content(last.content) in _SHOWN
    comparable = not narrower and shown_then and now_content in _SHOWN
    # cut down as what is shown now, also where it is only compared: else what is cut would pass for a change
    cut = _redacted(version, now_content, reader) if now_content in _SHOWN else None
    return Earlier(
        thread_version=last.thread_version,
        sent_at=version.decided_at,
        alert=cut if comparable else None,
        classification=version.classification if comparable else None,
        withheld=None if comparable else cut,
    )


def compose(
    claim: Claim,
    version: Version,
    reader: Reader,
    content: Content,
    *,
    earlier: Earlier | None,
    related: Mapping[str, Version],
    links: Links,
    replaced: Version | None = None,
) -> Letter:
    """Return the letter; ``content`` is what `permit` allowed, ``related`` the alerts that it names, by id.

    ``replaced`` is the version that a correction takes the place of, for who was sent none before it.
    """
    one = claim.notification
    thread = version.thread
    whole = content in _SHOWN
    alert = _redacted(version, content, reader) if whole else None
    tlp = stricter(version.alert.tlp, *(Tlp(later) for later in claim.later_tlps))
    anew: tuple[Change, ...] = ()
    if whole and earlier is None and replaced is not None:
        anew = facts_changed(version, replaced, reader, content, tlp=tlp, comparable=False)
    return Letter(
        content=content,
        recipient=reader.recipient,
        notification_id=one.id,
        thread_id=thread.id,
        relay_id=thread.relay_id,
        opaque_id=thread.opaque_id,
        thread_version=one.thread_version,
        replaces=None if earlier is None else earlier.thread_version,
        ever_restricted=restricted(thread.strictest_tlp),
        message_type=version.message_type,
        status=version.alert.status,
        tlp=tlp,
        occasion=shown(one.occasion),
        why=one.why,
        alert=alert,
        classification=version.classification if whole else None,
        correlation=correlate_for(version, reader, content, others=related) if whole else None,
        level=thread.level,
        urgency=severity_of(one.urgency),
        under_review=bool(version.classification.review),
        disputed_by=_disputant(version) if whole else None,
        earlier=earlier,
        received_at=version.message.received_at,
        decided_at=version.decided_at,
        due_at=one.due_at,
        links=links,
        changes=anew,
    )


def names_related(correlation: Correlation) -> Sequence[str]:
    """Return the ids of the other alerts that a correlation names."""
    return [one.id for one in correlation.related]


# Most readers of a version see the same. Few are remembered: each holds an alert, which may be a large one.
_for_others: Final = once(redact_for_others, most=16)


def _redacted(version: Version, content: Content, reader: Reader) -> Alert:
    sender_id = version.message.sender_id
    return redact(version.alert, content, reader, sender_id=sender_id, for_others=_for_others)


def _disputant(version: Version) -> str | None:
    return version.message.sender_country if version.message_type is MessageType.DISPUTE else None
