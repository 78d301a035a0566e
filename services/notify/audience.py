"""Whom a version concerns: what each recipient had, whether it follows, whether it heard of the event already.

Pure: what was told so far is an argument.
Source: HPAD-2021:RIME.1.5@L314 (alerts to member states); DOMAIN 3 (suppression is per recipient).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.alerts import Alert, Count
from schemas.vocabularies import Attribution, Confirmation, MessageType, Qualifier, Role
from services.disclosure import Content
from services.notify.occasions import slot, urgency_rank
from services.storage.delivery_records import Background, Told
from services.storage.records import ChannelKind, Recipient, RecipientKind, Version

ALREADY_TOLD: Final = "already_told"
NOT_FOLLOWED: Final = "not_followed"
NEVER_HAD_ORIGINAL: Final = "never_had_original"

# What a recipient was told, from nothing to everything: a notice does not stand in for the content.
_WORTH: Final = {Content.NOTHING: 0, Content.GONE: 0, Content.NOTICE: 1, Content.FINDINGS: 2, Content.FULL: 3}
_CONFIRMATIONS: Final = (
    Confirmation.RULED_OUT,
    Confirmation.UNVERIFIED,
    Confirmation.CLINICAL_SUSPECTED,
    Confirmation.PRESUMPTIVE_FIELD,
    Confirmation.PRESUMPTIVE_LAB,
    Confirmation.CONFIRMED,
    Confirmation.CONFIRMED_REFERENCE,
)
TAKES_BACK: Final = frozenset({MessageType.CORRECTION, MessageType.RETRACTION})
_NEWS_FROM: Final = _CONFIRMATIONS.index(Confirmation.PRESUMPTIVE_LAB)
_COUNTED: Final = (
    "cases",
    "overdoses",
    "hospitalised",
    "icu",
    "respiratory_arrest",
    "deaths",
    "naloxone_given",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What one recipient got in the thread, and in the rest of the incident."""

    thread: tuple[Told, ...]
    incident: tuple[Told, ...]
    wrote: bool  # it sent a lower version of this thread itself

    @property
    def had(self) -> bool:
        """Whether it has, or may have, an earlier version."""
        return self.wrote or any(one.received for one in self.thread)

    @property
    def is_owed_a_correction(self) -> bool:
        """Whether what corrects what it has is still on its way, or was replaced on its way by a newer version."""
        got = max((one.thread_version for one in self.thread if one.received), default=0)
        return any(
            one.message_type in TAKES_BACK
            and one.thread_version > got
            and (one.open or one.state == "superseded")
            for one in self.thread
        )

    def had_by(self, channel: ChannelKind, place: str) -> bool:
        """Whether something of the thread reached it, or may have, through one channel and mailbox."""
        return any(
            one.received and one.channel is channel and slot(one.occasion) == place for one in self.thread
        )

    def in_the_air(self, channel: ChannelKind, place: str, *, pending_too: bool) -> Told | None:
        """Return the newest older notification that an attempt is being made for, or is still to be made."""
        states = ("claimed", "pending") if pending_too else ("claimed",)
        found = [
            one
            for one in self.thread
            if one.channel is channel and slot(one.occasion) == place and one.state in states
        ]
        return max(found, key=lambda one: one.thread_version, default=None)

    def may_get_original(self, *, pending_too: bool) -> bool:
        """Whether an earlier version may yet turn out to have arrived."""
        return any(one.state == "claimed" or (pending_too and one.open) for one in self.thread)


def pasts(background: Background) -> Mapping[str, Past]:
    """Return what each recipient got; who got nothing and wrote nothing is not in it."""
    thread: dict[str, list[Told]] = {}
    incident: dict[str, list[Told]] = {}
    for one in background.thread:
        thread.setdefault(one.recipient_id, []).append(one)
    for one in background.incident:
        incident.setdefault(one.recipient_id, []).append(one)
    return {
        recipient_id: Past(
            thread=tuple(thread.get(recipient_id, ())),
            incident=tuple(incident.get(recipient_id, ())),
            wrote=recipient_id in background.authors,
        )
        for recipient_id in thread.keys() | incident.keys() | background.authors
    }


def follows(recipient: Recipient, categories: Iterable[str]) -> bool:
    """Return whether a recipient follows one of the categories; `SYN` follows `SYN.FRS` too."""
    if not recipient.categories:
        return True
    return any(
        code == followed or code.startswith(f"{followed}.")
        for code in categories
        for followed in recipient.categories
    )


def why(recipient: Recipient, *, had: bool) -> tuple[str, ...]:
    """Return the codes of why a recipient is told, in the order in which they are shown."""
    codes = []
    if recipient.kind is RecipientKind.FOCAL_POINT:
        codes.append("focal_point")
    if recipient.categories or recipient.kind is not RecipientKind.FOCAL_POINT:
        codes.append("subscription")
    if had:
        codes.append("had_original")
    return tuple(codes)


def told_already(version: Version, content: Content, past: Past, known: Mapping[str, Version]) -> bool:
    """Return whether a copy or corroboration says nothing that this recipient was not told in the incident.

    A copy never does. A corroborating report does where it raises severity, confirmation or harms. What the
    recipient got as less than it would get now does not count.
    """
    if version.correlation.level not in ("content_copy", "same_event"):
        return False
    told = [
        one
        for one in past.incident
        if (one.received or one.open) and _WORTH[Content(one.content)] >= _WORTH[content]
    ]
    if not told:
        return False
    if version.correlation.level == "content_copy":
        return True
    return not rises(version, [known[one.message_id] for one in told if one.message_id in known])


def rises(version: Version, earlier: Sequence[Version]) -> bool:
    """Return whether a version raises severity, confirmation or harms above all of ``earlier``."""
    level = urgency_rank(version.classification.severity.level)
    if all(level < urgency_rank(one.classification.severity.level) for one in earlier):
        return True
    known = _confirmations(one.alert for one in earlier)
    for key, rank in _confirmations((version.alert,)).items():
        if rank > known.get(key, _NEWS_FROM - 1):
            return True
    counted = _counts(one.alert for one in earlier)
    return any(count > counted.get(name, 0) for name, count in _counts((version.alert,)).items())


def _confirmations(alerts: Iterable[Alert]) -> dict[str, int]:
    """Return the best confirmation of each principal substance or adulterant, by its identity as reported."""
    best: dict[str, int] = {}
    for alert in alerts:
        for finding in alert.findings:
            for one in finding.substances:
                if one.role not in (Role.PRINCIPAL, Role.ADULTERANT):
                    continue
                key = one.inchikey or one.cas or (one.name or "").casefold()
                best[key] = max(best.get(key, -1), _CONFIRMATIONS.index(one.confirmation))
    return best


def _counts(alerts: Iterable[Alert]) -> dict[str, int]:
    """Return the largest number stated of each harm; background statistics are not of this event."""
    largest: dict[str, int] = {}
    for alert in alerts:
        for harm in alert.harms:
            if harm.attribution is Attribution.BACKGROUND:
                continue
            for name in _COUNTED:
                count = _lower_bound(name, getattr(harm, name))
                if count is not None:
                    largest[name] = max(largest.get(name, 0), count)
    return largest


def _lower_bound(name: str, number: Count | None) -> int | None:
    """Return the least that was stated; a series without a number is 3 cases, 2 of anything else (DOMAIN 4)."""
    if number is None:
        return None
    if number.qualifier is Qualifier.SEVERAL:
        return 3 if name == "cases" else 2
    return 0 if number.qualifier is Qualifier.AT_MOST else number.value
