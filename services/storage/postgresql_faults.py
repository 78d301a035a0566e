"""What an error of PostgreSQL, its driver or the network says: run it again, come back later, or a fault of ours.

Codes: PostgreSQL 15, appendix A. A fault that is not named here is not expected: it is raised as it came.
"""

from enum import StrEnum
from typing import Final

from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from services.errors import Misconfigured

_UNDONE: Final = frozenset(
    {
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected: one of two was chosen to give way
        "55P03",  # lock_not_available: lock_timeout
        "57014",  # query_canceled: statement_timeout, or an administrator
        "0A000",  # a prepared statement's plan is no longer valid: a migration ran meanwhile
        "53100",  # disk_full
        "53200",  # out_of_memory
    }
)
_OUT_OF_REACH: Final = frozenset(
    {
        "53300",  # too_many_connections
        "53400",  # configuration_limit_exceeded
        "57P01",  # admin_shutdown, pg_terminate_backend
        "57P02",  # crash_shutdown
        "57P03",  # cannot_connect_now: it starts, stops or recovers
        "57P05",  # idle_session_timeout
        "25P03",  # idle_in_transaction_session_timeout: we were halted in the middle
        "25P04",  # transaction_timeout
        "25006",  # read_only_sql_transaction: another server has taken over
        "58000",  # system_error
        "58030",  # io_error
    }
)
_REFUSED: Final = {
    "28000": "the server does not let this user in",
    "28P01": "the server refuses the password",
    "3D000": "the server has no such database",
    "42501": "this user may not do what the ledger needs",
}


class UnknownOutcome(Exception):
    """The connection was lost while it committed."""


class Kind(StrEnum):
    """What a fault says of the transaction that it ended."""

    UNDONE = "undone"  # nothing was kept, and the connection still serves
    LOST = "lost"  # the connection is of no use any more; what was being committed may have been kept


def kind_of(fault: BaseException) -> Kind | None:
    """Return what `fault` means for a unit of work; None: it is the unit's own."""
    code = code_of(fault)
    if code in _OUT_OF_REACH or (code is not None and code.startswith("08")):
        return Kind.LOST
    if code in _UNDONE:
        if code == "0A000" and "cached" not in str(fault):
            return None  # something that PostgreSQL cannot do: a fault of ours
        return Kind.UNDONE
    if isinstance(fault, DBAPIError):
        return Kind.LOST if fault.connection_invalidated or _says_closed(fault) else None
    if isinstance(fault, OSError | PoolTimeout | DisconnectionError):  # TimeoutError is an OSError
        return Kind.LOST
    return Kind.LOST if _says_closed(fault) else None


def is_unstorable(fault: BaseException) -> bool:
    """Return whether a text holds what PostgreSQL keeps in none: U+0000, or half of a surrogate pair."""
    cause: BaseException | None = fault
    while cause is not None:
        if isinstance(cause, UnicodeEncodeError):
            return True
        cause = cause.__cause__
    return code_of(fault) == "22021"


def refusal(fault: BaseException) -> str | None:
    """Return why the server refuses us, whom waiting does not help; None for every other fault."""
    return _REFUSED.get(code_of(fault) or "")


def raise_refused(fault: BaseException, *, setting: str) -> None:
    """Raise `Misconfigured`, naming `setting`, where the server refuses us."""
    reason = refusal(fault)
    if reason is not None:
        raise Misconfigured(setting, reason) from None  # the original may repeat what was sent


def code_of(fault: BaseException) -> str | None:
    """Return the SQLSTATE of a fault, through what SQLAlchemy wraps around it."""
    inner = fault.orig if isinstance(fault, DBAPIError) else fault
    code = getattr(inner, "sqlstate", None)
    return code if isinstance(code, str) else None


def _says_closed(fault: BaseException) -> bool:
    inner: BaseException | None = fault.orig if isinstance(fault, DBAPIError) else fault
    # asyncpg has these for what it finds out by itself, without a code of the server
    known = ("InterfaceError", "ConnectionDoesNotExistError", "InternalClientError", "InvalidRequestError")
    words = ("connection is closed", "connection was closed", "underlying connection", "another operation")
    return type(inner).__name__ in known and any(word in str(inner) for word in words)
