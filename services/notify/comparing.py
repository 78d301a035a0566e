"""Which facts a message changes, for who was not sent the version before it: a first reader, and every page.

Pure. A correction tells a first reader what is right now, never what was wrong: only who may see the earlier
version under a label that is not wider now reads both.
"""

from collections.abc import Iterable
from typing import Final

from schemas.alerts import Alert
from schemas.vocabularies import MessageType, Tlp, UpdateReason
from services.disclosure import Content, Reader, redact, stricter
from services.notify.changes import Change, changes, without_before
from services.storage.records import Version

_STATES_FACTS: Final = frozenset({MessageType.ALERT, MessageType.UPDATE, MessageType.CORRECTION})
_CHANGES_FACTS: Final = frozenset({MessageType.UPDATE, MessageType.CORRECTION})


def changes_facts(version: Version) -> bool:
    """Return whether a version may say other facts than the one before it."""
    translated = version.alert.update_reason is UpdateReason.TRANSLATION
    return version.message_type in _CHANGES_FACTS and not translated


def replaced_by(version: Version, history: Iterable[Version]) -> Version | None:
    """Return the version whose facts this one takes the place of; None where its thread begins with it."""
    before = (
        one
        for one in history
        if not one.silent
        and 0 < one.thread_version < version.thread_version
        and one.message_type in _STATES_FACTS
    )
    return max(before, key=lambda one: (one.thread_version, one.revision), default=None)


def facts_changed(
    version: Version, before: Version, reader: Reader, content: Content, *, tlp: Tlp, comparable: bool
) -> tuple[Change, ...]:
    """Return what ``version`` changes since ``before``, as this reader may know it; FULL or FINDINGS only.

    ``tlp`` is the label of what is shown; ``comparable``: the reader may see ``before`` too. Who may not is told
    of a correction what its facts are now, and of an update nothing: for that reader all of it is new.
    """
    told = changes(_shown(before, reader, content), _shown(version, reader, content))
    if comparable and stricter(before.alert.tlp, tlp) is tlp:
        return told
    return without_before(told) if version.message_type is MessageType.CORRECTION else ()


def _shown(version: Version, reader: Reader, content: Content) -> Alert:
    return redact(version.alert, content, reader, sender_id=version.message.sender_id)
