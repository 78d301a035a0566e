"""Run a Core statement by the driver itself.

Of the time that SQLAlchemy Core takes for a small statement, nine tenths are its own: contexts, results, rows.
That bounds the one writer of SQLite, and on PostgreSQL how long the locks of a decision are held. A statement is
still written in Core; here it is compiled once for the shape of its parameters, and then only its values are
converted. `tests/contract/test_driver.py` holds both ways against each other.
"""

import re
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.elements import BindParameter, ClauseElement
from sqlalchemy.sql.visitors import iterate

Write = tuple[ClauseElement, Mapping[str, Any]] | tuple[ClauseElement, Sequence[Mapping[str, Any]]]


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

    __slots__ = ("_constants", "_convert", "_lists", "_order", "_process", "_row", "sql")

    def __init__(
        self, statement: ClauseElement, connection: Connection, params: Mapping[str, Any] | None
    ) -> None:
        keys = list(params) if params is not None and _takes_values(statement) else None
        given = dict(params or {})
        compiled: Any = statement.compile(dialect=connection.dialect, column_keys=keys)
        expanded = compiled.construct_expanded_state(given)
        self.sql: str = expanded.statement
        names = list(expanded.positiontup or ())
        self._lists = list(expanded.parameter_expansion.items())  # of each list the names of its members
        members = {name for _, group in self._lists for name in group}
        self._constants = {
            name: expanded.parameters.get(name) for name in names if name not in members and name not in given
        }
        self._order = _in_order(names)
        processors = {**compiled._bind_processors, **expanded.processors}  # noqa: SLF001  # 2.1 has no other
        self._process = [(place, processors[name]) for place, name in enumerate(names) if name in processors]
        columns = compiled._result_columns  # noqa: SLF001  # as above
        self._row: Any = (
            namedtuple("Row", [column.keyname for column in columns], rename=True) if columns else None
        )
        self._convert = [
            (place, process)
            for place, column in enumerate(columns)
            if (process := column.type._cached_result_processor(connection.dialect, None)) is not None  # noqa: SLF001
        ]

    def values(self, params: Mapping[str, Any] | None) -> list[Any]:
        """Return the values in the order of the statement's places."""
        if self._constants or self._lists or params is None:
            given = {**self._constants, **(params or {})}
            for source, names in self._lists:
                given.update(zip(names, given[source], strict=True))
        else:
            given = params  # type: ignore[assignment]  # read only
        found = list(self._order(given))
        for place, process in self._process:
            found[place] = process(found[place])
        return found

    def run(self, cursor: DBAPICursor, params: Mapping[str, Any] | None) -> Rows:
        """Run once."""
        cursor.execute(self.sql, self.values(params))
        return self.fetch(cursor)

    def fetch(self, cursor: DBAPICursor) -> Rows:
        """Return what it gave: its rows, if it gives any, and their number."""
        if self._row is None:
            return Rows([], cursor.rowcount)
        rows = cursor.fetchall()
        return Rows(self._rows(rows) if rows else [], cursor.rowcount)

    def run_many(self, cursor: DBAPICursor, many: Sequence[Mapping[str, Any]]) -> Rows:
        """Run for each of `many`."""
        cursor.executemany(self.sql, [self.values(params) for params in many])
        return Rows([], cursor.rowcount)

    def _rows(self, rows: Sequence[Any]) -> list[Any]:
        row, new = self._row, tuple.__new__
        if not self._convert:
            return [new(row, values) for values in rows]
        converted = []
        for values in map(list, rows):
            for place, process in self._convert:
                values[place] = process(values[place])
            converted.append(new(row, values))
        return converted


def _takes_values(statement: ClauseElement) -> bool:
    """Return whether it is an insert of the columns that its parameters name."""
    return isinstance(statement, Insert) and statement.select is None


def _in_order(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """Return what takes the values of these names, in this order."""
    if len(names) > 1:  # of one name it would give the value itself
        return itemgetter(*names)
    return lambda given: [given[name] for name in names]


class _Plan:
    """A statement with its compiled forms, by what they depend on."""

    __slots__ = ("forms", "insert", "lists", "statement")

    def __init__(self, statement: ClauseElement) -> None:
        self.statement = statement  # kept, so that its id stays its own
        self.insert = _takes_values(statement)
        self.lists = tuple(
            one.key for one in iterate(statement) if isinstance(one, BindParameter) and one.expanding
        )
        self.forms: dict[tuple[Any, ...], _Compiled] = {}

    def form(self, connection: Connection, params: Mapping[str, Any] | None) -> _Compiled:
        """Return the statement compiled for parameters of this shape."""
        if params is None:
            shape: tuple[Any, ...] = ()
        elif self.insert:
            shape = tuple(params)
        else:
            shape = tuple([len(params[name]) for name in self.lists])
        found = self.forms.get(shape)
        if found is None:
            found = self.forms[shape] = _Compiled(self.statement, connection, params)
        return found


_plans: dict[tuple[str, int], _Plan] = {}
_together: dict[tuple[_Compiled, ...], str] = {}
_PLACE = re.compile(r"\$(\d+)")


def run(
    connection: Connection,
    statement: ClauseElement,
    params: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
) -> Any:
    """Run a module-level statement as `connection.execute` would; a statement built for one call belongs there.

    A sequence of parameters runs the statement for each, without rows. Lists for `IN` are compiled once for each
    length: `services.storage.statements.padded` keeps these few.
    """
    plan = _plan(connection, statement)
    cursor = _cursor(connection)
    if params is None or isinstance(params, Mapping):
        return plan.form(connection, params).run(cursor, params)
    if not params:
        return Rows([], 0)
    return plan.form(connection, params[0]).run_many(cursor, params)


def run_together(connection: Connection, writes: Sequence[Write]) -> Any:
    """Run writes of which none reads what another writes, as `run` would; return what the last gave.

    On PostgreSQL they are one statement, for one round trip: rows of one insert come as
    `services.storage.statements.insert_all` has them.
    """
    if connection.dialect.name != "postgresql":
        return [run(connection, statement, params) for statement, params in writes][-1]
    forms: list[_Compiled] = []
    values: list[Any] = []
    for statement, params in writes:
        assert isinstance(params, Mapping)
        form = _plan(connection, statement).form(connection, params)
        forms.append(form)
        values += form.values(params)
    together = tuple(forms)
    sql = _together.get(together)
    if sql is None:
        sql = _together[together] = _one_statement([form.sql for form in forms])
    cursor = _cursor(connection)
    cursor.execute(sql, values)
    return forms[-1].fetch(cursor)


def _plan(connection: Connection, statement: ClauseElement) -> _Plan:
    known = (connection.dialect.name, id(statement))
    plan = _plans.get(known)
    if plan is None:
        plan = _plans[known] = _Plan(statement)
    return plan


def _cursor(connection: Connection) -> DBAPICursor:
    if connection.dialect.name != "sqlite" and not connection.in_transaction():
        connection.begin()  # else its commit would not know of ours
    return connection.connection.cursor()


def _one_statement(parts: Sequence[str]) -> str:
    """Return PostgreSQL's one statement of several that change data; their places are numbered on."""
    numbered: list[str] = []
    before = 0
    for part in parts:
        numbered.append(_PLACE.sub(partial(_numbered_on, before=before), part))
        before += max(map(int, _PLACE.findall(part)), default=0)
    *first, last = numbered
    beside = ", ".join(f"beside_{number} AS ({part})" for number, part in enumerate(first))
    return f"WITH {beside} {last}" if beside else last


def _numbered_on(place: re.Match[str], *, before: int) -> str:
    return f"${int(place[1]) + before}"
