"""The hot statements read by index on PostgreSQL too, over a ledger that has grown."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, event

from services.storage import driver, outbox, publishing, receipts, thread_rows, verdicts
from services.storage.tables import outbox as outbox_table
from services.storage.tables import receipts as receipts_table
from services.storage.tables import sightings
from services.storage.tables import verdicts as verdicts_table
from services.storage.thread_records import Filters
from tests.builders import NOW, make_alert
from tests.integration.growing import multiply
from tests.integration.test_deciding_at_once import submission
from tests.integration.test_delivering_at_once import claiming, routing
from tests.ledger import Relay
from tests.two_transactions import Two

pytestmark = [pytest.mark.integration, pytest.mark.needs("postgresql")]

_GROWING = (receipts_table, verdicts_table, sightings, outbox_table)  # with every alert


@pytest.fixture
def grown(relay: Relay) -> Relay:
    """A relay with one decided alert, and a few thousand rows beside what it wrote."""
    relay.send(make_alert())
    relay.run(multiply)
    return relay


def plans_of(connection: Connection, unit: Callable[[Connection], Any]) -> list[str]:
    """Run `unit` and return the plan of each of its statements."""
    asked: list[tuple[str, Any]] = []

    def note(sql: str, parameters: Any) -> None:
        if sql.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            asked.append((sql, tuple(parameters)))

    def by_core(_c: Any, _cursor: Any, sql: str, parameters: Any, _context: Any, many: bool) -> None:
        if not many:
            note(sql, parameters)

    cursor_of = driver._cursor
    event.listen(connection, "before_cursor_execute", by_core)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(driver, "_cursor", lambda connection: Noting(cursor_of(connection), note))
        unit(connection)
    event.remove(connection, "before_cursor_execute", by_core)
    return [
        "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {sql}", parameters))
        for sql, parameters in asked
    ]


class Noting:
    """A cursor of the driver that tells what it runs."""

    def __init__(self, cursor: Any, note: Callable[[str, Any], None]) -> None:
        self._cursor = cursor
        self._note = note

    def execute(self, sql: str, values: Any) -> None:
        self._note(sql, values)
        self._cursor.execute(sql, values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


def read_whole(plans: list[str]) -> list[str]:
    """Return the plans that read one of the growing tables from end to end."""
    return [plan for plan in plans if any(f"Seq Scan on {table.name} " in plan for table in _GROWING)]


def test_accepting_and_deciding_an_alert_reads_no_table_whole(grown: Relay, at_once: Two) -> None:
    new = submission(make_alert(national_ref="NEW-1"), key="k")
    accepting = at_once.look(lambda c: plans_of(c, partial(receipts.accept, submission=new)))
    message = grown.post(make_alert(national_ref="NEW-2"))
    deciding = at_once.look(lambda c: plans_of(c, grown.deciding(message)))

    assert len(accepting) > 1
    assert len(deciding) > 5
    assert read_whole([*accepting, *deciding]) == []


def test_routing_and_claiming_reads_no_table_whole(grown: Relay, at_once: Two) -> None:
    message = grown.post(make_alert(national_ref="NEW-2"))
    grown.settle(message)
    routed = at_once.look(lambda c: plans_of(c, routing(message.id, now=NOW)))
    claimed = at_once.look(lambda c: plans_of(c, claiming("a", now=NOW)))

    assert len(routed) > 3
    assert len(claimed) > 1
    assert read_whole(routed) == []


@pytest.mark.parametrize(
    "query",
    [
        partial(verdicts.page, after=0, most=20, filters=Filters()),
        partial(verdicts.unrouted, before=NOW, most=20),
        partial(receipts.stale, before=NOW, most=20),
        partial(receipts.page, sender_id=None, after=None, most=20),
        partial(publishing.unpublished, before=NOW, most=20),
        partial(thread_rows.by_relay_id, relay_id="COPY-7"),
        partial(outbox.prune, groups=(), before=NOW, most=20),
    ],
    ids=lambda query: f"{query.func.__module__.rpartition('.')[2]} {query.func.__name__}",
)
def test_what_is_asked_again_and_again_reads_no_table_whole(
    grown: Relay, at_once: Two, query: Callable[[Connection], Any]
) -> None:
    del grown  # it only has to be there
    plans = at_once.look(lambda c: plans_of(c, query))
    assert plans
    assert read_whole(plans) == []
