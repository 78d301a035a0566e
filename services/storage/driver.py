"""Run a Core statement by the driver itself, where the driver is SQLite's.

Of the time that SQLAlchemy Core takes for a small statement, nine tenths are its own: contexts, cursors, rows.
On the one writer thread that is what bounds the relay. A statement is still written in Core, and on any other
database it runs as usual; here it is compiled once for the shape of its parameters, and then only its values
are converted. `tests/contract/test_driver.py` holds both ways against each other.
"""

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.elements import ClauseElement

_COMPILED: Final = 1024  # statements by shape; module-level ones only, so far fewer
_Convert = Callable[[Any], Any]


class Rows:
    """What a statement returned: already fetched, so that no cursor holds a snapshot open."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[Any]:
        """Yield each row as a named tuple."""
        return iter(self._rows)

    def all(self) -> list[Any]:
        """Return all rows."""
        return self._rows

    def first(self) -> Any | None:
        """Return the first row, or None."""
        return self._rows[0] if self._rows else None

    def one(self) -> Any:
        """Return the only row."""
        (row,) = self._rows
        return row

    def one_or_none(self) -> Any | None:
        """Return the only row, or None where there is none."""
        return self.one() if self._rows else None

    def scalar(self) -> Any | None:
        """Return the first column of the first row, or None."""
        return self._rows[0][0] if self._rows else None

    def scalar_one(self) -> Any:
        """Return the first column of the only row."""
        return self.one()[0]

    def scalars(self) -> "Rows":
        """Return the first column of each row."""
        return Rows([row[0] for row in self._rows], self.rowcount)


class _Compiled:
    """One statement for one shape of parameters."""

    __slots__ = ("_binds", "_convert", "_names", "_row", "_sql")

    def __init__(
        self, statement: ClauseElement, connection: Connection, params: Mapping[str, Any] | None
    ) -> None:
        keys = list(params) if params is not None and isinstance(statement, Insert) else None
        compiled: Any = statement.compile(dialect=connection.dialect, column_keys=keys)
        expanded = compiled.construct_expanded_state(dict(params or {}))
        self._sql: str = expanded.statement
        places = {
            name: (source, index)
            for source, names in expanded.parameter_expansion.items()
            for index, name in enumerate(names)
        }
        processors = {**compiled._bind_processors, **expanded.processors}  # noqa: SLF001  # 2.1 has no other
        given = params or {}
        self._binds = [
            (
                *places.get(name, (name if name in given else None, None)),
                processors.get(name),
                constant,
            )
            for name in expanded.positiontup or ()
            for constant in (expanded.parameters.get(name),)
        ]
        columns = compiled._result_columns  # noqa: SLF001  # as above
        self._names = [column.keyname for column in columns]
        self._row = namedtuple("Row", self._names, rename=True) if columns else None
        self._convert = [
            (place, process)
            for place, column in enumerate(columns)
            if (process := column.type._cached_result_processor(connection.dialect, None)) is not None  # noqa: SLF001
        ]

    def values(self, params: Mapping[str, Any] | None) -> list[Any]:
        """Return the values in the order of the statement's places."""
        found: list[Any] = []
        for source, index, process, constant in self._binds:
            if source is None or params is None:
                value = constant
            else:
                value = params[source] if index is None else params[source][index]
            found.append(value if process is None else process(value))
        return found

    def run(self, driver: sqlite3.Connection, params: Mapping[str, Any] | None) -> Rows:
        """Run once."""
        cursor = driver.execute(self._sql, self.values(params))
        rows: list[Any] = cursor.fetchall() if cursor.description is not None else []
        if rows and self._row is not None:
            rows = self._rows(rows)
        return Rows(rows, cursor.rowcount)

    def run_many(self, driver: sqlite3.Connection, many: Sequence[Mapping[str, Any]]) -> Rows:
        """Run for each of `many`."""
        cursor = driver.executemany(self._sql, [self.values(params) for params in many])
        return Rows([], cursor.rowcount)

    def _rows(self, rows: list[tuple[Any, ...]]) -> list[Any]:
        make = self._row._make  # type: ignore[union-attr]  # only asked where there are columns
        if not self._convert:
            return [make(row) for row in rows]
        converted = []
        for row in rows:
            values = list(row)
            for place, process in self._convert:
                values[place] = process(values[place])
            converted.append(make(values))
        return converted


def run(
    connection: Connection,
    statement: ClauseElement,
    params: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
) -> Any:
    """Run a module-level statement as `connection.execute` would; a statement built for one call belongs there.

    A sequence of parameters runs the statement for each, without rows. Lists for `IN` are compiled once for each
    length.
    """
    if connection.dialect.name != "sqlite":
        if params is not None and not params:
            return Rows([], 0)  # Core would run it once, without parameters
        return connection.execute(statement, params)  # type: ignore[call-overload]
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    if params is None or isinstance(params, Mapping):
        return _compiled(_Key(statement, connection, params)).run(driver, params)
    if not params:
        return Rows([], 0)
    return _compiled(_Key(statement, connection, params[0])).run_many(driver, params)


class _Key:
    """What a compiled form depends on; carries what compiling needs."""

    __slots__ = ("_hash", "connection", "params", "shape", "statement")

    def __init__(
        self, statement: ClauseElement, connection: Connection, params: Mapping[str, Any] | None
    ) -> None:
        self.statement = statement
        self.connection = connection
        self.params = params
        self.shape = (
            ()
            if params is None
            else tuple([(n, len(v) if isinstance(v, list) else -1) for n, v in params.items()])
        )
        self._hash = hash((id(statement), self.shape))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.statement is other.statement and self.shape == other.shape


@lru_cache(maxsize=_COMPILED)
def _compiled(key: _Key) -> _Compiled:
    compiled = _Compiled(key.statement, key.connection, key.params)
    key.connection = key.params = None  # type: ignore[assignment]  # the cache keeps the key, not what came with it
    return compiled
