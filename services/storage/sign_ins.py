"""Codes and sessions of people who sign in to the pages; of both only digests are kept."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from services.storage.tables import sessions, sign_in_codes

MOST_TRIES = 5


def put_code(
    connection: Connection,
    recipient_id: str,
    *,
    address_sha256: str,
    code_sha256: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Keep a code; an earlier one of this address is void, and what has expired is deleted."""
    connection.execute(delete(sign_in_codes).where(sign_in_codes.c.expires_at <= now))
    connection.execute(delete(sign_in_codes).where(sign_in_codes.c.address_sha256 == address_sha256))
    connection.execute(
        insert(sign_in_codes),
        {
            "recipient_id": recipient_id,
            "address_sha256": address_sha256,
            "code_sha256": code_sha256,
            "created_at": now,
            "expires_at": expires_at,
            "tries": 0,
        },
    )


def take_code(connection: Connection, *, address_sha256: str, code_sha256: str, now: datetime) -> str | None:
    """Return whose code this is and spend it; a wrong one is counted, after five the code is void."""
    found = _tried(connection, address_sha256=address_sha256, code_sha256=code_sha256, now=now)
    if found is not None:
        connection.execute(delete(sign_in_codes).where(sign_in_codes.c.address_sha256 == address_sha256))
    return found


def check_code(connection: Connection, *, address_sha256: str, code_sha256: str, now: datetime) -> bool:
    """Return whether this is the code, which stays good; a wrong one is counted as by `take_code`."""
    found = _tried(connection, address_sha256=address_sha256, code_sha256=code_sha256, now=now)
    if found is None:
        return False
    mine = sign_in_codes.c.address_sha256 == address_sha256
    connection.execute(update(sign_in_codes).where(mine).values(tries=sign_in_codes.c.tries - 1))
    return True


def _tried(connection: Connection, *, address_sha256: str, code_sha256: str, now: datetime) -> str | None:
    mine = sign_in_codes.c.address_sha256 == address_sha256
    usable = (mine, sign_in_codes.c.expires_at > now, sign_in_codes.c.tries < MOST_TRIES)
    counted = update(sign_in_codes).where(*usable).values(tries=sign_in_codes.c.tries + 1)
    if connection.execute(counted).rowcount == 0:  # counted first: two tries at once must not count as one
        return None
    row = connection.execute(select(sign_in_codes).where(mine)).one()
    found: str = row.recipient_id
    return found if row.code_sha256 == code_sha256 else None


def open_session(
    connection: Connection, session_id: str, *, recipient_id: str, now: datetime, expires_at: datetime
) -> None:
    """Keep a session; what has expired is deleted."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    connection.execute(
        insert(sessions),
        {"id": session_id, "recipient_id": recipient_id, "created_at": now, "expires_at": expires_at},
    )


def session(connection: Connection, session_id: str, *, now: datetime) -> str | None:
    """Return the recipient of a session that lives."""
    found = select(sessions.c.recipient_id).where(sessions.c.id == session_id, sessions.c.expires_at > now)
    recipient_id: str | None = connection.execute(found).scalar()
    return recipient_id


def close_session(connection: Connection, session_id: str) -> None:
    """End a session; safe to repeat."""
    connection.execute(delete(sessions).where(sessions.c.id == session_id))
