"""A ledger that has grown: thousands of rows beside those that a test wrote."""

from sqlalchemy import Connection, text

COPIES = 4_000
_TABLES = ("receipts", "threads", "verdicts", "sightings", "spread", "outbox", "notifications")


def multiply(connection: Connection, *, backlog: bool = False) -> None:
    """Copy each row under keys of its own; the copies are of long ago, and with `backlog` they all still wait."""
    at = "NULL" if backlog else "1"
    changed = {
        "national_ref": "t.national_ref || n",
        "relay_id": "t.relay_id || n",
        "opaque_id": "left(md5(t.opaque_id || n), 12)",
        "message_id": "left(md5(t.message_id || n), 36)",
        "thread_id": "left(md5(t.thread_id || n), 36)",
        "first_thread_id": "left(md5(t.first_thread_id || n), 36)",
        "last_thread_id": "left(md5(t.last_thread_id || n), 36)",
        "event_id": "left(md5(t.event_id || n), 36)",
        "incident_id": "left(md5(t.incident_id || n), 36)",
        "decision": "t.decision + n * 1000",
        "routed_at": at,
        "key": "t.key || n",
        "cursor": "t.cursor + n * 1000",
    }
    states = {
        "receipts": "'pending'" if backlog else "'classified'",
        "notifications": "'pending'" if backlog else "t.state",
    }
    for table in _TABLES:
        columns = connection.execute(
            text("SELECT column_name FROM information_schema.columns WHERE table_name = :table"),
            {"table": table},
        ).scalars()
        of_table = changed | {
            "id": "1000 + n + t.id * 10000" if table == "outbox" else "left(md5(t.id || n), 36)",
            "state": states.get(table, "t.state"),
        }
        if table == "outbox":
            of_table["published_at"] = at
        if table == "notifications":
            of_table["next_at"] = "t.created_at" if backlog else "t.next_at"
        named = {f'"{name}"': of_table.get(name, f't."{name}"') for name in columns}
        names, values = ", ".join(named), ", ".join(named.values())
        connection.execute(
            text(  # our own tables and columns
                f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} t, generate_series(1, {COPIES}) n"
            )
        )
    if not backlog:
        connection.execute(text("ANALYZE"))
