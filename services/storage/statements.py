"""The few statements that the two dialects spell alike but SQLAlchemy keeps apart."""

from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert


def insert_once(connection: Connection, table: Table) -> Insert:
    """Return `INSERT ... ON CONFLICT DO NOTHING`: a fact that is there already stays as it is."""
    return _insert_once(connection.dialect.name, table)


@cache
def _insert_once(dialect: str, table: Table) -> Insert:
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement: Insert = insert(table).on_conflict_do_nothing()
    return statement
