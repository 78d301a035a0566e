"""A plan that was made while the ledger was new is kept by a connection: it must still be good once there is much."""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, text

from schemas.alerts import Alert
from services.storage import deliveries_routing, deliveries_rows, driver, publishing, receipts, recipients
from services.storage.delivery_records import Deferred, Delivered, Outcome
from services.storage.records import Participation
from tests.builders import NOW, make_alert
from tests.deliveries_rig import email, make_recipient, webhook
from tests.integration.growing import multiply
from tests.integration.test_deciding_at_once import submission
from tests.integration.test_delivering_at_once import claiming, routing, settling
from tests.ledger import Relay
from tests.two_transactions import Two

pytestmark = [pytest.mark.integration, pytest.mark.needs("postgresql")]

_MOST = 60  # rows that one statement may look at; each table has thousands
Unit = Callable[[Connection], Any]


class Planner:
    """Keeps a plan of each statement that it sees, as the driver does, and tells what the plan reads."""

    def __init__(self, connection: Connection) -> None:
        self._cursor = connection.connection.cursor
        self._names: dict[str, str] = {}
        self.read: dict[str, int] = {}  # of each statement, how many rows its plan looked at

    def cursor(self, connection: Connection) -> "_Explaining":
        return _Explaining(connection.connection.cursor(), self)

    def explain(self, cursor: Any, sql: str, values: Sequence[Any]) -> None:
        """Run a statement in a savepoint, by the plan that was made when it was first seen."""
        name = self._names.get(sql)
        if name is None:
            name = self._names[sql] = f"kept_{len(self._names)}"
            cursor.execute(f"PREPARE {name} AS {sql}", ())
        given = f"({', '.join(map(_literal, values))})" if values else ""
        cursor.execute("SAVEPOINT explained", ())
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) EXECUTE {name}{given}", ())
        (plan,) = cursor.fetchall()[0]
        cursor.execute("ROLLBACK TO SAVEPOINT explained", ())
        (top,) = json.loads(plan) if isinstance(plan, str) else plan
        self.read[sql] = max(self.read.get(sql, 0), _rows_of(top["Plan"]))


class _Explaining:
    def __init__(self, cursor: Any, planner: Planner) -> None:
        self._cursor = cursor
        self._planner = planner

    def execute(self, sql: str, values: Sequence[Any]) -> None:
        self._planner.explain(self._cursor, sql, values)
        self._cursor.execute(sql, values)

    def executemany(self, sql: str, many: Sequence[Sequence[Any]]) -> None:
        for values in many:
            self.execute(sql, values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


def _rows_of(node: dict[str, Any]) -> int:
    """Return how many rows the busiest part of a plan touched, those that it threw away among them."""
    thrown = sum(value for name, value in node.items() if name.startswith("Rows Removed"))
    own = int((node["Actual Rows"] + thrown) * node["Actual Loops"])
    return max([own, *(_rows_of(one) for one in node.get("Plans", ()))])


def _literal(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool() | int() | float():
            return str(value)
        case list() | tuple():
            return f"ARRAY[{', '.join(map(_literal, value))}]"
        case _:
            return "'" + str(value).replace("'", "''") + "'"


def an_alert_all_the_way(relay: Relay, alert: Alert, outcome: Outcome) -> Iterator[Unit]:
    """Yield the units of work of one alert, from its receipt to the settlement of its letters."""
    new = submission(alert, key=alert.national_ref)
    yield partial(receipts.accept, submission=new)
    message = new.message
    yield relay.deciding(message)
    yield routing(message.id, now=NOW)
    claims: list[Any] = []
    yield lambda connection: claims.extend(claiming(alert.national_ref, now=NOW, limit=2)(connection))
    assert len(claims) == 2
    yield partial(deliveries_rows.load_version, message_id=message.id, revision=0)
    yield partial(deliveries_routing.thread_told, thread_id=claims[0].notification.thread_id)
    yield settling(claims, outcome, now=NOW)
    positions: list[int] = []
    yield lambda connection: positions.extend(_newest(connection))
    yield partial(publishing.mark_published, positions=positions, now=NOW)


def an_alert(name: str, *, month: int) -> Alert:
    """Return an alert of an event of its own."""
    return make_alert(national_ref=name, title=name, detected_at=f"2026-{month:02}-10")


def _newest(connection: Connection) -> list[int]:
    return list(connection.execute(text("SELECT id FROM outbox ORDER BY id DESC LIMIT 3")).scalars())


@pytest.mark.parametrize(
    "outcome",
    [Delivered(status_code=204), Deferred(reason="server_error", retry_after=None)],
    ids=["delivered", "deferred"],
)
def test_a_plan_made_for_an_empty_ledger_reads_little_of_a_full_one(
    relay: Relay, at_once: Two, monkeypatch: pytest.MonkeyPatch, outcome: Outcome
) -> None:
    people = [make_recipient("a", channels=(webhook(),)), make_recipient("b", channels=(email(),))]
    relay.run(
        lambda connection: recipients.replace_all(
            connection, people, taking_part={"CO": Participation.ACTIVE}, actor="test", now=NOW
        )
    )

    def unit(connection: Connection) -> Planner:
        planner = Planner(connection)
        monkeypatch.setattr(driver, "_cursor", planner.cursor)
        for number in range(2):
            for step in an_alert_all_the_way(relay, an_alert(f"OLD-{number}", month=number + 1), outcome):
                step(connection)
        planner.read.clear()
        multiply(connection, backlog=True)
        for step in an_alert_all_the_way(relay, an_alert("NEW", month=9), outcome):
            step(connection)
        return planner

    planner = at_once.first.run(unit)
    monkeypatch.undo()

    assert len(planner.read) > 20
    assert {sql: rows for sql, rows in planner.read.items() if rows > _MOST} == {}
