"""States as they stand in the text of a statement.

The indexes of what is open are partial: neither database uses one where the state is a bound parameter.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, String, literal_column

PENDING: Final[ColumnElement[Any]] = literal_column("'pending'", String)
CLAIMED: Final[ColumnElement[Any]] = literal_column("'claimed'", String)
FAILED: Final[ColumnElement[Any]] = literal_column("'failed'", String)
