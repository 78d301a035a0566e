"""Which thread a message will join, and whether its sender may change it."""

from sqlalchemy import Connection, bindparam, select

from schemas.vocabularies import MessageType
from services.storage import references, thread_rows
from services.storage.driver import run
from services.storage.records import Message, Thread
from services.storage.tables import receipts, verdicts
from services.storage.thread_records import MaySee, NotTheirs

_thread = (
    select(verdicts.c.thread_id)
    .join(receipts, receipts.c.id == verdicts.c.message_id)
    .where(
        receipts.c.sender_id == bindparam("sender_id"),
        receipts.c.status == bindparam("status"),
        receipts.c.national_ref == bindparam("national_ref"),
    )
    .limit(1)
)


def thread_of(connection: Connection, message: Message, *, may_see: MaySee) -> str | None:
    """Return the thread that a message will join as things stand; None where it opens one, or must wait."""
    alert = message.alert
    named = {"sender_id": message.sender_id, "status": alert.status, "national_ref": alert.national_ref}
    own: str | None = run(connection, _thread, named).scalar()
    if own is not None or alert.message_type is MessageType.ALERT:
        return own
    found = references.resolve(connection, message, may_see=may_see)
    return found.thread_id if isinstance(found, references.Target) else None


def may_change(message: Message, thread: Thread) -> bool:
    """Return whether this sender may change the thread; anyone who may see it may dispute it."""
    if message.sender_id == thread.sender_id or message.alert.message_type is MessageType.DISPUTE:
        return True
    return message.can_amend and message.sender_country == thread.sender_country


def not_theirs(connection: Connection, message: Message, *, may_see: MaySee) -> NotTheirs | None:
    """Return why this sender may not change what a message refers to; None: it may, or that is not known yet."""
    thread_id = thread_of(connection, message, may_see=may_see)
    thread = None if thread_id is None else thread_rows.get(connection, thread_id)
    if thread is None or may_change(message, thread):
        return None
    same_state = message.sender_country == thread.sender_country
    return NotTheirs.WITHOUT_SCOPE if same_state else NotTheirs.OF_ANOTHER_STATE
