"""The few statements that the two dialects spell alike but SQLAlchemy keeps apart."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    String,
    Table,
    Text,
    bindparam,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert
from sqlalchemy.types import TypeEngine

from services.storage.driver import Write, run
from services.storage.tables import counters

T = TypeVar("T")


def insert_once(connection: Connection, table: Table) -> Insert:
    """Return `INSERT ... ON CONFLICT DO NOTHING`: a fact that is there already stays as it is."""
    return _insert_once(connection.dialect.name, table)


@cache
def _insert_once(dialect: str, table: Table) -> Insert:
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement: Insert = insert(table).on_conflict_do_nothing()
    return statement


def insert_all(connection: Connection, once: Insert, rows: Sequence[Mapping[str, Any]]) -> Write:
    """Return one write of all rows by ``once``, which stands for a single one; there must be a row.

    On PostgreSQL each column is one list, so that any number of rows is one statement.
    """
    if connection.dialect.name != "postgresql":
        return once, rows
    columns = {f"all_{name}": [row[name] for row in rows] for name in rows[0]}
    return _of_lists(once, tuple(rows[0])), columns


@cache
def _of_lists(once: Insert, names: tuple[str, ...]) -> Insert:
    columns = [once.table.c[name] for name in names]
    return once.from_select(
        names,
        select(
            *[
                func.unnest(bindparam(f"all_{column.name}", type_=ARRAY(_unbounded(column.type))))
                for column in columns
            ]
        ),
    )


def _unbounded(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return the type without its bound: a cast would cut a text that is too long, where an insert refuses it."""
    return Text() if isinstance(type_, String) else type_


def among(column: Column[Any]) -> ColumnElement[Any]:
    """Return `column` as what only sorts out rows that were found by something else, never by an index of its own.

    Of a condition on ids and one that a partial index answers, PostgreSQL takes the index that is smaller by its
    statistics: of what waits there is next to nothing, until a broker or a receiver was away for an hour.
    """
    if isinstance(column.type, String):
        return column.op("||")(literal_column("''"))
    return column.op("+")(literal_column("0"))


def padded(ids: Sequence[T]) -> list[T]:
    """Return ids for `IN`, the first of them repeated: few lengths are few statements to prepare."""
    wanted = 1 << (len(ids) - 1).bit_length() if ids else 0
    return [*ids, *(ids[0] for _ in range(wanted - len(ids)))]


def next_number(connection: Connection, name: str, *, step: int = 1) -> int:
    """Return the next number of a serial, from 1; whoever asks next waits until this transaction ends.

    With a `step`, that many numbers are taken and the last of them is returned.
    """
    taken = {"name": name, "step": step}
    number: int = run(connection, _next_number(connection.dialect.name), taken).scalar_one()
    return number


@cache
def _next_number(dialect: str) -> Any:
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    first = insert(counters).values(name=bindparam("name"), value=bindparam("step"))
    one_more = {"value": counters.c.value + bindparam("step")}
    return first.on_conflict_do_update(index_elements=["name"], set_=one_more).returning(counters.c.value)
