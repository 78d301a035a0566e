"""The letter that a page or a feed shows: what one reader may see of one version, without a delivery. Pure."""

from dataclasses import replace

from schemas.vocabularies import MessageType
from services.disclosure import Content, Reader, restricted
from services.http.reading import Sight
from services.notify.changes import Change
from services.notify.document import Document, Link
from services.notify.letters import Letter, Links
from services.notify.occasions import severity_of, shown
from services.storage.records import Notification, NotificationState

_ANSWER = "answer"  # the part of a document that a page replaces by its form


def page_letter(
    sight: Sight,
    reader: Reader,
    *,
    links: Links,
    language: str,
    told: Notification | None = None,
    changes: tuple[Change, ...] = (),
) -> Letter:
    """Return the letter of a version for a page in `language`.

    `told` is how the reader was told, if it was; `changes` what the version changes, as the reader may know it.
    """
    version, thread = sight.version, sight.version.thread
    content = content_of(sight, told)
    dispute = version.message_type is MessageType.DISPUTE
    return Letter(
        content=content,
        recipient=replace(reader.recipient, language=language),
        notification_id=told.id if told else "",
        thread_id=thread.id,
        relay_id=thread.relay_id,
        opaque_id=thread.opaque_id,
        thread_version=version.thread_version,
        replaces=None,
        ever_restricted=restricted(thread.strictest_tlp),
        message_type=version.message_type,
        status=version.alert.status,
        tlp=sight.tlp,
        occasion=shown(told.occasion) if told else "issue",
        why=told.why if told else (),
        alert=sight.alert,
        classification=sight.classification,
        correlation=sight.correlation,
        level=thread.level,
        urgency=severity_of(told.urgency) if told else version.urgency,
        under_review=bool(version.classification.review),
        disputed_by=version.message.sender_country if dispute and sight.shown else None,
        earlier=None,
        received_at=version.message.received_at,
        decided_at=version.decided_at,
        due_at=told.due_at if told else None,
        links=links,
        changes=changes,
    )


def content_of(sight: Sight, told: Notification | None) -> Content:
    """Return what a page shows: GONE to who had an earlier version and may not see this one, else a notice."""
    if sight.shown:
        return sight.disclosed.content
    return Content.GONE if told is not None and is_taken_back(told) else Content.NOTICE


def is_taken_back(told: Notification) -> bool:
    """Return whether a reader is told, without content, that what it had was taken back."""
    return told.content == Content.GONE and told.state is not NotificationState.WITHHELD


def without_answer(document: Document) -> Document:
    """Return a document without the part that asks for an answer, and without the links that ask for one."""
    return replace(
        document,
        under=tuple(block for block in document.under if not isinstance(block, Link)),
        parts=tuple(part for part in document.parts if part.code != _ANSWER),
    )
