"""What all tables share: the `MetaData`, times, serial keys.

Times are whole microseconds since 1970-01-01 UTC (`Instant`), JSON documents are text: both mean the same in
SQLite and PostgreSQL, and sort and compare alike.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Integer,
    MetaData,
    String,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware UTC `datetime`, kept as whole microseconds since the epoch."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Refuse a naive time: it would be read back as another instant."""
        if value is None:
            return None
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the instant in UTC."""
        return None if value is None else _EPOCH + timedelta(0, 0, value)  # by name it takes twice the time


metadata = MetaData()

# SQLite gives a plain integer key again after the last rows are pruned; AUTOINCREMENT does not, and a feed
# that remembers its position would otherwise stand still for ever.
SERIAL_OPTIONS: dict[str, Any] = {"sqlite_autoincrement": True}
# Compared byte by byte wherever it stands: ranges of codes (all of one country) depend on it.
SubdivisionText = String(8).with_variant(String(8, collation="C"), "postgresql")
# Small rows found by their key only: stored in its order, so that what belongs together is written together.
CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}
Serial = BigInteger().with_variant(Integer, "sqlite")
