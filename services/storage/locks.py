"""Locks that put in line whoever decides on the same things at once.

On SQLite there is one writer: nothing is left to lock. On PostgreSQL every key becomes a 64-bit number, and
all are taken in ascending order by one statement before anything is read: in READ COMMITTED the statements
after it see what the earlier holder committed. The end of the transaction releases them.
"""

import hashlib
from collections.abc import Iterable

from sqlalchemy import ARRAY, BigInteger, Connection, bindparam, text

from services.storage.driver import run

# `unnest` yields the array in its order, and each lock is waited for before the next is asked for.
_take = text("SELECT pg_advisory_xact_lock(k) FROM unnest(CAST(:numbers AS bigint[])) AS t(k)").bindparams(
    bindparam("numbers", type_=ARRAY(BigInteger))
)


# Waits for nobody: false where another transaction holds the lock in any form.
_try = text("SELECT pg_try_advisory_xact_lock(:number)").bindparams(bindparam("number", type_=BigInteger))
_share = text("SELECT pg_advisory_xact_lock_shared(:number)").bindparams(
    bindparam("number", type_=BigInteger)
)


def lock(connection: Connection, keys: Iterable[str]) -> bool:
    """Hold `keys` until the transaction ends; return whether others may have committed while we waited.

    Call it first and once, else two callers could wait for each other; a lock that everybody takes last is safe.
    """
    if connection.dialect.name != "postgresql":
        return False
    run(connection, _take, {"numbers": sorted({number(key) for key in keys})})
    return True


def share(connection: Connection, key: str) -> None:
    """Hold `key` together with all others that share it, until the transaction ends; waits for who has it alone."""
    if connection.dialect.name == "postgresql":
        connection.execute(_share, {"number": number(key)})


def lock_unless_held(connection: Connection, key: str) -> bool:
    """Hold `key` alone until the transaction ends if nobody else has it; return whether that is so. Never waits."""
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.execute(_try, {"number": number(key)}).scalar())


def thread_key(thread_id: str) -> str:
    """Return the key of a thread: who decides again, separates or routes it holds this."""
    return f"thread {thread_id}"


def incident_key(incident_id: str) -> str:
    """Return the key of an incident: who routes one of its threads, or separates them, holds this."""
    return f"incident {incident_id}"


def number(key: str) -> int:
    """Return the signed 64-bit number that stands for `key`; two keys that share one only wait needlessly."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big", signed=True)
