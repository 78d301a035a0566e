"""Whom a version concerns: what each recipient had, whether it follows, whether it heard of the event already.

Pure: what was told so far is an argument.
Source: HPAD-2021:RIME.1.5@L314 (alerts to member states); DOMAIN 3 (suppression is per recipient).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schemas.alerts import Alert, Count, Substance
from schemas.classifications import SubstanceIdentity
from schemas.vocabularies import Attribution, Confirmation, MessageType, Qualifier, Role, Severity
from services.disclosure import Content
from services.notify.occasions import slot, urgency_rank
from services.reference.names import exact_key
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
_GRAVE: Final = urgency_rank(Severity.HIGH)
_A_NIGHT: Final = timedelta(days=1)
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

    A copy never does. A corroborating report does where it raises severity, confirmation or harms, or is of another
    part of the country; and where it is grave or tells of harm, it is held back only if more than the window says
    that it is the event this recipient was told of. What the recipient got as less than it would get now does not
    count.
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
    earlier = [known[one.message_id] for one in told if one.message_id in known]
    return not rises(version, earlier) and (_is_harmless(version) or _is_sure(version, earlier))


def rises(version: Version, earlier: Sequence[Version]) -> bool:
    """Return whether a version raises severity, confirmation or harms above all of ``earlier``, or is a first.

    A part of the country that none of them names is news there, and so is harm on other days than theirs.
    """
    level = urgency_rank(version.classification.severity.level)
    if all(level < urgency_rank(one.classification.severity.level) for one in earlier):
        return True
    if version.correlation.firsts:
        return True
    if not set(version.alert.location.admin1) <= {
        code for one in earlier for code in one.alert.location.admin1
    }:
        return True
    known = _confirmations(earlier)
    if any(rank > known.get(key, _NEWS_FROM - 1) for key, rank in _confirmations((version,)).items()):
        return True
    told = [harm for one in earlier for harm in _harms(one.alert)]
    return any(
        count > max((one.counts.get(name, 0) for one in told if one.meets(harm)), default=0)
        for harm in _harms(version.alert)
        for name, count in harm.counts.items()
    )


def _is_harmless(version: Version) -> bool:
    """Return whether nobody is in danger by what a version says: neither grave, nor with harm of its own."""
    if urgency_rank(version.classification.severity.level) <= _GRAVE:
        return False
    return not any(count for harm in _harms(version.alert) for count in harm.counts.values())


def _is_sure(version: Version, earlier: Iterable[Version]) -> bool:
    """Return whether a reference, or the town that both name, joins a version with one of ``earlier``."""
    told = {one.thread.relay_id for one in earlier}
    return any(
        one.level in ("content_copy", "same_event")
        and one.relay_id in told
        and (one.reason.startswith("reference.") or one.reason.endswith(".locality"))
        for one in version.correlation.related
    )


@dataclass(frozen=True, slots=True)
class _Harm:
    """What one statement of harm counts, and when."""

    began_at: datetime
    ended_at: datetime
    counts: Mapping[str, int]

    def meets(self, other: "_Harm") -> bool:
        """Return whether both may tell of the same people: two institutions date one night a day apart."""
        return self.began_at <= other.ended_at + _A_NIGHT and other.began_at <= self.ended_at + _A_NIGHT


def _harms(alert: Alert) -> Iterator[_Harm]:
    """Yield each statement of harm with its days; background statistics are not of this event."""
    for harm in alert.harms:
        if harm.attribution is Attribution.BACKGROUND:
            continue
        start = (
            harm.window_start or alert.event_start or harm.window_end or alert.event_end or alert.detected_at
        )
        end = (
            harm.window_end or alert.event_end or harm.window_start or alert.event_start or alert.detected_at
        )
        bounds = {name: _lower_bound(name, getattr(harm, name)) for name in _COUNTED}
        yield _Harm(
            start.earliest,
            max(start.earliest, end.latest),
            {name: count for name, count in bounds.items() if count is not None},
        )


def _confirmations(versions: Iterable[Version]) -> dict[str, int]:
    """Return the best confirmation of each principal substance or adulterant, by what it turned out to be."""
    best: dict[str, int] = {}
    for version in versions:
        names = {(one.finding, one.substance): one for one in version.classification.substances}
        for index, finding in enumerate(version.alert.findings):
            for position, one in enumerate(finding.substances):
                if one.role not in (Role.PRINCIPAL, Role.ADULTERANT):
                    continue
                key = _called(one, names.get((index, position)))
                best[key] = max(best.get(key, -1), _CONFIRMATIONS.index(one.confirmation))
    return best


def _called(reported: Substance, identity: SubstanceIdentity | None) -> str:
    """Return one name for one substance, in whatever language it was reported."""
    if identity is not None and (found := identity.inchikey or identity.preferred_name):
        return found
    return reported.inchikey or reported.cas or exact_key(reported.name or "")


def _lower_bound(name: str, number: Count | None) -> int | None:
    """Return the least that was stated; a series without a number is 3 cases, 2 of anything else (DOMAIN 4)."""
    if number is None:
        return None
    if number.qualifier is Qualifier.SEVERAL:
        return 3 if name == "cases" else 2
    return 0 if number.qualifier is Qualifier.AT_MOST else number.value
