"""What a page says of the changes: against the version before, where its reader may see that one too."""

from typing import Final

from schemas.vocabularies import MessageType
from services.disclosure import Content, Reader
from services.http.reading import Reading, Sight
from services.notify.changes import Change
from services.notify.comparing import changes_facts, facts_changed, replaced_by
from services.storage.ports import Threads

_LEAVE_FACTS: Final = frozenset({MessageType.CLOSURE, MessageType.DISPUTE})


async def facts_that_stand(
    sight: Sight, reader: Reader, *, threads: Threads, reading: Reading
) -> Sight | None:
    """Return the version whose facts a closure or a dispute leaves as they are; None where it may not be seen."""
    version = sight.version
    if not sight.shown or version.message_type not in _LEAVE_FACTS:
        return None
    before = replaced_by(version, await threads.history(version.thread.id))
    seen = None if before is None else await reading.sight(before, reader)
    return seen if seen is not None and seen.shown else None


async def changes_on_page(
    sight: Sight, reader: Reader, *, threads: Threads, reading: Reading
) -> tuple[Change, ...]:
    """Return the changes that a version makes, as its reader may know them; nothing where no content is shown."""
    version = sight.version
    if not sight.shown or not changes_facts(version):
        return ()
    history = await threads.history(version.thread.id)
    before = replaced_by(version, history)
    if before is None:
        return ()
    disclosed = reading.judge(before, reader, later=reading.later_in(before, history))
    return facts_changed(
        version,
        before,
        reader,
        sight.disclosed.content,
        tlp=sight.tlp,
        comparable=disclosed.content in (Content.FULL, sight.disclosed.content),
    )
