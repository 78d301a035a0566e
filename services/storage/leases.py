"""One holder at a time for each loop that must not run twice."""

from datetime import datetime

from sqlalchemy import Connection, or_, select, update

from services.storage.repeating import repeatable
from services.storage.statements import insert_once
from services.storage.tables import leases


@repeatable
def acquire(connection: Connection, name: str, *, holder: str, now: datetime, until: datetime) -> bool:
    """Take or renew the lease `name`; return whether `holder` has it until `until`."""
    connection.execute(insert_once(connection, leases), {"name": name, "holder": holder, "until": until})
    taken = connection.execute(
        update(leases)
        .where(leases.c.name == name, or_(leases.c.holder == holder, leases.c.until < now))
        .values(holder=holder, until=until)
    )
    return taken.rowcount == 1


def held(connection: Connection) -> dict[str, datetime]:
    """Return until when each lease is held, by its name; one that has ended is among them."""
    return {row.name: row.until for row in connection.execute(select(leases.c.name, leases.c.until))}
