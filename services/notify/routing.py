"""Who is told of a version, through what, why, and what becomes of what was on its way.

Pure: a decision over the version, what was told so far and the directory. Each recipient of the directory gets
a reason, told or not: the reasons are kept with the routing.

- A correction or retraction goes to everyone who had the original; to who may no longer see it, without
  content. A retraction, closure, dispute or translation means nothing to anybody else.
- A complete version supersedes what is still pending of older ones; what is being tried is waited for.
- A copy or corroboration is kept from those already told in the incident, and from nobody else.
Source: HPAD-2021:RIME.1.5@L314; DOMAIN 3; NOTIFICATION 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.vocabularies import MessageType, UpdateReason
from services.disclosure import Content, Disclosed, Reader, disclose, surface_of
from services.notify import occasions
from services.notify.audience import (
    ALREADY_TOLD,
    NEVER_HAD_ORIGINAL,
    NOT_FOLLOWED,
    TAKES_BACK,
    Past,
    follows,
    pasts,
    told_already,
    why,
)
from services.storage.delivery_records import Background, Planned, Routing, Told
from services.storage.records import SEPARATION, Channel, ChannelKind, Directory, Recipient, Version

_NO_PAST: Final = Past(thread=(), incident=(), wrote=False)
_FOR_THOSE_WHO_HAD: Final = frozenset({MessageType.RETRACTION, MessageType.CLOSURE, MessageType.DISPUTE})
_EVERYBODY: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """What is the same for every recipient of one routing."""

    version: Version
    occasion: str
    now: datetime
    translation: bool
    needs_original: bool  # the message means nothing to who never had an earlier version
    supersedes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """What is decided for one recipient: ``withheld`` is the reason of rows that are kept back."""

    contents: dict[Channel, Content]
    codes: tuple[str, ...]
    withheld: str | None = None


def route(version: Version, background: Background, directory: Directory, *, now: datetime) -> Routing:
    """Return who is told of ``version`` and why; see `Routing`."""
    case = _case(version, now)
    if version.silent:
        return _nobody(case, "older_version")
    known = pasts(background)
    if version.revision > 0:
        refused = _reassessment_refused(version)
        if version.cause.startswith(SEPARATION):
            return _separated(case, background, known)
        if refused is not None:
            return _resumed(case, background, directory, refused)
    rows: list[Planned] = []
    reasons: dict[str, tuple[str, ...]] = {}
    for recipient in directory.recipients.values():
        past = known.get(recipient.id, _NO_PAST)
        choice = _choose(case, recipient, past, background)
        reasons[recipient.id] = choice.codes if choice.withheld is None else (choice.withheld,)
        rows.extend(_rows(case, recipient, past, choice))
    for gone in known.keys() - directory.recipients.keys():
        if known[gone].had:
            reasons[gone] = ("not_in_directory",)
    reopened = _reopened(background) if version.message_type is MessageType.RETRACTION else ()
    return Routing(
        occasion=case.occasion,
        rows=tuple(rows),
        reasons=reasons,
        supersedes=case.supersedes,
        reopened=reopened,
    )


def _case(version: Version, now: datetime) -> _Case:
    kind = version.message_type
    translation = kind is MessageType.UPDATE and version.alert.update_reason is UpdateReason.TRANSLATION
    needs_original = translation or kind in _FOR_THOSE_WHO_HAD
    complete = not translation and kind not in (MessageType.CLOSURE, MessageType.DISPUTE)
    return _Case(
        version=version,
        occasion=occasions.ISSUE if version.revision == 0 else occasions.reassessed(version.revision),
        now=now,
        translation=translation,
        needs_original=needs_original,
        supersedes=complete and version.revision == 0 and not version.silent,
    )


def _choose(case: _Case, recipient: Recipient, past: Past, background: Background) -> _Choice:
    disclosed = {channel: _disclosed(case, recipient, channel) for channel in recipient.channels}
    contents = {channel: one.content for channel, one in disclosed.items()}
    visible = any(content is not Content.NOTHING for content in contents.values())
    had = past.had or past.may_get_original(pending_too=not case.supersedes)
    # A version that replaces a correction on its way says in its place that what they have is wrong.
    takes_back = case.version.message_type in TAKES_BACK or (case.supersedes and past.is_owed_a_correction)
    if takes_back and had and recipient.active:
        contents = _with_notices(
            contents, past, visible=visible, own=recipient.id == case.version.message.sender_id
        )
        if any(content is not Content.NOTHING for content in contents.values()):
            return _Choice(contents=contents, codes=why(recipient, had=True))
    if not visible:
        return _Choice(contents={}, codes=(_refusal(disclosed),))
    withheld = _withheld(case, recipient, past, contents, background, had=had)
    return _Choice(contents=contents, codes=why(recipient, had=had and past.had), withheld=withheld)


def _withheld(
    case: _Case,
    recipient: Recipient,
    past: Past,
    contents: dict[Channel, Content],
    background: Background,
    *,
    had: bool,
) -> str | None:
    """Return why a recipient that may see the version is not told of it; None: it is told."""
    if case.needs_original and not had:
        return NEVER_HAD_ORIGINAL
    if case.translation and not _reads_new_language(case.version, recipient):
        return "translation_not_needed"
    if had:
        return None
    if not follows(recipient, (one.code for one in case.version.classification.categories)):
        return NOT_FOLLOWED
    best = Content.FULL if Content.FULL in contents.values() else Content.NOTICE
    if case.version.revision == 0 and told_already(case.version, best, past, background.known):
        return ALREADY_TOLD
    return None


def _reads_new_language(version: Version, recipient: Recipient) -> bool:
    return recipient.language == version.alert.language or recipient.language in version.alert.translations


def _with_notices(
    contents: dict[Channel, Content], past: Past, *, visible: bool, own: bool
) -> dict[Channel, Content]:
    """Put a notice without content where the earlier version came through and this one may not."""
    if own:
        return contents
    return {
        channel: Content.GONE
        if content is Content.NOTHING and (not visible or past.had_by(channel.kind, "main"))
        else content
        for channel, content in contents.items()
    }


def _rows(case: _Case, recipient: Recipient, past: Past, choice: _Choice) -> list[Planned]:
    rows = [
        _row(case, recipient, past, channel, content, case.occasion, choice)
        for channel, content in choice.contents.items()
        if content is not Content.NOTHING
    ]
    if choice.withheld is None and choice.contents:
        rows.extend(_deputy_rows(case, recipient, past, choice))
    return rows


def _deputy_rows(case: _Case, recipient: Recipient, past: Past, choice: _Choice) -> list[Planned]:
    """Tell the deputies who were told of an earlier version: to them too it must be corrected."""
    rows = []
    for position, channel in enumerate(recipient.deputies, start=1):
        place = occasions.deputy(position)
        address = occasions.endpoint_id(recipient.id, channel)
        if not any(one.endpoint_id == address and one.received for one in past.thread):
            continue
        content = _disclosed(case, recipient, channel).content
        if content is Content.NOTHING and case.version.message_type in TAKES_BACK:
            content = Content.GONE
        if content is not Content.NOTHING:
            codes = _Choice(contents=choice.contents, codes=("deputy", "had_original"))
            rows.append(_row(case, recipient, past, channel, content, place, codes))
    return rows


def _row(
    case: _Case,
    recipient: Recipient,
    past: Past,
    channel: Channel,
    content: Content,
    occasion: str,
    choice: _Choice,
) -> Planned:
    version = case.version
    waited = past.in_the_air(channel.kind, occasions.slot(occasion), pending_too=not case.supersedes)
    pushed = channel.kind is not ChannelKind.FEED
    state = "withheld" if choice.withheld is not None else "pending" if pushed else "delivered"
    return Planned(
        id=occasions.notification_id(
            message_id=version.message.id,
            occasion=occasion,
            recipient_id=recipient.id,
            channel=channel.kind,
        ),
        occasion=occasion,
        recipient_id=recipient.id,
        channel=channel.kind,
        endpoint_id=occasions.endpoint_id(recipient.id, channel),
        content=content.value,
        why=choice.codes,
        state=state,
        reason=choice.withheld,
        waits_for=waited.id if waited is not None and state == "pending" else None,
        due_at=occasions.due_at(urgency=version.urgency, message_type=version.message_type, now=case.now),
        supersedes=case.supersedes,
        needs_original=case.needs_original or content is Content.GONE,
    )


def _disclosed(case: _Case, recipient: Recipient, channel: Channel) -> Disclosed:
    reader = Reader(recipient=recipient, surface=surface_of(channel.kind), channel=channel)
    return disclose(case.version.alert, reader, sender_id=case.version.message.sender_id)


def _refusal(disclosed: dict[Channel, Disclosed]) -> str:
    return next((one.reason for one in disclosed.values()), "no_channel")


# --- verdicts without a new version, and rows that were kept back ------------------------------------------


def _reassessment_refused(version: Version) -> str | None:
    """Return why a new verdict on an old version is no news; None: its level rose."""
    if version.thread.state == "retracted" or version.thread.version > version.thread_version:
        return "not_current"
    before = version.classification.severity.before
    level = version.classification.severity.level
    if before is None or occasions.urgency_rank(level) >= occasions.urgency_rank(before):
        return "level_not_raised"
    return None


def _resumed(case: _Case, background: Background, directory: Directory, refused: str) -> Routing:
    """Tell those who did not follow what the version was taken for, and do follow what it is now."""
    codes = [one.code for one in case.version.classification.categories]
    now_following = [
        one.id
        for one in background.thread
        if one.message_id == case.version.message.id
        and one.state == "withheld"
        and one.reason == NOT_FOLLOWED
        and one.recipient_id in directory.recipients
        and follows(directory.recipients[one.recipient_id], codes)
    ]
    wanted = tuple(now_following) if refused != "not_current" else ()
    return _nobody(case, refused, reopened=wanted)


def _separated(case: _Case, background: Background, known: Mapping[str, Past]) -> Routing:
    """Send what a merge that was undone had held back, unless what is left of the incident says as much."""
    newest: dict[tuple[str, ChannelKind], Told] = {}
    for one in background.thread:
        if one.state == "withheld" and one.reason == ALREADY_TOLD:
            key = (one.recipient_id, one.channel)
            newest[key] = max(newest.get(key, one), one, key=lambda each: each.thread_version)
    owed = tuple(
        one.id for one in newest.values() if _is_owed(case, one, known[one.recipient_id], background)
    )
    return _nobody(case, "separated", reopened=() if case.version.thread.state == "retracted" else owed)


def _is_owed(case: _Case, one: Told, past: Past, background: Background) -> bool:
    if any((it.received or it.open) and it.thread_version >= one.thread_version for it in past.thread):
        return False
    return not told_already(case.version, Content(one.content), past, background.known)


def _reopened(background: Background) -> tuple[str, ...]:
    """Return what was kept back because of the thread that is now retracted: it was never told otherwise.

    The first thread of the incident that each recipient was spared, in its newest version.
    """
    told = {one.recipient_id for one in background.incident if one.received or one.open}
    first: dict[str, str] = {}
    newest: dict[tuple[str, ChannelKind], tuple[int, str]] = {}
    for one in background.incident:
        if one.state != "withheld" or one.reason != ALREADY_TOLD or one.recipient_id in told:
            continue
        if first.setdefault(one.recipient_id, one.thread_id) != one.thread_id:
            continue
        key = (one.recipient_id, one.channel)
        newest[key] = max(newest.get(key, (0, "")), (one.thread_version, one.id))
    return tuple(row for _, row in newest.values())


def _nobody(case: _Case, reason: str, *, reopened: tuple[str, ...] = ()) -> Routing:
    return Routing(
        occasion=case.occasion,
        rows=(),
        reasons={_EVERYBODY: (reason,)},
        supersedes=False,
        reopened=reopened,
    )
